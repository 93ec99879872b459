"""The images of one cell of a confusion matrix."""

import math

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.dataset.split import Split
from fmnist_core.evaluation.evaluation import Evaluation
from pages.parts.components.image_wall.image_wall import show_image_wall
from pages.parts.shared.url_state import bind, set_choice, whole_number

IMAGES_PER_PAGE = 60


def show_cell(evaluation: Evaluation, split: Split, true: int, predicted: int) -> int | None:
    """The images of one cell, the most confident first, a page at a time; returns the chosen image's index."""
    names = evaluation.class_names
    indices = evaluation.images_in_cell(true, predicted)
    title = f"{names[true]} classified as {names[predicted]}" if true != predicted else f"{names[true]} classified correctly"
    st.subheader(f"{title}: {len(indices):,}", anchor=False)
    if len(indices) == 0:
        st.info("No test image is in this cell. Choose another.", icon=":material/info:")
        return None
    st.write("Below each: how sure the network was.")
    chosen = bind("test_image", int(indices[0]), whole_number(0, len(evaluation.labels) - 1))
    if chosen not in indices:
        chosen = int(indices[0])
    pages = math.ceil(len(indices) / IMAGES_PER_PAGE)
    page = _choose_page(f"cell_page_{true}_{predicted}_{pages}", pages, int(np.flatnonzero(indices == chosen)[0]) // IMAGES_PER_PAGE)
    shown = indices[page * IMAGES_PER_PAGE : (page + 1) * IMAGES_PER_PAGE]
    sure = [f"{100 * share:.1f} %" for share in evaluation.probabilities[shown, predicted]]
    show_image_wall(
        split.images[shown],
        [f"Test image {i}, {names[true]}, classified as {names[predicted]} with {share}" for i, share in zip(shown, sure, strict=True)],
        key="cell_wall",
        title=title,
        captions=sure,
        columns=4,
        picked=_index_in(shown, chosen),
        on_pick=lambda index: set_choice("test_image", int(shown[index])),
        reveals="large_item_answer",
        in_box=True,
        first=page * IMAGES_PER_PAGE,
        total=len(indices),
    )
    return chosen


def _choose_page(key: str, pages: int, first: int) -> int:
    """The chosen page of images, counted from 0, at first `first`; nothing is shown if there is only one page."""
    if pages == 1:
        return 0
    return st.pagination(pages, default=first + 1, max_visible_pages=5, key=key) - 1


def _index_in(shown: NDArray[np.int64], image: int) -> int | None:
    found = np.flatnonzero(shown == image)
    return int(found[0]) if len(found) else None
