"""What all charts that move have in common: sizes, legend, heading, zoom, and lines."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fmnist_core.figures.style import TICKS_PX, TYPE_PX

Columns = dict[str, NDArray[np.float64]]
_NARROW_PX = 560  # up to this width, the heading and the legend have a row each
_WIDE_PX = 820  # from this width, the heading leaves most of its row to the legend
_FULL_SCREEN_PX = 620  # no chart on a page is as high
_FULL_SCREEN_SCALE = 1.5
_ROW_PX = 24  # of legend or heading
_MARK_PX = 18  # for words above the plot


def finish(
    options: dict[str, Any],
    description: str,
    *,
    heading: str | None = None,
    marks: bool = False,
    zoom: bool = False,
    right_px: int = 20,
    legend_beside_px: int = 0,
) -> dict[str, Any]:
    """Adds what does not depend on the figures to the axes and series of a chart: where everything is, and how large.

    Args:
        options: with axes, series and, if the chart has a legend, its names in `legend["data"]`.
        heading: at the top right, beside the legend or, on a narrow chart, above it; "" keeps its place for later.
        marks: whether there is room for words above the plot.
        zoom: whether the horizontal axis can be zoomed into. Nothing else changes by it, so that the chart keeps its place and size.
        right_px: room beside the plot.
        legend_beside_px: the width of a legend to the right of the plot, or above it on a narrow chart; 0 for one that is always above.
    """
    common: dict[str, Any] = {
        "animation": False,
        "tooltip": {"trigger": "axis", "confine": True, "valueFormatter": "%.4f", "textStyle": {"fontSize": TYPE_PX}},
        "aria": {"enabled": True, "description": description},
    }
    if heading is not None:
        common["title"] = {"text": heading, "right": 4, "padding": 0, "textStyle": {"fontWeight": "bold"}}
    if "legend" in options:
        common["legend"] = {"padding": [2, 0]}
    if zoom:
        common |= _zoom()
    for name, value in options.items():
        common[name] = common[name] | value if isinstance(common.get(name), dict) else value
    rooms: dict[str, Any] = {"heading": heading, "marks": marks, "right_px": right_px, "beside_px": legend_beside_px}
    layouts = (
        ({"minWidth": _NARROW_PX}, _layout(common, **rooms, scale=1)),
        ({"minWidth": _WIDE_PX}, {"legend": {"width": "72%"}} if heading is not None and "legend" in common else {}),
        ({"maxWidth": _NARROW_PX}, _layout(common, **rooms, scale=1, is_narrow=True)),
        ({"minWidth": _FULL_SCREEN_PX, "minHeight": _FULL_SCREEN_PX}, _layout(common, **rooms, scale=_FULL_SCREEN_SCALE)),
    )
    return common | {"media": [{"query": query, "option": option} for query, option in layouts]}


def _layout(
    options: dict[str, Any], *, heading: str | None, marks: bool, right_px: int, beside_px: int, scale: float, is_narrow: bool = False
) -> dict[str, Any]:
    """Where legend and plot are, and the sizes of all words."""
    small, usual = {"fontSize": round(scale * TICKS_PX)}, {"fontSize": round(scale * TYPE_PX)}
    is_beside = beside_px > 0 and not is_narrow
    has_legend, both = "legend" in options, "legend" in options and heading is not None
    rows = 2 if both and is_narrow else int((has_legend and not is_beside) or heading is not None)
    top = rows * _ROW_PX + (_MARK_PX if marks else 8)
    layout: dict[str, Any] = {
        "grid": {"left": 12, "right": round(scale * (beside_px if is_beside else right_px)), "top": round(scale * top), "bottom": 12}
    }
    if heading is not None:
        layout["title"] = {"top": round(scale * (3 if both and is_narrow else 9)), "textStyle": usual}
    if has_legend:
        legend = {
            "textStyle": usual,
            "pageTextStyle": usual,
            "itemGap": round(scale * 12),
            "itemWidth": round(scale * 24),
            "itemHeight": round(scale * 18),
        }
        legend["width"] = "60%" if both and not is_narrow else "auto"
        legend |= (
            {"orient": "vertical", "left": "auto", "right": 4, "type": "plain"}
            if is_beside
            else {"orient": "horizontal", "left": 0, "right": "auto", "type": "scroll"}
        )
        layout["legend"] = legend | {"top": round(scale * _ROW_PX) if both and is_narrow else round(scale * 2)}
    for name, gap in (("xAxis", 26), ("yAxis", 44)):
        axis = options[name]
        look = {"axisLabel": small, "nameTextStyle": usual, "nameGap": round(scale * gap)}
        layout[name] = [look for _ in axis] if isinstance(axis, list) else look
    layout["series"] = [
        {"id": each["id"], **{part: {"label": usual} for part in ("markLine", "markPoint") if part in each}} for each in options["series"]
    ]
    return layout


def _zoom() -> dict[str, Any]:
    """Zooming by a box, by the wheel with Ctrl, and by pinching; without Ctrl the wheel scrolls the page, and so does a finger.

    The buttons are at the bottom right, beside the name of the axis, where they cover neither legend nor heading.
    """
    inside = {"type": "inside", "xAxisIndex": 0, "filterMode": "none", "zoomOnMouseWheel": "ctrl", "preventDefaultMouseMove": False}
    buttons = {
        "dataZoom": {"yAxisIndex": "none", "filterMode": "none", "title": {"zoom": "Zoom: drag across the chart", "back": "Undo the zoom"}},
        "restore": {"title": "The whole chart"},
    }
    return {
        "dataZoom": [inside],
        "toolbox": {"bottom": 0, "right": 4, "itemSize": 16, "itemGap": 12, "feature": buttons, "textStyle": {"fontSize": TYPE_PX}},
    }


def line(
    name: str, x: str, colour: str, width: float, *, opacity: float = 1, dash: str = "solid", column: str = "", id: str = ""
) -> dict[str, Any]:
    """A line called `name`, drawn from the data set's column with that name or from another column.

    Args:
        id: what ECharts knows it by; its name unless that was chosen by a user and may be another line's.
    """
    pattern: str | list[int] = "solid" if dash == "solid" else [int(part.removesuffix("px")) for part in dash.split(",")]
    return {
        "type": "line",
        "id": id or name,
        "name": name,
        "symbol": "none",
        "encode": {"x": x, "y": column or name},
        "lineStyle": {"color": colour, "width": width, "opacity": opacity, "type": pattern},
        "itemStyle": {"color": colour},
    }


def columns(table: pd.DataFrame | Columns) -> dict[str, list[float | None]]:
    """A table's columns for ECharts, with six digits per number and None for NaN.

    For three charts this took 0.7 ms; DataFrames, which Streamlit turns into Arrow tables, took 1.5.
    """
    return {str(name): _numbers(np.asarray(table[str(name)], np.float64)) for name in table}


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    finite = np.isfinite(values)
    safe = np.where(finite, values, 0.0)
    powers = np.floor(np.log10(np.abs(safe), out=np.zeros_like(safe), where=safe != 0))
    scale = 10.0 ** np.clip(5 - powers, -290, 290)
    numbers: list[float | None] = (np.rint(safe * scale) / scale).tolist()
    return numbers if finite.all() else [number if is_finite else None for number, is_finite in zip(numbers, finite, strict=True)]
