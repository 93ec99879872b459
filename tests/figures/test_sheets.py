import numpy as np
import pytest

from fmnist_core.figures.images import paint_kernels
from fmnist_core.figures.sheets import SCALES, Sheet, SheetColours, colour_limits, make_sheet, paint_positions
from fmnist_core.figures.style import BLUE, CLASS_LINES, DIVERGING, GREEN, ORANGE, OTHER_LINES, SEQUENTIAL, LineStyle


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it, of "#rrggbb"."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("lines", [OTHER_LINES, CLASS_LINES])
def test_lines_differ_in_colour_and_dashes_on_both_themes(lines: tuple[LineStyle, ...]) -> None:
    assert len(set(lines)) == len(lines)
    for line in lines:
        assert contrast(line.colour, "#ffffff") >= 3
        assert contrast(line.colour, "#0e1117") >= 3


def test_kernels_are_painted_with_white_as_zero_and_gaps_between_them() -> None:
    kernels = np.array([[[0.5, 0], [0, -0.5]], [[0, 0], [0, 0]], [[9, 9], [9, 9]]], np.float32)
    sheet = paint_kernels(kernels, columns=2, reach=0.5)
    assert sheet.shape == (5, 5, 4)
    as_hex = ["#" + bytes(sheet[row, column, :3].tolist()).hex() for row, column in ((0, 0), (0, 1), (1, 1), (0, 3), (3, 0))]
    ends = DIVERGING[-1][1], DIVERGING[2][1], DIVERGING[0][1]
    assert as_hex == [ends[0], ends[1], ends[2], ends[1], ends[0]]
    assert (sheet[2, :, 3] == 0).all()
    assert (sheet[3:, 3:, 3] == 0).all()  # there are only three


@pytest.mark.parametrize("colour", [BLUE, ORANGE, GREEN])
@pytest.mark.parametrize("paper", ["#ffffff", "#0e1117"])
def test_lines_and_bars_stand_out_on_both_themes(colour: str, paper: str) -> None:
    assert contrast(colour, paper) >= 3  # WCAG 2, 1.4.11: graphical objects


@pytest.mark.parametrize("scale", [SEQUENTIAL, DIVERGING])
def test_a_colour_scale_covers_all_values_once(scale: list[tuple[float, str]]) -> None:
    positions = [position for position, _ in scale]
    assert positions == sorted(positions)
    assert (positions[0], positions[-1]) == (0, 1)


def test_more_is_darker_and_both_signs_are_equally_far_from_white() -> None:
    inks = [luminance(str(colour)) for _, colour in SEQUENTIAL]
    assert inks == sorted(inks, reverse=True)
    signed = [luminance(str(colour)) for _, colour in DIVERGING]
    assert max(signed) == signed[len(signed) // 2]
    assert abs(signed[0] - signed[-1]) < 0.03


@pytest.mark.parametrize(
    ("values", "colours", "limits"),
    [
        ([-1.0, 3.0], "signed", (-3.0, 3.0)),
        ([-4.0, 3.0], "signed", (-4.0, 4.0)),
        ([0.0, 3.0], "strength", (0.0, 3.0)),
        ([-1.0, 3.0], "grey", (-1.0, 3.0)),
        ([2.0, 2.0], "grey", (1.0, 3.0)),
        ([0.0, 0.0], "signed", (-1.0, 1.0)),
        ([0.0, 0.0], "strength", (0.0, 1.0)),
    ],
)
def test_colour_limits_by_hand(values: list[float], colours: SheetColours, limits: tuple[float, float]) -> None:
    assert colour_limits(np.array(values), colours) == limits


def test_levels_run_from_one_end_of_the_scale_to_the_other() -> None:
    sheet = Sheet(np.array([[[-2.0, -1.0], [0.0, 3.0]]], np.float32), (-1.0, 1.0), "signed", "weight")
    np.testing.assert_array_equal(sheet.levels, [[[0, 0], [128, 255]]])


def test_a_map_is_painted_in_the_colours_of_its_scale() -> None:
    sheet = make_sheet(np.array([[[0.0, 4.0]], [[2.0, 0.0]]], np.float32), "strength", "response")
    assert sheet.limits == (0.0, 4.0)
    low, high = (tuple(bytes.fromhex(str(colour)[1:])) for _, colour in (SEQUENTIAL[0], SEQUENTIAL[-1]))
    np.testing.assert_array_equal(sheet.paint(0), [[low, high]])
    np.testing.assert_array_equal(sheet.paint(1)[0, 1], low)


@pytest.mark.parametrize("colours", SCALES)
def test_every_colour_of_a_scale_is_painted_at_its_position(colours: SheetColours) -> None:
    positions = np.array([position for position, _ in SCALES[colours]])
    painted = paint_positions(positions, colours)
    assert ["#" + bytes(colour.tolist()).hex() for colour in painted] == [colour for _, colour in SCALES[colours]]
