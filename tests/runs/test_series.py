import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fmnist_core.runs import series
from fmnist_core.runs.series import EXACT_STEPS, LossSeries, ThinnedRows, downsample, smooth


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


# Losses of every step


@pytest.mark.parametrize("steps", [0, 1, 300, EXACT_STEPS])
def test_losses_are_kept_one_by_one_up_to_the_limit(steps: int) -> None:
    losses = np.random.default_rng(0).exponential(1, steps)
    kept = LossSeries(losses)
    assert (len(kept), kept.stride) == (steps, 1)
    for values in (kept.means, kept.samples, kept.curve()[1]):
        np.testing.assert_array_equal(values, losses)
    np.testing.assert_array_equal(kept.curve()[0], np.arange(1, steps + 1))
    np.testing.assert_array_equal(kept.smoothed(0.9), smooth(losses, 0.9))
    assert kept.peak == ((float(losses.max()), int(losses.argmax()) + 1) if steps else (0.0, 0))
    assert steps == 0 or kept.first == losses[0]


def test_one_step_more_makes_strides_of_two() -> None:
    losses = np.arange(EXACT_STEPS + 1.0)
    kept = LossSeries(losses)
    assert (len(kept), kept.stride) == (EXACT_STEPS + 1, 2)
    assert kept.means[:2].tolist() == [0.5, 2.5]
    assert (kept.means[-1], kept.ends[-1], kept.ends[-2]) == (EXACT_STEPS, EXACT_STEPS + 1, EXACT_STEPS)
    assert kept.samples[:2].tolist() == [1, 3]
    steps, drawn = kept.curve()
    assert (steps[:4].tolist(), drawn[:4].tolist()) == ([2, 2, 4, 4], [0, 1, 2, 3])
    assert (kept.first, kept.peak) == (0, (EXACT_STEPS, EXACT_STEPS + 1))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Series that are thinned beyond 64 steps, in pieces of 16."""
    monkeypatch.setattr(series, "EXACT_STEPS", 64)
    monkeypatch.setattr(series, "_PIECE", 16)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("steps", [65, 66, 80, 81, 129, 200, 511])
def test_strides_are_those_of_all_losses(steps: int) -> None:
    losses = np.random.default_rng(steps).exponential(1, steps)
    losses[[3, 4, 5, 6, 7, 20]] = np.nan
    kept = LossSeries(losses)
    assert kept.stride == {65: 2, 66: 2, 80: 2, 81: 2, 129: 4, 200: 8, 511: 16}[steps]
    assert len(kept.means) <= 64
    strides = [losses[start : start + kept.stride] for start in range(0, steps, kept.stride)]
    known = [stride[~np.isnan(stride)] for stride in strides]
    np.testing.assert_allclose(kept.means, [stride.mean() if len(stride) else np.nan for stride in known])
    np.testing.assert_array_equal(kept.samples, [stride[-1] if len(stride) else np.nan for stride in known])
    extremes = [value for stride in known for value in ((stride.min(), stride.max()) if len(stride) else (np.nan, np.nan))]
    np.testing.assert_array_equal(kept.curve()[1], extremes)
    assert kept.ends.tolist() == [*range(kept.stride, steps, kept.stride), steps]
    assert kept.peak == (float(np.nanmax(losses)), int(np.nanargmax(losses)) + 1)
    assert kept.first == losses[0]


@pytest.mark.usefixtures("small")
def test_the_average_of_strides_remembers_as_many_steps() -> None:
    kept = LossSeries(np.r_[np.full(32, 1.0), np.full(64, 3.0)])
    assert kept.stride == 2
    smoothed = kept.smoothed(0.9)
    assert len(smoothed) == len(kept.curve()[1]) == 96
    # Twenty steps after the jump, in the 26th stride, the ten latest strides are at 3 and those before at 1; each weighs 0.81 of the next.
    share = (1 - 0.81**10) / (1 - 0.81**26)
    assert smoothed[2 * 26 - 2 : 2 * 26].tolist() == pytest.approx([3 * share + 1 * (1 - share)] * 2)
    assert kept.smoothed(0.0)[[0, 95]].tolist() == [1, 3]


@settings(deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=12))
def test_losses_that_come_in_parts_give_the_same_as_at_once(lengths: list[int]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(series, "EXACT_STEPS", 64)
        patch.setattr(series, "_PIECE", 16)
        losses = np.random.default_rng(0).exponential(1, sum(lengths))
        whole, parts, done = LossSeries(losses), LossSeries(), 0
        for length in lengths:
            parts.put(done, losses[done : done + length])
            done += length
        assert (len(parts), parts.stride, parts.peak, parts.first) == (len(whole), whole.stride, whole.peak, whole.first)
        for name in ("means", "samples", "ends"):
            np.testing.assert_allclose(getattr(parts, name), getattr(whole, name))
        np.testing.assert_array_equal(parts.curve()[1], whole.curve()[1])


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("steps", [10, 60, 190])
@pytest.mark.parametrize("cut", [0, 1, 7, 9])
def test_steps_reported_again_replace_the_latest(steps: int, cut: int) -> None:
    losses = np.random.default_rng(1).exponential(1, steps)
    kept, again = LossSeries(losses), np.arange(float(cut))
    kept.put(steps - cut, again)
    whole = LossSeries(np.r_[losses[: steps - cut], again])
    np.testing.assert_allclose(kept.means, whole.means)
    np.testing.assert_array_equal(kept.curve()[1], whole.curve()[1])
    assert kept.peak == whole.peak


@pytest.mark.usefixtures("small")
def test_a_cut_among_strides_leaves_their_means_and_the_peak() -> None:
    losses = np.full(200, 2.0)
    losses[69], losses[73] = 10.0, 50.0  # steps 70 and 74, both in the stride from 73 − 8 or that after it
    kept = LossSeries(losses)
    assert (kept.stride, kept.peak) == (8, (50.0, 74))
    kept.cut(76)
    assert (len(kept), kept.peak, kept.first) == (76, (50.0, 74), 2.0)
    kept.cut(73)
    assert kept.peak == (10.0, 70)
    np.testing.assert_array_equal(kept.means[:8], 2.0)
    kept.cut(0)
    assert (len(kept), kept.stride, kept.peak, len(kept.means)) == (0, 1, (0.0, 0), 0)
    assert np.isnan(kept.first)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("known", [0, 5, 16, 70, 100])
@pytest.mark.parametrize("gap", [1, 15, 16, 17, 40, 400])
def test_steps_that_were_never_reported_are_lost(known: int, gap: int) -> None:
    losses = np.random.default_rng(1).exponential(1, known)
    kept = LossSeries(losses)
    kept.put(known + gap, [7.0, 30.0])
    whole = np.r_[losses, np.full(gap, np.nan), 7.0, 30.0]
    assert len(kept) == len(whole)
    strides = [whole[start : start + kept.stride] for start in range(0, len(whole), kept.stride)]
    expected = [np.nan if np.isnan(stride).all() else np.nanmean(stride) for stride in strides]
    np.testing.assert_allclose(kept.means, expected)
    assert kept.peak == (30.0, len(whole))


def test_losses_that_are_not_finite_or_impossible_count_as_lost() -> None:
    kept = LossSeries([1.0, np.inf, -np.inf, np.nan, 1e300, 3e38])
    np.testing.assert_array_equal(kept.means, [1.0, np.nan, np.nan, np.nan, np.nan, 3e38])
    assert kept.peak == (3e38, 6)
    assert LossSeries([np.nan]).peak == (0.0, 0)


def test_the_longest_run_there_can_be_takes_two_megabytes() -> None:
    """Twelve million steps, as they come: 45 at a time would take long, so 4,500."""
    kept, losses = LossSeries(), np.random.default_rng(0).exponential(1, 4_500)
    for start in range(0, 12_000_000, 4_500):
        kept.put(start, losses)
        assert kept.nbytes < 2_000_000
    assert (len(kept), kept.stride) == (12_001_500, 512)
    assert kept.peak == (float(losses.max()), int(losses.argmax()) + 1)
    assert np.average(kept.means[:-1]) == pytest.approx(losses.mean(), rel=1e-3)


def test_a_step_far_away_costs_no_memory() -> None:
    kept = LossSeries([1.0])
    for _ in range(20):
        kept.put(11_999_999, [2.0])
        kept.put(5, [2.0])
        assert kept.nbytes < 2_000_000
    assert len(kept) == 6


def test_a_copy_of_losses_grows_independently() -> None:
    one = LossSeries([1.0, 2.0])
    two = one.copy()
    two.put(1, [5.0, 6.0])
    assert (one.means.tolist(), two.means.tolist()) == ([1, 2], [1, 5, 6])


# Rows of which some are kept


def test_rows_are_all_kept_up_to_the_limit() -> None:
    rows = ThinnedRows(8, (2,), np.uint16)
    for position in range(8):
        rows.add(position, [position, 10 * position])
    assert (rows.positions.tolist(), rows.stride) == ([*range(8)], 1)
    assert rows.rows[3].tolist() == [3, 30]


@pytest.mark.parametrize(
    ("count", "kept"),
    [
        (9, [0, 2, 4, 6, 8]),
        (10, [0, 2, 4, 6, 8, 9]),
        (11, [0, 2, 4, 6, 8, 10]),
        (16, [0, 4, 8, 12, 15]),
        (17, [0, 4, 8, 12, 16]),
    ],
)
def test_every_second_or_fourth_row_is_kept_and_always_the_latest(count: int, kept: list[int]) -> None:
    rows = ThinnedRows(8)
    for position in range(count):
        rows.add(position, -position)
        assert rows.positions[-1] == position
    assert rows.positions.tolist() == kept
    assert rows.rows.tolist() == [-position for position in kept]


def test_both_sides_of_a_jump_are_kept() -> None:
    rows = ThinnedRows(16)
    for position in range(1_000):
        rows.add(position, 1.0 if position <= 333 else 2.0)
        if position == 333:
            rows.add(333.5, 2.0, is_jump=True)
    assert {333, 333.5, 999} <= set(rows.positions.tolist())
    assert len(rows) <= 16
    np.testing.assert_array_equal(np.interp([100, 333, 334, 900], rows.positions, rows.rows), [1, 1, pytest.approx(2), 2])


def test_nothing_but_jumps_is_bounded_too() -> None:
    rows = ThinnedRows(16)
    for position in range(1_000):
        rows.add(position, position, is_jump=True)
        assert len(rows) <= 16
    assert (rows.positions[0], rows.positions[-1]) == (0, 999)


def test_a_row_takes_the_place_of_all_beyond_it() -> None:
    rows = ThinnedRows(8)
    for position in (0, 3, 5, 7):
        rows.add(position, position)
    rows.add(4, -1)
    assert (rows.positions.tolist(), rows.rows.tolist()) == ([0, 3, 4], [0, 3, -1])
    rows.cut(3)
    assert rows.positions.tolist() == [0, 3]


def test_a_copy_of_rows_grows_independently() -> None:
    one = ThinnedRows(8)
    one.add(0, 5.0)
    two = one.copy()
    two.add(0, 6.0)
    one.add(1, 7.0)
    assert (one.rows.tolist(), two.rows.tolist()) == ([5, 7], [5, 6])


def test_logarithms_are_smoothed_for_a_logarithmic_scale() -> None:
    # Weights 1/2 and 1 of the powers 0 and 2 of ten.
    np.testing.assert_allclose(LossSeries([1.0, 100.0]).smoothed(0.5, log=True), [1, 10 ** (2 / 1.5)])
    np.testing.assert_allclose(LossSeries([0.0]).smoothed(0.5, log=True), [1e-8])  # 0 has no logarithm
    assert np.isnan(LossSeries([np.nan]).smoothed(0.5, log=True)).all()


def test_after_a_peak_the_mean_of_logarithms_is_soon_where_the_losses_are() -> None:
    losses = LossSeries([2.3] * 50 + [1e14] + [35.0] * 60)
    assert losses.smoothed(0.9)[-1] > 1e9
    assert losses.smoothed(0.9, log=True)[-1] == pytest.approx(35, rel=0.06)


def test_of_strides_the_middle_between_lowest_and_highest_is_smoothed_on_a_logarithmic_scale() -> None:
    losses = LossSeries(np.tile([1.0, 100.0], EXACT_STEPS))
    assert losses.stride > 1
    np.testing.assert_allclose(losses.smoothed(0.9, log=True), 10)
    assert len(losses.smoothed(0.9, log=True)) == len(losses.curve()[0])


def test_a_loss_above_a_limit_counts_as_the_limit_in_the_average() -> None:
    np.testing.assert_allclose(LossSeries([2.0, 1e14]).smoothed(0.5, at_most=8.0), [2, (2 / 2 + 8) / 1.5])


@pytest.mark.parametrize("count", [0, 3, 40_000, EXACT_STEPS])
def test_means_and_peak_of_exact_losses_are_those_of_their_strides(count: int) -> None:
    values = np.random.default_rng(0).random(count)
    values[1:2] = np.nan
    losses = LossSeries(values)
    np.testing.assert_array_equal(losses.means, values)
    expected = (float(np.nanmax(values)), int(np.nanargmax(values)) + 1) if count else (0.0, 0)
    assert losses.peak == expected
