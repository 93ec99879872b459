"""Evaluate: how many test images a network classifies correctly, what it confuses, and the images themselves."""

import streamlit as st

from fmnist_core.evaluation.evaluation import Evaluation
from pages.parts.components.confusion_table.confusion_table import show_confusion_table
from pages.parts.evaluate.cell_images import show_cell, show_cell_image
from pages.parts.evaluate.class_scores import show_class_scores
from pages.parts.shared.cached import kept_answers, model_or_stop, split_or_stop
from pages.parts.shared.completion_line import show_completion
from pages.parts.shared.run_picker import pick_network
from pages.parts.shared.url_state import bind, one_of, parse_switch, set_choice, write_switch

VIEWS = ("Counts", "Percent of each row")


def parse_cell(text: str) -> tuple[int, int]:
    """ "6-0" → (6, 0): true class and predicted class."""
    true, predicted = (int(part) for part in text.split("-"))
    if not (0 <= true <= 9 and 0 <= predicted <= 9):
        raise ValueError(text)
    return true, predicted


def choose_cell(true: int, predicted: int) -> None:
    """Chooses a cell; its most confident image is shown first."""
    set_choice("cell", (true, predicted))
    set_choice("test_image", None)


def show_accuracy(evaluation: Evaluation) -> None:
    """The test accuracy and what it means."""
    right, total = int((evaluation.predictions == evaluation.labels).sum()), len(evaluation.labels)
    with st.container(key="accuracy", horizontal=True, vertical_alignment="center", gap="large"):
        st.metric("Test accuracy", f"{100 * evaluation.accuracy:.2f} %", width="content")
        st.write(f"The network classifies {right:,} of {total:,} unseen test images correctly, {total - right:,} wrongly.")


def show_worst(evaluation: Evaluation) -> None:
    """The most frequent confusions in words; a click opens their images."""
    names = evaluation.class_names
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for true, predicted in evaluation.worst_confusions(3):
            count = int(evaluation.confusion[true, predicted])
            label = f"{names[true]} was confused with {names[predicted]} {'once' if count == 1 else f'{count:,} times'}"
            st.button(label, key=f"worst_{true}_{predicted}", on_click=choose_cell, args=(true, predicted), icon=":material/search:")


def show_matrix(evaluation: Evaluation, cell: tuple[int, int] | None) -> None:
    """The confusion matrix and the choices of how to show it."""
    bind("view", VIEWS[0], one_of(VIEWS))
    bind("mistakes", False, parse_switch, write_switch)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = st.radio("Cells show", VIEWS, key="view", horizontal=True, persist_state="session", label_visibility="collapsed")
        mistakes_only = st.toggle(
            "Mistakes only",
            key="mistakes",
            persist_state="session",
            help="Leaves out the diagonal, which holds the correct predictions, so that the colours show only the mistakes.",
        )
    show_confusion_table(
        evaluation.confusion,
        evaluation.row_percent,
        evaluation.class_names,
        key="confusion",
        as_percent=view == VIEWS[1],
        mistakes_only=mistakes_only,
        selected=cell,
        on_select=choose_cell,
        reveals="cell_images",
    )


def show_mistakes(evaluation: Evaluation) -> None:
    """The matrix, the images of the chosen cell beside it, and one of them enlarged below."""
    st.subheader("What gets confused with what", anchor=False)
    show_worst(evaluation)
    cell = bind("cell", None, parse_cell, lambda cell: f"{cell[0]}-{cell[1]}")
    matrix, images = st.columns([5, 3], gap="medium")
    with matrix:
        show_matrix(evaluation, cell)
    chosen = None
    with images, st.container(key="cell_images"):
        if cell is None:
            st.info(
                "Click a cell to see its images. With the keyboard: Tab to the table, arrow keys to a cell, Enter.",
                icon=":material/touch_app:",
            )
        else:
            chosen = show_cell(evaluation, split_or_stop("test"), *cell)
    if chosen is not None:
        with st.container(key="large_item_answer"):
            show_cell_image(evaluation, split_or_stop("test"), chosen)


st.title("Evaluate")
run = pick_network()
answers = kept_answers(run)
if answers is None:
    model_or_stop(run)  # without weights nothing can be computed
    show_completion(run, kept_answers)
else:
    if run.is_live:
        st.caption(f"This run is still training. These are its results after epoch {run.best_epoch or run.epoch}.")
    evaluation = answers.evaluation(split_or_stop("test"))
    show_accuracy(evaluation)
    show_mistakes(evaluation)
    show_class_scores(evaluation)
