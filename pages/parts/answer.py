"""A network's answer to one picture: in words and as ten bars."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.data import CLASS_NAMES
from fmnist_core.figures import draw_probabilities


def show_answer(probabilities: NDArray[np.float32], true_name: str | None = None) -> None:
    """The two most likely classes in words, whether that is right where it is known, and all ten as bars."""
    first, second = (int(i) for i in np.argsort(-probabilities, kind="stable")[:2])
    st.subheader(f"The network says: {CLASS_NAMES[first]}", anchor=False)
    sure, less_sure = 100 * probabilities[first], 100 * probabilities[second]
    st.write(f"It gives **{CLASS_NAMES[first]}** {sure:.1f} % and {CLASS_NAMES[second]} {less_sure:.1f} %.")
    if true_name == CLASS_NAMES[first]:
        st.success(f"Right: the label is {true_name}.", icon=":material/check_circle:")
    elif true_name is not None:
        st.warning(f"Wrong: the label is {true_name}.", icon=":material/cancel:")
    spoken = ", ".join(f"{name} {100 * share:.1f} %" for name, share in zip(CLASS_NAMES, probabilities, strict=True))
    st.plotly_chart(draw_probabilities(probabilities, CLASS_NAMES), key="answer_bars", alt=f"Probability of each class: {spoken}.")
