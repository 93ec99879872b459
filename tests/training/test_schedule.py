import numpy as np
import pytest

from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.schedule import scheduled_rate

ONE_CYCLE = TrainConfig(learning_rate=0.1, schedule="one-cycle")


def rates_of(steps: int, *, also_after: int = 0) -> list[float]:
    return [scheduled_rate(ONE_CYCLE, step, steps) for step in range(steps + also_after)]


def test_every_rate_of_a_short_cycle_by_hand() -> None:
    """Of 14 steps, two raise the rate by 0.045 each; the others lower it, each by an eleventh of the way to a thousandth of the peak."""
    fall = (0.1 - 0.0001) / 11
    np.testing.assert_allclose(rates_of(14), [0.01, 0.055, *(0.1 - step * fall for step in range(12))])


@pytest.mark.parametrize(("steps", "rising"), [(8, 1), (10, 1), (11, 2), (17, 2), (18, 3), (700, 100)])
def test_the_rate_rises_for_a_seventh_of_the_steps(steps: int, rising: int) -> None:
    rates = rates_of(steps)
    assert rates.index(max(rates)) == rising
    assert rates[rising] == pytest.approx(0.1)


@pytest.mark.parametrize(("steps", "expected"), [(1, [0.01]), (2, [0.01, 0.1]), (3, [0.01, 0.1, 0.0001])])
def test_the_shortest_cycles_have_a_rate_for_every_step(steps: int, expected: list[float]) -> None:
    np.testing.assert_allclose(rates_of(steps), expected)


def test_epochs_added_later_use_a_tenth_of_the_rate() -> None:
    np.testing.assert_allclose(rates_of(14, also_after=3)[14:], 0.01)


def test_a_constant_rate_never_changes() -> None:
    constant = TrainConfig(learning_rate=0.03)
    assert [scheduled_rate(constant, step, 4) for step in range(6)] == [0.03] * 6
