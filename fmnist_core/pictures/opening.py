"""Safely opens user-supplied images: whatever is wrong with a file becomes a sentence about that file."""

import io
import logging
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np
from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
SUFFIXES = ("png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "avif")
MAX_PIXELS = 50_000_000  # phones take JPEGs of 12 to 50 million
MAX_PIXELS_IN_FULL = 25_000_000  # for formats that only decode at full size: 50 million took up to 790 MB (WebP), too much for a server
MIN_SIDE_PX = 8
_WORKING_SIDE_PX = 1024  # a large picture is reduced to this, still 36 times the network's 28
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1")
_EXIF_ORIENTATION = 0x0112
_TO_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_LARGE_PIXELS = 4_000_000
_limit_lock = threading.Lock()
# The largest pictures take 400 MB while they are decoded: thirty students who open one each must not need 12 GB.
_large_picture_lock = threading.Lock()
# Pillow warns about each part of a damaged file that it skips; this filter is for Pillow's modules only.
_PILLOWS_WARNINGS = ("ignore", None, UserWarning, re.compile(r"PIL\."), 0)
logging.getLogger("PIL").setLevel(logging.CRITICAL)


class PictureError(ValueError):
    """The picture cannot be used; the message is one sentence for the person who chose it."""


def open_picture(content: bytes, name: str) -> Image.Image:
    """Opens a picture of any size, mode and orientation, reduced to at most 1,024 pixels a side.

    Exif orientation is applied if it can be read. Of an animation the first frame is used. Of pictures with more than 4 megapixels, one
    thread at a time decodes one.

    Args:
        content: a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF file.
        name: what to call it in an error.
    Returns:
        The picture in RGB, or in RGBA if part of it is transparent.
    Raises:
        PictureError: if it is no such file, is damaged, is smaller than 8 pixels, contains NaN, or is larger than 50 megapixels (JPEG)
            or 25 megapixels (other formats); the size is checked before decoding.
    """
    if not content:
        raise PictureError(f"{name} is empty: choose another picture.")
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC_BRANDS:
        raise PictureError(f"{name} is in Apple's HEIC format, which cannot be read here: share it as JPEG, or take a screenshot of it.")
    _ignore_pillows_warnings()
    try:
        with _any_size():
            picture = Image.open(io.BytesIO(content), formats=FORMATS)
        (width, height), is_jpeg = picture.size, picture.format in ("JPEG", "MPO")
    except Exception as error:  # a damaged file makes Pillow raise anything: RuntimeError, KeyError, struct.error, MemoryError
        raise PictureError(f"{name} is not a picture that can be read: choose a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF file.") from error
    limit = MAX_PIXELS if is_jpeg else MAX_PIXELS_IN_FULL
    if width * height > limit:
        size = f"{width:,}×{height:,} pixels, {width * height / 10**6:.0f} megapixels"
        raise PictureError(f"{name} has {size}: make it smaller than {limit // 10**6} megapixels.")
    if min(width, height) < MIN_SIDE_PX:
        raise PictureError(f"{name} has only {width}×{height} pixels: choose a picture of at least {MIN_SIDE_PX}×{MIN_SIDE_PX}.")
    try:
        with _large_picture_lock if width * height > _LARGE_PIXELS else nullcontext():
            return _simplify(picture)
    except FloatingPointError as error:
        raise PictureError(f"{name} has pixels that are not numbers (NaN): save it again as a PNG or JPEG file.") from error
    except Exception as error:
        raise PictureError(f"{name} is damaged or cut short: save it again, or choose another picture.") from error


def _ignore_pillows_warnings() -> None:
    """Adds our filter unless it is there. Unlike `warnings.catch_warnings`, this never restores filters that another thread has set."""
    if _PILLOWS_WARNINGS not in warnings.filters:
        warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@contextmanager
def _any_size() -> Iterator[None]:
    """Lets Pillow open a picture of any size without decoding it, so that our error can name the size; Pillow's does not."""
    with _limit_lock:
        limit = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = None
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = limit


def _simplify(picture: Image.Image) -> Image.Image:
    picture.draft("RGB", (_WORKING_SIDE_PX, _WORKING_SIDE_PX))  # decodes a JPEG at ½, ¼ or ⅛: 12 megapixels in 0.08 s instead of 0.20
    picture.load()
    orientation = _find_orientation(picture)
    if picture.mode.startswith("I") or picture.mode == "F":
        picture = _to_8_bits(picture)
    if picture.has_transparency_data:
        picture = _shrink(picture if picture.mode == "RGBA" else picture.convert("RGBA"))
        if picture.getchannel("A").getextrema()[0] == 255:
            picture = picture.convert("RGB")
    else:
        picture = _shrink(picture if picture.mode == "RGB" else picture.convert("RGB"))
    upright = picture.copy() if orientation is None else picture.transpose(orientation)  # last, when the picture is small
    upright.info = {}  # nothing of the file but its pixels is left to fail later
    return upright


def _find_orientation(picture: Image.Image) -> Image.Transpose | None:
    """How to turn a loaded picture upright; None if it is upright already, or if its Exif data are damaged: its pixels may not be."""
    try:
        return _TO_UPRIGHT.get(picture.getexif().get(_EXIF_ORIENTATION, 1))
    except Exception:
        return None


def _shrink(picture: Image.Image) -> Image.Image:
    picture.thumbnail((_WORKING_SIDE_PX, _WORKING_SIDE_PX))
    return picture


def _to_8_bits(picture: Image.Image) -> Image.Image:
    """Scales 16- and 32-bit greys to 0–255; Pillow's own conversion would turn everything above 255 white."""
    values = np.asarray(picture)
    highest = values.max()  # NaN if any value is
    if not np.isfinite(highest) or not np.isfinite(values.min()):
        raise FloatingPointError
    scale = 1 if highest <= 1 and values.dtype.kind == "f" else 255 if highest <= 255 else 65535
    step = max(1, max(picture.size) // (2 * _WORKING_SIDE_PX))  # 48 megapixels as float32 would take over a gigabyte
    few = values[::step, ::step].astype(np.float32)
    return Image.fromarray(np.clip(few * (255 / scale), 0, 255).astype(np.uint8))
