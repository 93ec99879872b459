"""Sheets of kernels and feature maps, in their own scrolling box where the screen is narrow."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.figures import draw_sheet


def show_sheet(tiles: NDArray[np.floating[Any]], key: str, alt: str, *, columns: int, **options: Any) -> None:
    """Shows (N, H, W) maps by `figures.draw_sheet`, no wider than they need."""
    tile_px = options.setdefault("tile_px", 74)
    width = columns * tile_px + (90 if options.get("legend") else 20)
    with st.container(key=f"sheet_{key}", horizontal=True, horizontal_alignment="left"):
        st.plotly_chart(draw_sheet(tiles, columns=columns, **options), key=key, alt=alt, width=width)


def limit_of(*arrays: NDArray[np.floating[Any]]) -> float:
    """One limit for what is shown together: the largest absolute value."""
    return max(float(np.abs(array).max(initial=0)) for array in arrays) or 1.0


def numbered(noun: str, count: int) -> Sequence[str]:
    """ "kernel 0", "kernel 1", …"""
    return [f"{noun} {i}".strip() for i in range(count)]
