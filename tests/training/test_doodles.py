import dataclasses
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.training import doodles
from fmnist_core.training.doodles import draw_doodle
from tests.training.approval import check_sheet, check_table


@pytest.mark.parametrize("label", range(len(CLASS_NAMES)), ids=CLASS_NAMES)
def test_doodles_fill_the_square_and_differ(label: int) -> None:
    random = np.random.default_rng(0)
    drawn = [draw_doodle(label, random) for _ in range(20)]
    for doodle in drawn:
        assert doodle.label == label
        assert doodle.ink.shape == doodle.body.shape == (28, 28)
        assert (doodle.body >= doodle.ink).all()
        rows, columns = np.flatnonzero(doodle.body.any(axis=1)), np.flatnonzero(doodle.body.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) >= 26
        assert 0.02 < (doodle.ink > 127).mean() < 0.9
    assert len({doodle.ink.tobytes() for doodle in drawn}) == 20


def test_the_same_seed_draws_the_same_in_any_size() -> None:
    small, again = (draw_doodle(9, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(small.ink, again.ink)
    large = draw_doodle(9, np.random.default_rng(5), side_px=280)
    assert large.ink.shape == (280, 280)
    means = large.ink.reshape(28, 10, 28, 10).mean(axis=(1, 3))
    assert np.abs(means - small.ink).mean() < 20


def test_trousers_have_a_gap_below_and_a_dress_has_none() -> None:
    """The lowest row of trousers has a gap in its middle; that of a dress has none."""
    random = np.random.default_rng(2)
    gaps = {
        name: np.mean([draw_doodle(CLASS_NAMES.index(name), random).body[20, 13:15].min() < 128 for _ in range(40)])
        for name in ("Trouser", "Dress")
    }
    assert gaps["Trouser"] > 0.5
    assert gaps["Dress"] < 0.1


def test_doodles_look_as_approved(tmp_path: Path) -> None:
    """A row for each class; what the lines enclose is a sheet of its own."""
    rows = [[draw_doodle(label, np.random.default_rng(seed)) for seed in range(12)] for label in range(len(CLASS_NAMES))]
    check_sheet("doodles_ink", [np.stack([doodle.ink for doodle in row]) for row in rows], tmp_path)
    check_sheet("doodles_body", [np.stack([doodle.body for doodle in row]) for row in rows], tmp_path)


@pytest.mark.parametrize("label", range(len(CLASS_NAMES)), ids=CLASS_NAMES)
def test_every_stroke_is_where_it_was_approved(label: int, tmp_path: Path) -> None:
    """With so many doodles that each thing which is only sometimes drawn is drawn, and is left out."""
    drawings: dict[str, NDArray[np.float64]] = {}
    for seed in range(40):
        sheet = doodles._Sheet(np.random.default_rng(seed))
        doodles._MAKERS[CLASS_NAMES[label]](sheet)
        assert all(any(body is line for line in sheet.lines) for body in sheet.bodies)
        drawings[f"doodle {seed}"] = np.array([measure(stroke) for stroke in sheet.lines])
    check_table(f"strokes_{label}", drawings, tmp_path)


def measure(stroke: NDArray[np.float64]) -> list[float]:
    """How many points a stroke has, its length, its centre and its end."""
    return [len(stroke), np.linalg.norm(np.diff(stroke, axis=0), axis=1).sum(), *stroke.mean(axis=0), *stroke[-1]]


class Chosen:
    """Instead of random numbers, chosen places in their ranges, of which the last is kept; 0 is the lowest, and the first of several."""

    def __init__(self, *places: float) -> None:
        self._places = list(places)

    def random(self) -> float:
        return self._places.pop(0) if len(self._places) > 1 else self._places[0]

    def uniform(self, low: float, high: float, size: int | None = None) -> float | NDArray[np.float64]:
        number = low + self.random() * (high - low)
        return number if size is None else np.full(size, number)

    def normal(self, middle: float, _deviation: float) -> float:
        return middle

    def integers(self, _below: int) -> int:
        return 0


def chosen_sheet(*places: float) -> doodles._Sheet:
    """A sheet whose hand does not shake."""
    return doodles._Sheet(cast(np.random.Generator, Chosen(0, 0, 0, *places)))


def test_what_has_no_share_never_happens() -> None:
    sheet = chosen_sheet(0)
    assert not sheet.sometimes(0)
    assert sheet.sometimes(0.01)


def test_the_narrowest_legs_of_trousers_do_not_meet() -> None:
    """The numbers are those of the waist, the hem, the crotch, the outer edge and then, all at their highest, the width of a leg."""
    sheet = chosen_sheet(0, 0, 0, 0, 1)
    doodles._draw_trouser(sheet)
    hem = np.unique(sheet.bodies[0][sheet.bodies[0][:, 1] == 0.5, 0])
    np.testing.assert_allclose(hem[[0, -1]], [-0.2, 0.2])
    assert min(abs(hem)) == 0.02


def test_lines_and_what_they_enclose_are_white() -> None:
    for label in range(len(CLASS_NAMES)):
        doodle = draw_doodle(label, np.random.default_rng(1), side_px=56)
        assert (doodle.ink.max(), doodle.body.max()) == (255, 255)
    sheet = chosen_sheet(0)
    sheet.shape([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    ink, body = sheet.render(28)
    assert (ink[14, 14], body[14, 14]) == (0, 255)


def test_a_line_is_at_least_one_pixel_wide_however_small_the_square() -> None:
    """The square is drawn at four times its side, where this line would be 0.5 of a pixel wide."""
    sheet = chosen_sheet(1)
    sheet.line((0, -1), (0, 1))
    ink, _ = sheet.render(2)
    assert (ink > 20).any(axis=1).all()
    assert ink.mean() < 50


@pytest.mark.parametrize(("corners", "share"), [([(-1, 0), (1, 0), (1, 0.5)], 1), ([(-1, 0), (0, 0), (1, 0), (1, 0.5)], 0.5)])
def test_of_an_outline_with_a_gap_at_least_two_points_are_left(corners: list[tuple[float, float]], share: float) -> None:
    """Where all places are 0, there is a gap, and four fifths of the points are left, rounded down: of two one, of three two."""
    sheet = chosen_sheet(0)
    sheet.lines = [np.array(corners, float)]
    ink, _ = sheet.render(28)
    assert (ink.max(axis=0) > 127).mean() == pytest.approx(share, abs=0.05)


def test_a_doodle_equals_only_itself_and_cannot_be_changed() -> None:
    doodle, again = (draw_doodle(1, np.random.default_rng(0)) for _ in range(2))
    assert doodle != again, "arrays are not compared"
    assert len({doodle, again}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        doodle.label = 2  # type: ignore[misc]
