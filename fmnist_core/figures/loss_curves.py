"""The losses of a run as curves to draw, and how far a scale has to reach for them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fmnist_core.figures.live_axes import loss_limit
from fmnist_core.figures.live_frame import Columns
from fmnist_core.runs.history import Axis, RunHistory
from fmnist_core.runs.series import downsample

_HUGE = 20  # times the lowest smoothed loss: a peak that high is cut off, and must not lift the smoothed curve for long
_BEYOND = 2  # times the end of the scale: where the smoothed curve still leaves the chart during a peak


@dataclass(frozen=True)
class LossCurve:
    """The losses of a run at its steps, all of them.

    Attributes:
        followed: the smoothed losses that decide how far the scale reaches.
    """

    steps: NDArray[np.int64]
    losses: NDArray[np.float64]
    smoothed: NDArray[np.float64]
    followed: NDArray[np.float64]

    def limit(self, last_step: float = np.inf) -> float:
        """Up to where the scale has to reach for the steps up to this one."""
        end = int(np.searchsorted(self.steps, last_step, side="right"))
        return loss_limit(self.steps[:end], self.losses[:end], self.followed[:end])

    def table(self, history: RunHistory, axis: Axis, max_points: int) -> Columns:
        """At most so many rows: the axis, `loss` and `smoothed`."""
        shown = downsample(self.losses, max_points)
        x = history.x_values(axis, self.steps[shown])
        return {axis: x, "loss": self.losses[shown], "smoothed": self.smoothed[shown]}

    @property
    def lowest(self) -> float:
        """Where a logarithmic scale begins: below the smoothed curve and nearly all batches, because single ones can come close to 0."""
        known = self.losses[np.isfinite(self.losses) & (self.losses > 0)]
        if not len(known):
            return 0.1
        smoothed = self.smoothed[np.isfinite(self.smoothed) & (self.smoothed > 0)]
        return float(min(np.quantile(known, 0.02), smoothed.min(initial=np.inf)))


def loss_curve(history: RunHistory, smoothing: float, log: bool) -> LossCurve:
    """A run's losses, smoothed as they are plotted: on a linear scale, a huge loss counts as one at its upper end."""
    series = history.losses
    steps, losses = series.curve()
    smoothed = series.smoothed(smoothing, log=log)
    if log or series.peak[0] < _HUGE * np.min(smoothed, initial=np.inf, where=np.isfinite(smoothed)):
        return LossCurve(steps, losses, smoothed, smoothed)
    followed = series.smoothed(smoothing, log=True)
    limit = loss_limit(steps, losses, followed)
    return LossCurve(steps, losses, series.smoothed(smoothing, at_most=_BEYOND * limit), followed)


def epoch_points(history: RunHistory, axis: Axis, column: str) -> Columns:
    """The axis and a figure that is known once per epoch, in the epochs in which it is known and finite."""
    known = [epoch for epoch in history.epochs if np.isfinite(getattr(epoch, column) if getattr(epoch, column) is not None else np.nan)]
    x = [epoch.elapsed_s for epoch in known] if axis == "seconds" else history.x_values(axis, [epoch.step for epoch in known])
    return {axis: np.asarray(x, np.float64), column: np.array([getattr(epoch, column) for epoch in known], np.float64)}
