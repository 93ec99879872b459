"""Several runs on one chart, none of them before the others. One run beside others is in `run_charts`."""

import plotly.graph_objects as go

from fmnist_core.figures.run_charts import LEGEND, Others, log_scale
from fmnist_core.figures.style import CLASS_LINES, as_typed, base_figure
from fmnist_core.runs.history import Axis

MOST_COMPARED = len(CLASS_LINES)
_POINTS = 1000
_SMOOTHING = 0.9


def compare_losses(runs: Others, *, axis: Axis = "epoch", log: bool = False) -> go.Figure:
    """The smoothed loss of each run, at most `MOST_COMPARED` of them."""
    figure = base_figure(420, xaxis_title=axis, yaxis_title="loss, smoothed", legend=LEGEND, hovermode="x unified")
    for (name, history), style in zip(runs, CLASS_LINES, strict=False):
        table = history.loss_table(_SMOOTHING, axis, _POINTS)
        line = {"color": style.colour, "width": 3, "dash": style.dash}
        figure.add_scatter(x=table[axis], y=table["smoothed"], name=as_typed(name), mode="lines", line=line, hovertemplate="%{y:.4f}")
    curves = [history.losses.curve()[1] for _, history in runs if history.losses]
    figure.update_yaxes(**(log_scale(curves) if log and curves else {"rangemode": "tozero"}))
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
