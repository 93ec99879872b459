"""Pictures with the labels that a person corrected: kept for this session, to download as a CSV file like Kaggle's."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.dataset.kaggle_csv import write_csv
from pages.parts.shared.picture import show_picture
from pages.parts.shared.projector import enlarged_px

MAX_CORRECTIONS = 500
_LIST = "corrections"


@dataclass(frozen=True, eq=False)
class Correction:
    """A picture (28, 28) uint8, its correct class, and the class that the network predicted."""

    image: NDArray[np.uint8]
    label: int
    predicted: int


def show_corrections(image: NDArray[np.uint8] | None, predicted: int | None) -> None:
    """A field for the picture's correct class, and the list of all corrections to download.

    Args:
        image: (28, 28) uint8, the picture shown, if any.
        predicted: the class that the network predicted.
    """
    kept: list[Correction] = st.session_state.setdefault(_LIST, [])
    if image is None and not kept:
        return
    with st.expander("Your own list of corrected labels", key="own_list", icon=":material/playlist_add:"):
        _show_list(kept, image, predicted)


def _show_list(kept: list[Correction], image: NDArray[np.uint8] | None, predicted: int | None) -> None:
    if image is not None and predicted is not None:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            label = st.selectbox(
                "It is really a …", range(len(CLASS_NAMES)), predicted, format_func=lambda i: CLASS_NAMES[i], key="really", width=220
            )
            full = len(kept) >= MAX_CORRECTIONS
            st.button("Keep it", icon=":material/playlist_add:", disabled=full, on_click=_keep, args=(image, label, predicted))
    if not kept:
        st.caption("Keep pictures with their correct label, and download them as a CSV file that any Fashion-MNIST program reads.")
        return
    correct = sum(correction.label == correction.predicted for correction in kept)
    st.write(f"{len(kept)} kept, {correct} of them classified correctly. Closing this tab deletes them.")
    with st.container(horizontal=True):
        for number, correction in enumerate(kept[-12:], start=max(0, len(kept) - 12)):
            predicted_name, true_name = CLASS_NAMES[correction.predicted], CLASS_NAMES[correction.label]
            with st.container(width=enlarged_px(104)):
                caption = f"{true_name} (predicted: {predicted_name})"
                show_picture(correction.image, f"{true_name}; the network said {predicted_name}", width_px=84, caption=caption)
                st.button("Remove", key=f"remove correction {number}", on_click=_remove, args=(number,))
    with st.container(horizontal=True):
        st.download_button(
            "Download as CSV", _to_csv(kept), "my-fashion-mnist.csv", "text/csv", icon=":material/download:", on_click="ignore"
        )
        st.button("Clear the list", icon=":material/delete:", on_click=kept.clear)


def _to_csv(corrections: list[Correction]) -> bytes:
    images, labels = np.stack([each.image for each in corrections]), np.array([each.label for each in corrections])
    return write_csv(images, labels)


def _remove(number: int) -> None:
    del st.session_state[_LIST][number]


def _keep(image: NDArray[np.uint8], label: int, predicted: int) -> None:
    st.session_state[_LIST].append(Correction(image, label, predicted))
