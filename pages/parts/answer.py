"""A network's answer to one picture: what it sees, what it says in words, and ten bars."""

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.data import CLASS_NAMES
from fmnist_core.familiarity import Familiarity
from fmnist_core.figures import draw_probabilities
from pages.parts.picture import show_picture


def show_answer(
    probabilities: NDArray[np.float32],
    *,
    seen: NDArray[np.uint8] | None = None,
    true_name: str | None = None,
    judge: Callable[[], tuple[float, Familiarity]] | None = None,
) -> None:
    """What the network sees, its two most likely classes, whether that is right where it is known, and all ten as bars.

    Args:
        probabilities: (10,), which sum to 1.
        seen: (28, 28) uint8, where the page does not show it already.
        true_name: the label, where there is one.
        judge: gives the picture's unfamiliarity and what it is held against, where that is to be said.
    """
    first, second = (int(i) for i in np.argsort(-probabilities, kind="stable")[:2])
    with st.container(horizontal=True, vertical_alignment="center"):
        if seen is not None:
            with st.container(width=128):
                show_picture(seen, "The 28×28 pixels that the network sees, enlarged", width_px=112, caption="What it sees")
        with st.container(width="stretch"):
            st.subheader(f"The network says: {CLASS_NAMES[first]}", anchor=False)
            sure, less_sure = 100 * probabilities[first], 100 * probabilities[second]
            st.write(
                f"It gives **{CLASS_NAMES[first]}** {sure:.1f}\u00a0%. Its second guess is {CLASS_NAMES[second]}, {less_sure:.1f}\u00a0%."
            )
    warning = st.container()  # always there, so that what stands below keeps its place and an open expander stays open
    if true_name == CLASS_NAMES[first]:
        st.success(f"Right: the label is {true_name}.", icon=":material/check_circle:")
    elif true_name is not None:
        st.warning(f"Wrong: the label is {true_name}.", icon=":material/cancel:")
    spoken = ", ".join(f"{name} {100 * share:.1f} %" for name, share in zip(CLASS_NAMES, probabilities, strict=True))
    figure, alt = draw_probabilities(probabilities, CLASS_NAMES), f"Probability of each class: {spoken}."
    st.plotly_chart(figure, key="answer_bars", alt=alt, config={"displayModeBar": False})  # on a phone the buttons hide the first bar
    if true_name is None:
        st.caption("The ten bars add up to 100 %. The network knows these ten classes only, and names one of them whatever it is shown.")
    if judge is not None:  # last: the first time it takes seconds, and the answer need not wait
        with warning:
            _show_unfamiliarity(*judge())


def _show_unfamiliarity(score: float, familiarity: Familiarity) -> None:
    if score <= familiarity.threshold:
        return
    st.warning(
        "**This is unlike anything I was trained on.** The network responds to it more weakly than to 99\u00a0% of the "
        "training images, so its answer means little. (It says so, wrongly, of "
        f"{100 * familiarity.false_alarm_rate:.1f}\u00a0% of the test images, and more often of photographs of things it knows.)",
        icon=":material/help:",
    )
