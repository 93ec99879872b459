"""Bar charts: the images of each class, and the ten probabilities of a prediction."""

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from fmnist_core.figures.style import BLUE, SKY_BLUE, base_figure

_TOP_DOWN = {"autorange": "reversed"}


def draw_class_counts(counts: NDArray[np.int64], class_names: Sequence[str]) -> go.Figure:
    """The number of images of each class as bars."""
    # With dragmode False, a finger scrolls the page instead of drawing a zoom box.
    figure = base_figure(360, dragmode=False, xaxis={"title": "images"}, yaxis=_TOP_DOWN)
    figure.add_bar(x=counts, y=list(class_names), orientation="h", marker_color=BLUE, text=counts, texttemplate="%{text:,}")
    return figure


def draw_probabilities(probabilities: NDArray[np.float32], class_names: Sequence[str], height_px: int = 380) -> go.Figure:
    """Ten probabilities as bars in the order of the classes; the highest is darker, and its name is bold."""
    percent = 100 * probabilities.astype(float)
    best = int(percent.argmax())
    horizontal = {"title": "probability, %", "range": [0, 118], "tickvals": [0, 25, 50, 75, 100]}
    figure = base_figure(height_px, dragmode=False, xaxis=horizontal, yaxis=_TOP_DOWN)
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
    return figure
