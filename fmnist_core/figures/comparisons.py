"""Several runs on one chart, none of them before the others. One run beside others is in `run_charts`."""

import plotly.graph_objects as go

from fmnist_core.figures.live_axes import Others, recent_limit
from fmnist_core.figures.loss_curves import epoch_points, loss_curve
from fmnist_core.figures.run_charts import LEGEND, LOSS_HOVER, linear_scale, log_scale
from fmnist_core.figures.style import CLASS_LINES, as_typed, base_figure
from fmnist_core.runs.history import Axis

MOST_COMPARED = len(CLASS_LINES)
_POINTS = 1000
_SMOOTHING = 0.9


def compare_losses(runs: Others, *, axis: Axis = "epoch", log: bool = False) -> go.Figure:
    """The smoothed training loss of each run, at most `MOST_COMPARED` of them.

    Args:
        log: whether the scale is logarithmic; then the logarithms are smoothed.
    """
    figure = base_figure(420, xaxis_title=axis, yaxis_title="training loss, smoothed", legend=LEGEND, hovermode="x unified")
    curves = [loss_curve(history, _SMOOTHING, log) for _, history in runs]
    for (name, history), curve, style in zip(runs, curves, CLASS_LINES, strict=False):
        table = curve.table(history, axis, _POINTS)
        line = {"color": style.colour, "width": 3, "dash": style.dash}
        figure.add_scatter(x=table[axis], y=table["smoothed"], name=as_typed(name), mode="lines", line=line, hovertemplate=LOSS_HOVER)
    known = [curve.smoothed for curve in curves if len(curve.smoothed)]
    figure.update_yaxes(**(log_scale(known) if log and known else linear_scale([curve.limit() for curve in curves])))
    return figure


def compare_test_losses(runs: Others, *, axis: Axis = "epoch", log: bool = False) -> go.Figure:
    """The test loss of each run after each of its epochs, which is computed in the same way for all runs."""
    figure = base_figure(420, xaxis_title=axis, yaxis_title="test loss", legend=LEGEND, hovermode="x unified")
    losses = []
    for (name, history), style in zip(runs, CLASS_LINES, strict=False):
        points = epoch_points(history, axis, "test_loss")
        line = {"color": style.colour, "width": 3, "dash": style.dash}
        look = {"mode": "lines+markers", "line": line, "marker": {"size": 7}, "hovertemplate": LOSS_HOVER}
        figure.add_scatter(x=points[axis], y=points["test_loss"], name=as_typed(name), **look)
        losses.append(points["test_loss"])
    is_log = log and any((values > 0).any() for values in losses)
    figure.update_yaxes(**(log_scale(losses) if is_log else linear_scale([recent_limit(values.tolist()) for values in losses])))
    return figure


def compare_accuracies(runs: Others) -> go.Figure:
    """The test accuracy of each run after each of its epochs, in percent."""
    figure = base_figure(420, xaxis_title="epoch", yaxis_title="test accuracy, %", legend=LEGEND, hovermode="x unified")
    for (name, history), style in zip(runs, CLASS_LINES, strict=False):
        table = history.accuracy_table()
        line = {"color": style.colour, "width": 3, "dash": style.dash}
        figure.add_scatter(
            x=table["epoch"],
            y=table["test_accuracy"],
            name=as_typed(name),
            mode="lines+markers",
            line=line,
            marker={"size": 7},
            hovertemplate="%{y:.2f} %",
        )
    epochs = max((epoch.epoch for _, history in runs for epoch in history.epochs), default=1)
    figure.update_xaxes(dtick=max(1, epochs // 10))
    figure.update_yaxes(tickformat=".1f")
    return figure
