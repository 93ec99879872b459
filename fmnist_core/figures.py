"""Arrays and frames → plotly figures; never calls streamlit. Colours, fonts and grid of every chart come from here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

# Okabe and Ito's palette, told apart with every common colour blindness (https://jfly.uni-koeln.de/color/).
BLUE = "#0072b2"
SKY_BLUE = "#56b4e9"
ORANGE = "#d55e00"
GREEN = "#009e73"
GREY = "#7f8a96"
# One hue from paper to ink for counts; blue–white–orange for values around zero.
SEQUENTIAL = [[0.0, "#f2f6fb"], [0.25, "#c3d9ee"], [0.5, "#7fb0dc"], [0.75, "#3478b8"], [1.0, "#0b3d6e"]]
DIVERGING = [(0.0, "#08519c"), (0.25, "#6baed6"), (0.5, "#f7f7f7"), (0.75, "#fdae6b"), (1.0, "#a63603")]

SheetColours = Literal["signed", "strength", "grey"]


@dataclass(frozen=True)
class LineStyle:
    """A line told apart by colour and, for those who see no colours, by its dashes.

    Attributes:
        colour: "#rrggbb", at least 3 to 1 against white and against the dark theme.
        dash: plotly's name of a pattern of dashes, or its lengths in pixels such as "8px,3px".
    """

    colour: str
    dash: str


PINK, GOLD, BROWN, VIOLET = "#b5569a", "#a87b00", "#a05a2c", "#8a63d2"
# Runs that a run is compared with.
OTHER_LINES = (
    LineStyle(BLUE, "8px,4px"),
    LineStyle(PINK, "2px,3px"),
    LineStyle(GOLD, "10px,3px,2px,3px"),
    LineStyle(GREEN, "16px,5px"),
    LineStyle(GREY, "16px,3px,2px,3px"),
)
# The ten classes, in their order: no two share a colour and its dashes.
CLASS_LINES = (
    LineStyle(BLUE, "solid"),
    LineStyle(ORANGE, "solid"),
    LineStyle(GREEN, "8px,4px"),
    LineStyle(PINK, "8px,4px"),
    LineStyle(GOLD, "2px,3px"),
    LineStyle("#2a8ec9", "2px,3px"),
    LineStyle(VIOLET, "10px,3px,2px,3px"),
    LineStyle(BROWN, "solid"),
    LineStyle(GREY, "16px,5px"),
    LineStyle(ORANGE, "16px,5px"),
)


def base_figure(height_px: int, **layout: object) -> go.Figure:
    """An empty figure with the margins and font size that all figures share."""
    figure = go.Figure()
    figure.update_layout(height=height_px, margin={"l": 8, "r": 8, "t": 8, "b": 8}, font={"size": 14}, **layout)
    return figure


def draw_class_counts(counts: NDArray[np.int64], class_names: Sequence[str]) -> go.Figure:
    """Number of images of each class as bars."""
    figure = base_figure(360, xaxis_title="images", dragmode=False)  # a finger scrolls the page instead of drawing a zoom box
    figure.add_bar(x=counts, y=list(class_names), orientation="h", marker_color=BLUE, text=counts, texttemplate="%{text:,}")
    figure.update_yaxes(autorange="reversed")
    return figure


def draw_probabilities(probabilities: NDArray[np.float32], class_names: Sequence[str], height_px: int = 380) -> go.Figure:
    """Ten probabilities as bars in the order of the classes; the highest is darker, and its name is bold."""
    percent = 100 * probabilities.astype(float)
    best = int(percent.argmax())
    figure = base_figure(height_px, xaxis_title="probability, %", dragmode=False)
    figure.add_bar(
        x=percent,
        y=[f"<b>▸ {name}</b>" if i == best else name for i, name in enumerate(class_names)],
        orientation="h",
        marker_color=[BLUE if i == best else SKY_BLUE for i in range(len(percent))],
        text=[f"{share:.1f} %" for share in percent],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{y}: %{x:.2f} %<extra></extra>",
    )
    figure.update_yaxes(autorange="reversed")
    figure.update_xaxes(range=[0, 118], tickvals=[0, 25, 50, 75, 100])
    return figure


def tint_attribution(image: NDArray[np.uint8], attribution: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A picture in grey, orange where its pixels speak for a class and blue where they speak against it, the stronger the more.

    Args:
        image: (28, 28) uint8.
        attribution: (28, 28), as `explanation.occlude` gives.
    Returns:
        (28, 28, 3) uint8.
    """
    strength = np.abs(attribution) / max(float(np.abs(attribution).max()), 1e-9)
    colours = np.where(attribution[..., np.newaxis] > 0, [213, 94, 0], [86, 180, 233])  # ORANGE and SKY_BLUE
    grey = 0.75 * np.repeat(image[..., np.newaxis], 3, axis=-1)
    return np.round(grey + strength[..., np.newaxis] ** 0.7 * (colours - grey)).astype(np.uint8)


def colour_limits(values: NDArray[np.floating[Any]], colours: SheetColours) -> tuple[float, float]:
    """Where the colours of `draw_sheet` begin and end, for everything that is shown together.

    Returns:
        "signed": the same distance below and above 0; "strength": 0 to the highest; "grey": the lowest to the highest.
    """
    lowest, highest = float(values.min()), float(values.max())
    if colours == "grey":
        return (lowest, highest) if highest > lowest else (lowest - 1, highest + 1)
    reach = max(abs(lowest), abs(highest)) or 1.0
    return (-reach if colours == "signed" else 0.0), reach


def paint_kernels(kernels: NDArray[np.float32], columns: int, reach: float) -> NDArray[np.uint8]:
    """Kernels side by side, a pixel a weight, in the colours of "signed" sheets.

    Args:
        kernels: (N, H, W).
        reach: where the colours end, below and above 0.
    Returns:
        (rows, columns, 4) uint8: red, green, blue and opacity; a transparent pixel's width is between kernels.
    """
    count, height, width = kernels.shape
    rows = -(-count // columns)
    sheet = np.zeros((rows * (height + 1) - 1, columns * (width + 1) - 1, 4), np.uint8)
    stops = [stop for stop, _ in DIVERGING]
    shades = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for _, colour in DIVERGING])
    places = np.clip(0.5 + kernels / (2 * reach), 0, 1)
    colours = np.stack([np.interp(places, stops, shades[:, channel]) for channel in range(3)], axis=-1)
    for i in range(count):
        top, left = i // columns * (height + 1), i % columns * (width + 1)
        sheet[top : top + height, left : left + width, :3] = colours[i].round()
        sheet[top : top + height, left : left + width, 3] = 255
    return sheet


def draw_sheet(
    tiles: NDArray[np.floating[Any]],
    *,
    columns: int,
    limits: tuple[float, float],
    places: Mapping[str, NDArray[np.integer[Any]]],
    colours: SheetColours = "signed",
    names: Sequence[str] = (),
    axes: tuple[str, str] | None = None,
    legend: str,
    tile_px: int = 110,
) -> go.Figure:
    """Many small maps on one sheet with one colour scale: a single heatmap, as 500 subplots would take seconds.

    Args:
        tiles: (N, H, W).
        limits: where the colours begin and end, see `colour_limits`.
        places: what each tile is, said under the pointer: "kernel" → (N,) numbers from 0 to 255, and so on.
        colours: "signed" is blue below zero and orange above, "strength" one hue from 0 up, "grey" black to white.
        names: a name over each tile, or none.
        axes: names of rows and columns, which are then numbered from 0; for sheets without names.
        legend: what the colour scale measures.
        tile_px: width of a tile with the gap beside it.
    """
    count, height, width = tiles.shape
    rows = -(-count // columns)
    across, down = width + max(1, width // 7), height + (max(2, round(0.3 * height)) if names else max(1, height // 7))
    sheet = np.full((rows * down, columns * across), np.nan, np.float32)
    said = np.zeros((*sheet.shape, len(places) + 2), np.uint8)  # uint8: 0.2 MB for 512 kernels, against 0.5 as words
    for i, tile in enumerate(tiles):
        top, left = i // columns * down + down - height, i % columns * across
        spot = np.s_[top : top + height, left : left + width]
        sheet[spot] = tile
        said[spot] = np.dstack([np.broadcast_to(numbers[i], tile.shape) for numbers in places.values()] + [*np.indices(tile.shape)])

    # dragmode False lets a finger scroll the sheet instead of drawing a zoom box.
    right, top_px, left_px = 96, 64 if axes else 8, 72 if axes else 8
    figure = base_figure(round(rows * down * tile_px / across) + top_px + 8, plot_bgcolor="rgba(0,0,0,0)", dragmode=False)
    figure.update_layout(width=columns * tile_px + left_px + right, margin={"l": left_px, "r": right, "t": top_px, "b": 8})
    hover = ", ".join(f"{name} %{{customdata[{i}]}}" for i, name in enumerate((*places, "row", "column")))
    figure.add_heatmap(
        z=sheet,
        zmin=limits[0],
        zmax=limits[1],
        colorscale={"signed": DIVERGING, "strength": SEQUENTIAL, "grey": "gray"}[colours],
        customdata=said,
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
    """A colour bar of fixed length at the top right, with numbers at its ends and in the middle."""
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
