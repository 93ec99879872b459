"""A canvas with two tools for mouse, pen, finger and keyboard; Python receives the drawing when a stroke ends."""

import base64
import binascii
import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from fmnist_core.figures.images import png_url
from pages.parts.components.component import load_component

_MAX_BASE64 = 400_000  # a full canvas is 20,000 to 60,000
_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning)


@dataclass(frozen=True)
class Tool:
    """A brush: its name, the key that selects it, and its colours on the screen and in what Python receives."""

    name: str
    key: str
    shown: str
    sent: str


def show_canvas(
    drawing: str,
    size: tuple[int, int],
    tools: tuple[Tool, Tool],
    *,
    key: str,
    label: str,
    hint: str,
    brush_px: int,
    base: NDArray[np.uint8] | None = None,
    sends_base: bool = False,
    alpha: float = 1.0,
) -> NDArray[np.uint8] | None:
    """Shows a canvas and returns the drawing, (height, width, 3) uint8 on black; None while it is empty.

    Args:
        drawing: name of the drawing: each keeps its strokes, across reruns and changes of page, until the tab is reloaded.
        size: width and height in pixels of the canvas, not of the screen.
        label: a description for screen readers.
        base: (H, W) or (H, W, 3) uint8, the picture under the strokes, enlarged without smoothing.
        sends_base: whether the base is part of what is returned.
        alpha: opacity of the strokes on the screen, 0 to 1.
    """
    canvas = load_component(Path(__file__).parent)
    data = {
        "drawing": drawing,
        "width": size[0],
        "height": size[1],
        "tools": [asdict(tool) for tool in tools],
        "label": label,
        "hint": hint,
        "brush": brush_px,
        "base": "" if base is None else png_url(base),
        "sends_base": sends_base,
        "alpha": alpha,
    }
    return read_strokes(canvas(key=key, data=data, on_png_change=lambda: None), drawing, size)


def read_strokes(state: Any, drawing: str, largest: tuple[int, int]) -> NDArray[np.uint8] | None:
    """The picture in what the browser sent; None if there is none, or it is too large or belongs to another drawing."""
    sent = (state or {}).get("png")
    if not isinstance(sent, list) or len(sent) != 2 or sent[0] != drawing or not isinstance(sent[1], str) or len(sent[1]) > _MAX_BASE64:
        return None
    try:
        picture = Image.open(io.BytesIO(base64.b64decode(sent[1], validate=True)), formats=("PNG",))
        if picture.width > largest[0] or picture.height > largest[1]:
            return None
        return np.array(picture.convert("RGB"))
    except (binascii.Error, UnidentifiedImageError, OSError, ValueError, SyntaxError, *_BOMBS):
        return None
