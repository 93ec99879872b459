"""A canvas with two tools for mouse, pen, finger and keyboard; Python receives the drawing when a stroke ends."""

import base64
import io
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from fmnist_core.figures.images import png_url
from pages.parts.components.component import load_component

_MAX_BASE64 = 400_000  # a full canvas is 20,000 to 60,000
_SESSION = "canvas_session"  # to a new session, the browser sends what it has kept
_MAX_SENDINGS = 2**31
_MODES = ("L", "RGB", "RGBA")


@dataclass(frozen=True)
class Tool:
    """A brush: its name, the key that selects it, and its colours on the screen and in what Python receives.

    Attributes:
        margin_px: how much wider than the chosen width it is, so that an eraser takes the soft edges of strokes too.
    """

    name: str
    key: str
    shown: str
    sent: str
    margin_px: int = 0


@dataclass(frozen=True)
class Sending:
    """Which of the browser's sendings a drawing came with, counted from 1, and whether the pen was still down."""

    number: int = 0
    is_live: bool = False


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
    live_interval_s: float | None = None,
    is_kept: bool = False,
    on_change: Callable[[], None] = lambda: None,
) -> NDArray[np.uint8] | None:
    """Shows a canvas and returns the drawing, (height, width, 3) uint8 on black; None while it is empty.

    Args:
        drawing: name of the drawing: each keeps its strokes, across reruns and changes of page.
        size: width and height in pixels of the canvas, not of the screen.
        label: a description for screen readers.
        base: (H, W) or (H, W, 3) uint8, the picture under the strokes, enlarged without smoothing.
        sends_base: whether the base is part of what is returned.
        alpha: opacity of the strokes on the screen, 0 to 1.
        live_interval_s: how often it is also sent while the pen is down, if the last sending has been answered; None for not at all.
        is_kept: whether its strokes also outlive a reload, until the tab is closed; the page says so.
        on_change: called when a drawing has come, before the page runs again.
    """
    state = st.session_state.get(key)
    canvas = load_component(Path(__file__).parent)
    data = {
        "drawing": drawing,
        "session": st.session_state.setdefault(_SESSION, secrets.token_hex(8)),
        "answered": read_sending(state, drawing).number,
        "live_ms": None if live_interval_s is None else round(1000 * live_interval_s),
        "is_kept": is_kept,
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
    return read_strokes(canvas(key=key, data=data, on_png_change=on_change), drawing, size)


def read_strokes(state: Any, drawing: str, largest: tuple[int, int]) -> NDArray[np.uint8] | None:
    """The picture in what the browser sent, (H, W, 3) uint8; None if there is none, or it is not what our canvas sends.

    Anyone can make a browser send anything, so nothing about it is trusted: not its type, its length, its size or its mode.
    """
    try:
        name, encoded, *_sending = state["png"]
        if not encoded or name != drawing or len(encoded) > _MAX_BASE64:
            return None
        picture = Image.open(io.BytesIO(base64.b64decode(encoded, validate=True)), formats=("PNG",))
        if picture.width > largest[0] or picture.height > largest[1] or picture.mode not in _MODES:
            return None
        return np.array(picture.convert("RGB"))
    except Exception:  # a damaged or forged picture makes Pillow raise anything
        return None


def read_sending(state: Any, drawing: str) -> Sending:
    """The number of the sending, and whether the pen was down, in what the browser sent; 0 if there is none or it is of another drawing."""
    try:
        name, _encoded, number, is_live = state["png"]
    except (TypeError, KeyError, ValueError):
        return Sending()
    if name != drawing or type(number) is not int or not 0 < number < _MAX_SENDINGS or type(is_live) is not bool:
        return Sending()
    return Sending(number, is_live)
