"""What a class has tried, as a chart for a dark screen that a projector shows."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["Adam", "SGD", "still training", "failed"]

ARTICLE_ACCURACY = 90.73  # percent, after 25 epochs, as the article reports
_BOTTOMS = (80.0, 50.0, 0.0)  # percent: where the accuracy axis may begin
_MOST_BELOW = 0.35  # of the points that may lie below the axis
_LARGE_PX = 850  # a chart of this width is on a large screen, which people look at from afar
_USUAL_RATES = (1e-4, 1e-1)  # the learning rate axis spans these at least
_TEXT, _FAINT, _GRID, _BEHIND = "#f2f5fa", "#b8c4d6", "#33415a", "#172033"
# Each kind has a shape of its own; colours only help.
_CROSS = "path://M2,0 L6,4 L10,0 L12,2 L8,6 L12,10 L10,12 L6,8 L2,12 L0,10 L4,6 L0,2 Z"
_LOOKS: dict[Kind, tuple[str, str]] = {
    "Adam": ("circle", "#7db8f0"),
    "SGD": ("rect", "#5fd0a5"),
    "still training": ("diamond", "#f2f5fa"),
    "failed": (_CROSS, "#ff9f5a"),
}


@dataclass(frozen=True)
class TriedRun:
    """A run as a point.

    Attributes:
        accuracy: on the test images, 0 to 1; None for a run that failed before its first epoch had ended.
        label: beside the point; "" for none.
    """

    learning_rate: float
    accuracy: float | None
    kind: Kind
    label: str = ""


def draw_tried(runs: Sequence[TriedRun]) -> dict[str, Any]:
    """Test accuracy against learning rate on a logarithmic axis.

    The accuracy axis begins where it shows most of the runs best. Points below it lie on its lower edge, as triangles that point down, or
    as the crosses of failed runs.
    """
    bottom = _pick_bottom(runs)
    kinds = [kind for kind in _LOOKS if any(run.kind == kind for run in runs)]
    series = [_scatter(kind, [run for run in runs if run.kind == kind], bottom) for kind in kinds] or [{"type": "scatter", "data": []}]
    series[0]["markLine"] = _article_line()
    lowest, highest = _rate_range(runs)
    return {
        "animation": False,
        "backgroundColor": "transparent",
        "textStyle": {"color": _TEXT},
        "grid": {"outerBoundsMode": "none"},
        "tooltip": {"show": False},
        "aria": {"enabled": True, "description": "test accuracy against learning rate"},
        "legend": {"top": 0, "right": 0, "textStyle": {"color": _TEXT}, "data": kinds},
        "xAxis": _axis("learning rate") | {"type": "log", "min": lowest, "max": highest},
        "yAxis": _axis("test accuracy, %")
        | {"type": "value", "min": bottom, "max": 95 if bottom == _BOTTOMS[0] and _is_below(runs, 95) else 100},
        "series": series,
        "media": [{"option": _sizes(14, len(series))}, {"query": {"minWidth": _LARGE_PX}, "option": _sizes(20, len(series))}],
    }


def _pick_bottom(runs: Sequence[TriedRun]) -> float:
    """Where the accuracy axis begins, in percent: as high as leaves at most a third of the points below it."""
    known = [100 * run.accuracy for run in runs if run.accuracy is not None]
    return next(bottom for bottom in _BOTTOMS if sum(value < bottom for value in known) <= _MOST_BELOW * len(known))


def _scatter(kind: Kind, runs: Sequence[TriedRun], bottom: float) -> dict[str, Any]:
    symbol, colour = _LOOKS[kind]
    return {
        "type": "scatter",
        "name": kind,
        "symbol": symbol,
        "itemStyle": {"color": colour, "borderColor": colour},
        "label": {
            "show": True,
            "formatter": "{b}",
            "position": "right",
            "color": _TEXT,
            "fontSize": 15,
            "textBorderColor": _BEHIND,
            "textBorderWidth": 3,
        },
        "labelLayout": {"hideOverlap": True},
        "data": [_point(run, bottom) for run in runs],
    }


def _point(run: TriedRun, bottom: float) -> dict[str, Any]:
    percent = None if run.accuracy is None else round(100 * run.accuracy, 2)
    point: dict[str, Any] = {"value": [run.learning_rate, bottom if percent is None else max(bottom, percent)], "name": run.label}
    if percent is not None and percent < bottom:
        if run.kind != "failed":
            point |= {"symbol": "triangle", "symbolRotate": 180}
        point |= {"name": f"{run.label} {percent:.0f} %".strip(), "label": {"position": "top"}}
    return point


def _article_line() -> dict[str, Any]:
    """Where the article's network is."""
    return {
        "symbol": "none",
        "silent": True,
        "animation": False,
        "lineStyle": {"color": _FAINT, "type": "dashed", "width": 1.5},
        "label": {"formatter": f"the article: {ARTICLE_ACCURACY} %", "position": "insideStartTop", "color": _FAINT},
        "data": [{"yAxis": ARTICLE_ACCURACY}],
    }


def _sizes(font_px: int, series: int) -> dict[str, Any]:
    """The sizes of everything, for a font of this size."""
    text = {"fontSize": font_px}
    axis = {"axisLabel": text, "nameTextStyle": text}
    point = {"symbolSize": font_px - 2, "label": text, "markLine": {"label": text}}
    return {
        "grid": {"left": 3.6 * font_px, "right": 5 * font_px, "top": 2.4 * font_px, "bottom": 3.4 * font_px},
        "legend": {"textStyle": text},
        "xAxis": axis | {"nameGap": 1.8 * font_px},
        "yAxis": axis | {"nameGap": 2.4 * font_px},
        "series": [point] * series,
    }


def _is_below(runs: Sequence[TriedRun], percent: float) -> bool:
    return all(100 * (run.accuracy or 0) < percent for run in runs)


def _rate_range(runs: Sequence[TriedRun]) -> tuple[float, float]:
    """Powers of ten around all learning rates."""
    rates = [*_USUAL_RATES, *(run.learning_rate for run in runs)]
    return 10.0 ** math.floor(math.log10(min(rates))), 10.0 ** math.ceil(math.log10(max(rates)))


def _axis(name: str) -> dict[str, Any]:
    line = {"lineStyle": {"color": _GRID}}
    return {
        "name": name,
        "nameLocation": "middle",
        "nameTextStyle": {"color": _FAINT},
        "axisLabel": {"color": _FAINT, "hideOverlap": True, "textBorderWidth": 0},
        "axisLine": line,
        "axisTick": line,
        "splitLine": line,
        "minorSplitLine": {"show": False},
    }
