"""ECharts options for the charts that move while a run trains; the charts of paused and ended runs are in `run_charts`.

ECharts updates its chart on every refresh, where plotly would build a new one. The axes span the whole run, so that the
line grows and nothing jumps.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmnist_core.figures.style import ACCURACY_NAMES, BLUE, CLASS_LINES, GREEN, GREY, ORANGE, OTHER_LINES, SKY_BLUE
from fmnist_core.runs.history import Axis, RunHistory

Others = Sequence[tuple[str, RunHistory]]
_LIMITS = (0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1000)
_MINUTE = 60
_DURATIONS_S = (10, 20, 30, 60, 90, *(m * _MINUTE for m in (2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1440)))
_OTHER_POINTS = 120  # sent with every refresh, and only the shape of the curve matters


def draw_live_loss(
    history: RunHistory, total_steps: int, smoothing: float, axis: Axis = "step", log: bool = False, others: Others = ()
) -> dict[str, Any]:
    """The loss: every batch faintly, the smoothed loss on top, other runs smoothed, changes of the learning rate as marks."""
    sources = [history.loss_table(smoothing, axis)]
    smoothed = _line("smoothed", axis, ORANGE, width=3)
    if history.rate_changes:
        positions = history.x_values(axis, [change.step for change in history.rate_changes])
        marks = [
            {"xAxis": round(float(x), 4), "label": {"formatter": f"rate {change.learning_rate:g}"}}
            for x, change in zip(positions, history.rate_changes, strict=True)
        ]
        dashed = {"color": GREY, "width": 2, "type": "dashed"}
        smoothed["markLine"] = {"symbol": "none", "silent": True, "animation": False, "lineStyle": dashed, "data": marks}
    series = [_line("each batch", axis, SKY_BLUE, width=1, opacity=0.6, column="loss"), smoothed]
    for (name, other), style in zip(others, OTHER_LINES, strict=False):
        table = other.loss_table(smoothing, axis, _OTHER_POINTS)
        series.append(_line(name, axis, style.colour, width=2, dash=style.dash, column="smoothed") | {"datasetIndex": len(sources)})
        sources.append(table[[axis, "smoothed"]])
    y_axis = _axis("loss", 0, _limit_above(history.losses.peak[0]))
    if log:
        lowest = _lowest(sources[0]["loss"].to_numpy())
        powers = (math.floor(math.log10(lowest)), math.ceil(math.log10(max(1.0, history.losses.peak[0]))))
        y_axis = _axis("loss", 10.0 ** powers[0], 10.0 ** max(powers[1], powers[0] + 1)) | {"type": "log"}
    return _base("loss", axis) | {
        "dataset": [{"source": _columns(table)} for table in sources],
        "xAxis": _run_axis(history, total_steps, axis),
        "yAxis": y_axis,
        "legend": {"top": 0, "type": "scroll", "data": [line["name"] for line in series]},
        "series": series,
    }


def draw_live_accuracy(history: RunHistory, epochs: int, others: Others = ()) -> dict[str, Any]:
    """Accuracies per epoch, in percent: on the test images, and on validation and training images if they are known."""
    table = history.accuracy_table()
    lowest = float(np.nanmin(table.drop(columns="epoch").to_numpy(float))) if len(table) else 100.0
    bottom = next(limit for limit in (80, 50, 0) if lowest >= limit)
    sources, series = [table], []
    for column, colour, dash, symbol in (
        ("test_accuracy", GREEN, "solid", "circle"),
        ("validation_accuracy", BLUE, "6px,4px", "rect"),
        ("train_accuracy", GREY, "2px,3px", "triangle"),
    ):
        if column in table:
            width = 3 if column == "test_accuracy" else 2
            line = _line(ACCURACY_NAMES[column], "epoch", colour, width, dash=dash, column=column)
            series.append(line | {"symbolSize": 8, "symbol": symbol})
    if epochs <= 10 and series:
        series[0]["label"] = {"show": True, "position": "bottom", "formatter": "{@[1]}"}
    for (name, other), style in zip(others, OTHER_LINES, strict=False):
        series.append(_line(name, "epoch", style.colour, width=2, dash=style.dash, column="test_accuracy") | {"datasetIndex": len(sources)})
        sources.append(other.accuracy_table()[["epoch", "test_accuracy"]])
    return _base("accuracy", "epoch") | {
        "dataset": [{"source": _columns(source)} for source in sources],
        "tooltip": {"trigger": "axis", "valueFormatter": "%.2f"},
        "legend": {"top": 0, "type": "scroll", "data": [line["name"] for line in series]},
        "xAxis": _axis("epoch", 0, epochs, interval=max(1, math.ceil(epochs / 10))),
        "yAxis": _axis("%", bottom, 100),
        "series": series,
    }


def draw_live_rate(history: RunHistory, total_steps: int, planned: float, axis: Axis = "step") -> dict[str, Any]:
    """The learning rate.

    Args:
        planned: the highest rate in the run's settings; the scale has room for it from the first step.
    """
    table = history.rate_table(axis)
    highest = max(planned, float(table["learning_rate"].max()) if len(table) else 0.0)
    size = 10.0 ** math.floor(math.log10(highest))
    limit = next(step * size for step in (2, 4, 6, 8, 10, 12) if step * size > highest)
    return _base("learning rate", axis) | {
        "dataset": {"source": _columns(table)},
        "tooltip": {"trigger": "axis", "valueFormatter": "%.6f"},
        "xAxis": _run_axis(history, total_steps, axis),
        "yAxis": _axis("rate", 0, limit, interval=limit / 2),
        "series": [_line("learning rate", axis, BLUE, width=3, column="learning_rate")],
    }


def draw_live_answers(
    history: RunHistory,
    x: NDArray[np.float64],
    probabilities: NDArray[np.floating],
    class_names: Sequence[str],
    true_class: int,
    total_steps: int,
    axis: Axis = "step",
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
        line = _line(class_names[index], axis, style.colour, width=5 if is_true else 2, dash="solid" if is_true else style.dash)
        series.append(line | {"z": 3 if is_true else 2})
    return _base("probability", axis) | {
        "dataset": {"source": _columns(table)},
        "grid": {"left": 24, "right": 140, "top": 16, "bottom": 24},
        "tooltip": {"trigger": "axis", "valueFormatter": "%.1f", "order": "valueDesc"},
        "legend": {"orient": "vertical", "right": 0, "top": 8, "itemGap": 6, "textStyle": {"fontSize": 12}},
        "xAxis": _run_axis(history, total_steps, axis),
        "yAxis": _axis("probability, %", 0, 100),
        "series": series,
    }


def _columns(table: pd.DataFrame) -> dict[str, list[float | None]]:
    """A table's columns for ECharts, with six digits per number and None for NaN.

    For three charts this took 0.7 ms; DataFrames, which Streamlit turns into Arrow tables, took 1.5.
    """
    return {str(name): _numbers(table[name].to_numpy(np.float64)) for name in table}


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    finite = np.isfinite(values)
    safe = np.where(finite, values, 0.0)
    powers = np.floor(np.log10(np.abs(safe), out=np.zeros_like(safe), where=safe != 0))
    scale = 10.0 ** np.clip(5 - powers, -290, 290)
    numbers: list[float | None] = (np.rint(safe * scale) / scale).tolist()
    return numbers if finite.all() else [number if is_finite else None for number, is_finite in zip(numbers, finite, strict=True)]


def _base(y_name: str, x_name: str) -> dict[str, Any]:
    return {
        "animation": False,
        "grid": {"left": 24, "right": 24, "top": 36, "bottom": 24},
        "tooltip": {"trigger": "axis", "valueFormatter": "%.3f"},
        "aria": {"enabled": True, "description": f"{y_name} against {x_name}"},
    }


def _run_axis(history: RunHistory, total_steps: int, axis: Axis) -> dict[str, Any]:
    """An axis that spans the whole run, with ticks at whole epochs; in seconds, the expected duration."""
    if axis == "seconds":
        expected = history.elapsed_s + (history.remaining_s or 0)
        return _axis(axis, 0, next((limit for limit in _DURATIONS_S if limit >= expected), math.ceil(expected)))
    epochs = math.ceil(total_steps / max(1, history.started.steps_per_epoch))
    tick = max(1, math.ceil(epochs / 6))
    if axis == "epoch":
        return _axis(axis, 0, max(1, epochs), interval=tick)
    return _axis(axis, 0, max(1, total_steps), interval=max(1, history.started.steps_per_epoch * tick))


def _axis(name: str, lowest: float, highest: float, **more: Any) -> dict[str, Any]:
    gap = 28 if name in ("step", "epoch", "seconds") else 40
    return {"type": "value", "name": name, "nameLocation": "middle", "nameGap": gap, "min": lowest, "max": highest, **more}


def _line(
    name: str, x: str, colour: str, width: float, *, opacity: float = 1, dash: str = "solid", column: str | None = None
) -> dict[str, Any]:
    """A line called `name`, drawn from the data set's column with that name or from another column."""
    pattern: str | list[int] = "solid" if dash == "solid" else [int(part.removesuffix("px")) for part in dash.split(",")]
    return {
        "type": "line",
        "name": name,
        "symbol": "none",
        "encode": {"x": x, "y": column or name},
        "lineStyle": {"color": colour, "width": width, "opacity": opacity, "type": pattern},
        "itemStyle": {"color": colour},
    }


def _lowest(losses: NDArray[np.float64]) -> float:
    positive = losses[np.isfinite(losses) & (losses > 0)]
    return float(positive.min()) if len(positive) else 0.1


def _limit_above(highest: float) -> float:
    return next((limit for limit in _LIMITS if limit >= highest), 10 ** math.ceil(math.log10(max(highest, 1))))
