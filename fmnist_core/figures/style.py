"""Colours, line styles, fonts and margins of every chart."""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from fmnist_core.store.text import visible_line

# Okabe and Ito's palette, whose colours can be distinguished with every common colour blindness (https://jfly.uni-koeln.de/color/).
BLUE = "#0072b2"
SKY_BLUE = "#56b4e9"
ORANGE = "#d55e00"
GREEN = "#009e73"
GREY = "#7f8a96"
# Names in charts for the columns of `RunHistory.accuracy_table`.
ACCURACY_NAMES = {
    "test_accuracy": "test accuracy",
    "validation_accuracy": "validation accuracy",
    "train_accuracy": "training accuracy (running)",
}
# One hue, from light to dark, for counts; blue, white and orange for values around zero.
SEQUENTIAL = [(0.0, "#f2f6fb"), (0.25, "#c3d9ee"), (0.5, "#7fb0dc"), (0.75, "#3478b8"), (1.0, "#0b3d6e")]
DIVERGING = [(0.0, "#08519c"), (0.25, "#6baed6"), (0.5, "#f7f7f7"), (0.75, "#fdae6b"), (1.0, "#a63603")]


# In projector mode half as large again: no word is below 20 pixels, and no number at an axis below 18.
TYPE_PX, TICKS_PX = 14, 12


@dataclass(frozen=True)
class LineStyle:
    """A line that is distinguished by its colour and, for people who cannot see it, by its dashes.

    Attributes:
        colour: "#rrggbb", with a contrast of at least 3 to 1 against white and against the dark theme.
        dash: plotly's name of a dash pattern, or its lengths in pixels, such as "8px,3px".
    """

    colour: str
    dash: str


PINK, GOLD, BROWN, VIOLET = "#b5569a", "#a87b00", "#a05a2c", "#8a63d2"
# Runs to compare with.
OTHER_LINES = (
    LineStyle(BLUE, "8px,4px"),
    LineStyle(PINK, "2px,3px"),
    LineStyle(GOLD, "10px,3px,2px,3px"),
    LineStyle(GREEN, "16px,5px"),
    LineStyle(GREY, "16px,3px,2px,3px"),
)
# The ten classes, in order: no two have the same colour and dashes.
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


def base_figure(height_px: int, **layout: Any) -> go.Figure:
    """An empty figure with the margins and font size that all figures share.

    Args:
        layout: all that is known of the layout. Each `update_layout`, `update_xaxes` or `add_annotation` afterwards takes 2 ms.
    """
    # A name at the pointer is shown in full: plotly would cut it after 15 characters, perhaps in the middle of an entity.
    look = {"margin": {"l": 8, "r": 8, "t": 8, "b": 8}, "font": {"size": TYPE_PX}, "hoverlabel": {"namelength": -1}}
    return go.Figure(layout={"height": height_px, **look, **layout, **_type_sizes(layout)})


def _type_sizes(layout: Mapping[str, Any]) -> dict[str, int]:
    """The sizes of words that would otherwise be those of Streamlit's theme, whatever the font of the figure."""
    sizes = {"legend_font_size": TYPE_PX}
    for axis in ("xaxis", "yaxis"):
        sizes[f"{axis}_title_font_size"] = TYPE_PX
        if "tickfont" not in layout.get(axis, {}):
            sizes[f"{axis}_tickfont_size"] = TICKS_PX
    return sizes


def as_typed(name: str) -> str:
    """A name for plotly, which reads tags such as <b> and entities such as &lt; in every text, but shows what this returns as it was typed.

    Quotation marks stay as they are, because plotly does not know &quot;.
    """
    return html.escape(visible_line(name), quote=False)
