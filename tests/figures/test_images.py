import base64
import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fmnist_core.figures.images import draw_tiles, encode_sprite, enlarge, hatch_background, png_url, thumbnail_url, tint_attribution


def decode(url: str, kind: str) -> NDArray[np.uint8]:
    head, content = url.split(",")
    assert head == f"data:image/{kind};base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(content))))


@pytest.mark.parametrize(
    ("count", "across", "down"), [(0, 1, 1), (1, 1, 1), (2, 2, 1), (3, 2, 2), (5, 3, 2), (9, 3, 3), (10, 4, 3), (20, 5, 4)]
)
def test_a_sprite_is_roughly_square_and_padded_with_black(count: int, across: int, down: int) -> None:
    images = np.random.default_rng(count).integers(1, 256, (count, 28, 28), dtype=np.uint8)
    sprite = encode_sprite(images)
    assert (sprite.across, sprite.down) == (across, down)
    sheet = decode(sprite.url, "png")
    assert sheet.shape == (28 * down, 28 * across)
    for i in range(across * down):
        top, left = 28 * (i // across), 28 * (i % across)
        expected = images[i] if i < count else 0
        np.testing.assert_array_equal(sheet[top : top + 28, left : left + 28], expected)


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 3), (3, 5, 4)])
def test_a_png_keeps_every_pixel(shape: tuple[int, ...]) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    np.testing.assert_array_equal(decode(png_url(pixels), "png"), pixels)


def test_a_thumbnail_keeps_its_proportions_and_drops_transparency() -> None:
    assert decode(thumbnail_url(Image.new("RGBA", (400, 200), (255, 0, 0, 255))), "jpeg").shape == (48, 96, 3)
    assert decode(thumbnail_url(Image.new("L", (10, 20)), side_px=96), "jpeg").shape == (20, 10, 3)


@pytest.mark.parametrize(
    ("shape", "width_px", "enlarged"), [((2, 3), 9, (6, 9)), ((2, 3), 8, (4, 6)), ((3, 2), 9, (9, 6)), ((4, 4), 3, (4, 4))]
)
def test_pixels_become_squares(shape: tuple[int, int], width_px: int, enlarged: tuple[int, int]) -> None:
    image = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    large = enlarge(image, width_px)
    assert large.shape == enlarged
    factor = enlarged[0] // shape[0]
    np.testing.assert_array_equal(large[::factor, ::factor], image)
    np.testing.assert_array_equal(large[factor - 1 :: factor, factor - 1 :: factor], image)


def test_tiles_share_one_scale_and_have_lines_between_them() -> None:
    maps = np.array([[[0, 1]], [[2, 4]], [[4, 0]], [[0, 0]]], np.float32)
    expected = [[0, 63, 90, 127, 255], [90, 90, 90, 90, 90], [255, 0, 90, 0, 0]]
    np.testing.assert_array_equal(draw_tiles(maps, 2), expected)
    np.testing.assert_array_equal(draw_tiles(np.zeros((1, 1, 2), np.float32), 1), [[0, 0]])


def test_pixels_for_a_class_are_orange_and_those_against_it_blue() -> None:
    image = np.full((28, 28), 200, np.uint8)
    attribution = np.zeros((28, 28), np.float32)
    attribution[0, 0], attribution[0, 1], attribution[0, 2] = 2, -2, 1
    tinted = tint_attribution(image, attribution)
    np.testing.assert_array_equal(tinted[0, 0], [213, 94, 0])
    np.testing.assert_array_equal(tinted[0, 1], [86, 180, 233])
    share = 0.5**0.7  # half as strong
    np.testing.assert_array_equal(tinted[0, 2], np.round(150 + share * (np.array([213, 94, 0]) - 150)))
    np.testing.assert_array_equal(tinted[5, 5], [150, 150, 150])
    np.testing.assert_array_equal(tint_attribution(image, np.zeros((28, 28), np.float32)), np.full((28, 28, 3), 150))


def test_the_background_is_dark_and_hatched() -> None:
    canvas = np.full((12, 12, 3), 90, np.uint8)
    mask = np.zeros((12, 12), bool)
    mask[3:6, 3:6] = True
    hatched = hatch_background(canvas, mask)
    assert (hatched[mask] == 90).all()
    rows, columns = np.indices(mask.shape)
    is_stripe = (rows + columns) % 10 < 2
    assert (hatched[~mask & is_stripe] == 100).all()
    assert (hatched[~mask & ~is_stripe] == 30).all()
