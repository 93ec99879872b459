"""Evaluate: how many test images a network classifies correctly, what it confuses, and the images themselves."""

from pathlib import Path

import streamlit as st

from fmnist_core.evaluation.evaluation import Evaluation
from fmnist_core.runs.record import RunRecord
from pages.parts.evaluate.cell_images import show_cell
from pages.parts.evaluate.class_scores import show_class_scores
from pages.parts.evaluate.explanation import show_explanation
from pages.parts.evaluate.matrix import choose_cell, chosen_cell, show_matrix
from pages.parts.shared.cached import kept_answers, model_or_stop, split_or_stop
from pages.parts.shared.completion_line import show_completion
from pages.parts.shared.run_picker import pick_network


def show_accuracy(evaluation: Evaluation) -> None:
    """The test accuracy and what it means."""
    right, total = int((evaluation.predictions == evaluation.labels).sum()), len(evaluation.labels)
    with st.container(key="accuracy", horizontal=True, vertical_alignment="center", width="content"):
        st.metric("Test accuracy", f"{100 * evaluation.accuracy:.2f} %", width="content")
        st.write(f"The network classifies {right:,} of {total:,} unseen test images correctly, {total - right:,} wrongly.")


def show_worst(evaluation: Evaluation) -> None:
    """The most frequent confusions in words; a click opens their images, and explains the first."""
    names = evaluation.class_names
    with st.container(key="worst", horizontal=True, gap="small", vertical_alignment="center"):
        for true, predicted in evaluation.worst_confusions(3):
            count = int(evaluation.confusion[true, predicted])
            label = f"{names[true]} was confused with {names[predicted]} {'once' if count == 1 else f'{count:,} times'}"
            st.button(label, key=f"worst_{true}_{predicted}", on_click=choose_cell, args=(true, predicted), icon=":material/search:")


def show_mistakes(run: RunRecord, evaluation: Evaluation) -> None:
    """The matrix; beside it the images of the chosen cell, and beside those one of them, explained. On a phone they follow each other."""
    cell = chosen_cell()
    with st.container(key="evaluate_frame"), st.container(key="evaluate_board"):
        with st.container(key="matrix"):
            show_matrix(evaluation, cell)
        with st.container(key="cell_images"):
            chosen = None if cell is None else show_cell(evaluation, split_or_stop("test"), *cell)
            if cell is None:
                st.info(
                    "Click or tap a cell, or one of the three mistakes above, to see its images. "
                    "With the keyboard: Tab to the table, arrow keys to a cell, Enter.",
                    icon=":material/touch_app:",
                )
        with st.container(key="large_item_answer"):
            if chosen is not None:
                show_explanation(run, evaluation, split_or_stop("test"), chosen)


st.html(Path(__file__).parent / "parts" / "evaluate" / "evaluate.css")
head = st.container(key="evaluate_head", horizontal=True, vertical_alignment="center")
with head:
    st.title("Evaluate", anchor=False, width="content")
    run = pick_network()
answers = kept_answers(run)
if answers is None:
    model_or_stop(run)  # without weights nothing can be computed
    show_completion(run, kept_answers)
else:
    if run.is_live:
        st.caption(f"This run is still training. These are its results after epoch {run.best_epoch or run.epoch}.")
    evaluation = answers.evaluation(split_or_stop("test"))
    with head:
        show_accuracy(evaluation)
    show_worst(evaluation)
    show_mistakes(run, evaluation)
    with st.container(key="class_scores"):
        show_class_scores(evaluation)
