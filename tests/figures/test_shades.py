"""The colour scale of the confusion matrix: continuous, in proportion to the value, and legible in both themes."""

import itertools

import numpy as np
import pytest

from fmnist_core.figures.shades import THEMES, Theme, cell_shares, contrast, legend_shades, shade, text_on

PERCENTAGES = [0.0, 0.1, 1.0, 3.2, 3.3, 6.5, 12.9]
BACKGROUNDS: dict[Theme, str] = {"light": "#ffffff", "dark": "#171614"}


def distance(one: str, other: str) -> float:
    """How far two colours are apart, 0 to 255: the largest difference of a channel."""
    return max(abs(int(one[i : i + 2], 16) - int(other[i : i + 2], 16)) for i in (1, 3, 5))


def mistakes(percentages: list[float]) -> list[float]:
    """How far along the scale these are among mistakes only, as one row of a matrix."""
    percent = np.zeros((len(percentages) + 1,) * 2)
    percent[0] = [87.0, *percentages]
    shares: list[float] = cell_shares(percent, mistakes_only=True)[0, 1:].tolist()
    return shares


@pytest.mark.parametrize("theme", THEMES)
def test_near_mistakes_have_near_shades_and_distances_are_in_proportion(theme: Theme) -> None:
    shades = dict(zip(PERCENTAGES, (shade(share, theme) for share in mistakes(PERCENTAGES)), strict=True))
    whole = distance(shades[0.0], shades[12.9])
    assert whole > 120, "the scale is long enough to tell shades apart"
    assert distance(shades[3.2], shades[3.3]) <= 0.03 * whole  # they used to differ by half of the scale
    assert distance(shades[3.3], shades[12.9]) >= 0.7 * whole  # and these by a sixth
    for one, other in itertools.pairwise(PERCENTAGES):
        assert distance(shades[one], shades[other]) == pytest.approx(whole * (other - one) / 12.9, abs=1.5)


@pytest.mark.parametrize("theme", THEMES)
def test_a_shade_moves_steadily_away_from_the_background(theme: Theme) -> None:
    scale = [shade(share, theme) for share in np.linspace(0, 1, 501)]
    contrasts = [contrast(colour, BACKGROUNDS[theme]) for colour in scale]
    assert scale[0] == BACKGROUNDS[theme]
    assert contrasts == sorted(contrasts)
    assert max(distance(one, other) for one, other in itertools.pairwise(scale)) <= 1
    assert (shade(-1, theme), shade(2, theme)) == (scale[0], scale[-1])


@pytest.mark.parametrize("theme", THEMES)
def test_text_is_legible_on_every_shade(theme: Theme) -> None:
    for share in np.linspace(0, 1, 501):
        background = shade(float(share), theme)
        assert contrast(text_on(background), background) >= 4.5


def test_the_diagonal_counts_unless_only_mistakes_are_shown() -> None:
    percent = np.array([[81.0, 9.0], [np.nan, np.nan]])
    np.testing.assert_allclose(cell_shares(percent, mistakes_only=False), np.array([[1, 1 / 3], [0, 0]]))
    np.testing.assert_allclose(cell_shares(percent, mistakes_only=True), np.array([[0.0, 1.0], [0.0, 0.0]]))
    assert not cell_shares(np.zeros((2, 2)), mistakes_only=True).any()


@pytest.mark.parametrize("mistakes_only", [True, False])
def test_the_legend_runs_from_nothing_to_the_strongest_shade(mistakes_only: bool) -> None:
    legend = legend_shades("light", mistakes_only=mistakes_only)
    assert (legend[0], legend[-1]) == (shade(0, "light"), shade(1, "light"))
    assert legend[len(legend) // 2] == shade(0.5 if mistakes_only else 0.5**0.5, "light")


def test_contrast_by_hand() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert (text_on("#ffffff"), text_on("#0b4a86")) == ("#000000", "#ffffff")
