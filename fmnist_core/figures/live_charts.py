"""ECharts options for the charts of a run: while it trains, while it is paused, and when it has ended.

ECharts updates its chart on every refresh, where plotly would build a new one. A paused or ended run keeps its chart with the same axes,
so that nothing jumps; only zooming is added.
"""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmnist_core.figures.live_axes import (
    Others,
    epoch_axis,
    log_axis,
    loss_axis,
    rate_axis,
    recent_limit,
    run_axis,
    value_axis,
    with_powers_of_ten,
)
from fmnist_core.figures.live_frame import Columns, columns, finish, line
from fmnist_core.figures.live_marks import mark_guessing, mark_last, mark_peak, mark_rates
from fmnist_core.figures.loss_curves import epoch_points, loss_curve
from fmnist_core.figures.style import BLUE, CLASS_LINES, GREEN, GREY, ORANGE, OTHER_LINES, SKY_BLUE
from fmnist_core.runs.history import MAX_POINTS, Axis, RunHistory
from fmnist_core.settings.number_words import LONGEST_LOSS

Quantity = Literal["loss", "test_loss"]


def _hollow(colour: str) -> dict[str, Any]:
    """The outline of a symbol. ECharts' own hollow symbols are filled with white, in the dark theme too."""
    return {"itemStyle": {"color": "transparent", "borderColor": colour, "borderWidth": 2}}


_OTHER_POINTS = 120  # sent with every refresh, and only the shape of the curve matters
# Points of one figure per epoch. Test images are drawn last, in a filled symbol that fits into the hollow ones of the others, so that
# where two are equal both are seen.
_TEST = {"symbol": "circle", "symbolSize": 7, "z": 5}
_VALIDATION = {"symbol": "rect", "symbolSize": 12, "z": 4, **_hollow(BLUE)}
_TRAINING = {"symbol": "triangle", "symbolSize": 14, "z": 3, **_hollow(GREY)}


def draw_live_loss(
    history: RunHistory,
    total_steps: int,
    smoothing: float,
    axis: Axis = "step",
    log: bool = False,
    others: Others = (),
    *,
    whole_plan: bool = False,
    zoom: bool = False,
    quantity: Quantity = "loss",
) -> dict[str, Any]:
    """The loss: every batch faintly, the smoothed loss on top, test and validation losses as points, and other runs smoothed.

    The scale follows what is recent, see `loss_limit`; the highest loss is named where it is cut off. Guessing and changes of the
    learning rate are marked.

    Args:
        log: whether the scale is logarithmic; then the logarithms are smoothed.
        whole_plan: whether the horizontal axis has all steps that are planned from the start, or grows with the run.
        zoom: whether it can be zoomed into.
        quantity: "test_loss" draws the test loss of each run after each epoch instead, which is computed in the same way for all runs.
    """
    x_axis = run_axis(history, total_steps, axis, whole_plan, others)
    draw = _draw_training_losses if quantity == "loss" else _draw_test_losses
    sources, series, limits, lowest = draw(history, smoothing, axis, log, others, x_axis["max"])
    highest = max(limits, default=0.0)
    name = "loss" if quantity == "loss" else "test loss"
    if log:
        y_axis = log_axis(name, lowest, max(history.losses.peak[0], *limits) if quantity == "loss" else highest)
    else:
        y_axis = loss_axis(name, highest)
    names = [each["name"] for each in series]
    main = series[1] if quantity == "loss" else series[0]
    main["markLine"] = mark_rates(history, axis, x_axis["max"])
    main["markLine"]["data"] += mark_guessing(y_axis)
    if quantity == "loss" and not log:
        main |= mark_peak(history, axis, x_axis["max"], y_axis["max"])
    return finish(
        {
            "dataset": [{"source": columns(source)} for source in sources],
            "xAxis": x_axis,
            "tooltip": {"valueFormatter": "scientific" if history.losses.peak[0] >= LONGEST_LOSS else "%.4f"},
            "yAxis": with_powers_of_ten(y_axis),
            "legend": {"data": names},
            "series": series,
        },
        f"{name} against {axis}",
        heading=tell_progress(history, total_steps),
        marks=True,
        zoom=zoom,
    )


def draw_live_accuracy(
    history: RunHistory, epochs: int, others: Others = (), *, whole_plan: bool = False, zoom: bool = False
) -> dict[str, Any]:
    """Accuracies per epoch, in percent: on the test images, and on validation and training images if they are known."""
    table = history.accuracy_table()
    sources, series = [table], []
    for column, name, colour, dash, look in (
        ("test_accuracy", "test", GREEN, "solid", _TEST),
        ("validation_accuracy", "validation", BLUE, "6px,4px", _VALIDATION),
        ("train_accuracy", "training", GREY, "2px,3px", _TRAINING),
    ):
        if column in table:
            series.append(line(name, "epoch", colour, 3 if name == "test" else 2, dash=dash, column=column) | look)
    for number, ((name, other), style) in enumerate(zip(others, OTHER_LINES, strict=False)):
        drawn = line(name, "epoch", style.colour, 2, dash=style.dash, column="test_accuracy", id=f"other {number}")
        series.append(drawn | {"datasetIndex": len(sources), "symbol": "circle", "symbolSize": 8} | _hollow(style.colour))
        sources.append(other.accuracy_table()[["epoch", "test_accuracy"]])
    lowest = min((float(np.nanmin(source.drop(columns="epoch").to_numpy(float))) for source in sources if len(source)), default=100.0)
    bottom = next(limit for limit in (80, 50, 0) if lowest >= limit)
    if history.epochs:
        last = history.epochs[-1]
        series[0]["markPoint"] = mark_last(last.epoch, 100 * last.test_accuracy)
    return finish(
        {
            "dataset": [{"source": columns(source)} for source in sources],
            "tooltip": {"valueFormatter": "%.2f"},
            "legend": {"data": [each["name"] for each in series]},
            "xAxis": epoch_axis(history, epochs, whole_plan, others),
            "yAxis": value_axis("accuracy, %", bottom, 100),
            "series": series,
        },
        "accuracy against epoch",
        zoom=zoom,
        right_px=44,
    )


def draw_live_rate(
    history: RunHistory, total_steps: int, planned: float, axis: Axis = "step", *, whole_plan: bool = False, zoom: bool = False
) -> dict[str, Any]:
    """The learning rate; a change by hand is a step.

    Args:
        planned: the highest rate in the run's settings; the scale has room for it from the first step.
    """
    table = history.rate_table(axis)
    highest = max(planned, float(table["learning_rate"].max()) if len(table) else 0.0)
    return finish(
        {
            "dataset": [{"source": columns(table)}],
            "tooltip": {"valueFormatter": "%.6f"},
            "xAxis": run_axis(history, total_steps, axis, whole_plan),
            "yAxis": rate_axis(highest),
            "series": [line("learning rate", axis, BLUE, 3, column="learning_rate")],
        },
        f"learning rate against {axis}",
        zoom=zoom,
    )


def draw_live_answers(
    history: RunHistory,
    x: NDArray[np.float64],
    probabilities: NDArray[np.floating],
    class_names: Sequence[str],
    true_class: int,
    total_steps: int,
    axis: Axis = "step",
    *,
    whole_plan: bool = False,
    zoom: bool = False,
) -> dict[str, Any]:
    """The ten class probabilities of one probe over time; that of its true class is a thick line.

    Args:
        x: (N,) the position of each report on the axis.
        probabilities: (N, 10), 0 to 1.
    """
    table = pd.DataFrame(100 * probabilities, columns=list(class_names))
    table.insert(0, axis, x)
    series = []
    for index in (true_class, *(i for i in range(len(class_names)) if i != true_class)):
        style, is_true = CLASS_LINES[index], index == true_class
        drawn = line(class_names[index], axis, style.colour, 5 if is_true else 2, dash="solid" if is_true else style.dash)
        series.append(drawn | {"z": 3 if is_true else 2})
    return finish(
        {
            "dataset": [{"source": columns(table)}],
            "tooltip": {"valueFormatter": "%.1f", "order": "valueDesc"},
            "legend": {"data": [each["name"] for each in series]},
            "xAxis": run_axis(history, total_steps, axis, whole_plan),
            "yAxis": value_axis("probability, %", 0, 100),
            "series": series,
        },
        f"probability against {axis}",
        zoom=zoom,
        legend_beside_px=150,
    )


def tell_progress(history: RunHistory, total_steps: int) -> str:
    """The heading of the loss chart, such as "step 1,240 of 3,000 · test 88.2 %"; "" before the first step."""
    if not total_steps or not history.steps:
        return ""
    tested = f" · test {100 * history.epochs[-1].test_accuracy:.1f} %" if history.epochs else ""
    return f"step {history.steps:,} of {total_steps:,}{tested}"


_Drawn = tuple[list[Columns], list[dict[str, Any]], list[float], float]  # data sets, series, how high and how low the scale must reach


def _draw_training_losses(history: RunHistory, smoothing: float, axis: Axis, log: bool, others: Others, x_limit: float) -> _Drawn:
    curve = loss_curve(history, smoothing, log)
    sources, limits = [curve.table(history, axis, MAX_POINTS)], [curve.limit()]
    series = [line("each batch", axis, SKY_BLUE, 1, opacity=0.6, column="loss"), line("smoothed", axis, ORANGE, 3, column="smoothed")]
    for column, name, colour, look in (
        ("test_loss", "test", GREEN, _TEST),
        ("validation_loss", "validation", BLUE, _VALIDATION),
    ):
        points = epoch_points(history, axis, column)
        if len(points[column]):
            drawn = line(name, axis, colour, 0, column=column) | look | {"datasetIndex": len(sources)}
            series.append(drawn | {"lineStyle": {"width": 0, "opacity": 0}})
            sources.append(points)
            limits.append(recent_limit(points[column].tolist()))
    for number, ((name, other), style) in enumerate(zip(others, OTHER_LINES, strict=False)):
        other_curve = loss_curve(other, smoothing, log)
        drawn = line(name, axis, style.colour, 2, dash=style.dash, column="smoothed", id=f"other {number}")
        series.append(drawn | {"datasetIndex": len(sources)})
        table = other_curve.table(other, axis, _OTHER_POINTS)
        sources.append({axis: table[axis], "smoothed": table["smoothed"]})
        limits.append(other_curve.limit(_steps_within(other, axis, x_limit)))
    return sources, series, limits, curve.lowest


def _draw_test_losses(history: RunHistory, _smoothing: float, axis: Axis, _log: bool, others: Others, _x_limit: float) -> _Drawn:
    sources: list[Columns] = []
    series, limits = [], []
    own = ("test", history, line("test", axis, GREEN, 3, column="test_loss") | _TEST)
    drawn = [own]
    for number, ((name, other), style) in enumerate(zip(others, OTHER_LINES, strict=False)):
        look = line(name, axis, style.colour, 2, dash=style.dash, column="test_loss", id=f"other {number}")
        drawn.append((name, other, look | {"symbol": "circle", "symbolSize": 8} | _hollow(style.colour)))
    for _name, run, look in drawn:
        points = epoch_points(run, axis, "test_loss")
        series.append(look | {"datasetIndex": len(sources)})
        sources.append(points)
        limits.append(recent_limit(points["test_loss"].tolist()))
    known = [value for source in sources for value in source["test_loss"] if value > 0]
    return sources, series, limits, min(known, default=0.1)


def _steps_within(history: RunHistory, axis: Axis, limit: float) -> float:
    """The last step up to this place on the axis."""
    if axis == "step":
        return limit
    if axis == "epoch":
        return limit * max(1, history.started.steps_per_epoch)
    return limit / max(history.elapsed_s, 1e-9) * history.steps
