"""Sheets: many kernels or feature maps in one figure, with one colour scale."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from fmnist_core.figures.style import DIVERGING, SEQUENTIAL, base_figure

SheetColours = Literal["signed", "strength", "grey"]
_NAME_LOOK = {"showarrow": False, "font": {"size": 13}, "yanchor": "bottom"}
_BARE_AXIS = {"visible": False, "showgrid": False, "zeroline": False, "ticks": "", "fixedrange": False, "constrain": "domain"}


def colour_limits(values: NDArray[np.floating[Any]], colours: SheetColours) -> tuple[float, float]:
    """The ends of the colour scale of `draw_sheet`, for all sheets that are compared.

    Returns:
        For "signed", the same distance below and above 0; for "strength", 0 and the highest value; for "grey", the lowest and the
        highest value.
    """
    lowest, highest = float(values.min()), float(values.max())
    if colours == "grey":
        return (lowest, highest) if highest > lowest else (lowest - 1, highest + 1)
    reach = max(abs(lowest), abs(highest)) or 1.0
    return (-reach if colours == "signed" else 0.0), reach


def draw_sheet(
    tiles: NDArray[np.floating[Any]],
    *,
    columns: int,
    limits: tuple[float, float],
    labels: Mapping[str, NDArray[np.integer[Any]]],
    colours: SheetColours = "signed",
    names: Sequence[str] = (),
    axes: tuple[str, str] | None = None,
    legend: str,
    tile_px: int = 110,
) -> go.Figure:
    """Many small maps with one colour scale, as a single heatmap, because 500 subplots would take seconds.

    Args:
        tiles: (N, H, W).
        limits: the ends of the colour scale, see `colour_limits`.
        labels: what each tile is, for the text at the pointer: such as "kernel" → (N,) numbers from 0 to 255.
        colours: "signed" is blue below zero and orange above; "strength" is one hue from 0 up; "grey" is black to white.
        names: a name above each tile, or none.
        axes: names of rows and columns, which are then numbered from 0; for sheets without names.
        legend: what the colour scale measures.
        tile_px: width of a tile with the gap beside it.
    """
    count, height, width = tiles.shape
    rows = -(-count // columns)
    across, down = width + max(1, width // 7), height + (max(2, round(0.3 * height)) if names else max(1, height // 7))
    sheet, hover_data = _arrange(tiles, list(labels.values()), columns, (down, across))
    right, top_px, left_px = 96, 64 if axes else 8, 72 if axes else 8
    horizontal: dict[str, Any] = {**_BARE_AXIS, "side": "top"}
    vertical: dict[str, Any] = {**_BARE_AXIS, "autorange": "reversed", "scaleanchor": "x"}
    if axes:
        vertical |= _numbered_axis(axes[0], np.arange(rows) * down + down - height + (height - 1) / 2)
        horizontal |= _numbered_axis(axes[1], np.arange(columns) * across + (width - 1) / 2)
    figure = base_figure(
        round(rows * down * tile_px / across) + top_px + 8,
        plot_bgcolor="rgba(0,0,0,0)",
        dragmode=False,  # lets a finger scroll the sheet instead of drawing a zoom box
        width=columns * tile_px + left_px + right,
        margin={"l": left_px, "r": right, "t": top_px, "b": 8},
        xaxis=horizontal,
        yaxis=vertical,
        annotations=[
            {"x": i % columns * across + (width - 1) / 2, "y": i // columns * down + down - height - 0.5, "text": name, **_NAME_LOOK}
            for i, name in enumerate(names)
        ],
    )
    hover = ", ".join(f"{name} %{{customdata[{i}]}}" for i, name in enumerate((*labels, "row", "column")))
    figure.add_heatmap(
        z=sheet,
        zmin=limits[0],
        zmax=limits[1],
        colorscale={"signed": DIVERGING, "strength": SEQUENTIAL, "grey": "gray"}[colours],
        customdata=hover_data,
        hovertemplate=f"{hover}<br>{legend} %{{z:.3f}}<extra></extra>",
        hoverongaps=False,
        colorbar=_legend(legend, limits),
    )
    return figure


def _arrange(
    tiles: NDArray[np.floating[Any]], labels: Sequence[NDArray[np.integer[Any]]], columns: int, pitch: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Tiles (N, H, W) in rows, NaN between them; and for each value the labels of its tile, its row and its column.

    Args:
        pitch: height and width of a tile with its gap, which is above and to the right of it.
    """
    count, height, width = tiles.shape
    down, across = pitch
    sheet = np.full((-(-count // columns) * down, columns * across), np.nan, np.float32)
    hover_data = np.zeros((*sheet.shape, len(labels) + 2), np.uint8)  # as uint8, 0.2 MB for 512 kernels; as text, 0.5
    for i, tile in enumerate(tiles):
        top, left = i // columns * down + down - height, i % columns * across
        area = np.s_[top : top + height, left : left + width]
        sheet[area] = tile
        hover_data[area] = np.dstack([np.broadcast_to(numbers[i], tile.shape) for numbers in labels] + [*np.indices(tile.shape)])
    return sheet, hover_data


def _numbered_axis(title: str, middles: NDArray[np.floating[Any]]) -> dict[str, Any]:
    return {"visible": True, "title": title, "tickvals": middles, "ticktext": [str(i) for i in range(len(middles))]}


def _legend(title: str, limits: tuple[float, float]) -> dict[str, Any]:
    """A colour bar of fixed length at the top right, with numbers at both ends and in the middle."""
    ticks = [limits[0], sum(limits) / 2, limits[1]]
    return {
        "title": {"text": title, "side": "top"},
        "thickness": 14,
        "lenmode": "pixels",
        "len": 200,
        "y": 1,
        "yanchor": "top",
        "tickvals": ticks,
        "ticktext": [f"{tick:.2f}".replace("-", "−") for tick in ticks],
    }
