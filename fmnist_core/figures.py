"""Arrays and frames → plotly figures; never calls streamlit. Colours, fonts and grid of every chart come from here."""

from collections.abc import Mapping, Sequence
from typing import Any

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
DIVERGING = [[0.0, "#08519c"], [0.25, "#6baed6"], [0.5, "#f7f7f7"], [0.75, "#fdae6b"], [1.0, "#a63603"]]


def base_figure(height_px: int, **layout: object) -> go.Figure:
    """An empty figure with the margins and font size that all figures share."""
    figure = go.Figure()
    figure.update_layout(height=height_px, margin={"l": 8, "r": 8, "t": 8, "b": 8}, font={"size": 14}, **layout)
    return figure


def draw_loss(steps: NDArray[Any], losses: NDArray[Any], smoothed: NDArray[Any], epochs: Sequence[Mapping[str, float]]) -> go.Figure:
    """Loss of a run that has ended: every batch faint, smoothed on top, and the test loss of each epoch as points.

    Args:
        steps, losses, smoothed: (N,) each.
        epochs: each with `step` and `test_loss`.
    """
    figure = base_figure(420, xaxis_title="step", yaxis_title="loss", legend={"orientation": "h", "y": 1.12}, hovermode="x unified")
    figure.add_scatter(x=steps, y=losses, name="each batch", mode="lines", line={"color": SKY_BLUE, "width": 1}, opacity=0.6)
    figure.add_scatter(x=steps, y=smoothed, name="smoothed", mode="lines", line={"color": ORANGE, "width": 3})
    figure.add_scatter(
        x=[epoch["step"] for epoch in epochs],
        y=[epoch["test_loss"] for epoch in epochs],
        name="test images, after each epoch",
        mode="markers",
        marker={"size": 10, "color": GREEN, "symbol": "diamond"},
    )
    figure.update_yaxes(rangemode="tozero")
    return figure


def draw_accuracy(epochs: Sequence[Mapping[str, float]]) -> go.Figure:
    """Test accuracy in percent against epoch; each epoch with `epoch` and `test_accuracy` from 0 to 1."""
    figure = base_figure(420, xaxis_title="epoch", yaxis_title="test accuracy, %")
    percent = [100 * epoch["test_accuracy"] for epoch in epochs]
    line = {"color": GREEN, "width": 3}
    figure.add_scatter(
        x=[epoch["epoch"] for epoch in epochs], y=percent, mode="lines+markers", line=line, marker={"size": 9}, name="test accuracy"
    )
    figure.update_xaxes(dtick=max(1, len(epochs) // 10))
    figure.update_yaxes(tickformat=".1f")
    return figure


def draw_pixels(image: NDArray[np.uint8]) -> go.Figure:
    """The values of all 784 pixels of a (28, 28) picture, 0 black to 255 white, each with its number."""
    figure = base_figure(620)
    figure.add_heatmap(
        z=image,
        zmin=0,
        zmax=255,
        colorscale="gray",
        texttemplate="%{z}",
        textfont={"size": 10},
        hovertemplate="row %{y}, column %{x}: %{z}<extra></extra>",
        showscale=False,
    )
    figure.update_yaxes(autorange="reversed", title="row", constrain="domain")
    figure.update_xaxes(title="column", side="top", scaleanchor="y", constrain="domain")
    return figure


def draw_class_counts(counts: NDArray[np.int64], class_names: Sequence[str]) -> go.Figure:
    """Number of images of each class as bars."""
    figure = base_figure(360, xaxis_title="images")
    figure.add_bar(x=counts, y=list(class_names), orientation="h", marker_color=BLUE, text=counts, texttemplate="%{text:,}")
    figure.update_yaxes(autorange="reversed")
    return figure


def draw_probabilities(probabilities: NDArray[np.float32], class_names: Sequence[str], height_px: int = 380) -> go.Figure:
    """Ten probabilities as bars in the order of the classes; the highest is darker, and its name is bold."""
    percent = 100 * probabilities.astype(float)
    best = int(percent.argmax())
    figure = base_figure(height_px, xaxis_title="probability, %")
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


def draw_sheet(
    tiles: NDArray[np.floating[Any]],
    *,
    columns: int,
    limit: float,
    names: Sequence[str] = (),
    hover_names: Sequence[str] = (),
    around_zero: bool = True,
    grey: bool = False,
    legend: str = "",
    tile_px: int = 74,
) -> go.Figure:
    """Many small maps on one sheet with one colour scale: a single heatmap, as 500 subplots would take seconds.

    Args:
        tiles: (N, H, W).
        limit: the colours reach from -limit (or 0) to limit.
        names: a name over each, or none.
        hover_names: names shown only under the pointer, where there is no room for `names`; one of the two is needed.
        around_zero: blue below zero and orange above; else one hue from 0 up.
        grey: the article's look, from the lowest weight (black) to the highest (white).
        legend: what the colour scale measures; empty for no scale.
    """
    count, height, width = tiles.shape
    gap = 2 if names else 1
    rows = -(-count // columns)
    sheet = np.full((rows * (height + gap), columns * (width + 1)), np.nan)
    hover = np.full(sheet.shape, "", dtype=object)
    for i, tile in enumerate(tiles):
        top, left = (i // columns) * (height + gap) + gap - 1, (i % columns) * (width + 1)
        sheet[top : top + height, left : left + width] = tile
        hover[top : top + height, left : left + width] = (hover_names or names)[i]
    figure = base_figure(rows * round(tile_px * (height + gap) / (height + 1)) + 24, plot_bgcolor="rgba(0,0,0,0)")
    figure.add_heatmap(
        z=sheet,
        zmin=-limit if around_zero else 0,
        zmax=limit,
        colorscale="gray" if grey else DIVERGING if around_zero else SEQUENTIAL,
        customdata=hover,
        hovertemplate="%{customdata}: %{z:.3f}<extra></extra>",
        hoverongaps=False,
        showscale=bool(legend),
        colorbar={"title": {"text": legend, "side": "top"}, "thickness": 14},
    )
    for i, name in enumerate(names):
        top, left = (i // columns) * (height + gap) + gap - 1, (i % columns) * (width + 1)
        position = {"x": left + (width - 1) / 2, "y": top - 1, "yanchor": "middle"}
        figure.add_annotation(text=name, showarrow=False, font={"size": 12}, **position)
    figure.update_xaxes(visible=False, constrain="domain")
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x", constrain="domain")
    return figure
