"""Opening a picture that somebody gives, whatever it is, safely."""

import io
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
SUFFIXES = ("png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "avif")
MAX_PIXELS = 50_000_000  # phones make 12 to 50 million, as JPEG
MAX_PIXELS_IN_FULL = 25_000_000  # of formats that cannot be decoded small: 50 million took up to 790 MB (WebP), 500 MB are allowed
MIN_SIDE_PX = 8
_WORKING_SIDE_PX = 1024  # what is kept of a large picture: 36 times the network's 28
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1")
_limit_lock = threading.Lock()


class PictureError(ValueError):
    """The picture cannot be used; the message is one sentence for the person who chose it."""


def open_picture(content: bytes, name: str) -> Image.Image:
    """A picture of any size, mode and orientation, at most 1,024 pixels long, in the mode RGB, or RGBA where some of it is transparent.

    Exif orientation is applied, and an animation gives its first frame.

    Args:
        content: a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF file.
        name: what to call it in an error.
    Raises:
        PictureError: if it is none of these, damaged, smaller than 8 pixels, has values that are no numbers, or is larger than 50
            megapixels as a JPEG, or 25 otherwise, which is found before it is decoded.
    """
    if not content:
        raise PictureError(f"{name} is empty: choose another picture.")
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        raise PictureError(f"{name} is in Apple's format HEIC, which cannot be read here: share it as JPEG, or take a screenshot of it.")
    try:
        with _any_size():
            picture = Image.open(io.BytesIO(content), formats=FORMATS)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise PictureError(f"{name} is not a picture that can be read: choose a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF file.") from error
    width, height = picture.size
    limit = MAX_PIXELS if picture.format in ("JPEG", "MPO") else MAX_PIXELS_IN_FULL
    if width * height > limit:
        size = f"{width:,}×{height:,} pixels, {width * height / 10**6:.0f} megapixels"
        raise PictureError(f"{name} has {size}: make it smaller than {limit // 10**6} megapixels.")
    if min(width, height) < MIN_SIDE_PX:
        raise PictureError(f"{name} has only {width}×{height} pixels: choose a picture of at least {MIN_SIDE_PX}×{MIN_SIDE_PX}.")
    try:
        return _simplify(picture)
    except FloatingPointError as error:
        raise PictureError(f"{name} has pixels that are not numbers (NaN): save it again as a PNG or JPEG file.") from error
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise PictureError(f"{name} is damaged or cut short: save it again, or choose another picture.") from error


@contextmanager
def _any_size() -> Iterator[None]:
    """Lets Pillow open, not decode, a picture of any size, so that a sentence can name its size; its own error does not."""
    with _limit_lock:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _simplify(picture: Image.Image) -> Image.Image:
    picture.draft("RGB", (_WORKING_SIDE_PX, _WORKING_SIDE_PX))  # a JPEG is decoded at ½, ¼ or ⅛: 12 megapixels in 0.08 s, not 0.20
    picture.load()
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _to_8_bits(picture)
    if picture.has_transparency_data:
        picture = _shrink(picture if picture.mode == "RGBA" else picture.convert("RGBA"))
        if picture.getchannel("A").getextrema()[0] == 255:
            picture = picture.convert("RGB")
    else:
        picture = _shrink(picture if picture.mode == "RGB" else picture.convert("RGB"))
    return ImageOps.exif_transpose(picture)  # at the end, when it is small


def _shrink(picture: Image.Image) -> Image.Image:
    picture.thumbnail((_WORKING_SIDE_PX, _WORKING_SIDE_PX))
    return picture


def _to_8_bits(picture: Image.Image) -> Image.Image:
    """16- and 32-bit greys on the 0–255 scale; Pillow's own conversion would cut everything above 255 to white."""
    values = np.asarray(picture)
    highest = values.max()  # NaN if any is
    if not np.isfinite(highest) or not np.isfinite(values.min()):
        raise FloatingPointError
    scale = 1 if highest <= 1 and values.dtype.kind == "f" else 255 if highest <= 255 else 65535
    step = max(1, max(picture.size) // (2 * _WORKING_SIDE_PX))  # as real numbers, 48 megapixels would take over a gigabyte
    few = values[::step, ::step].astype(np.float32)
    grey = Image.fromarray(np.clip(few * (255 / scale), 0, 255).astype(np.uint8))
    grey.info["exif"] = picture.getexif().tobytes()  # the orientation
    return grey
