import math

import pytest

from fmnist_core.settings.number_words import count, format_loss, power_of_ten


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (159073305955422.6250, "1.6 × 10¹⁴"),
        (5e12, "5 × 10¹²"),
        (1e20, "10²⁰"),
        (1e6, "10⁶"),
        (999_999.0, "999,999"),
        (1030.4, "1,030"),
        (100.0, "100"),
        (99.994, "99.99"),
        (2.302585, "2.30"),
        (0.01, "0.01"),
        (0.00423, "0.0042"),
        (1e-4, "0.0001"),
        (3.14e-5, "3.1 × 10⁻⁵"),
        (0.0, "0"),
        (-2.5, "-2.50"),
        (math.nan, "not a number"),
        (math.inf, "infinite"),
        (-math.inf, "infinite"),
    ],
)
def test_a_loss_of_any_size_is_short(loss: float, words: str) -> None:
    assert format_loss(loss) == words


@pytest.mark.parametrize(("number", "digits", "words"), [(3.0, 1, "3"), (10.0, 1, "10¹"), (0.0, 2, "0"), (2.5e-7, 2, "2.5 × 10⁻⁷")])
def test_powers_of_ten(number: float, digits: int, words: str) -> None:
    assert power_of_ten(number, digits) == words


@pytest.mark.parametrize(("number", "words"), [(0, "0 epochs"), (1, "1 epoch"), (2, "2 epochs"), (1_200, "1,200 epochs")])
def test_a_noun_agrees_with_its_number(number: int, words: str) -> None:
    assert count(number, "epoch") == words


def test_a_plural_can_be_given() -> None:
    assert (count(1, "loss", "losses"), count(2, "loss", "losses")) == ("1 loss", "2 losses")
