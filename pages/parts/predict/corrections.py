"""What pictures really show, as a person says: kept for this session, to be downloaded in the layout of Kaggle's CSV."""

import io
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.dataset.classes import CLASS_NAMES, PIXELS
from pages.parts.shared.picture import show_picture

MAX_CORRECTIONS = 500
_LIST = "corrections"


@dataclass(frozen=True, eq=False)
class Correction:
    """A picture (28, 28) uint8, what it is, and what the network said."""

    image: NDArray[np.uint8]
    label: int
    answered: int


def show_corrections(image: NDArray[np.uint8] | None, answered: int | None) -> None:
    """A way to say what the picture really is, and the list of all that was said, to download.

    Args:
        image: (28, 28) uint8 on show, if any.
        answered: the class that the network gave it.
    """
    kept: list[Correction] = st.session_state.setdefault(_LIST, [])
    if image is None and not kept:
        return
    st.subheader("Your own list", anchor=False)
    if image is not None and answered is not None:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            label = st.selectbox(
                "It is really a …", range(len(CLASS_NAMES)), answered, format_func=lambda i: CLASS_NAMES[i], key="really", width=220
            )
            full = len(kept) >= MAX_CORRECTIONS
            st.button("Keep it", icon=":material/playlist_add:", disabled=full, on_click=_keep, args=(image, label, answered))
    if not kept:
        st.caption("Keep pictures with their right label, and download them as a CSV file that any Fashion-MNIST program reads.")
        return
    right = sum(correction.label == correction.answered for correction in kept)
    st.write(f"{len(kept)} kept, {right} of them answered right. They are gone when this tab is closed.")
    with st.container(horizontal=True):
        for number, correction in enumerate(kept[-12:], start=max(0, len(kept) - 12)):
            said, is_really = CLASS_NAMES[correction.answered], CLASS_NAMES[correction.label]
            with st.container(width=104):
                show_picture(correction.image, f"{is_really}; the network said {said}", width_px=84, caption=f"{is_really} (said: {said})")
                st.button("Remove", key=f"remove correction {number}", on_click=_remove, args=(number,))
    with st.container(horizontal=True):
        st.download_button(
            "Download as CSV", write_csv(kept), "my-fashion-mnist.csv", "text/csv", icon=":material/download:", on_click="ignore"
        )
        st.button("Clear the list", icon=":material/delete:", on_click=kept.clear)


def write_csv(corrections: list[Correction]) -> bytes:
    """Label first and 784 pixels after it, with a header line, as Kaggle's fashion-mnist_test.csv."""
    rows = np.array([[correction.label, *correction.image.ravel()] for correction in corrections])
    file = io.StringIO()
    header = ",".join(["label", *(f"pixel{i}" for i in range(1, PIXELS + 1))])
    np.savetxt(file, rows, fmt="%d", delimiter=",", header=header, comments="")
    return file.getvalue().encode()


def _remove(number: int) -> None:
    del st.session_state[_LIST][number]


def _keep(image: NDArray[np.uint8], label: int, answered: int) -> None:
    st.session_state[_LIST].append(Correction(image, label, answered))
