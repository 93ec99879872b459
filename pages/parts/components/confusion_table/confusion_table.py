"""The confusion matrix as a table of buttons, for mouse, finger and keyboard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.dataset.classes import SHORT_NAMES
from fmnist_core.figures.shades import THEMES, cell_shares, legend_shades, shade, text_on
from fmnist_core.settings.number_words import count
from pages.parts.components.component import load_component


def show_confusion_table(
    confusion: NDArray[np.int64],
    row_percent: NDArray[np.float64],
    class_names: tuple[str, ...],
    *,
    key: str,
    as_percent: bool,
    mistakes_only: bool,
    selected: tuple[int, int] | None,
    on_select: Callable[[int, int], None],
    reveals: str,
) -> None:
    """Shows the matrix; a click calls `on_select` with the true and the predicted class before the page runs again.

    Args:
        confusion: (10, 10) counts; rows are true classes.
        row_percent: (10, 10) the same in percent of each row, NaN in empty rows.
        as_percent: whether cells show percent instead of counts.
        mistakes_only: whether the diagonal is left out, so that the colour scale ends at the most frequent mistake.
        reveals: key of the container that a click scrolls into view if necessary.
    """
    weights = np.nan_to_num(row_percent)
    shown = ~np.eye(len(confusion), dtype=bool) if mistakes_only else np.ones_like(confusion, dtype=bool)
    texts = np.vectorize(_percent)(weights) if as_percent else confusion.astype(str)
    labels = [
        [
            f"true {true}, predicted {predicted}: {count(int(confusion[i, j]), 'image')}, {weights[i, j]:.1f} %"
            for j, predicted in enumerate(class_names)
        ]
        for i, true in enumerate(class_names)
    ]
    data = {
        "summary": ("Percent of each row." if as_percent else "Number of images.") + (" Mistakes only." if mistakes_only else ""),
        "names": class_names,
        "short": [SHORT_NAMES.get(name, name) for name in class_names],
        "texts": np.where(shown, texts, "·").tolist(),
        "shades": [[_colours(share) for share in row] for row in cell_shares(row_percent, mistakes_only=mistakes_only)],
        "legend": {theme: legend_shades(theme, mistakes_only=mistakes_only) for theme in THEMES},
        "highest": f"{weights[shown].max(initial=0):.1f} %",
        "labels": labels,
        "selected": selected,
        "reveals": reveals,
    }
    table = load_component(Path(__file__).parent)

    def select() -> None:
        cell = read_cell(st.session_state.get(key), len(class_names))
        if cell is not None:
            on_select(*cell)

    table(key=key, data=data, on_cell_change=select)


def _colours(share: float) -> list[str]:
    """Background and text in the light theme, background and text in the dark one."""
    return [colour for background in (shade(share, theme) for theme in THEMES) for colour in (background, text_on(background))]


def _percent(share: float) -> str:
    return f"{share:.1f}" if share < 99.95 else "100"


def read_cell(state: Any, classes: int) -> tuple[int, int] | None:
    """The cell in what the browser sent; None if it is not a cell."""
    sent = (state or {}).get("cell")
    if not isinstance(sent, list | tuple) or len(sent) != 2:
        return None
    if not all(isinstance(index, int) and not isinstance(index, bool) and 0 <= index < classes for index in sent):
        return None
    return int(sent[0]), int(sent[1])
