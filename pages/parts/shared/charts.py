"""Charts on pages: plotly's, which stand still, and ECharts', which move; in projector mode larger, and without tooltips."""

from typing import Any, Literal

import plotly.graph_objects as go
import streamlit as st

from fmnist_core.figures.enlarged import enlarge_figure, enlarge_options
from pages.parts.shared.projector import SCALE, enlarged_px, is_projecting


def show_figure(figure: go.Figure, *, key: str, alt: str, width: Literal["stretch", "content"] = "stretch", toolbar: bool = True) -> None:
    """Shows a plotly figure.

    Args:
        alt: the chart in words.
        toolbar: whether plotly's buttons appear at the pointer; on a phone they would hide what is at the top right.
    """
    if is_projecting():
        figure, toolbar = enlarge_figure(figure, SCALE), False
    st.plotly_chart(figure, key=key, alt=alt, width=width, config={"displayModeBar": None if toolbar else False})


def show_options(options: dict[str, Any], *, key: str, alt: str, height_px: int) -> None:
    """Shows an ECharts chart, which keeps its place on the page, its zoom and its size while its data change.

    Args:
        alt: the chart in words.
        height_px: its height on a desk; in projector mode it is larger.
    """
    if is_projecting():
        options = enlarge_options(options, SCALE)
    st.echarts_chart(options, height=enlarged_px(height_px), key=key, alt=alt)
