"""Why a network predicts what it predicts: the pixels that mattered, and the most similar training images."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.figures.images import tint_attribution
from fmnist_core.insight.attribution import occlude
from fmnist_core.insight.likeness import Likeness
from fmnist_core.insight.neighbours import Neighbours
from fmnist_core.network.model import FashionCNN
from fmnist_core.runs.record import RunRecord
from pages.parts.shared.cached import explain, split_or_stop
from pages.parts.shared.picture import show_picture
from pages.parts.shared.projector import enlarged_px


def show_reasons(run: RunRecord, model: FashionCNN, likeness: Likeness | None, image: NDArray[np.uint8], best: int) -> None:
    """The pixels that speak for and against a class, and the five most similar training images.

    Args:
        likeness: None if it is not known yet; then the end of the page shows its progress.
        image: (28, 28) uint8, what the network saw.
        best: the class it predicted.
    """
    left, right = st.columns([2, 3], gap="large")
    with left:
        _show_pixels(run, model, image, best)
    with right:
        st.markdown("The five training images that look most similar to the network:")
        if likeness is None:
            st.caption("They are still being looked for; how far that is, the end of this page shows.")
        else:
            _show_nearest(run, model, likeness.neighbours, image)


def _show_pixels(run: RunRecord, model: FashionCNN, image: NDArray[np.uint8], best: int) -> None:
    # The key contains the answer, so that another answer starts with its own class, whatever was chosen before.
    chosen = st.selectbox(
        "Which pixels speak for", range(len(CLASS_NAMES)), best, format_func=lambda i: CLASS_NAMES[i], key=f"pixels for {best}"
    )
    attribution = explain("pixels", run, image, chosen, lambda: occlude(model, image, chosen))
    name = CLASS_NAMES[chosen]
    for_it, against = float((attribution > 0).mean()), float((attribution < 0).mean())
    alt = f"The picture; {100 * for_it:.0f} % of its pixels, in orange, speak for {name}, {100 * against:.0f} %, in blue, against it."
    show_picture(tint_attribution(image, attribution), alt, width_px=196)
    st.caption(
        f"**Orange** pixels speak for {name}, **blue** ones against it. To find out, a small black patch was slid over the picture while "
        "we watched the answer. Black pixels cannot be covered."
    )


def _show_nearest(run: RunRecord, model: FashionCNN, neighbours: Neighbours, image: NDArray[np.uint8]) -> None:
    split = split_or_stop("train")
    nearest = explain("nearest", run, image, 0, lambda: neighbours.nearest(model, split, image))
    with st.container(horizontal=True):
        for index in nearest:
            name = split.class_names[split.labels[index]]
            with st.container(width=enlarged_px(92)):
                show_picture(split.images[index], f"Training image {index}, {name}", width_px=84, caption=name)
    st.caption(
        "Images count as similar if the 32 kernels of the second layer respond to them in a similar way. "
        f"{len(neighbours.directions):,} of the training images were searched. The network has seen these with their labels, many times."
    )
