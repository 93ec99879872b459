import numpy as np
import pytest

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.training.doodles import draw_doodle


@pytest.mark.parametrize("label", range(len(CLASS_NAMES)), ids=CLASS_NAMES)
def test_doodles_fill_the_square_and_differ(label: int) -> None:
    random = np.random.default_rng(0)
    doodles = [draw_doodle(label, random) for _ in range(20)]
    for doodle in doodles:
        assert doodle.label == label
        assert doodle.ink.shape == doodle.body.shape == (28, 28)
        assert (doodle.body >= doodle.ink).all()
        rows, columns = np.flatnonzero(doodle.body.any(axis=1)), np.flatnonzero(doodle.body.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) >= 26
        assert 0.02 < (doodle.ink > 127).mean() < 0.9
    assert len({doodle.ink.tobytes() for doodle in doodles}) == 20


def test_the_same_seed_draws_the_same_in_any_size() -> None:
    small, again = (draw_doodle(9, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(small.ink, again.ink)
    large = draw_doodle(9, np.random.default_rng(5), side_px=280)
    assert large.ink.shape == (280, 280)
    means = large.ink.reshape(28, 10, 28, 10).mean(axis=(1, 3))
    assert np.abs(means - small.ink).mean() < 20


def test_trousers_are_wider_apart_below_than_a_dress_is_not() -> None:
    """The lowest row of trousers has a gap in its middle; that of a dress has none."""
    random = np.random.default_rng(2)
    gaps = {
        name: np.mean([draw_doodle(CLASS_NAMES.index(name), random).body[20, 13:15].min() < 128 for _ in range(40)])
        for name in ("Trouser", "Dress")
    }
    assert gaps["Trouser"] > 0.5
    assert gaps["Dress"] < 0.1
