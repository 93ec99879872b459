"""The confusion matrix as a table of buttons, for mouse, finger and keyboard."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

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
        mistakes_only: whether the diagonal is left out, and does not affect the shades of the rest.
        reveals: key of the container that a click scrolls into view if necessary.
    """
    weights = np.nan_to_num(row_percent)
    shown = ~np.eye(len(confusion), dtype=bool) if mistakes_only else np.ones_like(confusion, dtype=bool)
    highest = max(weights[shown].max(initial=0), 1e-9)
    # The square root keeps rare confusions visible beside the diagonal.
    shades = np.where(shown, np.sqrt(weights / highest), 0)
    texts = np.vectorize(lambda share: f"{share:.1f}")(weights) if as_percent else confusion.astype(str)
    labels = [
        [f"true {true}, predicted {predicted}: {confusion[i, j]} images, {weights[i, j]:.1f} %" for j, predicted in enumerate(class_names)]
        for i, true in enumerate(class_names)
    ]
    data = {
        "summary": ("Percent of each row." if as_percent else "Number of images.") + (" Mistakes only." if mistakes_only else ""),
        "names": class_names,
        "texts": np.where(shown, texts, "·").tolist(),
        "shades": shades.round(3).tolist(),
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


def read_cell(state: Any, classes: int) -> tuple[int, int] | None:
    """The cell in what the browser sent; None if it is not a cell."""
    sent = (state or {}).get("cell")
    if not isinstance(sent, list | tuple) or len(sent) != 2:
        return None
    if not all(isinstance(index, int) and not isinstance(index, bool) and 0 <= index < classes for index in sent):
        return None
    return int(sent[0]), int(sent[1])
