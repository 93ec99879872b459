"""The network's answer to one picture: what it sees, what it predicts in words, and ten bars."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.figures.bars import draw_probabilities
from fmnist_core.insight.answer import Answer
from fmnist_core.insight.familiarity import Familiarity
from pages.parts.shared.picture import show_picture


def show_answer(
    answer: Answer,
    *,
    seen: NDArray[np.uint8] | None = None,
    true_name: str | None = None,
    familiarity: Familiarity | None = None,
) -> None:
    """Shows what the network sees, its two most probable classes, whether it is right, and all ten probabilities as bars.

    Args:
        seen: (28, 28) uint8, unless the page already shows it.
        true_name: the label, if it is known.
        familiarity: the threshold for a warning that the picture is unfamiliar; None for no warning.
    """
    first, second = CLASS_NAMES[answer.first], CLASS_NAMES[answer.second]
    with st.container(horizontal=True, vertical_alignment="center"):
        if seen is not None:
            with st.container(width=128):
                show_picture(seen, "The 28×28 pixels that the network sees, enlarged", width_px=112, caption="What it sees")
        with st.container(width="stretch"):
            st.subheader(f"The network says: {first}", anchor=False)
            sure, less_sure = (100 * answer.probabilities[index] for index in (answer.first, answer.second))
            st.write(f"It gives **{first}** a probability of {sure:.1f}\u00a0%. Its second guess is {second}, with {less_sure:.1f}\u00a0%.")
    with st.container():  # always there, so that nothing below moves and an open expander stays open
        if familiarity is not None:
            _warn_if_unfamiliar(answer, familiarity)
    if true_name == first:
        st.success(f"Correct: the label is {true_name}.", icon=":material/check_circle:")
    elif true_name is not None:
        st.warning(f"Wrong: the label is {true_name}.", icon=":material/cancel:")
    listed = ", ".join(f"{name} {100 * share:.1f} %" for name, share in zip(CLASS_NAMES, answer.probabilities, strict=True))
    figure, alt = draw_probabilities(answer.probabilities, CLASS_NAMES), f"Probability of each class: {listed}."
    st.plotly_chart(figure, key="answer_bars", alt=alt, config={"displayModeBar": False})  # on a phone the buttons hide the first bar
    if true_name is None:
        st.caption(
            "A **probability** says how sure the network is, from 0 to 100 %; all ten add up to 100 %. The network only knows these ten "
            "classes and names one of them whatever it sees."
        )


def _warn_if_unfamiliar(answer: Answer, familiarity: Familiarity) -> None:
    if not answer.is_unfamiliar(familiarity):
        return
    st.warning(
        "**This is unlike anything I was trained on.** The network responds to it more weakly than to 99\u00a0% of the "
        "training images, so its answer means little. (This warning is wrong for "
        f"{100 * familiarity.false_alarm_rate:.1f}\u00a0% of the test images, and more often for photographs of clothes it knows.)",
        icon=":material/help:",
    )
