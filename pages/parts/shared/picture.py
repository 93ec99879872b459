"""One small picture, enlarged and crisp."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.figures.images import enlarge
from pages.parts.shared.projector import enlarged_px


def show_picture(image: NDArray[np.uint8], alt: str, *, width_px: int = 224, caption: str | None = None) -> None:
    """Shows a picture with its pixels as squares; a picture larger than the width is smoothly reduced.

    Args:
        image: (H, W) or (H, W, 3) uint8.
        alt: what it shows, in words.
        width_px: of its longer side; in projector mode it is larger.
    """
    width_px = enlarged_px(width_px)
    width = round(width_px * image.shape[1] / max(image.shape[:2]))
    st.image(enlarge(image, width_px), caption=caption, width=max(1, width), output_format="PNG", alt=alt)  # the browser would blur it
