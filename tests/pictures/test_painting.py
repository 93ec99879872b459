import numpy as np
import pytest

from fmnist_core.pictures.painting import correct_mask, read_paint, shrink_item


def test_red_is_garment_and_green_is_background_from_half_brightness_on() -> None:
    strokes = np.zeros((2, 6, 3), np.uint8)
    strokes[0, :, 0] = [0, 127, 128, 255, 200, 0]
    strokes[0, :, 1] = [0, 0, 0, 0, 200, 200]
    strokes[1, :, 1] = [127, 128, 0, 0, 0, 0]
    strokes[1, :, 2] = 255  # blue is ignored
    painted = read_paint(strokes)
    assert painted is not None
    assert painted.dtype == np.uint8
    assert painted.tolist() == [[0, 0, 1, 1, 2, 2], [0, 2, 0, 0, 0, 0]]


@pytest.mark.parametrize("colour", [(0, 0, 0), (127, 127, 255)])
def test_without_strokes_there_is_no_paint(colour: tuple[int, int, int]) -> None:
    assert read_paint(np.full((4, 5, 3), colour, np.uint8)) is None


def test_paint_overrides_the_mask_and_the_rest_stays() -> None:
    mask = np.array([[True, True, True], [False, False, False]])
    painted = np.array([[0, 1, 2], [0, 1, 2]], np.uint8)
    assert correct_mask(mask, painted).tolist() == [[True, True, False], [False, True, False]]
    np.testing.assert_array_equal(correct_mask(mask, None), mask)


@pytest.mark.parametrize("times", [(2, 3), (1, 4)])
def test_paint_may_be_larger_than_the_mask(times: tuple[int, int]) -> None:
    painted = np.array([[0, 1, 2, 0], [1, 2, 0, 0]], np.uint8)
    enlarged = painted.repeat(times[0], axis=0).repeat(times[1], axis=1)
    mask = np.array([[True, False, True, False], [False, True, True, False]])
    np.testing.assert_array_equal(correct_mask(mask, enlarged), correct_mask(mask, painted))


def test_paint_may_be_smaller_than_the_mask() -> None:
    corrected = correct_mask(np.zeros((4, 6), bool), np.array([[0, 1], [0, 0]], np.uint8))
    expected = np.zeros((4, 6), bool)
    expected[:2, 3:] = True
    np.testing.assert_array_equal(corrected, expected)


def test_an_enlarged_item_that_was_not_edited_shrinks_to_the_original() -> None:
    item = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    np.testing.assert_array_equal(shrink_item(item.repeat(10, 0).repeat(10, 1)), item)


def test_a_pixel_of_an_edited_item_is_the_mean_of_its_square() -> None:
    strokes = np.zeros((280, 280), np.uint8)
    strokes[100:110, 50:54] = 250  # four of ten columns
    shrunk = shrink_item(strokes)
    assert shrunk[10, 5] == 100
    assert np.count_nonzero(shrunk) == 1
