"""Sheets: many kernels or feature maps in one figure, with one colour scale."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from fmnist_core.figures.style import DIVERGING, SEQUENTIAL, base_figure

SheetColours = Literal["signed", "strength", "grey"]


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
    sheet = np.full((rows * down, columns * across), np.nan, np.float32)
    hover_data = np.zeros((*sheet.shape, len(labels) + 2), np.uint8)  # as uint8, 0.2 MB for 512 kernels; as text, 0.5
    for i, tile in enumerate(tiles):
        top, left = i // columns * down + down - height, i % columns * across
        area = np.s_[top : top + height, left : left + width]
        sheet[area] = tile
        hover_data[area] = np.dstack([np.broadcast_to(numbers[i], tile.shape) for numbers in labels.values()] + [*np.indices(tile.shape)])

    # dragmode False lets a finger scroll the sheet instead of drawing a zoom box.
    right, top_px, left_px = 96, 64 if axes else 8, 72 if axes else 8
    figure = base_figure(round(rows * down * tile_px / across) + top_px + 8, plot_bgcolor="rgba(0,0,0,0)", dragmode=False)
    figure.update_layout(width=columns * tile_px + left_px + right, margin={"l": left_px, "r": right, "t": top_px, "b": 8})
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
    for i, name in enumerate(names):
        position = {"x": i % columns * across + (width - 1) / 2, "y": i // columns * down + down - height - 0.5, "yanchor": "bottom"}
        figure.add_annotation(text=name, showarrow=False, font={"size": 13}, **position)
    bare: dict[str, Any] = {"showgrid": False, "zeroline": False, "ticks": "", "fixedrange": False}
    figure.update_xaxes(**bare, visible=False, side="top", constrain="domain")
    figure.update_yaxes(**bare, visible=False, autorange="reversed", scaleanchor="x", constrain="domain")
    if axes:
        middles = np.arange(rows) * down + down - height + (height - 1) / 2, np.arange(columns) * across + (width - 1) / 2
        figure.update_yaxes(visible=True, title=axes[0], tickvals=middles[0], ticktext=[str(i) for i in range(rows)])
        figure.update_xaxes(visible=True, title=axes[1], tickvals=middles[1], ticktext=[str(i) for i in range(columns)])
    return figure


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
