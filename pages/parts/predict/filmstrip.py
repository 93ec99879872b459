"""The preparation of a picture, step by step, each with what the network would predict if it ended there."""

from collections.abc import Callable

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.evaluation.prediction import predict
from fmnist_core.insight.answer import answer_picture
from fmnist_core.network.model import FashionCNN
from fmnist_core.pictures.preparation import Preparation
from pages.parts.shared.picture import show_picture


def show_filmstrip(
    model: FashionCNN, preparation: Preparation | None, picture_id: str, on_switch: Callable[[str, bool], None] | None = None
) -> None:
    """Every step: the picture and its 28×28 version after it, the network's prediction for that, and a sentence.

    Args:
        preparation: None to leave room for one.
        on_switch: called with a step's key and whether to carry it out; None shows no switches.
    """
    st.subheader("From your picture to 28×28, step by step", anchor=False)
    st.caption("Each step also shows what the network would see, and predict, if the preparation ended there.")
    with st.container(key="filmstrip"):
        if preparation is None:
            st.caption("The steps appear here when the pen is lifted.")
        else:
            _show_steps(model, preparation, picture_id, on_switch)


def _show_steps(model: FashionCNN, preparation: Preparation, picture_id: str, on_switch: Callable[[str, bool], None] | None) -> None:
    answers = predict(model, np.stack([step.seen for step in preparation.steps]))
    for number, (step, share) in enumerate(zip(preparation.steps, answers, strict=True), start=1):
        with st.container(gap="xsmall"):
            if step.optional and on_switch is not None:
                key = f"step {step.key} {picture_id}"
                st.session_state[key] = step.is_on
                st.checkbox(f"**{number}. {step.name}**", key=key, on_change=_report, args=(on_switch, step.key, key))
            else:
                st.markdown(f"**{number}. {step.name}**")
            with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
                with st.container(width=96):
                    show_picture(step.image, f"After step {number}, {step.name}: {step.sentence}", width_px=96)
                with st.container(width=56):
                    show_picture(step.seen, f"The 28×28 that the network would see after step {number}", width_px=56)
            _show_answer(share)
            st.caption(step.sentence)
    if len(preparation.views) > 1:
        _show_views(model, preparation)


def _show_views(model: FashionCNN, preparation: Preparation) -> None:
    """The last step: several views of the item, and the mean of the network's answers to them."""
    with st.container(gap="xsmall"):
        st.markdown(f"**{len(preparation.steps) + 1}. Several views**")
        sheet = np.concatenate([np.concatenate(list(preparation.views[row : row + 2]), axis=1) for row in (0, 2)])
        with st.container(horizontal=True):
            show_picture(sheet, "The item as it is, mirrored, smaller, and smaller and mirrored", width_px=96)
        _show_answer(answer_picture(model, preparation.views).probabilities)
        st.caption("The network sees the item, its mirror image and both a little smaller. Its answer is the mean of the four.")


def _show_answer(share: NDArray[np.float32]) -> None:
    best = int(share.argmax())
    st.markdown(f":material/arrow_forward: **{CLASS_NAMES[best]}** {100 * share[best]:.0f}\u00a0%")


def _report(on_switch: Callable[[str, bool], None], step: str, key: str) -> None:
    on_switch(step, bool(st.session_state[key]))
