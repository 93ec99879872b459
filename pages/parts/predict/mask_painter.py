"""The picture with the garment that was found in it, and two brushes to correct the mask."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.figures.images import hatch_background
from fmnist_core.pictures.painting import read_paint
from fmnist_core.pictures.preparation import CANVAS_SIDE_PX
from pages.parts.components.canvas.canvas import Tool, read_strokes, show_canvas

_TOOLS = (Tool("Add", "b", "#56b4e9", "#ff0000"), Tool("Remove", "e", "#e69f00", "#00ff00"))
_HINT = (
    "Paint over the picture: Add turns it into garment, Remove into background. With the keyboard: Tab to the area, "
    "the arrow keys move the brush, space starts and ends a stroke, B chooses Add and E chooses Remove."
)


_KEY = "mask_painter"


def painted_on(picture_id: str) -> NDArray[np.uint8] | None:
    """What has been painted over a picture, (H, W) uint8 as in `Choices.painted`, or None; call it before the painter is shown."""
    strokes = read_strokes(st.session_state.get(_KEY), picture_id, (CANVAS_SIDE_PX, CANVAS_SIDE_PX))
    return None if strokes is None else read_paint(strokes)


def show_mask_painter(canvas: NDArray[np.uint8], mask: NDArray[np.bool_], picture_id: str) -> None:
    """Shows a picture to paint on, its background dark and hatched.

    Args:
        canvas: (H, W, 3) uint8, as in `Preparation.canvas`.
        mask: (H, W), true on the garment.
        picture_id: the key of the strokes: another picture starts without any.
    """
    height, width = mask.shape
    st.caption("The dark, hatched area counts as background. Correct it where it is wrong.")
    show_canvas(
        picture_id,
        (width, height),
        _TOOLS,
        key=_KEY,
        label="Picture to paint on, to mark what belongs to the garment and what does not",
        hint=_HINT,
        brush_px=20,
        base=hatch_background(canvas, mask),
        alpha=0.4,
    )
