import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_core.runs.series import downsample, smooth


def test_smoothing_by_hand() -> None:
    values = np.array([2.0, 4.0, 8.0])
    # Weights 1/2 and 1, divided by their sum: (2·1/2 + 4) / 1.5, then (2·1/4 + 4·1/2 + 8) / 1.75.
    np.testing.assert_allclose(smooth(values, 0.5), [2, 5 / 1.5, 10.5 / 1.75])
    # Each average keeps nine tenths of the one before: (2·0.9 + 4) / 1.9, then (2·0.81 + 4·0.9 + 8) / 2.71.
    np.testing.assert_allclose(smooth(values, 0.9), [2, 5.8 / 1.9, 13.22 / 2.71])


@pytest.mark.parametrize("smoothing", [0.0, -0.5])
def test_no_smoothing_changes_nothing(smoothing: float) -> None:
    values = np.array([3.0, np.nan, 2.0])
    np.testing.assert_array_equal(smooth(values, smoothing), values)


def test_a_value_that_was_lost_counts_for_nothing_in_the_average() -> None:
    # At the gap the average does not change, but earlier values still lose weight: (2·1/4 + 8) / 1.25.
    np.testing.assert_allclose(smooth(np.array([2.0, np.nan, 8.0]), 0.5), [2, 2, 8.5 / 1.25])


def test_one_value_or_none_is_its_own_average() -> None:
    assert smooth(np.array([7.0]), 0.9).tolist() == [7.0]
    assert smooth(np.array([]), 0.9).tolist() == []


@pytest.mark.parametrize("count", [0, 1, 300, 400])
def test_few_values_are_all_drawn(count: int) -> None:
    np.testing.assert_array_equal(downsample(np.arange(float(count)), 400), np.arange(count))


@pytest.mark.parametrize(
    ("max_points", "drawn"),
    [
        (4, {0, 99}),
        (8, {0, 63, 64, 99}),  # stretches of 32 could take nine
        (9, {0, 31, 32, 63, 64, 95, 96, 99}),
        (14, {0, 31, 32, 63, 64, 95, 96, 99}),
        (15, {0, 15, 16, 31, 32, 47, 48, 63, 64, 79, 80, 95, 96, 99}),
    ],
)
def test_stretches_are_the_shortest_power_of_two_that_keeps_to_the_limit(max_points: int, drawn: set[int]) -> None:
    """Values that only rise, or only fall, are the lowest and highest at both ends of a stretch."""
    rising = np.arange(100.0)
    assert downsample(rising, max_points).tolist() == sorted(drawn)
    assert downsample(-rising, max_points).tolist() == sorted(drawn)


def test_the_lowest_and_the_highest_of_each_stretch_and_the_last_are_drawn() -> None:
    values = np.array([5, 1, 9, 5, 5, 9, 5, 1, 2, 3, 1, 2], float)
    assert downsample(values, 9).tolist() == [1, 2, 5, 7, 9, 10, 11]


@pytest.mark.parametrize("seed", range(5))
def test_never_more_points_than_asked_for(seed: int) -> None:
    random = np.random.default_rng(seed)
    for _ in range(50):
        count, max_points = int(random.integers(20, 3_000)), int(random.integers(3, 500))
        shown = downsample(random.random(count), max_points)
        assert len(shown) <= max_points
        assert shown[-1] == count - 1
        assert (np.diff(shown) > 0).all()


def test_peaks_survive_downsampling() -> None:
    values = np.ones(30_000)
    values[12_345], values[77] = 9, -9
    shown = downsample(values, 400)
    assert len(shown) <= 400
    assert {12_345, 77, 29_999} <= set(shown.tolist())


def test_what_is_drawn_stays_in_place_as_values_come() -> None:
    values = np.random.default_rng(0).random(2_000)
    before, after = downsample(values[:1_900], 400), downsample(values, 400)
    assert _until(before, 1_880) == _until(after, 1_880)


def _until(shown: NDArray[np.int64], end: int) -> list[int]:
    return [index for index in shown.tolist() if index < end]
