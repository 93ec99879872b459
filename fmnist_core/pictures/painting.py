"""What a person paints: corrections of a cut-out, and changes of a test item."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fmnist_core.dataset.classes import SIDE_PX

GARMENT, BACKGROUND = 1, 2  # values of `Choices.painted`


def read_paint(strokes: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """(H, W) uint8 of strokes (H, W, 3), red for garment and green for background; None where there are none."""
    painted = np.zeros(strokes.shape[:2], np.uint8)
    painted[strokes[..., 0] > 127] = GARMENT
    painted[strokes[..., 1] > 127] = BACKGROUND
    return painted if painted.any() else None


def correct_mask(mask: NDArray[np.bool_], painted: NDArray[np.uint8] | None) -> NDArray[np.bool_]:
    """The mask with a person's corrections, which win; they may have any size."""
    if painted is None:
        return mask
    height, width = mask.shape
    fitted = cv2.resize(painted, (width, height), interpolation=cv2.INTER_NEAREST)
    return (mask & (fitted != BACKGROUND)) | (fitted == GARMENT)


def shrink_item(strokes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(28, 28) uint8 of a test item that was enlarged and edited: means of squares, so that an item left as it was is itself again."""
    return np.asarray(cv2.resize(strokes, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8)
