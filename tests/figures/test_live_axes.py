"""Axes that grow with a run, in steps, and a scale of the loss that follows what is recent."""

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_core.figures.live_axes import epoch_axis, log_axis, loss_axis, loss_limit, recent_limit, run_axis, with_powers_of_ten
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.series import LossSeries, smooth
from fmnist_core.training.events import EpochDone, Started, StepDone


def run_of(steps: int, *, steps_per_epoch: int = 600, remaining_s: float = 100.0) -> RunHistory:
    """So many steps at 10 per second."""
    latest = StepDone(1, steps, (), 1_000.0, steps / 10, remaining_s)
    losses = LossSeries(np.ones(steps))
    return RunHistory(started=Started(steps_per_epoch), losses=losses, latest=latest)


@pytest.mark.parametrize(
    ("steps", "limit"),
    [(1, 50), (49, 50), (60, 80), (300, 400), (1_100, 1_500), (1_990, 3_000), (4_000, 5_000), (9_000, 12_000), (12_000, 12_000)],
)
def test_the_axis_of_steps_grows_to_all_that_are_planned(steps: int, limit: float) -> None:
    assert run_axis(run_of(steps), 12_000, "step", whole_plan=False)["max"] == limit
    assert run_axis(run_of(steps), 12_000, "step", whole_plan=True)["max"] == 12_000


def test_a_curve_takes_at_least_half_of_its_axis_and_the_axis_seldom_changes() -> None:
    limits = {steps: run_axis(run_of(steps), 12_000, "step", whole_plan=False)["max"] for steps in range(50, 12_001, 50)}
    assert all(limit / 2 <= steps <= limit for steps, limit in limits.items())
    assert len(set(limits.values())) < 20
    assert list(limits.values()) == sorted(limits.values())


def test_the_axis_of_epochs_grows_too() -> None:
    assert run_axis(run_of(30), 12_000, "epoch", whole_plan=False)["max"] == pytest.approx(0.1)
    assert run_axis(run_of(1_000), 12_000, "epoch", whole_plan=False)["max"] == 2
    assert run_axis(run_of(1_000), 12_000, "epoch", whole_plan=True)["max"] == 20


def test_the_axis_of_seconds_grows_to_the_expected_duration() -> None:
    assert run_axis(run_of(250), 12_000, "seconds", whole_plan=False)["max"] == 30
    assert run_axis(run_of(250), 12_000, "seconds", whole_plan=True)["max"] == 180
    assert run_axis(run_of(250, remaining_s=1.0), 260, "seconds", whole_plan=False)["max"] == 30


def test_ticks_are_left_to_echarts_which_knows_how_far_one_has_zoomed() -> None:
    assert "interval" not in run_axis(run_of(250), 12_000, "step", whole_plan=True)


@pytest.mark.parametrize(("done", "planned", "limit"), [(0, 1, 1), (0, 5, 5), (4, 25, 5), (5, 25, 8), (19, 25, 25), (25, 25, 25)])
def test_the_axis_of_whole_epochs(done: int, planned: int, limit: int) -> None:
    history = RunHistory(epochs=[EpochDone(epoch, epoch, 0.5, 0.5, 0.8, 1.0) for epoch in range(1, done + 1)])
    assert epoch_axis(history, planned, whole_plan=False)["max"] == limit
    assert epoch_axis(history, planned, whole_plan=True)["max"] == planned


def limit_of(losses: NDArray[np.float64], smoothing: float = 0.9) -> float:
    return loss_limit(np.arange(1, len(losses) + 1), losses, smooth(losses, smoothing))


def test_a_jump_that_is_over_does_not_flatten_the_rest() -> None:
    losses = np.full(2_000, 0.4)
    losses[1_000:1_100] = 48
    assert limit_of(losses[:1_090]) > 40, "it is shown while it lasts"
    assert limit_of(losses) < 1


@pytest.mark.parametrize("steps", [10, 100, 1_000, 10_000])
def test_a_run_that_diverges_is_never_hidden(steps: int) -> None:
    losses = np.full(steps, 0.4)
    losses[-max(1, steps // 100) :] = 1_000
    assert limit_of(losses) >= smooth(losses, 0.9)[-1]


def test_the_fall_from_the_first_loss_is_shown_for_as_long_as_the_rest_is_not_flat() -> None:
    falling = np.linspace(2.4, 1.5, 100)
    assert limit_of(falling) == pytest.approx(2.4, abs=0.05)
    settled = np.concatenate([falling, np.full(2_000, 0.3)])
    assert limit_of(settled) == pytest.approx(0.6, abs=0.05)


def test_most_batches_are_inside() -> None:
    losses = 0.5 + 0.1 * np.random.default_rng(0).standard_normal(2_000)
    assert (losses[1_000:] < limit_of(losses)).mean() > 0.98


def test_the_scale_does_not_flicker() -> None:
    """While a run only falls, its scale only falls, and seldom."""
    random = np.random.default_rng(1)
    losses = (0.3 + 2 * np.exp(-np.arange(4_000) / 200)) * np.exp(0.2 * random.standard_normal(4_000))
    limits = [loss_axis("loss", limit_of(losses[:steps]))["max"] for steps in range(20, 4_000, 20)]
    changes = [(before, after) for before, after in itertools.pairwise(limits) if before != after]
    assert len(changes) < 8
    assert limits[0] >= 2.3
    assert limits[-1] <= 1


def test_there_is_no_limit_without_losses() -> None:
    assert limit_of(np.zeros(0)) == 0
    assert limit_of(np.full(5, np.nan)) == 0
    assert recent_limit([]) == 0


def test_losses_per_epoch_are_all_shown_unless_they_are_far_above_the_later_ones() -> None:
    assert recent_limit([0.6, 0.5, 0.4]) == 0.6
    assert recent_limit([1e9, 0.5, 0.4]) == 0.5
    assert recent_limit([0.4, float("nan"), 7.0]) == 7.0


@pytest.mark.parametrize(
    ("highest", "limit", "ticks"), [(0.0, 2.5, 0.5), (0.9, 1, 0.2), (1.0, 1.5, 0.5), (2.3, 2.5, 0.5), (45, 60, 20), (0.011, 0.015, 0.005)]
)
def test_a_linear_scale_ends_at_a_rung_with_round_ticks(highest: float, limit: float, ticks: float) -> None:
    axis = loss_axis("loss", highest)
    assert (axis["min"], axis["max"], axis["interval"]) == (0, pytest.approx(limit), pytest.approx(ticks))
    assert axis["max"] / axis["interval"] == pytest.approx(round(axis["max"] / axis["interval"])), "the last tick is at the end"


def two_axes(axis: dict[str, Any]) -> list[dict[str, Any]]:
    axes = with_powers_of_ten(axis)
    assert isinstance(axes, list)
    return axes


def test_powers_of_ten_are_written_where_their_numbers_would_be_long() -> None:
    usual = loss_axis("loss", 50_000)
    assert with_powers_of_ten(usual) == usual
    plain, words = two_axes(loss_axis("loss", 1.5e14))
    assert plain["axisLabel"]["show"] is False
    assert words["data"] == ["0", "5 × 10¹³", "10¹⁴", "1.5 × 10¹⁴", "2 × 10¹⁴", "2.5 × 10¹⁴"]
    assert (words["name"], plain["name"], words["position"]) == ("loss", "", "left")
    _, words = two_axes(log_axis("loss", 1e-7, 0.5))
    assert words["data"] == ["", "10⁻⁶", "", "10⁻⁴", "", "10⁻²", "", "1"]
