"""What a person paints: corrections of a cut-out, and changes to a test item."""

import cv2
import numpy as np
from numpy.typing import NDArray

from fmnist_core.dataset.classes import SIDE_PX

GARMENT, BACKGROUND = 1, 2  # values of `Choices.painted`


def read_paint(strokes: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Corrections (H, W) uint8 from strokes (H, W, 3), red for garment and green for background; None without any."""
    painted = np.zeros(strokes.shape[:2], np.uint8)
    painted[strokes[..., 0] > 127] = GARMENT
    painted[strokes[..., 1] > 127] = BACKGROUND
    return painted if painted.any() else None


def correct_mask(mask: NDArray[np.bool_], painted: NDArray[np.uint8] | None) -> NDArray[np.bool_]:
    """The mask with a person's corrections, which take precedence and may have any size."""
    if painted is None:
        return mask
    height, width = mask.shape
    fitted = cv2.resize(painted, (width, height), interpolation=cv2.INTER_NEAREST)
    return (mask & (fitted != BACKGROUND)) | (fitted == GARMENT)


def shrink_item(strokes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reduces an enlarged and edited test item to (28, 28) uint8 by averaging squares, so that an unedited item is unchanged."""
    return np.asarray(cv2.resize(strokes, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8)
