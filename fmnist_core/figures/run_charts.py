"""Plotly figures of a run for the page that is downloaded, which brings along all it takes to zoom in. Pages show `live_charts`."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from fmnist_core.figures.live_axes import Others, loss_axis, recent_limit
from fmnist_core.figures.loss_curves import epoch_points, loss_curve
from fmnist_core.figures.style import ACCURACY_NAMES, BLUE, GREEN, GREY, ORANGE, OTHER_LINES, SKY_BLUE, as_typed, base_figure
from fmnist_core.runs.history import Axis, RunHistory

_POINTS = 4000
LOSS_HOVER = "%{y:.4g}"  # four digits, of a huge loss with a power of ten
_OTHER_POINTS = 1000
# Below the plot, because plotly's buttons are above it.
LEGEND = {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0}


def draw_loss(history: RunHistory, *, axis: Axis = "step", smoothing: float = 0.9, log: bool = False, others: Others = ()) -> go.Figure:
    """The loss: every batch faintly, the smoothed loss on top, test and validation losses as points, changes of the learning rate as marks.

    Args:
        log: whether the scale of the loss is logarithmic.
        others: runs to compare with, whose smoothed losses have their own colours and dashes.
    """
    figure = base_figure(420, xaxis_title=axis, yaxis_title="loss", legend=LEGEND, hovermode="x unified")
    curve = loss_curve(history, smoothing, log)
    limits, table = [curve.limit()], curve.table(history, axis, _POINTS)
    figure.add_scatter(x=table[axis], y=table["loss"], name="each batch", mode="lines", line={"color": SKY_BLUE, "width": 1}, opacity=0.6)
    figure.add_scatter(x=table[axis], y=table["smoothed"], name="smoothed", mode="lines", line={"color": ORANGE, "width": 3})
    for (name, other), style in zip(others, OTHER_LINES, strict=False):
        line = {"color": style.colour, "width": 2, "dash": style.dash}
        other_curve = loss_curve(other, smoothing, log)
        limits.append(other_curve.limit())
        table = other_curve.table(other, axis, _OTHER_POINTS)
        figure.add_scatter(x=table[axis], y=table["smoothed"], name=as_typed(name), mode="lines", line=line)
    for name, figure_name, symbol, colour in (
        ("validation images, after each epoch", "validation_loss", "square", BLUE),
        ("test images, after each epoch", "test_loss", "diamond", GREEN),
    ):
        points = epoch_points(history, axis, figure_name)
        if len(points[axis]):
            marker = {"size": 9, "color": colour, "symbol": symbol}
            figure.add_scatter(x=points[axis], y=points[figure_name], name=name, mode="markers", marker=marker)
            limits.append(recent_limit(points[figure_name].tolist()))
    for change in history.rate_changes:
        position = float(history.x_values(axis, [change.step])[0])
        figure.add_vline(position, line={"color": GREY, "width": 2, "dash": "dash"}, annotation_text=f"rate {change.learning_rate:g}")
    figure.update_traces(hovertemplate=LOSS_HOVER)
    figure.update_yaxes(**(log_scale([curve.losses]) if log else linear_scale(limits)))
    return figure


def linear_scale(limits: Sequence[float]) -> dict[str, Any]:
    """An axis from 0 up to the highest of these, so that what is recent fills it; a huge loss is cut off until one zooms out."""
    return {"range": [0, loss_axis("", max(limits, default=0.0))["max"]]}


def log_scale(curves: Sequence[NDArray[np.float64]]) -> dict[str, Any]:
    """An axis for these losses with one tick per power of ten, or fewer if there are many."""
    losses = np.concatenate(curves)
    positive = losses[losses > 0]
    decades = math.log10(positive.max() / positive.min()) if len(positive) else 1.0
    every = max(1, round(decades / 6))
    return {"type": "log", "dtick": every, "exponentformat": "power", "minor": {"showgrid": every == 1}}


def draw_accuracy(history: RunHistory, others: Others = ()) -> go.Figure:
    """Accuracies per epoch, in percent: on the test images, and on validation and training images if known; a ring marks the best epoch."""
    figure = base_figure(420, xaxis_title="epoch", yaxis_title="accuracy, %", legend=LEGEND, hovermode="x unified")
    table = history.accuracy_table()
    for column, colour, dash, symbol in (
        ("test_accuracy", GREEN, "solid", "circle"),
        ("validation_accuracy", BLUE, "dash", "square"),
        ("train_accuracy", GREY, "dot", "triangle-up"),
    ):
        if column in table:
            line, marker = {"color": colour, "width": 3 if column == "test_accuracy" else 2, "dash": dash}, {"size": 8, "symbol": symbol}
            figure.add_scatter(
                x=table["epoch"], y=table[column], name=ACCURACY_NAMES[column], mode="lines+markers", line=line, marker=marker
            )
    for (name, other), style in zip(others, OTHER_LINES, strict=False):
        line, table = {"color": style.colour, "width": 2, "dash": style.dash}, other.accuracy_table()
        figure.add_scatter(x=table["epoch"], y=table["test_accuracy"], name=f"{as_typed(name)}, test accuracy", mode="lines", line=line)
    best = history.best_epoch
    if best is not None and best.validation_accuracy is not None:
        ring = {"size": 18, "symbol": "circle-open", "color": ORANGE, "line": {"width": 3}}
        figure.add_scatter(
            x=[best.epoch], y=[100 * best.validation_accuracy], name="best epoch", mode="markers", marker=ring, hoverinfo="skip"
        )
    figure.update_traces(hovertemplate="%{y:.2f} %", selector={"hoverinfo": None})
    epochs = max((epoch.epoch for run in (history, *(other for _, other in others)) for epoch in run.epochs), default=1)
    figure.update_xaxes(dtick=max(1, epochs // 10))
    figure.update_yaxes(tickformat=".1f")
    return figure


def draw_rate(history: RunHistory, axis: Axis = "step") -> go.Figure:
    """The learning rate at each step."""
    figure = base_figure(220, xaxis_title=axis, yaxis_title="learning rate", hovermode="x unified", showlegend=False)
    table = history.rate_table(axis, _POINTS)
    figure.add_scatter(x=table[axis], y=table["learning_rate"], name="learning rate", mode="lines", line={"color": BLUE, "width": 3})
    figure.update_traces(hovertemplate="%{y:.6f}")
    figure.update_yaxes(rangemode="tozero")
    return figure
