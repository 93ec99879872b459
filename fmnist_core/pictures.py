"""Opening a picture that somebody gives, whatever it is, safely."""

import io
import re

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
MAX_PIXELS = 50_000_000  # 200 MB as RGBA while it is decoded; phones make 12 to 50 million
_WORKING_SIDE_PX = 1024  # what is kept of a large picture: 36 times the network's 28


class PictureError(ValueError):
    """The picture cannot be used; the message is one sentence for the person who chose it."""


def open_picture(content: bytes, name: str) -> Image.Image:
    """A picture of any size, mode and orientation, in the mode RGB, at most 1,024 pixels long.

    Exif orientation is applied, transparency becomes white, and an animation gives its first frame.

    Args:
        content: a PNG, JPEG, WebP, GIF or BMP file.
        name: what to call it in an error.
    Raises:
        PictureError: if it is none of these, damaged, or larger than 50 megapixels, which is found before it is decoded.
    """
    if not content:
        raise PictureError(f"{name} is empty: choose another picture.")
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # Pillow warns from 89 megapixels, refuses from 179, and says only how many pixels there are.
        pixels = re.search(r"\((\d+) pixels\)", str(error))
        size = f"{int(pixels[1]) // 10**6} megapixels" if pixels else "far too many pixels"
        raise PictureError(f"{name} has {size}: make it smaller than {MAX_PIXELS // 10**6} megapixels.") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise PictureError(f"{name} is not a picture that can be read: choose a PNG, JPEG, WebP, GIF or BMP file.") from error
    width, height = picture.size
    if width * height > MAX_PIXELS:
        size = f"{width * height // 10**6} megapixels"
        raise PictureError(f"{name} has {size}: make it smaller than {MAX_PIXELS // 10**6} megapixels.")
    try:
        return _to_rgb(picture)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise PictureError(f"{name} is damaged or cut short: save it again, or choose another picture.") from error


def _to_rgb(picture: Image.Image) -> Image.Image:
    picture.draft("RGB", (_WORKING_SIDE_PX, _WORKING_SIDE_PX))  # a JPEG is decoded at ½, ¼ or ⅛: 12 megapixels in 0.08 s, not 0.20
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _to_8_bits(picture)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture.thumbnail((_WORKING_SIDE_PX, _WORKING_SIDE_PX))
        on_white = Image.new("RGBA", picture.size, "white")
        on_white.alpha_composite(picture)
        picture = on_white
    picture = picture.convert("RGB")
    picture.thumbnail((_WORKING_SIDE_PX, _WORKING_SIDE_PX))
    return picture


def _to_8_bits(picture: Image.Image) -> Image.Image:
    """16- and 32-bit greys on the 0–255 scale; Pillow's own conversion would cut everything above 255 to white."""
    values = np.asarray(picture)
    scale = 255 if values.max() <= 255 else 65535
    step = max(1, max(picture.size) // (2 * _WORKING_SIDE_PX))  # as real numbers, 48 megapixels would take over a gigabyte
    values = values[::step, ::step].astype(np.float32)
    return Image.fromarray(np.clip(values * (255 / scale), 0, 255).astype(np.uint8))
