"""Plotly figures of a paused or ended run, to zoom into, read values from, and download. Charts that move are in `live_charts`."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from fmnist_core.figures.style import ACCURACY_NAMES, BLUE, CLASS_LINES, GREEN, GREY, ORANGE, OTHER_LINES, SKY_BLUE, as_typed, base_figure
from fmnist_core.runs.history import Axis, RunHistory

Others = Sequence[tuple[str, RunHistory]]  # the names and histories of runs to compare with, at most len(OTHER_LINES)
_POINTS = 4000
_OTHER_POINTS = 1000
LEGEND = {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0}


def draw_loss(history: RunHistory, *, axis: Axis = "step", smoothing: float = 0.9, log: bool = False, others: Others = ()) -> go.Figure:
    """The loss: every batch faintly, the smoothed loss on top, test and validation losses as points, changes of the learning rate as marks.

    Args:
        log: whether the scale of the loss is logarithmic.
        others: runs to compare with, whose smoothed losses have their own colours and dashes.
    """
    figure = base_figure(420, xaxis_title=axis, yaxis_title="loss", legend=LEGEND, hovermode="x unified")
    table = history.loss_table(smoothing, axis, _POINTS)
    figure.add_scatter(x=table[axis], y=table["loss"], name="each batch", mode="lines", line={"color": SKY_BLUE, "width": 1}, opacity=0.6)
    figure.add_scatter(x=table[axis], y=table["smoothed"], name="smoothed", mode="lines", line={"color": ORANGE, "width": 3})
    for (name, other), style in zip(others, OTHER_LINES, strict=False):
        line = {"color": style.colour, "width": 2, "dash": style.dash}
        table = other.loss_table(smoothing, axis, _OTHER_POINTS)
        figure.add_scatter(x=table[axis], y=table["smoothed"], name=as_typed(name), mode="lines", line=line)
    for name, figure_name, symbol, colour in (
        ("validation images, after each epoch", "validation_loss", "square", BLUE),
        ("test images, after each epoch", "test_loss", "diamond", GREEN),
    ):
        known = [epoch for epoch in history.epochs if getattr(epoch, figure_name) is not None]
        if known:
            x = [epoch.elapsed_s for epoch in known] if axis == "seconds" else history.x_values(axis, [epoch.step for epoch in known])
            marker = {"size": 9, "color": colour, "symbol": symbol}
            figure.add_scatter(x=x, y=[getattr(epoch, figure_name) for epoch in known], name=name, mode="markers", marker=marker)
    for change in history.rate_changes:
        position = float(history.x_values(axis, [change.step])[0])
        figure.add_vline(position, line={"color": GREY, "width": 2, "dash": "dash"}, annotation_text=f"rate {change.learning_rate:g}")
    figure.update_traces(hovertemplate="%{y:.4f}")
    figure.update_yaxes(**(log_scale([history.losses.curve()[1]]) if log else {"rangemode": "tozero"}))
    return figure


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


def draw_answers(
    x: NDArray[np.float64], probabilities: NDArray[np.floating], class_names: Sequence[str], true_class: int, axis: Axis = "step"
) -> go.Figure:
    """The ten class probabilities of one probe over time; that of its true class is a thick line.

    Args:
        x: (N,) the position of each report on the axis.
        probabilities: (N, 10), 0 to 1.
    """
    figure = base_figure(380, xaxis_title=axis, yaxis_title="probability, %", hovermode="x unified")
    for index in (true_class, *(i for i in range(len(class_names)) if i != true_class)):
        style = CLASS_LINES[index]
        is_true = index == true_class
        line = {"color": style.colour, "dash": "solid" if is_true else style.dash, "width": 5 if is_true else 2}
        name = f"<b>{class_names[index]}</b> (true)" if is_true else class_names[index]
        figure.add_scatter(x=x, y=100 * probabilities[:, index], name=name, mode="lines", line=line, hovertemplate="%{y:.1f} %")
    figure.update_yaxes(range=[-2, 102])
    return figure
