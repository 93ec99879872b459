"""The confusion matrix, how it is shown, and which of its cells is chosen."""

import streamlit as st

from fmnist_core.evaluation.evaluation import Evaluation
from pages.parts.components.confusion_table.confusion_table import show_confusion_table
from pages.parts.shared.url_state import bind, one_of, parse_switch, set_choice, write_switch

COUNTS, PERCENT = VIEWS = ("Counts", "Percent of each row")


def chosen_cell() -> tuple[int, int] | None:
    """The true and the predicted class of the cell in the link or chosen since; None if there is none."""
    return bind("cell", None, _parse_cell, lambda cell: f"{cell[0]}-{cell[1]}")


def choose_cell(true: int, predicted: int) -> None:
    """Chooses a cell; its most confident image is shown first."""
    set_choice("cell", (true, predicted))
    set_choice("test_image", None)


def show_matrix(evaluation: Evaluation, cell: tuple[int, int] | None) -> None:
    """The matrix below the choices of how to show it."""
    bind("view", COUNTS, one_of(VIEWS))
    bind("mistakes", False, parse_switch, write_switch)
    with st.container(key="matrix_view", horizontal=True, vertical_alignment="center"):
        view = st.radio(
            "Cells show",
            VIEWS,
            format_func=lambda view: "Percent" if view == PERCENT else view,
            key="view",
            horizontal=True,
            persist_state="session",
            label_visibility="collapsed",
            width="content",
        )
        mistakes_only = st.toggle(
            "Mistakes only",
            key="mistakes",
            persist_state="session",
            help="Leaves out the diagonal, which holds the correct predictions, so that the colours show only the mistakes.",
            width="content",
        )
    show_confusion_table(
        evaluation.confusion,
        evaluation.row_percent,
        evaluation.class_names,
        key="confusion",
        as_percent=view == PERCENT,
        mistakes_only=mistakes_only,
        selected=cell,
        on_select=choose_cell,
        reveals="cell_images",
    )


def _parse_cell(text: str) -> tuple[int, int]:
    """ "6-0" → (6, 0): true class and predicted class."""
    true, predicted = (int(part) for part in text.split("-"))
    if not (0 <= true <= 9 and 0 <= predicted <= 9):
        raise ValueError(text)
    return true, predicted
