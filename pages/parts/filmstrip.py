"""The preparation of a picture, step by step, each with what the network would answer if it ended there."""

from collections.abc import Callable

import numpy as np
import streamlit as st

from fmnist_core.data import CLASS_NAMES
from fmnist_core.evaluation import predict
from fmnist_core.imaging import Preparation
from fmnist_core.model import FashionCNN
from pages.parts.picture import show_picture


def show_filmstrip(
    model: FashionCNN, preparation: Preparation, picture_id: str, on_switch: Callable[[str, bool], None] | None = None
) -> None:
    """Every step as a picture, a sentence, the 28×28 after it and the answer to that.

    Args:
        on_switch: called with a step's key and whether it is to be done; None shows no switches.
    """
    st.subheader("From your picture to 28×28, step by step", anchor=False)
    st.caption("Beside each step: what the network would see, and say, if the preparation ended there.")
    answers = predict(model, np.stack([step.seen for step in preparation.steps]))
    with st.container(horizontal=True, gap="medium"):
        for number, (step, answer) in enumerate(zip(preparation.steps, answers, strict=True), start=1):
            best = int(answer.argmax())
            with st.container(width=200):
                if step.optional and on_switch is not None:
                    key = f"step {step.key} {picture_id}"
                    st.session_state[key] = step.is_on
                    st.checkbox(f"**{number}. {step.name}**", key=key, on_change=_report, args=(on_switch, step.key, key))
                else:
                    st.markdown(f"**{number}. {step.name}**")
                with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
                    with st.container(width=112):
                        show_picture(step.image, f"After step {number}, {step.name}: {step.sentence}", width_px=112)
                    with st.container(width=64):
                        show_picture(step.seen, f"The 28×28 that the network would see after step {number}", width_px=56)
                st.markdown(f":material/arrow_forward: **{CLASS_NAMES[best]}** {100 * answer[best]:.0f}\u00a0%")
                st.caption(step.sentence)


def _report(on_switch: Callable[[str, bool], None], step: str, key: str) -> None:
    on_switch(step, bool(st.session_state[key]))
