import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_core.pictures.outlines import fill_outlines

Pixels = NDArray[np.uint8]
GREY = 170
INSIDE = np.s_[60:140, 50:230]  # the inside of the square below, above its bay


def line_around(rows: tuple[int, int], columns: tuple[int, int], bay: tuple[int, int] = (0, 0), thick: int = 5) -> Pixels:
    """A 280×280 sheet with the outline of a rectangle that has a bay between two columns, open at the bottom and reaching up to row 150."""
    around, inner = np.zeros((280, 280), np.uint8), np.zeros((280, 280), np.uint8)
    around[rows[0] : rows[1], columns[0] : columns[1]] = 255
    inner[rows[0] + thick : rows[1] - thick, columns[0] + thick : columns[1] - thick] = 255
    if bay[1] > bay[0]:
        around[150:, bay[0] : bay[1]] = 0
        inner[150 - thick :, bay[0] - thick : bay[1] + thick] = 0
    return around - inner


def with_gap(bay: int, gap: int) -> Pixels:
    """A rectangle with a bay of this width at the bottom and a gap of this width in its upper edge."""
    sheet = line_around((40, 240), (30, 250), (140 - bay // 2, 140 + bay // 2))
    sheet[40:45, 140 - gap // 2 : 140 + gap // 2] = 0
    return sheet


def test_only_the_area_inside_a_closed_line_becomes_grey() -> None:
    sheet = line_around((50, 230), (60, 200))
    filled = fill_outlines(sheet)
    assert filled.dtype == np.uint8
    expected = sheet.copy()
    expected[55:225, 65:195] = GREY
    np.testing.assert_array_equal(filled, expected)


@pytest.mark.parametrize(("gap", "bay"), [(0, 2), (10, 20), (14, 44), (20, 70), (26, 0)], ids=["none", "3 %", "6 %", "10 %", "16 %"])
@pytest.mark.parametrize("turned", [False, True], ids=["upright", "lying"])
def test_a_gap_is_closed_by_the_smallest_bridge_that_spans_it(gap: int, bay: int, turned: bool) -> None:
    """A disc with a radius of 8, 17, 28 or 45 pixels must not slip through a gap in a line 5 pixels thick. The next larger disc would not
    fit into the bay either, so the bay would be filled."""
    sheet = with_gap(bay, gap)
    filled = fill_outlines(sheet.T.copy()).T if turned else fill_outlines(sheet)
    assert (filled[INSIDE] == GREY).all()
    assert not filled[180:220, 140 - bay // 2 : 140 + bay // 2].any()
    np.testing.assert_array_equal(filled[sheet > 0], sheet[sheet > 0])
    outside = np.ones(filled.shape, bool)
    outside[40:240, 30:250] = False
    assert not filled[outside].any()


def test_a_gap_may_be_too_large() -> None:
    assert not fill_outlines(with_gap(0, 34))[INSIDE].all()


@pytest.mark.parametrize(("side", "is_enough"), [(112, False), (124, True)], ids=["28 %", "34 %"])
def test_an_enclosed_pocket_does_not_stand_for_the_garment(side: int, is_enough: bool) -> None:
    """The outline has a gap, the pocket does not. The enclosed area is enough if it is at least 30 % of the hull of all lines."""
    sheet = line_around((30, 250), (30, 250))
    sheet[30:35, 130:150] = 0
    sheet |= line_around((90, 90 + side), (90, 90 + side), thick=1)
    filled = fill_outlines(sheet)
    assert (filled[95 : 85 + side, 95 : 85 + side] == GREY).all()
    assert filled[60, 60] == (0 if is_enough else GREY)


def test_a_line_at_the_border_encloses_nothing() -> None:
    sheet = np.zeros((280, 280), np.uint8)
    sheet[:4, :200] = 255
    np.testing.assert_array_equal(fill_outlines(sheet), sheet)


@pytest.mark.parametrize("sides", [(280, 280), (280, 200), (200, 280)])
def test_an_outline_along_the_border_is_filled_despite_a_gap(sides: tuple[int, int]) -> None:
    height, width = sides
    sheet = line_around((0, height), (0, width))[:height, :width].copy()
    sheet[:5, 90:110] = 0
    filled = fill_outlines(sheet)
    assert filled.shape == sides
    assert (filled[5:-5, 5:-5] == GREY).all()


def test_a_filled_shape_is_not_changed() -> None:
    sheet = np.zeros((280, 280), np.uint8)
    sheet[60:220, 70:210] = 255
    np.testing.assert_array_equal(fill_outlines(sheet), sheet)


@pytest.mark.parametrize(("level", "is_ink"), [(127, False), (128, True)])
def test_ink_begins_at_half_brightness(level: int, is_ink: bool) -> None:
    sheet = np.minimum(line_around((60, 220), (60, 220)), np.uint8(level))
    assert fill_outlines(sheet)[140, 140] == (GREY if is_ink else 0)


@pytest.mark.parametrize("turned", [False, True], ids=["upright", "lying"])
def test_bridges_are_shares_of_the_longer_side(turned: bool) -> None:
    """On a 280×120 sheet the smallest bridge spans a gap of 10. As shares of the shorter side, only the third would, and fill the bay."""
    sheet = line_around((20, 260), (10, 110), (50, 70))[:, :120].copy()
    sheet[20:25, 55:65] = 0
    filled = fill_outlines(sheet.T.copy()).T if turned else fill_outlines(sheet)
    assert (filled[40:140, 20:100] == GREY).all()
    assert not filled[180:240, 50:70].any()


def test_an_empty_sheet_stays_empty() -> None:
    assert not fill_outlines(np.zeros((60, 50), np.uint8)).any()
