"""Shows a camera: Python receives its frames one after the other while it is on, and the photos that are taken."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from fmnist_core.pictures.live import Outline
from pages.parts.components.component import load_component

FRAME_SIDE_PX = 320  # the longer side of what the browser sends: what a preparation works on
_MAX_FRAME_BASE64 = 80_000  # 60 KB; a frame of a room takes 10 to 25
_MAX_PHOTO_BASE64 = 2_800_000  # 2 MB; a photo of 1,280 pixels takes 0.2 to 0.6


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame of a live camera, RGB, at most 320 pixels a side, and the number under which the browser waits for its answer."""

    number: int
    image: Image.Image


def show_live_camera(
    answered: int, outline: Outline, pause_s: float, *, key: str, label: str, starts: bool = False, problem: str = ""
) -> bytes | None:
    """Shows the camera and returns a photo, a JPEG file, once, in the run after it was taken.

    Args:
        answered: the number of the frame that has been answered last; 0 if there is none. The browser then sends the next one.
        outline: what to draw over the video, from `live.trace`.
        pause_s: how long the browser waits before the next frame.
        label: a description of the video for screen readers.
        starts: whether a camera that has been on in this tab starts by itself.
        problem: why the photo that was taken cannot be used, in plain text; "" if it can.
    """
    camera = load_component(Path(__file__).parent)
    data = {
        "answered": answered,
        "outline": outline,
        "pause_ms": round(1000 * pause_s),
        "label": label,
        "starts": starts,
        "problem": problem,
        "frame_side": FRAME_SIDE_PX,
    }
    return read_photo(camera(key=key, data=data, on_frame_change=lambda: None, on_photo_change=lambda: None).photo)


def read_frame(state: Any) -> Frame | None:
    """The frame in what the browser sent; None if there is none, or it is not what our camera sends.

    Anyone can make a browser send anything, so nothing about it is trusted: not its type, its length, its size or its mode.
    """
    try:
        number, encoded = state["frame"]
        if type(number) is not int or not 0 < number < 2**53 or len(encoded) > _MAX_FRAME_BASE64:
            return None
        picture = Image.open(io.BytesIO(base64.b64decode(encoded, validate=True)), formats=("JPEG",))
        if max(picture.size) > FRAME_SIDE_PX or min(picture.size) < 8 or picture.mode not in ("RGB", "L"):
            return None
        return Frame(number, picture.convert("RGB"))
    except Exception:  # a damaged or forged picture makes Pillow raise anything
        return None


def read_photo(sent: Any) -> bytes | None:
    """The file in what the browser sent as a photo, which may be anything; None if it is no base64, or too large."""
    try:
        return base64.b64decode(sent, validate=True) if 0 < len(sent) <= _MAX_PHOTO_BASE64 else None
    except (TypeError, ValueError):
        return None
