"""Tells photographs, drawings and pictures that already look like the training images apart."""

import cv2
import numpy as np
from cv2.typing import MatLike
from numpy.typing import NDArray

from fmnist_core.dataset.classes import SIDE_PX

PHOTO, DRAWING, READY = KINDS = ("photo", "drawing", "ready")
_DARK = 127  # a background darker than this counts as dark


def find_kind(colour: NDArray[np.uint8], opaque: NDArray[np.bool_] | None) -> tuple[str, str]:
    """The kind of a picture, one of `KINDS`, and a sentence that says why.

    Args:
        colour: (H, W, 3) uint8 RGB.
        opaque: (H, W), true where the picture is opaque; None if it is opaque everywhere.
    """
    height, width = colour.shape[:2]
    grey = as_uint8(cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY))
    is_grey = float(np.ptp(colour.astype(np.int16), axis=2).mean()) < 8
    rim = np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])
    if opaque is not None:
        return PHOTO, "Its background is transparent, so it is already cut out."
    if is_grey and height == width == SIDE_PX and np.median(rim) < _DARK:
        return READY, "It is grey, 28×28 and dark at the edges, like the training images."
    ink = find_ink(grey)
    lines, between = float((ink > 195).mean()), float(((ink >= 60) & (ink <= 195)).mean())
    if is_grey and 0.002 < lines < 0.5 and between < 0.25 * lines:
        return DRAWING, "It has two shades, like lines on plain paper."
    if is_grey and np.median(rim) < 25 and abs(height - width) <= 0.02 * max(height, width):
        return READY, "It is grey, square and black at the edges, like the training images."
    return PHOTO, "It has the colours and shades of a photograph."


def find_ink(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """White strokes on black, (H, W) uint8, whether they are dark or bright in the picture."""
    return 255 - grey if np.median(grey) > _DARK else grey


def as_uint8(pixels: MatLike) -> NDArray[np.uint8]:
    """The same array, typed as uint8; OpenCV's annotations do not say so."""
    return np.asarray(pixels, np.uint8)
