"""The 784 pixel values of a picture as a table, each on its own grey, to read with the pointer or the arrow keys."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pages.parts.components.component import load_component

_HINT = "Point at a number, tap it, or move with the arrow keys, to read its row and column."


def show_pixel_table(image: NDArray[np.uint8], *, key: str, title: str) -> None:
    """Shows every value of a picture, 0 black to 255 white.

    Args:
        image: (28, 28) uint8.
        title: the table's description for screen readers.
    """
    table = load_component(Path(__file__).parent)
    table(key=key, data={"rows": image.tolist(), "title": title, "hint": _HINT})
