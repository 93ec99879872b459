from dataclasses import replace

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
    """A T-shirt of 140×180 in the middle of a floor of 240×320 with some grain."""
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
    """White on black, a square outline of 140×140 with its corner at (70, 70), 14 thick."""
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
    assert preparation.image.any(axis=1).all(), "the longer side fills the 28 pixels"
    assert abs((columns[0] + columns[-1]) / 2 - 13.5) <= 1
    assert preparation.image[0, 0] == 0


def test_negating_turns_a_dark_garment_bright_and_a_bright_one_dark() -> None:
    dark, bright = prepare(t_shirt_photo((30, 30, 30), (200, 180, 150))).image, prepare(t_shirt_photo((235, 235, 235), (120, 60, 60))).image
    assert dark[14, 14] > 190
    assert 20 <= bright[14, 14] < 110, "darker, but never as dark as the background"


@pytest.mark.parametrize("key", ["cut_out", "trim", "negate", "tones"])
def test_a_step_that_is_switched_off_changes_nothing(key: str) -> None:
    preparation = prepare(t_shirt_photo(), Choices(switched_off=frozenset({key})))
    index = next(i for i, each in enumerate(preparation.steps) if each.key == key)
    before, off = preparation.steps[index - 1], preparation.steps[index]
    assert not off.is_on
    np.testing.assert_array_equal(off.seen, before.seen)
    assert not np.array_equal(preparation.image, prepare(t_shirt_photo()).image)


def test_choices_are_told_apart_by_every_painted_pixel() -> None:
    """NumPy writes `...` for the middle of an array of more than 1,000 values: two masks can have the same text."""
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


def test_paint_wins_over_what_was_found() -> None:
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


def test_transparency_is_taken_for_the_background() -> None:
    picture = t_shirt_photo((200, 180, 150))  # no colour tells it from the floor
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


def test_images_of_the_data_set_stay_as_they_are(small_splits: tuple[Split, Split]) -> None:
    for image in small_splits[1].images[:50]:
        preparation = prepare(Image.fromarray(image))
        np.testing.assert_array_equal(preparation.image, image)
        assert (preparation.kind, len(preparation.views)) == (READY, 1)


def test_an_enlarged_image_of_the_data_set_is_made_small_again(small_splits: tuple[Split, Split]) -> None:
    image = small_splits[1].images[1]
    np.testing.assert_array_equal(prepare(Image.fromarray(image.repeat(10, 0).repeat(10, 1)), Choices(kind=READY)).image, image)


@pytest.mark.parametrize("turned_round", [False, True], ids=["white on black", "black on white"])
def test_lines_on_a_sheet_are_a_drawing(turned_round: bool) -> None:
    strokes = square_outline()
    preparation = prepare(Image.fromarray(255 - strokes if turned_round else strokes))
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


def test_an_empty_drawing_is_said() -> None:
    with pytest.raises(PictureError, match="Nothing is drawn yet"):
        prepare_drawing(np.zeros((280, 280), np.uint8))


@pytest.mark.parametrize("colour", ["white", "black", "grey"])
def test_one_colour_is_said(colour: str) -> None:
    with pytest.raises(PictureError, match="one shade everywhere"):
        prepare(Image.new("RGB", (300, 200), colour))


@settings(max_examples=60, deadline=None)
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
