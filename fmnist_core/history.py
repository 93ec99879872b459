"""What a run has done so far, as series: read from its events, smoothed and thinned for a chart."""

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmnist_core.runs import RunRecord, read_events

Axis = Literal["step", "epoch", "seconds"]
AXES: tuple[Axis, ...] = get_args(Axis)
# A screen shows no more, and 30 viewers of a 30,000-step run get 5 KB a tick each instead of 400.
MAX_POINTS = 400
_JUST_AFTER = 1e-6  # of a step: where something jumps between one step and the next
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


@dataclass
class RunHistory:
    """The events of one run as lists; they grow, but for what a resumed run forgets.

    Attributes:
        losses: one a step, the mean of its batch; NaN for a step whose report was lost with a killed process.
        epochs: a dictionary an epoch, the fields of EpochDone; runs of earlier versions lack the newer ones.
        rate_changes: epoch, step and learning_rate of each change by hand, in force after that step.
        steps_per_epoch, train_images, validation_images, test_images: 0 before the run has started.
        device: what it trains on, in words.
        precision: "bfloat16" or "float32"; "" where it was not recorded.
        probes: indices of the test images that are watched; empty where none are.
        pace: the newest report's epoch, step, images_per_s, elapsed_s, remaining_s; empty before the first.
        finished: the fields of Finished, once it has come.
    """

    losses: list[float] = field(default_factory=list)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    rate_changes: list[dict[str, Any]] = field(default_factory=list)
    steps_per_epoch: int = 0
    train_images: int = 0
    validation_images: int = 0
    test_images: int = 0
    device: str = ""
    precision: str = ""
    probes: tuple[int, ...] = ()
    pace: dict[str, Any] = field(default_factory=dict)
    finished: dict[str, Any] | None = None
    _clock: list[tuple[float, float]] = field(default_factory=lambda: [(0.0, 0.0)])  # steps, seconds
    _rates: list[tuple[float, float]] = field(default_factory=list)  # steps, learning rate
    _answers: list[tuple[int, NDArray[np.uint16]]] = field(default_factory=list)  # step, per mille (items, 10)
    _offset: int = 0

    def read_new(self, run: RunRecord) -> None:
        """Takes in the events that the run has written since the last call."""
        events, self._offset = read_events(run, self._offset)
        for event in events:
            self._take(event.pop("type"), event)

    def _take(self, kind: str, event: dict[str, Any]) -> None:
        match kind:
            case "Started":
                self._forget_beyond(0)
                self.steps_per_epoch, self.device = event["steps_per_epoch"], event["device"]
                self.train_images, self.validation_images = event.get("train_images", 0), event.get("validation_images", 0)
                self.test_images, self.precision = event.get("test_images", 0), event.get("precision", "")
                self.probes = tuple(event.get("probes", ()))
            case "Resumed":
                self._forget_beyond(event["step"])
                self._clock.append((event["step"] + _JUST_AFTER, event["elapsed_s"]))
                self.pace = event
            case "StepDone":
                self._take_report(event)
            case "RateChanged":
                self.rate_changes.append(event)
                if self._rates:
                    self._rates.append((event["step"], self._rates[-1][1]))
                self._rates.append((event["step"] + _JUST_AFTER, event["learning_rate"]))
            case "EpochDone":
                self.epochs = [epoch for epoch in self.epochs if epoch["epoch"] < event["epoch"]] + [event]
                self._clock.append((event["step"] + _JUST_AFTER, event["elapsed_s"]))  # the test took time, and no step
            case "Diverged":
                self._put_losses(event["step"] - 1, event.get("losses", []))
            case "Finished":
                self.finished = event

    def _take_report(self, event: dict[str, Any]) -> None:
        step = event["step"]
        self._put_losses(step, event.pop("losses"))
        self._clock.append((step, event["elapsed_s"]))
        if "learning_rate" in event:
            self._rates.append((step, event["learning_rate"]))
        probes = event.pop("probes", None)
        if probes:
            self._answers.append((step, np.array(probes, np.uint16)))
        self.pace = event
        self.finished = None  # it got more epochs

    def _put_losses(self, last_step: int, losses: list[float]) -> None:
        if losses:
            first = max(0, last_step - len(losses))
            del self.losses[first:]
            self.losses += [float("nan")] * (first - len(self.losses)) + losses

    def _forget_beyond(self, step: int) -> None:
        del self.losses[step:]
        self.epochs = [epoch for epoch in self.epochs if epoch["step"] <= step]
        self.rate_changes = [change for change in self.rate_changes if change["step"] <= step]
        self._clock = [knot for knot in self._clock if knot[0] <= step + _JUST_AFTER]
        self._rates = [knot for knot in self._rates if knot[0] <= step + _JUST_AFTER]
        self._answers = [report for report in self._answers if report[0] <= step]
        self.pace, self.finished = {}, None

    @property
    def steps(self) -> int:
        """Steps done, as far as was reported."""
        return int(self.pace.get("step", len(self.losses)))

    @property
    def elapsed_s(self) -> float:
        """Seconds of training, pauses not counted."""
        return max(float(last.get("elapsed_s", 0)) for last in (self.pace, *self.epochs[-1:], self.finished or {}))

    # Where something stands on the axis that was chosen

    def along(self, axis: Axis, steps: "NDArray[Any] | list[int]") -> NDArray[np.float64]:
        """Steps as the axis has them: themselves, epochs (with fractions), or seconds, interpolated between reports."""
        steps = np.asarray(steps, np.float64)
        if axis == "step":
            return steps
        if axis == "epoch":
            return steps / max(1, self.steps_per_epoch)
        known, seconds = np.array(self._clock).T
        return np.interp(steps, known, seconds)

    def rates_at(self, steps: NDArray[Any]) -> NDArray[np.float64]:
        """Learning rate of each step, interpolated between reports; NaN where the run recorded none."""
        if not self._rates:
            return np.full(len(steps), np.nan)
        known, rates = np.array(self._rates).T
        return np.interp(steps, known, rates)

    # Thinned tables for charts

    def loss_table(self, smoothing: float, axis: Axis = "step", max_points: int = MAX_POINTS) -> pd.DataFrame:
        """At most `max_points` rows: the axis, "each batch" and "smoothed"."""
        losses = np.asarray(self.losses, np.float64)
        shown = thin(losses, max_points)
        x = self.along(axis, shown + 1)
        return pd.DataFrame({axis: x, "each batch": losses[shown], "smoothed": smooth(losses, smoothing)[shown]})

    def rate_table(self, axis: Axis = "step", max_points: int = MAX_POINTS) -> pd.DataFrame:
        """At most `max_points` rows: the axis and "learning rate"; no row for a run that recorded none."""
        steps, rates = np.array(self._rates, np.float64).reshape(-1, 2).T
        shown = thin(rates, max_points)
        return pd.DataFrame({axis: self.along(axis, steps[shown]), "learning rate": rates[shown]})

    def accuracy_table(self) -> pd.DataFrame:
        """A row an epoch, in percent: "epoch", "test accuracy", and "validation accuracy" and "training accuracy" where they are known."""
        names = {"test accuracy": "test_accuracy", "validation accuracy": "validation_accuracy", "training accuracy": "train_accuracy"}
        table = pd.DataFrame({"epoch": [epoch["epoch"] for epoch in self.epochs]})
        for name, fact in names.items():
            values = pd.Series([epoch.get(fact) for epoch in self.epochs], dtype=float)
            if name == "test accuracy" or values.notna().any():
                table[name] = 100 * values
        return table

    # Tables of all there is

    def epoch_table(self) -> pd.DataFrame:
        """A row an epoch: losses, accuracies in percent, learning rate and seconds since training began, where they are known."""
        table = pd.DataFrame(self.epochs, columns=[*_EPOCH_COLUMNS, "is_best"])
        kept = [name for name in _EPOCH_COLUMNS if name in ("epoch", "elapsed_s") or table[name].notna().any()]
        best = [epoch["epoch"] for epoch in self.epochs if epoch.get("is_best")][-1:]
        for name in kept:
            if name.endswith("accuracy"):
                table[name] = 100 * table[name].astype(float)
        if best:
            table["is_best"] = table["epoch"].isin(best)
        return table[[*kept, "is_best"] if best else kept]

    def step_table(self) -> pd.DataFrame:
        """A row a step: step and epoch (from 1), seconds since training began, loss and learning rate."""
        steps = np.arange(1, len(self.losses) + 1)
        return pd.DataFrame(
            {
                "step": steps,
                "epoch": -(-steps // max(1, self.steps_per_epoch)),
                "seconds": self.along("seconds", steps).round(3),
                "loss": np.asarray(self.losses, np.float64),
                "learning_rate": self.rates_at(steps),
            }
        )

    # The test images that are watched

    def newest_answers(self) -> NDArray[np.float64] | None:
        """(items, 10) probabilities, 0 to 1, at the newest report; None before the first or where none are watched."""
        return self._answers[-1][1] / 1000 if self._answers else None

    def answers_over_time(self, item: int, max_points: int = MAX_POINTS) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Steps (n,) and probabilities (n, 10) of one watched item at no more than about `max_points` reports, the newest among them.

        A report is skipped by a power of two, so that what is drawn stays in place as reports come.
        """
        stride = 1
        while len(self._answers) // stride > max_points:
            stride *= 2
        picked = [*self._answers[:-1:stride], *self._answers[-1:]]
        steps = np.array([step for step, _ in picked], np.int64)
        return steps, np.array([answers[item] for _, answers in picked], np.float64).reshape(-1, 10) / 1000

    def follow(self, item: int, true_class: int) -> "Trail | None":
        """When a watched item was answered right; None before the first report."""
        if not self._answers:
            return None
        taken_for = np.array([int(answers[item].argmax()) for _, answers in self._answers])
        right = taken_for == true_class
        steps = [step for step, _ in self._answers]
        wrong, ever_right = np.flatnonzero(~right), np.flatnonzero(right)
        return Trail(
            taken_for=int(taken_for[-1]),
            is_right=bool(right[-1]),
            right_since=steps[wrong[-1] + 1 if len(wrong) else 0] if right[-1] else None,
            last_right=steps[ever_right[-1]] if len(ever_right) else None,
            changes=int((right[1:] != right[:-1]).sum()),
        )


@dataclass(frozen=True)
class Trail:
    """How the answers to one item came and went.

    Attributes:
        taken_for: class of the newest answer.
        is_right: whether that is the true class.
        right_since: the first step of the right answers that have not broken off since; None where it is wrong now.
        last_right: the last step at which it was answered right; None if it never was.
        changes: how often right became wrong or wrong right.
    """

    taken_for: int
    is_right: bool
    right_since: int | None
    last_right: int | None
    changes: int


def smooth(values: NDArray[np.float64], smoothing: float) -> NDArray[np.float64]:
    """Exponential moving average, corrected for its start as Adam's moments are, so that the first values are not pulled to 0.

    Args:
        smoothing: from 0 (the values as they are) to below 1; each average keeps this share of the one before.
    """
    if smoothing <= 0 or len(values) == 0:
        return values
    return pd.Series(values).ewm(alpha=1 - smoothing, adjust=True).mean().to_numpy()


def thin(values: NDArray[np.float64], max_points: int) -> NDArray[np.int64]:
    """Indices of at most `max_points` values that draw the same picture: the lowest and the highest of each stretch, and the last.

    A stretch is a power of two long and starts at a multiple of it, so that what is drawn stays in place as values are added.
    """
    count = len(values)
    if count <= max_points:
        return np.arange(count)
    length = 1
    while 2 * (count // length + 1) + 1 > max_points:
        length *= 2
    picked = {count - 1}
    for start in range(0, count, length):
        stretch = values[start : start + length]
        picked |= {start + int(stretch.argmin()), start + int(stretch.argmax())}
    return np.array(sorted(picked))
