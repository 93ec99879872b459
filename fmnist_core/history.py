"""What a run has done so far, as series: read from its events, smoothed and thinned for a chart."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmnist_core.runs import RunRecord, read_events

# A screen shows no more, and 30 viewers of a 30,000-step run get 5 KB a tick each instead of 400.
_MAX_POINTS = 400


@dataclass
class RunHistory:
    """The events of one run as lists that only grow.

    Attributes:
        losses: one a step, the mean of its batch.
        epochs: a dictionary an epoch: epoch, step, train_loss, test_loss, test_accuracy, elapsed_s.
        steps_per_epoch: 0 before the run has started.
        device: what it trains on, in words.
        pace: the newest report's epoch, step, images_per_s, elapsed_s, remaining_s; empty before the first.
    """

    losses: list[float] = field(default_factory=list)
    epochs: list[dict[str, Any]] = field(default_factory=list)
    steps_per_epoch: int = 0
    device: str = ""
    pace: dict[str, Any] = field(default_factory=dict)
    _offset: int = 0

    def read_new(self, run: RunRecord) -> None:
        """Takes in the events that the run has written since the last call."""
        events, self._offset = read_events(run, self._offset)
        for event in events:
            match event.pop("type"):
                case "Started":
                    self.steps_per_epoch, self.device = event["steps_per_epoch"], event["device"]
                case "StepDone":
                    self.losses += event.pop("losses")
                    self.pace = event
                case "EpochDone":
                    self.epochs.append(event)

    def loss_table(self, smoothing: float) -> pd.DataFrame:
        """At most 400 rows of step (from 1), batch loss and smoothed loss."""
        losses = np.asarray(self.losses)
        shown = thin(losses, _MAX_POINTS)
        return pd.DataFrame({"step": shown + 1, "each batch": losses[shown], "smoothed": smooth(losses, smoothing)[shown]})

    def epoch_table(self) -> pd.DataFrame:
        """A row an epoch: losses, test accuracy in percent, and seconds since training began."""
        columns = ["epoch", "train_loss", "test_loss", "test_accuracy", "elapsed_s"]
        table = pd.DataFrame(self.epochs, columns=columns)
        return table.assign(test_accuracy=100 * table.pop("test_accuracy").astype(float))[columns]


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
