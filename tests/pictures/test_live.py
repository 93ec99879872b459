import numpy as np
import pytest
from PIL import Image

from fmnist_core.pictures.live import prepare_frame, trace
from fmnist_core.pictures.opening import PictureError


def test_the_outline_of_a_rectangle_has_its_four_corners() -> None:
    mask = np.zeros((100, 200), bool)
    mask[20:60, 50:150] = True
    (outline,) = trace(mask)
    assert {(round(200 * x - 0.5), round(100 * y - 0.5)) for x, y in outline} == {(50, 20), (149, 20), (149, 59), (50, 59)}


def test_a_hole_has_an_outline_too() -> None:
    mask = np.zeros((100, 100), bool)
    mask[10:90, 10:90] = True
    mask[40:60, 40:60] = False
    outer, inner = trace(mask)
    assert min(outer)[0] < 0.2 < min(inner)[0]


@pytest.mark.parametrize("mask", [None, np.ones((20, 30), bool), np.zeros((20, 30), bool)])
def test_without_a_garment_there_is_no_outline(mask: np.ndarray | None) -> None:
    assert trace(mask) == []


def test_an_outline_as_ragged_as_noise_stays_small() -> None:
    outlines = trace(np.random.default_rng(0).random((240, 320)) > 0.5)
    assert 0 < sum(map(len, outlines)) <= 600
    assert all(0 < x < 1 and 0 < y < 1 for outline in outlines for x, y in outline)


def test_a_frame_is_cut_out_as_a_photo_is() -> None:
    pixels = np.full((240, 320, 3), (205, 190, 160), np.uint8)
    pixels[50:200, 120:200] = pixels[50:90, 80:240] = (40, 50, 110)
    noise = np.random.default_rng(0).integers(0, 9, pixels.shape, np.uint8)
    preparation = prepare_frame(Image.fromarray(pixels + noise))
    assert preparation.kind == "photo"
    assert preparation.mask is not None
    garment = pixels[..., 0] == 40
    assert (preparation.mask & garment).sum() / (preparation.mask | garment).sum() > 0.9


def test_a_covered_lens_is_an_error() -> None:
    with pytest.raises(PictureError):
        prepare_frame(Image.new("RGB", (320, 240), (3, 3, 3)))
