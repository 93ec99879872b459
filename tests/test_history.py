import numpy as np
import pytest

from fmnist_core.history import RunHistory, smooth, thin
from fmnist_core.live_figures import draw_live_accuracy, draw_live_loss
from fmnist_core.runs import RunRecord


def test_smoothing_by_hand() -> None:
    values = np.array([2.0, 4.0, 8.0])
    # Weights 1/2 and 1, divided by their sum: (2·1/2 + 4) / 1.5, then (2·1/4 + 4·1/2 + 8) / 1.75.
    np.testing.assert_allclose(smooth(values, 0.5), [2, 5 / 1.5, 10.5 / 1.75])


def test_no_smoothing_changes_nothing() -> None:
    values = np.array([3.0, 1.0, 2.0])
    np.testing.assert_array_equal(smooth(values, 0), values)
    assert len(smooth(np.array([]), 0.9)) == 0


def test_few_values_are_all_drawn() -> None:
    np.testing.assert_array_equal(thin(np.arange(400.0), 400), np.arange(400))


def test_peaks_survive_thinning() -> None:
    values = np.ones(30_000)
    values[12_345], values[77] = 9, -9
    shown = thin(values, 400)
    assert len(shown) <= 400
    assert {12_345, 77, 29_999} <= set(shown.tolist())
    assert (np.diff(shown) > 0).all()


def test_what_is_drawn_stays_in_place_as_values_come() -> None:
    values = np.random.default_rng(0).random(2_000)
    before, after = thin(values[:1_900], 400), thin(values, 400)
    assert set(before[before < 1_880].tolist()) <= set(after.tolist())


def test_a_history_grows_with_its_run(trained_run: RunRecord) -> None:
    history = RunHistory()
    history.read_new(trained_run)
    assert len(history.losses) == history.steps_per_epoch == 10
    history.read_new(trained_run)
    assert len(history.losses) == 10
    assert history.pace["step"] == 10
    table = history.epoch_table()
    assert list(table.columns) == ["epoch", "train_loss", "test_loss", "test_accuracy", "elapsed_s"]
    assert table["test_accuracy"][0] == pytest.approx(100 * (trained_run.test_accuracy or 0))


def test_axes_hold_the_whole_run_from_the_start(trained_run: RunRecord) -> None:
    history = RunHistory()
    assert draw_live_loss(history, 0, 0.9)["xAxis"]["max"] == 1
    history.read_new(trained_run)
    loss = draw_live_loss(history, 50, 0.9)
    assert (loss["xAxis"]["max"], loss["yAxis"]["max"]) == (50, 5 if max(history.losses) > 2.5 else 2.5)
    assert list(loss["dataset"]["source"].columns) == ["step", "each batch", "smoothed"]
    accuracy = draw_live_accuracy(history, 5)
    assert accuracy["xAxis"]["max"] == 5
    assert len(accuracy["dataset"]["source"]) == 1
