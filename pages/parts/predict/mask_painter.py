"""The picture with the garment that was found in it, and two brushes to correct that."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.pictures.preparation import BACKGROUND, CANVAS_SIDE_PX, GARMENT
from pages.parts.components.canvas.canvas import Tool, read_strokes, show_canvas

_TOOLS = (Tool("Add", "b", "#56b4e9", "#ff0000"), Tool("Take away", "e", "#e69f00", "#00ff00"))
_HINT = (
    "Paint over the picture: Add makes it garment, Take away makes it background. With the keyboard: Tab to the area, "
    "the arrow keys move the brush, space starts and ends a stroke, B adds and E takes away."
)


_KEY = "mask_painter"


def painted_on(picture_id: str) -> NDArray[np.uint8] | None:
    """What was painted over a picture so far, (H, W) uint8 as `imaging.Choices.painted`, or None; asked before the painter is shown."""
    strokes = read_strokes(st.session_state.get(_KEY), picture_id, (CANVAS_SIDE_PX, CANVAS_SIDE_PX))
    return None if strokes is None else read_paint(strokes)


def show_mask_painter(canvas: NDArray[np.uint8], mask: NDArray[np.bool_], picture_id: str) -> None:
    """Shows a picture whose background is dark and hatched, to paint on.

    Args:
        canvas: (H, W, 3) uint8, as `imaging.Preparation.canvas`.
        mask: (H, W), true on the garment.
        picture_id: whose strokes these are: another picture starts without any.
    """
    height, width = mask.shape
    st.caption("What is dark and hatched was taken for background. Correct it where it is wrong.")
    show_canvas(
        picture_id,
        (width, height),
        _TOOLS,
        key=_KEY,
        label="Picture to paint on: what belongs to the garment and what does not",
        hint=_HINT,
        brush_px=20,
        base=_show_mask(canvas, mask),
        alpha=0.4,
    )


def read_paint(strokes: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """(H, W) uint8 of strokes (H, W, 3), red for garment and green for background; None where there are none."""
    painted = np.zeros(strokes.shape[:2], np.uint8)
    painted[strokes[..., 0] > 127] = GARMENT
    painted[strokes[..., 1] > 127] = BACKGROUND
    return painted if painted.any() else None


def _show_mask(canvas: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The picture, its background at a third of its brightness and hatched, so that the two differ in more than colour."""
    rows, columns = np.indices(mask.shape)
    dark = canvas // 3
    dark[(rows + columns) % 10 < 2] += np.uint8(70)
    return np.where(mask[..., np.newaxis], canvas, dark)
