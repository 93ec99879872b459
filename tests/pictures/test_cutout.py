import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_core.pictures.cutout import find_garment


def overlap(found: NDArray[np.bool_], true: NDArray[np.bool_]) -> float:
    return float((found & true).sum() / (found | true).sum())


def scene(mask: NDArray[np.bool_], cloth: tuple[int, int, int], floor: tuple[int, int, int]) -> NDArray[np.uint8]:
    picture = np.where(mask[..., np.newaxis], np.array(cloth, np.int16), np.array(floor, np.int16))
    return (picture + np.random.default_rng(1).integers(-8, 9, picture.shape)).clip(0, 255).astype(np.uint8)


def test_a_garment_that_reaches_the_border() -> None:
    mask = np.zeros((240, 200), bool)
    mask[40:, 50:150] = True  # cut off below
    assert overlap(find_garment(scene(mask, (200, 40, 40), (180, 190, 200))), mask) > 0.9


def test_the_space_between_two_legs_is_not_garment() -> None:
    mask = np.zeros((260, 200), bool)
    mask[20:240, 50:150] = True
    mask[90:240, 88:112] = False
    found = find_garment(scene(mask, (40, 50, 90), (210, 190, 160)))
    assert overlap(found, mask) > 0.93
    assert not found[150:230, 95:105].any()


def test_a_pair_is_kept_and_a_crumb_is_not() -> None:
    mask = np.zeros((200, 260), bool)
    mask[40:160, 40:110] = mask[40:160, 150:220] = True
    crumb = mask.copy()
    crumb[5:11, 5:11] = True
    found = find_garment(scene(crumb, (30, 30, 30), (200, 200, 190)))
    assert overlap(found, mask) > 0.93
    assert not found[:15, :15].any()


def test_a_thin_hook_goes() -> None:
    mask = np.zeros((260, 200), bool)
    mask[60:240, 50:150] = True
    hanger = mask.copy()
    hanger[10:60, 99:102] = True
    assert not find_garment(scene(hanger, (200, 60, 20), (220, 220, 220)))[:40].any()


@pytest.mark.parametrize("shape", [(5, 5), (1, 300), (300, 2), (9, 9), (1000, 20)])
def test_any_size(shape: tuple[int, int]) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*shape, 3), np.uint8)
    found = find_garment(picture)
    assert found.shape == shape
    assert found.dtype == bool
    assert found.any()


def test_one_colour_is_all_garment() -> None:
    assert find_garment(np.full((60, 80, 3), 90, np.uint8)).all()


def test_the_same_picture_gives_the_same_mask() -> None:
    picture = np.random.default_rng(3).integers(0, 256, (90, 70, 3), np.uint8)
    np.testing.assert_array_equal(find_garment(picture), find_garment(picture))
