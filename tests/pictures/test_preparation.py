from dataclasses import FrozenInstanceError, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from fmnist_core.dataset.split import Split
from fmnist_core.pictures.kinds import DRAWING, KINDS, PHOTO, READY
from fmnist_core.pictures.opening import PictureError
from fmnist_core.pictures.outlines import fill_outlines
from fmnist_core.pictures.painting import BACKGROUND, GARMENT
from fmnist_core.pictures.preparation import Choices, Preparation, Step, prepare, prepare_drawing


def t_shirt_photo(cloth: tuple[int, int, int] = (40, 60, 120), floor: tuple[int, int, int] = (200, 180, 150)) -> Image.Image:
    """A 140×180 T-shirt in the middle of a 240×320 floor, with some grain."""
    pixels = np.full((320, 240, 3), floor, np.int16)
    pixels[70:250, 80:160] = cloth
    pixels[70:120, 50:190] = cloth
    pixels += np.random.default_rng(0).integers(-6, 7, pixels.shape, np.int16)
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def shape_of(picture: Image.Image) -> NDArray[np.bool_]:
    """Where the T-shirt is."""
    shape = np.zeros(picture.size[::-1], bool)
    shape[70:250, 80:160] = shape[70:120, 50:190] = True
    return shape


def step(preparation: Preparation, key: str) -> Step:
    return next(step for step in preparation.steps if step.key == key)


def square_outline() -> NDArray[np.uint8]:
    """A white outline on black: a 140×140 square with its corner at (70, 70), 14 thick."""
    strokes = np.zeros((280, 280), np.uint8)
    strokes[70:210, 70:210] = 255
    strokes[84:196, 84:196] = 0
    return strokes


@pytest.mark.parametrize(
    ("cloth", "floor"), [((40, 60, 120), (200, 180, 150)), ((240, 240, 240), (120, 60, 60)), ((20, 20, 20), (90, 90, 90))]
)
def test_the_garment_is_cut_out(cloth: tuple[int, int, int], floor: tuple[int, int, int]) -> None:
    picture = t_shirt_photo(cloth, floor)
    preparation = prepare(picture)
    assert (preparation.kind, preparation.mask is not None) == (PHOTO, True)
    assert preparation.mask is not None
    shape = shape_of(picture)
    assert (preparation.mask & shape).sum() / (preparation.mask | shape).sum() > 0.95
    assert preparation.canvas.shape == (320, 240, 3)
    cut = step(preparation, "cut_out")
    assert (cut.image[~preparation.mask] == 0).all()
    assert "23 % of the picture" in cut.sentence


def test_every_step_of_a_photo() -> None:
    preparation = prepare(t_shirt_photo())
    assert [step.key for step in preparation.steps] == ["picture", "cut_out", "trim", "negate", "tones"]
    assert all(step.seen.shape == (28, 28) and step.seen.dtype == np.uint8 for step in preparation.steps)
    assert all(step.optional == (step.key != "picture") and step.is_on for step in preparation.steps)
    trimmed = step(preparation, "trim").image
    assert abs(trimmed.shape[0] - 180) <= 4
    assert abs(trimmed.shape[1] - 140) <= 4
    columns = np.flatnonzero(preparation.image.any(axis=0))
    assert preparation.image.any(axis=1).all(), "the longer side must fill the 28 pixels"
    assert abs((columns[0] + columns[-1]) / 2 - 13.5) <= 1
    assert preparation.image[0, 0] == 0


def test_negating_turns_a_dark_garment_bright_and_a_bright_one_dark() -> None:
    dark, bright = prepare(t_shirt_photo((30, 30, 30), (200, 180, 150))).image, prepare(t_shirt_photo((235, 235, 235), (120, 60, 60))).image
    assert dark[14, 14] > 190
    assert 20 <= bright[14, 14] < 110, "it becomes darker, but never as dark as the background"


@pytest.mark.parametrize("key", ["cut_out", "trim", "negate", "tones"])
def test_a_step_that_is_switched_off_changes_nothing(key: str) -> None:
    preparation = prepare(t_shirt_photo(), Choices(switched_off=frozenset({key})))
    index = next(i for i, each in enumerate(preparation.steps) if each.key == key)
    before, off = preparation.steps[index - 1], preparation.steps[index]
    assert not off.is_on
    np.testing.assert_array_equal(off.seen, before.seen)
    assert not np.array_equal(preparation.image, prepare(t_shirt_photo()).image)


def test_choices_differ_if_a_single_painted_pixel_does() -> None:
    """NumPy abbreviates arrays of more than 1,000 values with `...`, so two different masks can have the same text."""
    one, two = np.zeros((320, 240), np.uint8), np.zeros((320, 240), np.uint8)
    two[160, 120] = GARMENT
    assert str(one) == str(two)
    keys = [Choices(painted=painted).key for painted in (None, one, two, two.reshape(240, 320))]
    assert len(set(keys)) == 4
    assert Choices(painted=two).key == Choices(painted=two.copy()).key
    changed = [
        Choices(kind=PHOTO),
        Choices(switched_off=frozenset({"trim"})),
        Choices(turn_degrees=90),
        Choices(crop=(0, 0, 0.5, 1)),
        Choices(invert=True),
    ]
    assert len({choices.key for choices in (Choices(), *changed)}) == 1 + len(changed)


def test_paint_overrides_the_detected_garment() -> None:
    painted = np.zeros((320, 240), np.uint8)
    painted[280:300, 100:120] = GARMENT
    painted[70:120, 50:80] = BACKGROUND
    preparation = prepare(t_shirt_photo(), Choices(painted=painted))
    assert preparation.mask is not None
    assert preparation.mask[280:300, 100:120].all()
    assert not preparation.mask[70:120, 50:80].any()


def test_turning_cropping_and_inverting() -> None:
    upright = prepare(t_shirt_photo())
    on_its_side = t_shirt_photo().transpose(Image.Transpose.ROTATE_90)
    assert np.abs(prepare(on_its_side, Choices(turn_degrees=90)).image.astype(int) - upright.image).mean() < 3
    half = prepare(t_shirt_photo(), Choices(crop=(0, 0, 0.5, 1)))
    assert half.canvas.shape == (320, 120, 3)
    inverted = prepare(t_shirt_photo(), Choices(invert=True))
    assert inverted.steps[-1].key == "invert"
    assert inverted.image[14, 14] == 255 - upright.image[14, 14]


def test_transparent_pixels_are_background() -> None:
    picture = t_shirt_photo((200, 180, 150))  # the same colour as the floor
    picture.putalpha(Image.fromarray(shape_of(picture)))
    preparation = prepare(picture)
    assert preparation.kind == PHOTO
    np.testing.assert_array_equal(preparation.mask, shape_of(picture))


def test_four_views() -> None:
    views = prepare(t_shirt_photo()).views
    assert views.shape == (4, 28, 28)
    np.testing.assert_array_equal(views[1], views[0][:, ::-1])
    np.testing.assert_array_equal(views[3], views[2][:, ::-1])
    assert views[2].any(axis=1).sum() == 26


def test_images_of_the_data_set_are_not_changed(small_splits: tuple[Split, Split]) -> None:
    for image in small_splits[1].images[:50]:
        preparation = prepare(Image.fromarray(image))
        np.testing.assert_array_equal(preparation.image, image)
        assert (preparation.kind, len(preparation.views)) == (READY, 1)


def test_an_enlarged_image_of_the_data_set_is_reduced_to_the_original(small_splits: tuple[Split, Split]) -> None:
    image = small_splits[1].images[1]
    np.testing.assert_array_equal(prepare(Image.fromarray(image.repeat(10, 0).repeat(10, 1)), Choices(kind=READY)).image, image)


@pytest.mark.parametrize("inverted", [False, True], ids=["white on black", "black on white"])
def test_lines_on_a_sheet_are_a_drawing(inverted: bool) -> None:
    strokes = square_outline()
    preparation = prepare(Image.fromarray(255 - strokes if inverted else strokes))
    assert preparation.kind == DRAWING
    np.testing.assert_array_equal(preparation.image, prepare_drawing(strokes).image)


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_can_be_chosen(kind: str) -> None:
    preparation = prepare(t_shirt_photo(), Choices(kind=kind))
    assert (preparation.kind, preparation.kind_sentence) == (kind, "You chose this.")


def test_a_drawing_is_filled_trimmed_scaled_and_centred() -> None:
    preparation = prepare_drawing(square_outline())
    assert [step.key for step in preparation.steps] == ["picture", "fill", "trim"]
    image = preparation.image
    assert (image[0] > 200).all(), "the outline fills the square"
    assert (image[4:24, 4:24] == 170).all(), "the inside is grey"
    empty = prepare_drawing(square_outline(), fill=False).image
    assert (empty[4:24, 4:24] == 0).all()


def test_a_gap_in_the_outline_is_bridged() -> None:
    strokes = square_outline()
    strokes[100:120, 196:210] = 0
    filled = fill_outlines(strokes)
    assert filled[140, 140] == 170
    assert filled[20, 20] == 0
    np.testing.assert_array_equal(filled[strokes > 0], strokes[strokes > 0])


def test_an_empty_drawing_is_refused() -> None:
    with pytest.raises(PictureError, match="Nothing is drawn yet"):
        prepare_drawing(np.zeros((280, 280), np.uint8))


@pytest.mark.parametrize("colour", ["white", "black", "grey"])
def test_a_picture_of_one_colour_is_refused(colour: str) -> None:
    with pytest.raises(PictureError, match="the same shade everywhere"):
        prepare(Image.new("RGB", (300, 200), colour))


# Items that are already cut out, so that their mask is known


def cut_out_item(left: int, right: int, *, share: float = 0.5, edge: int = 255) -> Image.Image:
    """A 90×60 picture, transparent except for a 40×20 item whose left and right parts have different greys.

    Args:
        share: the left part's share of the width.
        edge: opacity of the item.
    """
    pixels = np.zeros((90, 60, 4), np.uint8)
    pixels[20:60, 30:50] = (right, right, right, edge)
    pixels[20:60, 30 : 30 + round(20 * share), :3] = left
    return Image.fromarray(pixels)


def test_each_step_of_a_cut_out_item_by_hand() -> None:
    """Greys of 155 and 115 become 100 and 140. Their standard deviation is 20, so they are spread by 42 / 21 = 2 around 120."""
    preparation = prepare(cut_out_item(155, 115))
    on_white = np.full((90, 60), 255)
    on_white[20:60, 30:40], on_white[20:60, 40:50] = 155, 115
    alone = np.where(on_white == 255, 0, on_white)
    np.testing.assert_array_equal(step(preparation, "picture").image, np.stack([on_white] * 3, axis=-1))
    np.testing.assert_array_equal(preparation.canvas, step(preparation, "picture").image)
    np.testing.assert_array_equal(step(preparation, "cut_out").image, np.stack([alone] * 3, axis=-1))
    np.testing.assert_array_equal(step(preparation, "trim").image, np.stack([alone[20:60, 30:50]] * 3, axis=-1))
    np.testing.assert_array_equal(step(preparation, "negate").image, np.repeat([[100, 140]], 10, axis=1).repeat(40, axis=0))
    np.testing.assert_array_equal(step(preparation, "tones").image, np.repeat([[80, 160]], 10, axis=1).repeat(40, axis=0))
    # 40 rows become 28, and 20 columns become 14 in the middle: 7 of each grey.
    expected = np.zeros((28, 28))
    expected[:, 7:14], expected[:, 14:21] = 80, 160
    np.testing.assert_array_equal(preparation.image, expected)
    assert [each.name for each in preparation.steps] == ["Your picture", "Cut out", "Trim and centre", "Negate", "Contrast"]


@pytest.mark.parametrize(
    ("negated", "share", "spread"),
    [
        ((50, 200), 0.5, (50, 200)),
        ((118, 122), 0.5, (115, 124)),
        ((20, 41), 0.5, (66, 113)),
        ((220, 241), 0.5, (176, 223)),
        ((0, 200), 0.5, (25, 200)),
        ((120, 250), 0.95, (117, 255)),
        ((90, 190), 0.1, (58, 193)),
    ],
    ids=["strong already", "faint", "dark", "bright", "black parts", "a white spot", "a dark spot"],
)
def test_contrast_by_hand(negated: tuple[int, int], share: float, spread: tuple[int, int]) -> None:
    """Greys are spread to a standard deviation of 42, by a factor of 1 to 2.2, around a mean clipped to 90–200, and are at least 25."""
    preparation = prepare(cut_out_item(255 - negated[0], 255 - negated[1], share=share))
    tones = step(preparation, "tones").image
    assert (int(tones[0, 0]), int(tones[0, -1])) == spread


@pytest.mark.parametrize(("deviation", "words"), [(20, "2.0 times"), (38, "1.1 times"), (40, "already"), (10, "2.2 times")])
def test_the_sentence_says_how_much_the_contrast_increases(deviation: int, words: str) -> None:
    assert words in step(prepare(cut_out_item(128 - deviation, 128 + deviation)), "tones").sentence


@pytest.mark.parametrize(("edge", "is_cut_out"), [(127, False), (128, True)])
def test_pixels_less_than_half_opaque_are_background(edge: int, is_cut_out: bool) -> None:
    picture = cut_out_item(100, 100, edge=edge)
    picture.putpixel((0, 0), (50, 50, 50, 255))  # otherwise nothing would be opaque, and the picture would not count as cut out
    preparation = prepare(picture)
    assert preparation.mask is not None
    assert preparation.mask[30, 40] == is_cut_out
    assert preparation.mask[0, 0]


@pytest.mark.parametrize(("opacity", "white"), [(0, 255), (51, 215), (204, 95), (255, 55)])
def test_transparent_pixels_are_blended_with_white(opacity: int, white: int) -> None:
    pixels = np.full((40, 40, 4), (55, 55, 55, opacity), np.uint8)
    pixels[:20] = (0, 0, 0, 255)
    assert prepare(Image.fromarray(pixels)).canvas[30, 20].tolist() == pytest.approx([white] * 3, abs=1)


@pytest.mark.parametrize("opacity", [200, 255])
def test_an_entirely_opaque_picture_is_cut_out_by_its_colours(opacity: int) -> None:
    picture = t_shirt_photo()
    picture.putalpha(opacity)
    mask = prepare(picture).mask
    assert mask is not None
    assert 0.2 < mask.mean() < 0.3


def test_an_entirely_transparent_picture_is_cut_out_by_its_colours() -> None:
    picture = t_shirt_photo()
    picture.putalpha(100)
    mask = prepare(picture).mask
    assert mask is not None
    assert 0.2 < mask.mean() < 0.3


def test_one_colour_cut_out_is_an_item() -> None:
    assert prepare(cut_out_item(255, 255)).image[14, 14] == 90  # white on white; negated it is 0, and the lowest mean is 90


@pytest.mark.parametrize(("shades", "is_too_plain"), [(2, True), (3, False)])
@pytest.mark.parametrize("channel", range(3))
def test_a_difference_of_two_shades_still_counts_as_one_shade(shades: int, is_too_plain: bool, channel: int) -> None:
    pixels = np.full((40, 30, 3), 120, np.uint8)
    pixels[10:30, 10:20, channel] += np.uint8(shades)
    if is_too_plain:
        with pytest.raises(PictureError, match="the same shade everywhere"):
            prepare(Image.fromarray(pixels))
    else:
        assert prepare(Image.fromarray(pixels)).kind == PHOTO


@pytest.mark.parametrize("painted", [GARMENT, BACKGROUND])
def test_if_everything_or_nothing_is_garment_nothing_is_cut_away(painted: int) -> None:
    preparation = prepare(t_shirt_photo(), Choices(painted=np.full((10, 10), painted, np.uint8)))
    before, cut = preparation.steps[:2]
    np.testing.assert_array_equal(cut.image, before.image)
    assert "nothing is cut away" in cut.sentence


# Turning, cropping, scaling


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_are_clockwise_and_exact(turns: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 30, 3), np.uint8)
    preparation = prepare(Image.fromarray(pixels), Choices(turn_degrees=90 * turns))
    np.testing.assert_array_equal(preparation.canvas, np.rot90(pixels, -turns))


@pytest.mark.parametrize(
    ("crop", "rows", "columns"),
    [
        ((0.3, 0, 0.75, 1), (0, 51), (30, 76)),
        ((0, 0.3, 1, 0.75), (15, 38), (0, 101)),
        ((0.5, 0, 0.5, 1), (0, 51), (50, 51)),
        ((0, 0.3, 1, 0.3), (15, 16), (0, 101)),
    ],
    ids=["columns", "rows", "no width", "no height"],
)
def test_a_crop_is_relative_to_the_picture_and_keeps_at_least_a_pixel(
    crop: tuple[float, float, float, float], rows: tuple[int, int], columns: tuple[int, int]
) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (51, 101, 3), np.uint8)
    preparation = prepare(Image.fromarray(pixels), Choices(crop=crop))
    np.testing.assert_array_equal(preparation.canvas, pixels[slice(*rows), slice(*columns)])


def test_a_crop_is_relative_to_the_turned_picture() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (60, 100, 3), np.uint8)
    preparation = prepare(Image.fromarray(pixels), Choices(turn_degrees=90, crop=(0, 0, 0.5, 1)))
    np.testing.assert_array_equal(preparation.canvas, np.rot90(pixels, -1)[:, :30])


@pytest.mark.parametrize(("height", "width", "times"), [(160, 320, 2), (300, 320, 3), (320, 100, 2), (320, 3, 4)])
def test_the_canvas_is_at_most_320_pixels_a_side_and_averages_squares(height: int, width: int, times: int) -> None:
    small = np.random.default_rng(0).integers(0, 64, (height, width, 3), np.uint8) * np.uint8(4)
    canvas = prepare(Image.fromarray(small.repeat(times, axis=0).repeat(times, axis=1))).canvas
    np.testing.assert_array_equal(canvas, small)


@pytest.mark.parametrize("size", [(1000, 700), (321, 320)])
def test_scaling_by_a_fraction_averages_too(size: tuple[int, int]) -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8))
    expected = picture.resize((320, round(size[1] * 320 / size[0])), Image.Resampling.BOX)
    np.testing.assert_array_equal(prepare(picture).canvas, np.asarray(expected))


@pytest.mark.parametrize("upright", [False, True])
def test_a_thread_is_a_pixel_wide(upright: bool) -> None:
    """640×1 is scaled to 320 pixels and then to 28."""
    pixels = np.where(np.arange(640) < 320, 60, 200).astype(np.uint8)[np.newaxis]
    preparation = prepare(Image.fromarray(pixels.T.copy() if upright else pixels), Choices(kind=READY))
    assert preparation.canvas.shape == ((320, 1, 3) if upright else (1, 320, 3))
    image = preparation.image.T if upright else preparation.image
    assert image[13].tolist() == [60] * 14 + [200] * 14
    assert np.count_nonzero(image) == 28


def test_a_strip_is_at_least_a_pixel_wide_on_the_canvas() -> None:
    pixels = np.where(np.arange(1000) < 500, 60, 200).astype(np.uint8)[np.newaxis]
    assert prepare(Image.fromarray(pixels)).canvas.shape == (1, 320, 3)
    assert prepare(Image.fromarray(pixels.T.copy())).canvas.shape == (320, 1, 3)


@pytest.mark.parametrize(("width", "left"), [(14, 7), (15, 6), (28, 0), (1, 13)])
@pytest.mark.parametrize("upright", [False, True])
def test_the_longer_side_becomes_28_pixels_and_the_rest_is_centred(width: int, left: int, upright: bool) -> None:
    small = np.random.default_rng(0).integers(1, 64, (28, width), np.uint8) * np.uint8(4)
    large = small.repeat(2, axis=0).repeat(2, axis=1)
    image = prepare(Image.fromarray(large if upright else large.T.copy()), Choices(kind=READY)).image
    expected = np.zeros((28, 28), np.uint8)
    expected[:, left : left + width] = small
    np.testing.assert_array_equal(image if upright else image.T, expected)


def test_a_smaller_picture_is_enlarged_smoothly() -> None:
    pixels = np.repeat([[40, 240]], 10, axis=1).astype(np.uint8).repeat(20, axis=0)
    row = prepare(Image.fromarray(pixels), Choices(kind=READY)).image[14]
    centres = (np.arange(28) + 0.5) * 20 / 28 - 0.5
    np.testing.assert_allclose(row, np.interp(centres, [9, 10], [40, 240]), atol=1)


def test_views_by_hand() -> None:
    """The smaller views are 26 pixels high, in the middle."""
    strokes = np.zeros((300, 300), np.uint8)
    strokes[20:280, 20:150], strokes[20:280, 150:280] = 100, 200
    image, mirrored, smaller, smaller_mirrored = prepare_drawing(strokes).views
    np.testing.assert_array_equal(image, np.repeat([[100, 200]], 14, axis=1).repeat(28, axis=0))
    expected = np.zeros((28, 28), np.uint8)
    expected[1:27, 1:14], expected[1:27, 14:27] = 100, 200
    np.testing.assert_array_equal(smaller, expected)
    np.testing.assert_array_equal(mirrored, image[:, ::-1])
    np.testing.assert_array_equal(smaller_mirrored, smaller[:, ::-1])


# Drawings


@pytest.mark.parametrize(("level", "is_drawn"), [(20, False), (21, True)])
def test_an_almost_black_line_is_not_a_stroke(level: int, is_drawn: bool) -> None:
    strokes = np.zeros((100, 100), np.uint8)
    strokes[20:80, 30:60] = level
    if not is_drawn:
        with pytest.raises(PictureError, match="Nothing is drawn"):
            prepare_drawing(strokes)
        return
    preparation = prepare_drawing(strokes)
    assert step(preparation, "trim").image.shape == (60, 30)


@pytest.mark.parametrize(("level", "height"), [(20, 40), (21, 60)])
def test_a_drawing_is_trimmed_to_pixels_that_are_not_almost_black(level: int, height: int) -> None:
    strokes = np.zeros((100, 100), np.uint8)
    strokes[40:80, 30:60] = 255
    strokes[20:40, 45] = level
    trimmed = step(prepare_drawing(strokes), "trim").image
    assert trimmed.shape == (height, 30)
    assert trimmed[0, 15] == (255 if height == 40 else 21)


def test_almost_black_pixels_next_to_a_stroke_turn_black() -> None:
    strokes = np.zeros((100, 100), np.uint8)
    strokes[20:80, 20:80] = 255
    strokes[40:60, 40:60] = 15
    trimmed = step(prepare_drawing(strokes, fill=False), "trim").image
    assert (trimmed[22:38, 22:38] == 0).all()


def test_a_picture_too_dark_for_a_drawing_is_not_trimmed() -> None:
    pixels = np.zeros((60, 40), np.uint8)
    pixels[10:30, 10:30] = 20
    preparation = prepare(Image.fromarray(pixels), Choices(kind=DRAWING))
    assert step(preparation, "trim").image.shape == (60, 40)
    assert "a single shade" in step(preparation, "trim").sentence


def test_a_drawing_from_the_pad_is_its_own_canvas() -> None:
    preparation = prepare_drawing(square_outline())
    np.testing.assert_array_equal(preparation.canvas, np.stack([square_outline()] * 3, axis=-1))
    assert (preparation.kind, preparation.mask) == (DRAWING, None)
    assert [each.is_on for each in preparation.steps] == [True, True, True]
    assert [each.is_on for each in prepare_drawing(square_outline(), fill=False).steps] == [True, False, True]
    assert [each.optional for each in preparation.steps] == [False, True, True]


# Inverting and switching off


def test_only_the_garment_is_inverted_at_the_end() -> None:
    preparation = prepare(cut_out_item(155, 115), Choices(invert=True))
    last = preparation.steps[-1]
    np.testing.assert_array_equal(last.image, np.repeat([[175, 95]], 10, axis=1).repeat(40, axis=0))
    assert not preparation.image[:, :7].any()
    assert (last.optional, last.is_on) == (False, True)


@pytest.mark.parametrize("kind", [READY, DRAWING])
def test_other_kinds_are_inverted_too(kind: str) -> None:
    pixels = np.tile(np.linspace(30, 100, 28).astype(np.uint8), (28, 1))
    upright, inverted = (prepare(Image.fromarray(pixels), Choices(kind=kind, invert=invert)) for invert in (False, True))
    np.testing.assert_array_equal(inverted.image, 255 - upright.image)
    assert inverted.mask is None


def test_everything_may_be_switched_off() -> None:
    """Then the result is the picture, only shrunk and in grey."""
    preparation = prepare(t_shirt_photo(), Choices(switched_off=frozenset({"cut_out", "trim", "negate", "tones"})))
    assert {each.is_on for each in preparation.steps[1:]} == {False}
    np.testing.assert_array_equal(preparation.image, preparation.steps[0].seen)
    np.testing.assert_array_equal(preparation.steps[-1].image, preparation.canvas)


def test_the_item_in_an_untrimmed_photo_keeps_its_position() -> None:
    preparation = prepare(cut_out_item(155, 115), Choices(switched_off=frozenset({"trim"})))
    assert step(preparation, "tones").image.shape == (90, 60)
    rows, columns = (np.flatnonzero(preparation.image.any(axis=axis)) for axis in (1, 0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (6, 18, 13, 19)


# Records


def test_by_default_the_program_makes_all_choices() -> None:
    choices = Choices()
    assert (choices.kind, choices.switched_off, choices.turn_degrees) == (None, frozenset(), 0)
    assert (choices.crop, choices.invert, choices.painted) == ((0, 0, 1, 1), False, None)


@pytest.mark.parametrize(
    ("record", "attribute"),
    [
        (Choices(painted=np.zeros((2, 2), np.uint8)), "invert"),
        (prepare_drawing(square_outline()), "kind"),
        (prepare_drawing(square_outline()).steps[0], "is_on"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_records_are_immutable_and_equal_only_to_themselves(record: Choices | Preparation | Step, attribute: str) -> None:
    """Comparing fields that hold arrays would fail, and a changed record must not be found in a cache."""
    assert record == record
    assert record != replace(record)
    assert len({record, replace(record)}) == 2
    with pytest.raises(FrozenInstanceError):
        setattr(record, attribute, None)


@settings(max_examples=30, deadline=None)
@given(
    width=st.integers(8, 400),
    height=st.integers(8, 400),
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK"]),
    choices=st.builds(
        Choices,
        kind=st.sampled_from([None, *KINDS]),
        turn_degrees=st.sampled_from([0, 90, 180, 270]),
        switched_off=st.frozensets(st.sampled_from(["cut_out", "trim", "negate", "tones", "fill"])),
        crop=st.sampled_from([(0.0, 0.0, 1.0, 1.0), (0.2, 0.3, 0.4, 0.9)]),
        invert=st.booleans(),
    ),
)
def test_any_picture_becomes_28_by_28(width: int, height: int, mode: str, choices: Choices) -> None:
    pixels = np.random.default_rng(width * height).integers(0, 256, (height, width, 3), np.uint8)
    pixels[height // 4 : -height // 4, width // 4 : -width // 4] //= 3
    picture = Image.fromarray(pixels).convert("L" if mode == "LA" else "RGB").convert(mode)
    preparation = prepare(picture, choices)
    assert preparation.image.shape == (28, 28)
    assert preparation.image.dtype == np.uint8
    assert preparation.views.shape[1:] == (28, 28)
    again = prepare(picture, replace(choices))
    np.testing.assert_array_equal(again.image, preparation.image)
