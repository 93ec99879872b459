"""Arrays and frames → plotly figures; never calls streamlit. Colours, fonts and grid of every chart come from here."""

import plotly.graph_objects as go

# Okabe and Ito's palette, told apart with every common colour blindness (https://jfly.uni-koeln.de/color/).
BLUE = "#0072b2"
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
