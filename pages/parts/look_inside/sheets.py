"""Sheets of kernels and feature maps, which scroll by themselves on a narrow screen."""

from typing import Any

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.figures.sheets import draw_sheet
from pages.parts.shared.url_state import bind, parse_switch, write_switch


def show_sheet(tiles: NDArray[np.floating[Any]], key: str, alt: str, **options: Any) -> None:
    """Shows maps (N, H, W) with `figures.sheets.draw_sheet`, in the size that it draws them."""
    with st.container(key=f"sheet_{key}"):
        st.plotly_chart(draw_sheet(tiles, **options), key=key, alt=alt, width="content")


def show_weights(kernels: NDArray[np.float32], noun: str, key: str) -> None:
    """A switch, and if it is on, a table with the 25 weights of each of the (N, 5, 5) kernels in a row."""
    if not choose_switch("Weights as numbers", "numbers", "A table of all weights shown above, one kernel per row."):
        return
    columns = [f"row {row}, column {column}" for row in range(kernels.shape[1]) for column in range(kernels.shape[2])]
    table = pd.DataFrame(kernels.reshape(len(kernels), -1), columns=columns)
    table.insert(0, noun, range(len(kernels)))
    number = st.column_config.NumberColumn(format="%.3f")
    st.dataframe(table, key=key, hide_index=True, column_config=dict.fromkeys(columns, number))


def choose_switch(label: str, name: str, help: str) -> bool:
    """A switch, initially off, whose state lives in the URL as `name`."""
    bind(name, False, parse_switch, write_switch)
    return st.toggle(label, key=name, help=help, persist_state="session")
