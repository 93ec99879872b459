"""A run's losses as its chart draws them."""

import pandas as pd

from fmnist_core.figures.loss_curves import loss_curve
from fmnist_core.runs.history import MAX_POINTS, Axis, RunHistory


def loss_table(history: RunHistory, smoothing: float, axis: Axis = "step", max_points: int = MAX_POINTS) -> pd.DataFrame:
    """At most `max_points` rows: the axis, `loss` and `smoothed`."""
    return pd.DataFrame(loss_curve(history, smoothing, log=False).table(history, axis, max_points))
