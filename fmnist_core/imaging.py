"""Any picture → the 28×28 the network knows, step by step.

The steps are those by which Fashion-MNIST itself was made from product photographs: Xiao, Rasul, Vollgraf 2017, section 2,
https://arxiv.org/abs/1708.07747. Two things differ: the picture becomes grey at the start, which gives the same grey at the
end, and it is negated only where its background is bright, so that an image of the data set stays as it is.
"""

import io
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError

from fmnist_core.data import SIDE_PX

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
MAX_PIXELS = 50_000_000  # 200 MB as RGBA while it is decoded; phones make 12 to 50 million
_WORKING_SIDE_PX = 1024  # what is kept of a large picture: 36 times the network's 28
_TRIM_TOLERANCE = 0.05  # of the range of brightness, "close to the corner colour" in the paper: within 5 %
_DARK = 127

Grey = NDArray[np.uint8]


class PictureError(ValueError):
    """The picture cannot be used; the message is one sentence for the person who chose it."""


@dataclass(frozen=True, eq=False)
class Step:
    """One step of the preparation: its name, a sentence that says what it did, and the picture after it (H, W) uint8."""

    name: str
    sentence: str
    image: Grey


@dataclass(frozen=True, eq=False)
class Preparation:
    """All steps, and `image`, the (28, 28) uint8 that the network sees: a bright item on a black background."""

    steps: tuple[Step, ...]
    image: Grey


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


def prepare(picture: Image.Image) -> Preparation:
    """The Fashion-MNIST paper's steps: grey, trim the edges, longest edge to 28, sharpen, centre, negate.

    Args:
        picture: of any mode; `open_picture` gives one.
    """
    grey = np.array(picture.convert("L"))
    steps = [Step("Grey", "The network knows only brightness, so the colours go.", grey)]

    corner = int(grey[0, 0])
    if grey.shape == (SIDE_PX, SIDE_PX) and corner <= _DARK:
        steps.append(Step("As it is", "It is 28×28 with a dark background already, like the training images.", grey))
        return Preparation(tuple(steps), grey)

    trimmed = _trim(grey, corner)
    steps.append(Step("Trim", _describe_trim(grey, trimmed, corner), trimmed))

    small = _resize_longest_edge(trimmed)
    steps.append(_describe_resize(trimmed, small))

    if max(trimmed.shape) > SIDE_PX:
        # Radius and deviation 1.0 as in the paper; 100 % is Pillow's plain unsharp mask.
        sharp = np.array(Image.fromarray(small).filter(ImageFilter.UnsharpMask(radius=1, percent=100, threshold=0)))
        steps.append(Step("Sharpen", "Outlines blurred by the shrinking are drawn stronger.", sharp))
    else:
        sharp = small
        steps.append(Step("Sharpen", "Nothing was shrunk, so no outline was lost: it is not sharpened.", sharp))

    centred = _centre(sharp, corner)
    steps.append(Step("Centre", f"It is placed in the middle of {SIDE_PX}×{SIDE_PX} pixels.", centred))

    if corner > _DARK:
        final = 255 - centred
        steps.append(Step("Negate", "Bright becomes dark: in the training images the background is black.", final))
    else:
        final = centred
        steps.append(Step("Negate", "The background is dark already, so nothing is turned round.", final))
    return Preparation(tuple(steps), final)


def prepare_drawing(strokes: Grey) -> Preparation:
    """A drawing trimmed, scaled and centred as pictures are.

    Args:
        strokes: (H, W) uint8, white on black.
    Raises:
        PictureError: if nothing is drawn.
    """
    if not (strokes > 0).any():
        raise PictureError("Nothing is drawn yet.")
    steps = [Step("Drawing", "White strokes on black, as in the training images.", strokes)]
    trimmed = _trim(strokes, corner=0)
    steps.append(Step("Trim", "The empty edges are cut away.", trimmed))
    small = _resize_longest_edge(trimmed)
    steps.append(_describe_resize(trimmed, small))
    centred = _centre(small, 0)
    steps.append(Step("Centre", f"It is placed in the middle of {SIDE_PX}×{SIDE_PX} pixels.", centred))
    return Preparation(tuple(steps), centred)


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


def _stands_out(grey: Grey, corner: int) -> NDArray[np.bool_]:
    """(H, W), true where a pixel is further than 5 % from the corner."""
    return np.abs(grey.astype(np.int16) - corner) > _TRIM_TOLERANCE * 255


def _trim(grey: Grey, corner: int) -> Grey:
    """Without the edges whose every pixel is within 5 % of the corner; the whole picture where nothing else is in it."""
    stands_out = _stands_out(grey, corner)
    rows, columns = np.flatnonzero(stands_out.any(axis=1)), np.flatnonzero(stands_out.any(axis=0))
    if len(rows) == 0:
        return grey
    return grey[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _describe_trim(before: Grey, after: Grey, corner: int) -> str:
    if before.shape != after.shape:
        return "Edges as bright as the top left corner are cut away."
    if not _stands_out(before, corner).any():
        return "The whole picture has one brightness: there is nothing in it to cut out."
    return "No edge is as bright as the top left corner all along, so nothing is cut away. A plain background works best."


def _describe_resize(before: Grey, after: Grey) -> Step:
    height, width = after.shape
    if max(before.shape) > SIDE_PX:
        return Step("Shrink", f"The longest edge becomes {SIDE_PX} pixels: {width}×{height} are left.", after)
    if before.shape == after.shape:
        return Step("Shrink", f"The longest edge has {SIDE_PX} pixels already: it stays {width}×{height}.", after)
    return Step("Enlarge", f"It is smaller than {SIDE_PX} pixels, so its longest edge grows to that: {width}×{height}.", after)


def _resize_longest_edge(grey: Grey) -> Grey:
    """(H, W) with the longer of both 28 and the shorter at least 1; each new pixel is the mean of those it stands for."""
    height, width = grey.shape
    longest = max(height, width)
    if longest == SIDE_PX:
        return grey
    size = max(1, round(width * SIDE_PX / longest)), max(1, round(height * SIDE_PX / longest))
    # The paper subsamples; the mean keeps thin strokes that subsampling drops.
    return np.array(Image.fromarray(grey).resize(size, Image.Resampling.BOX if longest > SIDE_PX else Image.Resampling.BILINEAR))


def _centre(grey: Grey, background: int) -> Grey:
    """(28, 28) with the picture in the middle of the background."""
    height, width = grey.shape
    canvas = np.full((SIDE_PX, SIDE_PX), background, np.uint8)
    top, left = (SIDE_PX - height) // 2, (SIDE_PX - width) // 2
    canvas[top : top + height, left : left + width] = grey
    return canvas
