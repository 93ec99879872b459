"""Evaluate: how many test images a network gets right, which it mixes up, and those images themselves."""

import numpy as np
import pandas as pd
import streamlit as st

from fmnist_core.evaluation import Evaluation
from fmnist_core.figures import draw_probabilities
from pages.parts.cached import evaluation_or_stop, split_or_stop
from pages.parts.confusion_table import show_confusion_table
from pages.parts.image_wall import show_image_wall
from pages.parts.picture import show_picture
from pages.parts.run_picker import pick_run
from pages.parts.url_state import keep, one_of, restore, write

VIEWS = ("Counts", "Percent of each row")
MOST_SHOWN = 60


def parse_cell(text: str) -> tuple[int, int]:
    """ "6-0" → (6, 0): true class and predicted class."""
    true, predicted = (int(part) for part in text.split("-"))
    if not (0 <= true <= 9 and 0 <= predicted <= 9):
        raise ValueError(text)
    return true, predicted


def show_accuracy(evaluation: Evaluation) -> None:
    """The one figure, and what it is a figure of."""
    right, total = int((evaluation.predictions == evaluation.labels).sum()), len(evaluation.labels)
    figure, words = st.columns([1, 3], vertical_alignment="center")
    figure.metric("Test accuracy", f"{100 * evaluation.accuracy:.2f} %")
    words.write(
        f"Of {total:,} test images, which it never saw while it learned, the network answers {right:,} right and {total - right:,} wrong."
    )


def show_worst(evaluation: Evaluation) -> None:
    """The three most frequent confusions in words."""
    mistakes = evaluation.confusion.copy()
    np.fill_diagonal(mistakes, 0)
    names = evaluation.class_names
    worst = [divmod(int(place), len(names)) for place in np.argsort(-mistakes, axis=None, kind="stable")[:3]]
    said = [f"{names[i]} taken for {names[j]} {mistakes[i, j]:,} times" for i, j in worst if mistakes[i, j]]
    if said:
        st.write("Most frequent mistakes: " + "; ".join(said) + ".")


def show_matrix(evaluation: Evaluation) -> tuple[int, int] | None:
    """The confusion matrix and its choices; returns the chosen cell."""
    st.subheader("What is taken for what", anchor=False)
    show_worst(evaluation)
    restore("view", VIEWS[0], one_of(VIEWS))
    restore("mistakes", "no", one_of(("yes", "no")))
    st.session_state["mistakes_only"] = st.session_state["mistakes"] == "yes"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        view = st.radio("Cells show", VIEWS, key="view", horizontal=True, on_change=keep, args=("view",))
        mistakes_only = st.toggle(
            "Mistakes only",
            key="mistakes_only",
            on_change=lambda: write("mistakes", "yes" if st.session_state["mistakes_only"] else "no"),
            help="Leaves out the diagonal, the right answers, so that the colours show the mistakes alone.",
        )
    cell = restore("cell", None, parse_cell)
    show_confusion_table(
        evaluation.confusion,
        evaluation.row_percent,
        evaluation.class_names,
        key="confusion",
        as_percent=view == VIEWS[1],
        mistakes_only=mistakes_only,
        selected=cell,
        on_select=lambda chosen: write("cell", f"{chosen[0]}-{chosen[1]}"),
    )
    return cell


def show_cell(evaluation: Evaluation, true: int, predicted: int) -> None:
    """The images of one cell, the most confident first, and the chosen one large."""
    names = evaluation.class_names
    indices = evaluation.images_in_cell(true, predicted)
    title = f"{names[true]} answered as {names[predicted]}" if true != predicted else f"{names[true]} answered right"
    st.subheader(f"{title}: {len(indices):,}", anchor=False)
    if len(indices) == 0:
        st.info("No test image is in this cell. Choose another.", icon=":material/info:")
        return
    shown = indices[:MOST_SHOWN]
    st.caption(
        "The most confident answers first: the percentage is how sure the network was."
        + (f" The first {MOST_SHOWN} of {len(indices):,}." if len(indices) > MOST_SHOWN else "")
    )
    images = split_or_stop("test").images
    sure = [f"{100 * evaluation.probabilities[index, predicted]:.1f} %" for index in shown]
    labels = [
        f"Test image {index}, {names[true]}, answered {names[predicted]} with {share}" for index, share in zip(shown, sure, strict=True)
    ]
    wall, large = st.columns([3, 2], gap="large")
    with wall:
        picked = show_image_wall(images[shown], labels, key="cell_wall", title=title, captions=sure, columns=8, tile_px=88, picked=0) or 0
    with large:
        index = int(shown[picked])
        show_picture(images[index], f"Test image {index}, a {names[true]}, enlarged", caption=f"Test image {index}: {names[true]}")
        spoken = ", ".join(f"{name} {100 * share:.1f} %" for name, share in zip(names, evaluation.probabilities[index], strict=True))
        figure = draw_probabilities(evaluation.probabilities[index], names)
        st.plotly_chart(figure, key="cell_bars", alt=f"Probabilities for test image {index}: {spoken}.")


def show_per_class(evaluation: Evaluation) -> None:
    """Precision, recall and F1 of each class, with what they mean."""
    st.subheader("Class by class", anchor=False)
    st.write(
        "**Precision**: of the images answered so, how many are so. **Recall**: of the images that are so, how many are answered so. "
        "**F1**: one figure for both, high only if both are high (their harmonic mean)."
    )
    percent = {"Precision": evaluation.precision, "Recall": evaluation.recall, "F1": evaluation.f1}
    table = pd.DataFrame({"Class": evaluation.class_names} | {name: 100 * share for name, share in percent.items()})
    table["Images"] = evaluation.support
    columns = {name: st.column_config.NumberColumn(name, format="%.1f %%") for name in percent}
    st.dataframe(table, hide_index=True, width="stretch", height="content", column_config=columns)


st.title("Evaluate")
evaluation = evaluation_or_stop(pick_run())
show_accuracy(evaluation)
chosen_cell = show_matrix(evaluation)
if chosen_cell is None:
    st.caption("Click a cell to see its images. With the keyboard: Tab to the table, arrow keys to a cell, Enter.")
else:
    show_cell(evaluation, *chosen_cell)
show_per_class(evaluation)
