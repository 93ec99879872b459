"""Small images: draws, tiles and enlarges arrays of pixels, and encodes them for a page."""

import base64
import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fmnist_core.figures.sheets import paint_positions

_GAP_GREY = 90  # between the maps of `draw_tiles`


@dataclass(frozen=True)
class Sprite:
    """Many pictures on one PNG, quick to send; each is found by its position.

    Attributes:
        png: the file.
        across, down: pictures per row and per column.
    """

    png: bytes
    across: int
    down: int

    @property
    def url(self) -> str:
        """The file as a data URL."""
        return _to_url(self.png, "png")


def encode_sprite(images: NDArray[np.uint8]) -> Sprite:
    """Puts pictures (N, S, S) on one PNG, row by row, about as many across as down."""
    across = max(1, math.ceil(math.sqrt(len(images))))
    down = max(1, math.ceil(len(images) / across))
    side = images.shape[1]
    padded = np.zeros((across * down, side, side), np.uint8)
    padded[: len(images)] = images
    sheet = padded.reshape(down, across, side, side).swapaxes(1, 2).reshape(down * side, across * side)
    return Sprite(_encode(Image.fromarray(sheet), "PNG"), across, down)


def png_url(pixels: NDArray[np.uint8]) -> str:
    """A picture, (H, W), (H, W, 3) or (H, W, 4), as a PNG in a data URL."""
    return _to_url(_encode(Image.fromarray(pixels), "PNG"), "png")


def thumbnail_url(picture: Image.Image, side_px: int = 96) -> str:
    """A photograph, reduced, as a JPEG in a data URL."""
    small = picture.convert("RGB")
    small.thumbnail((side_px, side_px))
    return _to_url(_encode(small, "JPEG", quality=80), "jpeg")


def enlarge(image: NDArray[np.uint8], width_px: int) -> NDArray[np.uint8]:
    """Enlarges every pixel to a square, as far as the picture fits into this width and height; a larger picture is not changed."""
    factor = max(1, width_px // max(image.shape[:2]))
    return image.repeat(factor, axis=0).repeat(factor, axis=1)


def draw_tiles(maps: NDArray[np.float32], columns: int) -> NDArray[np.uint8]:
    """Maps (N, H, W) side by side in one grey picture: black for no response, white for the strongest, grey lines between the maps."""
    count, height, width = maps.shape
    scaled = (255 * maps / (maps.max() or 1)).astype(np.uint8)
    sheet = np.pad(scaled, ((0, 0), (0, 1), (0, 1)), constant_values=_GAP_GREY)
    sheet = sheet.reshape(count // columns, columns, height + 1, width + 1).swapaxes(1, 2)
    return sheet.reshape(count // columns * (height + 1), columns * (width + 1))[:-1, :-1]


def paint_kernels(kernels: NDArray[np.float32], columns: int, reach: float) -> NDArray[np.uint8]:
    """Kernels side by side, one pixel per weight, in the colours of "signed" sheets.

    Args:
        kernels: (N, H, W).
        reach: the weight, positive or negative, at which the colour scale ends.
    Returns:
        (rows, columns, 4) uint8: red, green, blue and opacity, with one transparent pixel between kernels.
    """
    count, height, width = kernels.shape
    rows = -(-count // columns)
    sheet = np.zeros((rows * (height + 1) - 1, columns * (width + 1) - 1, 4), np.uint8)
    colours = paint_positions(np.clip(0.5 + kernels / (2 * reach), 0, 1), "signed")
    for i in range(count):
        top, left = i // columns * (height + 1), i % columns * (width + 1)
        sheet[top : top + height, left : left + width, :3] = colours[i]
        sheet[top : top + height, left : left + width, 3] = 255
    return sheet


def tint_attribution(image: NDArray[np.uint8], attribution: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Tints a grey picture orange where its pixels speak for a class and blue where they speak against it, in proportion.

    Args:
        image: (28, 28) uint8.
        attribution: (28, 28), from `attribution.occlude`.
    Returns:
        (28, 28, 3) uint8.
    """
    strength = np.abs(attribution) / max(float(np.abs(attribution).max()), 1e-9)
    colours = np.where(attribution[..., np.newaxis] > 0, [213, 94, 0], [86, 180, 233])  # ORANGE and SKY_BLUE
    grey = 0.75 * np.repeat(image[..., np.newaxis], 3, axis=-1)
    return np.round(grey + strength[..., np.newaxis] ** 0.7 * (colours - grey)).astype(np.uint8)


def hatch_background(canvas: NDArray[np.uint8], mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Darkens the background to a third of its brightness and hatches it, so that it differs in more than colour.

    Args:
        canvas: (H, W, 3) uint8.
        mask: (H, W), false on the background.
    """
    rows, columns = np.indices(mask.shape)
    dark = canvas // 3
    dark[(rows + columns) % 10 < 2] += np.uint8(70)
    return np.where(mask[..., np.newaxis], canvas, dark)


def _encode(picture: Image.Image, kind: str, **options: int) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _to_url(content: bytes, kind: str) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"
