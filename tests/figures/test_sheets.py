import re

import numpy as np
import plotly.graph_objects as go
import pytest

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.figures.bars import draw_class_counts, draw_probabilities
from fmnist_core.figures.images import paint_kernels
from fmnist_core.figures.sheets import SheetColours, colour_limits, draw_sheet
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


def test_each_count_is_next_to_its_class_with_the_first_class_on_top() -> None:
    figure = draw_class_counts(np.array([3, 0, 12345]), ("a", "b", "c"))
    (bars,) = figure.data
    assert (list(bars.x), list(bars.y)) == ([3, 0, 12345], ["a", "b", "c"])
    assert bars.orientation == "h"
    assert figure.layout.yaxis.autorange == "reversed"


def test_the_most_probable_class_is_marked_by_more_than_colour() -> None:
    probabilities = np.zeros(10, np.float32)
    probabilities[[6, 0]] = 0.75, 0.25
    figure = draw_probabilities(probabilities, CLASS_NAMES)
    (bars,) = figure.data
    np.testing.assert_allclose(bars.x, 100 * probabilities)
    assert [re.sub(r"</?b>|▸ ", "", name) for name in bars.y] == list(CLASS_NAMES)
    assert [i for i, name in enumerate(bars.y) if name.startswith("<b>▸ ")] == [6]
    assert len({bars.marker.color[6], bars.marker.color[0]}) == 2
    assert bars.text[6] == "75.0 %"
    assert figure.layout.xaxis.range[1] > 110  # room for the text next to a full bar


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


def sheet(**options: object) -> go.Figure:
    tiles = np.arange(3 * 2 * 2, dtype=np.float32).reshape(3, 2, 2)
    return draw_sheet(tiles, columns=2, limits=(0, 11), labels={"kernel": np.arange(3)}, legend="weight", **options)  # type: ignore[arg-type]


def test_a_sheet_arranges_tiles_row_by_row_with_gaps() -> None:
    z = np.asarray(sheet().data[0].z)
    filled = np.argwhere(~np.isnan(z))
    assert z[~np.isnan(z)].size == 12
    first, second, third = (np.argwhere((z >= 4 * i) & (z < 4 * i + 4)) for i in range(3))
    assert first[:, 0].tolist() == second[:, 0].tolist()  # the first two share their rows
    assert second[:, 1].min() > first[:, 1].max() + 1  # with a gap
    assert third[:, 0].min() > first[:, 0].max() + 1  # the third begins the next row
    assert third[:, 1].tolist() == first[:, 1].tolist()
    np.testing.assert_array_equal(z[tuple(first.T)], [0, 1, 2, 3])
    assert len(filled) == 12


def test_hovering_shows_the_position_of_a_weight() -> None:
    heatmap = sheet().data[0]
    z, hovered = np.asarray(heatmap.z), np.asarray(heatmap.customdata)
    assert hovered[z == 0][0].tolist() == [0, 0, 0]
    assert hovered[z == 6][0].tolist() == [1, 1, 0]  # kernel 1, row 1, column 0
    assert heatmap.hovertemplate.startswith("kernel %{customdata[0]}, row %{customdata[1]}, column %{customdata[2]}")


def test_a_sheet_has_names_or_numbered_axes_and_one_scale() -> None:
    named = sheet(names=("a", "b", "c"), colours="strength")
    assert [note.text for note in named.layout.annotations] == ["a", "b", "c"]
    assert (named.data[0].zmin, named.data[0].zmax) == (0, 11)
    assert named.data[0].colorbar.title.text == "weight"
    numbered = sheet(axes=("kernel", "channel"))
    assert (numbered.layout.yaxis.title.text, numbered.layout.xaxis.title.text) == ("kernel", "channel")
    assert list(numbered.layout.yaxis.ticktext) == ["0", "1"]
