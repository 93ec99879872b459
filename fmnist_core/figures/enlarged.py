"""Charts enlarged for a projector: type, lines, markers and margins. Tooltips, which hide what is behind them, are left out."""

from collections.abc import Mapping
from typing import Any

import plotly.graph_objects as go

_FONT_PX = 12  # ECharts' own size where an option names none
_GROWING = {
    *("fontSize", "width", "symbolSize", "length", "padding", "barWidth", "borderWidth", "borderRadius", "distance", "offset"),
    *("nameGap", "itemGap", "itemSize", "itemWidth", "itemHeight", "left", "right", "top", "bottom"),
    *("minWidth", "maxWidth", "minHeight", "maxHeight"),  # of a layout for charts of some size: what fits into less room takes more now
}
_OF_TEXT = ("legend", "xAxis", "yAxis", "title", "graphic")


def enlarge_options(options: Mapping[str, Any], scale: float) -> dict[str, Any]:
    """ECharts options in which every length in pixels is larger by a factor; what is given in percent stays.

    The original stays as it is. Legends, axes and titles without a size of type get ECharts' own size, enlarged.
    """
    larger = {name: value if name == "dataset" else _grow(value, scale) for name, value in options.items()}
    for name in _OF_TEXT:
        for part in _parts(larger.get(name)):
            for style in ("textStyle", "axisLabel", "nameTextStyle"):
                if style == "textStyle" or name.endswith("Axis"):
                    part[style] = {"fontSize": _FONT_PX * scale} | part.get(style, {})
    larger["tooltip"] = {"show": False}
    return larger


def enlarge_figure(figure: go.Figure, scale: float) -> go.Figure:
    """A copy of a plotly figure in which type, margins, height, lines and markers are larger by a factor, without hover labels."""
    larger = figure.to_dict()
    layout = larger.setdefault("layout", {})
    layout["font"] = {"size": 12} | layout.get("font", {})
    larger["layout"] = _grow_layout(layout, scale)
    larger["layout"]["hovermode"] = False
    for trace in larger.get("data", ()):
        for part in ("line", "marker"):
            if isinstance(trace.get(part), dict):
                for name in ("width", "size"):
                    if isinstance(trace[part].get(name), int | float):
                        trace[part][name] *= scale
        trace["hoverinfo"] = "skip"
        trace.pop("hovertemplate", None)
        if isinstance(trace.get("textfont"), dict) and "size" in trace["textfont"]:
            trace["textfont"]["size"] *= scale
    return go.Figure(larger)


def _grow(value: Any, scale: float) -> Any:
    if isinstance(value, Mapping):
        return {name: _lengthen(each, scale) if name in _GROWING else _grow(each, scale) for name, each in value.items()}
    if isinstance(value, list):
        return [_grow(each, scale) for each in value]
    return value


def _lengthen(value: Any, scale: float) -> Any:
    """One length in pixels or a list of them, larger; one in percent or in a word stays."""
    if isinstance(value, list):
        return [_lengthen(each, scale) for each in value]
    return value * scale if isinstance(value, int | float) and not isinstance(value, bool) else _grow(value, scale)


def _grow_layout(value: Any, scale: float, *, is_length: bool = False) -> Any:
    """Sizes of type wherever they are; of the layout itself also margins, height and width."""
    if isinstance(value, Mapping):
        return {
            name: each * scale
            if isinstance(each, int | float) and not isinstance(each, bool) and (is_length or name in ("size", "height", "width"))
            else _grow_layout(each, scale, is_length=name == "margin")
            for name, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [_grow_layout(each, scale) for each in value]
    return value


def _parts(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value]
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []
