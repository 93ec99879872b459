"""A run's events as series and tables, smoothed and downsampled for charts."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmnist_core.runs.event_log import read_events
from fmnist_core.runs.record import RunRecord
from fmnist_core.runs.series import downsample, smooth
from fmnist_core.training.events import Diverged, EpochDone, Event, Finished, RateChanged, Resumed, Started, StepDone

Axis = Literal["step", "epoch", "seconds"]
AXES: tuple[Axis, ...] = get_args(Axis)
# A screen shows no more, and with 30,000 steps each of 30 viewers gets 5 KB per refresh instead of 400.
MAX_POINTS = 400
_JUST_AFTER = 1e-6  # of a step: marks a jump between one step and the next
_NOT_STARTED = Started(steps_per_epoch=0)
_ACCURACIES = ("test_accuracy", "validation_accuracy", "train_accuracy")
_EPOCH_COLUMNS = (
    "epoch",
    "train_loss",
    "train_accuracy",
    "validation_loss",
    "validation_accuracy",
    "test_loss",
    "test_accuracy",
    "learning_rate",
    "elapsed_s",
)


@dataclass(frozen=True)
class Trail:
    """How the network's prediction for one probe changed during training.

    Attributes:
        predicted: the latest prediction.
        is_correct: whether it is the true class.
        correct_since: the step since which all predictions are correct; None if the latest is wrong.
        last_correct: the last step with a correct prediction; None if there was none.
        changes: how often a correct prediction was followed by a wrong one, or the other way round.
    """

    predicted: int
    is_correct: bool
    correct_since: int | None
    last_correct: int | None
    changes: int


@dataclass
class RunHistory:
    """The events of one run as lists. They only grow, except that a resumed run drops what came after its checkpoint.

    Attributes:
        started: the event before the first step; zeros and "" until there is one.
        losses: one per step, the mean of its batch; NaN for a step whose report was lost with a killed process.
        epochs: one event per epoch.
        rate_changes: changes of the learning rate by hand, each in effect after its step.
        latest: the latest report, or the event that the run was resumed; None before the first.
        finished: the event at the end; None until then.
    """

    started: Started = _NOT_STARTED
    losses: list[float] = field(default_factory=list)
    epochs: list[EpochDone] = field(default_factory=list)
    rate_changes: list[RateChanged] = field(default_factory=list)
    latest: StepDone | Resumed | None = None
    finished: Finished | None = None
    _clock: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)])  # steps, seconds
    _rates: list[tuple[float, float]] = field(default_factory=list)  # steps, learning rate
    _probes: list[tuple[int, NDArray[np.float32]]] = field(default_factory=list)  # step, probabilities (P, 10)
    _offset: int = 0

    def read_new(self, run: RunRecord) -> None:
        """Reads the events that the run has written since the last call."""
        events, self._offset = read_events(run.folder, self._offset)
        for event in events:
            self._take(event)

    def _take(self, event: Event) -> None:
        match event:
            case Started():
                self._forget_beyond(0)
                self.started = event
            case Resumed():
                self._forget_beyond(event.step)
                self._clock.append((event.step + _JUST_AFTER, event.elapsed_s))
                self.latest = event
            case StepDone():
                self._take_report(event)
            case RateChanged():
                self.rate_changes.append(event)
                if self._rates:
                    self._rates.append((event.step, self._rates[-1][1]))
                self._rates.append((event.step + _JUST_AFTER, event.learning_rate))
            case EpochDone():
                self.epochs = [epoch for epoch in self.epochs if epoch.epoch < event.epoch] + [event]
                self._clock.append((event.step + _JUST_AFTER, event.elapsed_s))  # the evaluation took time but no step
            case Diverged():
                self._put_losses(event.step - 1, event.losses)
            case Finished():
                self.finished = event

    def _take_report(self, event: StepDone) -> None:
        self._put_losses(event.step, event.losses)
        self._clock.append((event.step, event.elapsed_s))
        if event.learning_rate is not None:
            self._rates.append((event.step, event.learning_rate))
        if event.probes is not None and len(event.probes):
            self._probes.append((event.step, event.probes))
        self.latest = event
        self.finished = None  # it got more epochs

    def _put_losses(self, last_step: int, losses: tuple[float, ...]) -> None:
        if losses:
            first = max(0, last_step - len(losses))
            del self.losses[first:]
            self.losses += [float("nan")] * (first - len(self.losses)) + list(losses)

    def _forget_beyond(self, step: int) -> None:
        del self.losses[step:]
        self.epochs = [epoch for epoch in self.epochs if epoch.step <= step]
        self.rate_changes = [change for change in self.rate_changes if change.step <= step]
        self._clock = [knot for knot in self._clock if knot[0] <= step + _JUST_AFTER]
        self._rates = [knot for knot in self._rates if knot[0] <= step + _JUST_AFTER]
        self._probes = [report for report in self._probes if report[0] <= step]
        self.latest, self.finished = None, None

    @property
    def steps(self) -> int:
        """Steps completed, according to the latest report."""
        return len(self.losses) if self.latest is None else self.latest.step

    @property
    def elapsed_s(self) -> float:
        """Seconds of training, without pauses."""
        newest = (self.latest, self.finished, *self.epochs[-1:])
        return max((event.elapsed_s for event in newest if event is not None), default=0.0)

    @property
    def remaining_s(self) -> float | None:
        """Expected seconds to the end; None if nothing has been reported since the run started or was resumed."""
        return self.latest.remaining_s if isinstance(self.latest, StepDone) else None

    @property
    def best_epoch(self) -> EpochDone | None:
        """The epoch with the highest validation accuracy; None if no images are held out."""
        return next((epoch for epoch in reversed(self.epochs) if epoch.is_best), None)

    # Positions on the chosen axis

    def x_values(self, axis: Axis, steps: "NDArray[Any] | list[int]") -> NDArray[np.float64]:
        """Steps on an axis: as steps, as epochs (with fractions), or as seconds, interpolated between reports."""
        steps = np.asarray(steps, np.float64)
        if axis == "step":
            return steps
        if axis == "epoch":
            return steps / max(1, self.started.steps_per_epoch)
        known, seconds = np.array(self._clock).T
        return np.interp(steps, known, seconds)

    def rates_at(self, steps: NDArray[Any]) -> NDArray[np.float64]:
        """The learning rate of each step, interpolated between reports; NaN if the run recorded none."""
        if not self._rates:
            return np.full(len(steps), np.nan)
        known, rates = np.array(self._rates).T
        return np.interp(steps, known, rates)

    # Tables for charts

    def loss_table(self, smoothing: float, axis: Axis = "step", max_points: int = MAX_POINTS) -> pd.DataFrame:
        """At most `max_points` rows: the axis, `loss` and `smoothed`."""
        losses = np.asarray(self.losses, np.float64)
        shown = downsample(losses, max_points)
        x = self.x_values(axis, shown + 1)
        return pd.DataFrame({axis: x, "loss": losses[shown], "smoothed": smooth(losses, smoothing)[shown]})

    def rate_table(self, axis: Axis = "step", max_points: int = MAX_POINTS) -> pd.DataFrame:
        """At most `max_points` rows: the axis and `learning_rate`; no rows if the run recorded none."""
        steps, rates = np.array(self._rates, np.float64).reshape(-1, 2).T
        shown = downsample(rates, max_points)
        return pd.DataFrame({axis: self.x_values(axis, steps[shown]), "learning_rate": rates[shown]})

    def accuracy_table(self) -> pd.DataFrame:
        """One row per epoch, in percent: `epoch`, `test_accuracy`, and `validation_accuracy` and `train_accuracy` if they are known."""
        table = pd.DataFrame({"epoch": [epoch.epoch for epoch in self.epochs]})
        for name in _ACCURACIES:
            values = pd.Series([getattr(epoch, name) for epoch in self.epochs], dtype=float)
            if name == "test_accuracy" or values.notna().any():
                table[name] = 100 * values
        return table

    # Complete tables

    def epoch_table(self) -> pd.DataFrame:
        """One row per epoch: losses, accuracies in percent, learning rate and seconds of training, as far as they are known."""
        table = pd.DataFrame({name: [getattr(epoch, name) for epoch in self.epochs] for name in _EPOCH_COLUMNS})
        known = [name for name in _EPOCH_COLUMNS if name in ("epoch", "elapsed_s") or table[name].notna().any()]
        table = table[known]
        for name in set(known) & set(_ACCURACIES):
            table[name] = 100 * table[name].astype(float)
        if self.best_epoch is not None:
            table["is_best"] = table["epoch"] == self.best_epoch.epoch
        return table

    def step_table(self) -> pd.DataFrame:
        """One row per step: step and epoch (counted from 1), seconds of training, loss and learning rate."""
        steps = np.arange(1, len(self.losses) + 1)
        return pd.DataFrame(
            {
                "step": steps,
                "epoch": -(-steps // max(1, self.started.steps_per_epoch)),
                "seconds": self.x_values("seconds", steps).round(3),
                "loss": np.asarray(self.losses, np.float64),
                "learning_rate": self.rates_at(steps),
            }
        )

    # Probes: the test images that are followed through training

    def newest_probabilities(self) -> NDArray[np.float32] | None:
        """Class probabilities of the probes, (P, 10), in the latest report; None before the first, or without probes."""
        return self._probes[-1][1] if self._probes else None

    def probabilities_over_time(self, probe: int, max_points: int = MAX_POINTS) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Steps (n,) and probabilities (n, 10) of one probe at about `max_points` reports or fewer, including the latest.

        It takes every 2nd, 4th, 8th … report, so that points already drawn stay in place when reports are added.
        """
        stride = 1
        while len(self._probes) // stride > max_points:
            stride *= 2
        picked = [*self._probes[:-1:stride], *self._probes[-1:]]
        steps = np.array([step for step, _ in picked], np.int64)
        return steps, np.array([probabilities[probe] for _, probabilities in picked], np.float32).reshape(-1, 10)

    def answer_trail(self, probe: int, true_class: int) -> Trail | None:
        """When a probe was classified correctly; None before the first report."""
        if not self._probes:
            return None
        predicted = np.array([int(probabilities[probe].argmax()) for _, probabilities in self._probes])
        correct = predicted == true_class
        steps = [step for step, _ in self._probes]
        wrong, ever_correct = np.flatnonzero(~correct), np.flatnonzero(correct)
        return Trail(
            predicted=int(predicted[-1]),
            is_correct=bool(correct[-1]),
            correct_since=steps[wrong[-1] + 1 if len(wrong) else 0] if correct[-1] else None,
            last_correct=steps[ever_correct[-1]] if len(ever_correct) else None,
            changes=int((correct[1:] != correct[:-1]).sum()),
        )
