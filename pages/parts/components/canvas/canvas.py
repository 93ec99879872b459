"""A canvas with two tools for mouse, pen, finger and keyboard; Python receives the drawing when a stroke ends."""

import base64
import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fmnist_core.figures.images import png_url
from pages.parts.components.component import load_component

_MAX_BASE64 = 400_000  # a full canvas is 20,000 to 60,000
_MODES = ("L", "RGB", "RGBA")


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
    """The picture in what the browser sent, (H, W, 3) uint8; None if there is none, or it is not what our canvas sends.

    Anyone can make a browser send anything, so nothing about it is trusted: not its type, its length, its size or its mode.
    """
    try:
        name, encoded = state["png"]
        if name != drawing or len(encoded) > _MAX_BASE64:
            return None
        picture = Image.open(io.BytesIO(base64.b64decode(encoded, validate=True)), formats=("PNG",))
        if picture.width > largest[0] or picture.height > largest[1] or picture.mode not in _MODES:
            return None
        return np.array(picture.convert("RGB"))
    except Exception:  # a damaged or forged picture makes Pillow raise anything
        return None
