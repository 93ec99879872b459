"""A run's events as series and tables, smoothed and downsampled for charts."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmnist_core.runs.event_log import EventReader
from fmnist_core.runs.record import RunRecord
from fmnist_core.runs.series import LossSeries, ThinnedRows, downsample
from fmnist_core.settings.config import MAX_EPOCHS
from fmnist_core.training.events import Diverged, EpochDone, Event, Finished, RateChanged, Resumed, Started, StepDone

Axis = Literal["step", "epoch", "seconds"]
AXES: tuple[Axis, ...] = get_args(Axis)
# A screen shows no more, and with 30,000 steps each of 30 viewers gets 5 KB per refresh instead of 400.
MAX_POINTS = 400
_MOST_REPORTS = 4096  # kept of clock, learning rate and probes: 20 minutes of reports; of a longer run every 2nd, 4th, 8th …
_MOST_PROBABILITIES = 20 * 10 * _MOST_REPORTS  # fewer reports are kept if there are more than twenty probes
_MOST_RATE_CHANGES = 256
_PER_MILLE = 1000  # probabilities are kept as they are written
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
        stride: of how many reports one was looked at; more than 1 in a run of many.
    """

    predicted: int
    is_correct: bool
    correct_since: int | None
    last_correct: int | None
    changes: int
    stride: int = 1


def _new_clock() -> ThinnedRows:
    clock = ThinnedRows(_MOST_REPORTS)
    clock.add(0, 0.0)
    return clock


def _new_probes(count: int) -> ThinnedRows | None:
    if count == 0:
        return None
    return ThinnedRows(min(_MOST_REPORTS, _MOST_PROBABILITIES // (10 * count)), (count, 10), np.uint16)


@dataclass
class RunHistory:
    """The events of one run as series, in at most 5 MB. They only grow, except that a resumed run drops what came after its checkpoint.

    Up to 65,536 steps and 4,096 reports all is kept as it was written; of a longer run see `LossSeries` and `ThinnedRows`.

    Attributes:
        started: the event before the first step; zeros and "" until there is one.
        losses: the mean loss of each step's batch; lost for a step whose report was lost with a killed process.
        epochs: one event per epoch.
        rate_changes: changes of the learning rate by hand, each in effect after its step; the latest 256.
        latest: the latest report without its losses and probes, or the event that the run was resumed; None before the first.
        finished: the event at the end; None until then.
        threads: the fewest and the most threads that have computed a step; zeros if that was not recorded.
    """

    started: Started = _NOT_STARTED
    losses: LossSeries = field(default_factory=LossSeries)
    epochs: list[EpochDone] = field(default_factory=list)
    rate_changes: list[RateChanged] = field(default_factory=list)
    latest: StepDone | Resumed | None = None
    finished: Finished | None = None
    threads: tuple[int, int] = (0, 0)
    _clock: ThinnedRows = field(default_factory=_new_clock)  # seconds at steps
    _rates: ThinnedRows = field(default_factory=lambda: ThinnedRows(_MOST_REPORTS))  # learning rates at steps
    _probes: ThinnedRows | None = None  # probabilities in per mille, (P, 10), at steps; None without probes
    _reader: EventReader = field(default_factory=EventReader)
    _misplaced: int = 0

    def read_new(self, run: RunRecord, max_bytes: int | None = None) -> None:
        """Reads the events that the run has written since the last call, or all if the run has started over in a new file.

        Args:
            max_bytes: about how much to read at most; None reads everything.
        """
        if self._reader.state(run.folder) == "other":
            self._forget_all()
            self._reader, self._misplaced = EventReader(), 0
        for event in self._reader.read(run.folder, max_bytes):
            self._take(event)
        if isinstance(self.latest, StepDone):
            self.latest = replace(self.latest, losses=(), probes=None)

    def has_news(self, run: RunRecord) -> bool:
        """Whether `read_new` would find anything."""
        return self._reader.state(run.folder) != "same"

    def unread_bytes(self, run: RunRecord) -> int:
        """How much there is for `read_new` to read."""
        return self._reader.unread_bytes(run.folder)

    def copy(self) -> "RunHistory":
        """A history that reads on independently."""
        return replace(
            self,
            losses=self.losses.copy(),
            epochs=self.epochs.copy(),
            rate_changes=self.rate_changes.copy(),
            _clock=self._clock.copy(),
            _rates=self._rates.copy(),
            _probes=None if self._probes is None else self._probes.copy(),
            _reader=self._reader.copy(),
        )

    @property
    def skipped_lines(self) -> int:
        """Lines of the run's file that are not events, or not of this run, and were left out."""
        return self._reader.skipped + self._misplaced

    @property
    def nbytes(self) -> int:
        """The size of its series."""
        return sum(series.nbytes for series in (self.losses, self._clock, self._rates, self._probes) if series is not None)

    def _take(self, event: Event) -> None:
        if not isinstance(event, Started) and self.started.steps_per_epoch and event.step > self.started.steps_per_epoch * MAX_EPOCHS:
            self._misplaced += 1
            return
        match event:
            case Started():
                self._forget_all()
                self.started = event
                self._probes = _new_probes(len(event.probes))
            case Resumed():
                self._forget_beyond(event.step)
                self._clock.add(event.step + _JUST_AFTER, event.elapsed_s, is_jump=True)
                self.latest = event
            case StepDone():
                self._take_report(event)
            case RateChanged():
                self._take_rate(event)
            case EpochDone():
                self.epochs = [epoch for epoch in self.epochs if epoch.epoch < event.epoch] + [event]
                self._clock.add(event.step + _JUST_AFTER, event.elapsed_s, is_jump=True)  # the evaluation took time but no step
            case Diverged():
                self._put_losses(event.step - 1, event.losses)
            case Finished():
                self.finished = event

    def _take_report(self, event: StepDone) -> None:
        self._put_losses(event.step, event.losses)
        self._clock.add(event.step, event.elapsed_s)
        if event.learning_rate is not None:
            self._rates.add(event.step, event.learning_rate)
        if event.probes is not None and self._probes is not None and event.probes.shape == self._probes.rows.shape[1:]:
            self._probes.add(event.step, np.rint(_PER_MILLE * event.probes))
        if event.threads:
            fewest, most = self.threads
            self.threads = min(fewest or event.threads, event.threads), max(most, event.threads)
        self.latest = event
        self.finished = None  # it got more epochs

    def _take_rate(self, event: RateChanged) -> None:
        self.rate_changes = [*self.rate_changes, event][-_MOST_RATE_CHANGES:]
        if self._rates:
            self._rates.add(event.step, self._rates.rows[-1])
        self._rates.add(event.step + _JUST_AFTER, event.learning_rate, is_jump=True)

    def _put_losses(self, last_step: int, losses: tuple[float, ...]) -> None:
        if losses:
            self.losses.put(max(0, last_step - len(losses)), losses)

    def _forget_all(self) -> None:
        self.started, self.losses, self.epochs, self.rate_changes = _NOT_STARTED, LossSeries(), [], []
        self.latest, self.finished, self.threads = None, None, (0, 0)
        self._clock, self._rates, self._probes = _new_clock(), ThinnedRows(_MOST_REPORTS), None

    def _forget_beyond(self, step: int) -> None:
        self.losses.cut(step)
        self.epochs = [epoch for epoch in self.epochs if epoch.step <= step]
        self.rate_changes = [change for change in self.rate_changes if change.step <= step]
        for series in (self._clock, self._rates, self._probes):
            if series is not None:
                series.cut(step + _JUST_AFTER)
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
        return np.interp(steps, self._clock.positions, self._clock.rows)

    def rates_at(self, steps: NDArray[Any]) -> NDArray[np.float64]:
        """The learning rate of each step, interpolated between reports; NaN if the run recorded none."""
        if not self._rates:
            return np.full(len(steps), np.nan)
        return np.interp(steps, self._rates.positions, self._rates.rows)

    # Tables for charts

    def rate_table(self, axis: Axis = "step", max_points: int = MAX_POINTS) -> pd.DataFrame:
        """The axis and `learning_rate`, in about `max_points` rows or fewer; no rows if the run recorded none.

        Both sides of a change by hand are among them, at the same place, so that it is drawn as a step and not as a ramp.
        """
        steps, rates = self._rates.positions, self._rates.rows
        after = np.flatnonzero(np.diff(steps) < 2 * _JUST_AFTER) + 1
        shown = np.union1d(downsample(rates, max_points), np.concatenate([after - 1, after])).astype(np.int64)
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
        """One row per step: step and epoch (counted from 1), seconds of training, loss and learning rate.

        Of a run with many steps, one row per stride of `losses.stride` steps, with its last step and its mean loss.
        """
        steps = self.losses.ends
        return pd.DataFrame(
            {
                "step": steps,
                "epoch": -(-steps // max(1, self.started.steps_per_epoch)),
                "seconds": self.x_values("seconds", steps).round(3),
                "loss": self.losses.means,
                "learning_rate": self.rates_at(steps),
            }
        )

    # Probes: the test images that are followed through training

    def newest_probabilities(self) -> NDArray[np.float32] | None:
        """Class probabilities of the probes, (P, 10), in the latest report; None before the first, or without probes."""
        return None if not self._probes else self._probes.rows[-1].astype(np.float32) / np.float32(_PER_MILLE)

    def probabilities_over_time(self, probe: int, max_points: int = MAX_POINTS) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Steps (n,) and probabilities (n, 10) of one probe at about `max_points` reports or fewer, including the latest.

        It takes every 2nd, 4th, 8th … report, so that points already drawn stay in place when reports are added.
        """
        if not self._probes:
            return np.zeros(0, np.int64), np.zeros((0, 10), np.float32)
        stride = 1
        while len(self._probes) // stride > max_points:
            stride *= 2
        last = len(self._probes) - 1
        picked = [*range(0, last, stride), last]
        probabilities = self._probes.rows[picked, probe].astype(np.float32) / np.float32(_PER_MILLE)
        return self._probes.positions[picked].astype(np.int64), probabilities

    def answer_trail(self, probe: int, true_class: int) -> Trail | None:
        """When a probe was classified correctly, in the reports that are kept; None before the first report."""
        if not self._probes:
            return None
        predicted, steps = self._probes.rows[:, probe].argmax(axis=1), self._probes.positions.astype(int).tolist()
        correct = predicted == true_class
        wrong, ever_correct = np.flatnonzero(~correct), np.flatnonzero(correct)
        return Trail(
            predicted=int(predicted[-1]),
            is_correct=bool(correct[-1]),
            correct_since=steps[wrong[-1] + 1 if len(wrong) else 0] if correct[-1] else None,
            last_correct=steps[ever_correct[-1]] if len(ever_correct) else None,
            changes=int((correct[1:] != correct[:-1]).sum()),
            stride=self._probes.stride,
        )
