import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_core.pictures.kinds import DRAWING, PHOTO, READY, find_ink, find_kind

Pixels = NDArray[np.uint8]


def kind_of(grey: Pixels, *, tint: int = 0, opaque: NDArray[np.bool_] | None = None) -> str:
    """The kind of a picture whose red channel exceeds green and blue by `tint`."""
    colour = np.stack([grey + np.uint8(tint), grey, grey], axis=-1)
    return find_kind(colour, opaque)[0]


def lines(number: int, of: int = 12_000, level: int = 255) -> Pixels:
    """(100, 120), black except for this many consecutive pixels."""
    sheet = np.zeros(of, np.uint8)
    sheet[3000 : 3000 + number] = level
    return sheet.reshape(100, -1)


def shades(height: int, width: int, rim: int = 0) -> Pixels:
    """Every shade of grey, which no drawing has, inside a frame of a single shade."""
    grey = np.linspace(0, 250, height * width).astype(np.uint8).reshape(height, width)
    grey[[0, -1]] = rim
    grey[:, [0, -1]] = rim
    return grey


@pytest.mark.parametrize(
    ("height", "width", "rim", "tint", "kind"),
    [
        (28, 28, 0, 0, READY),
        (28, 28, 126, 0, READY),
        (28, 28, 127, 0, PHOTO),
        (28, 28, 60, 7, READY),
        (28, 28, 60, 8, PHOTO),
        (28, 29, 60, 0, PHOTO),
        (29, 28, 60, 0, PHOTO),
        (27, 27, 60, 0, PHOTO),
    ],
    ids=["black rim", "rim under half", "rim of half", "nearly grey", "tinted", "too wide", "too high", "too small"],
)
def test_a_grey_28_by_28_picture_with_dark_edges_is_ready(height: int, width: int, rim: int, tint: int, kind: str) -> None:
    assert kind_of(shades(height, width, rim), tint=tint) == kind


@pytest.mark.parametrize("bright", [sides for number in (1, 2) for sides in itertools.combinations(range(4), number)], ids=str)
def test_all_four_edges_count(bright: tuple[int, ...]) -> None:
    """One bright edge is a quarter of the rim; two are more than half of it, because edges share their corners."""
    grey = shades(28, 28)
    for side in bright:
        np.rot90(grey, side)[0] = 250
    assert kind_of(grey) == (READY if len(bright) == 1 else PHOTO)


def test_a_small_cut_out_item_is_not_mistaken_for_an_image_of_the_data_set() -> None:
    assert kind_of(shades(28, 28), opaque=np.tri(28, dtype=bool)) == PHOTO


@pytest.mark.parametrize(
    ("height", "width", "rim", "tint", "kind"),
    [
        (100, 100, 24, 0, READY),
        (100, 100, 25, 0, PHOTO),
        (100, 98, 0, 0, READY),
        (98, 100, 0, 0, READY),
        (100, 97, 0, 0, PHOTO),
        (97, 100, 0, 0, PHOTO),
        (100, 100, 0, 7, READY),
        (100, 100, 0, 8, PHOTO),
    ],
    ids=["black rim", "dark rim", "2 % high", "2 % wide", "3 % high", "3 % wide", "nearly grey", "tinted"],
)
def test_a_larger_picture_must_be_square_with_black_edges(height: int, width: int, rim: int, tint: int, kind: str) -> None:
    assert kind_of(shades(height, width, rim), tint=tint) == kind


@pytest.mark.parametrize(
    ("number", "level", "kind"),
    [(24, 255, PHOTO), (25, 255, DRAWING), (5999, 255, DRAWING), (6000, 255, PHOTO), (500, 196, DRAWING), (500, 195, PHOTO)],
    ids=["0.2 %", "over 0.2 %", "under half", "half", "bright", "not bright enough"],
)
@pytest.mark.parametrize("inverted", [False, True], ids=["white on black", "black on white"])
def test_lines_cover_a_share_of_the_sheet_in_one_shade(number: int, level: int, kind: str, inverted: bool) -> None:
    sheet = lines(number, level=level)
    assert kind_of(255 - sheet if inverted else sheet) == kind


@pytest.mark.parametrize(
    ("number", "level", "kind"),
    [(99, 60, DRAWING), (100, 60, PHOTO), (100, 59, DRAWING), (100, 195, PHOTO), (100, 196, DRAWING), (3000, 59, DRAWING)],
    ids=["under a quarter", "a quarter", "as dark as paper", "not quite a line", "a line", "much of the paper"],
)
def test_a_drawing_has_few_shades_between_line_and_paper(number: int, level: int, kind: str) -> None:
    """Fewer pixels have a shade in between than a quarter of the pixels of the lines, of which there are 400 here."""
    sheet = lines(400)
    sheet.ravel()[6000 : 6000 + number] = level
    assert kind_of(sheet) == kind


@pytest.mark.parametrize(("tint", "kind"), [(7, DRAWING), (8, PHOTO)])
def test_a_drawing_is_grey(tint: int, kind: str) -> None:
    sheet = lines(400, level=240)
    assert kind_of(sheet, tint=tint) == kind


@pytest.mark.parametrize(("paper", "ink"), [(0, 0), (127, 127), (128, 127), (255, 0)])
def test_ink_is_always_returned_bright_on_dark(paper: int, ink: int) -> None:
    sheet = np.full((10, 10), paper, np.uint8)
    sheet[4, 2:8] = 200
    found = find_ink(sheet)
    assert found.dtype == np.uint8
    assert found[0, 0] == ink
    assert found[4, 5] == (200 if paper <= 127 else 55)


def test_every_kind_has_its_own_explanation() -> None:
    pictures = [shades(28, 28), lines(400), shades(100, 100), shades(100, 100, 200)]
    sentences = [find_kind(np.stack([grey] * 3, axis=-1), None)[1] for grey in pictures]
    sentences.append(find_kind(np.stack([pictures[0]] * 3, axis=-1), np.tri(28, dtype=bool))[1])
    assert len(set(sentences)) == len(sentences)
