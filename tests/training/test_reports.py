import math

import numpy as np
import pytest
import torch

from fmnist_core.dataset.split import Split
from fmnist_core.evaluation.prediction import evaluate, predict
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training import reports as reports_module
from fmnist_core.training.events import Diverged, EpochDone, Started, StepDone
from fmnist_core.training.images import RunImages, pick_images
from fmnist_core.training.reports import TRAIN_CHECK_IMAGES, Reports
from fmnist_core.training.state import TrainingState

Splits = tuple[Split, Split]


def make(splits: Splits, *, validation_images: int = 0) -> tuple[Reports, TrainingState, RunImages]:
    """Reports of a run that has not taken a step yet."""
    config = TrainConfig(learning_rate=0.03, seed=3, epochs=2, validation_images=validation_images)
    state, images = TrainingState(config, torch.device("cpu")), pick_images(config, *splits)
    state.plan(steps_per_epoch=6, epochs=2)
    state.progress.start_clock()
    return Reports(state, images, "float32"), state, images


def count(state: TrainingState, *losses: float) -> None:
    """Counts steps with these losses and one image each."""
    for loss in losses:
        state.progress.count_step(torch.tensor(loss), torch.zeros(1, 10), torch.tensor([0]))


def test_the_first_event_describes_data_and_device(small_splits: Splits) -> None:
    reports, _, images = make(small_splits, validation_images=40)
    event = reports.started(6)
    assert isinstance(event, Started)
    assert (event.steps_per_epoch, event.train_images, event.validation_images, event.test_images) == (6, 460, 40, 200)
    assert (event.precision, event.device[:3], event.threads) == ("float32", "CPU", torch.get_num_threads())
    assert event.probes == tuple(images.probes)


def test_a_resumed_run_reports_where_it_continues(small_splits: Splits) -> None:
    reports, state, _ = make(small_splits)
    count(state, *[0.5] * 6)
    state.progress.take_losses()
    state.progress.end_epoch()
    count(state, 0.5, 0.5)
    state.progress.stop_clock()
    event = reports.resumed(6)
    assert (event.epoch, event.step, event.steps_per_epoch) == (2, 8, 6)
    assert event.elapsed_s == state.progress.elapsed_s
    assert (event.precision, event.device[:3], event.threads) == ("float32", "CPU", torch.get_num_threads())


def test_each_report_has_the_threads_that_computed_it(small_splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    reports, state, _ = make(small_splits)
    for threads in (1, 3):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        count(state, 0.5)
        event = reports.steps()
        assert isinstance(event, StepDone)
        assert event.threads == threads


def test_a_step_report_shows_the_current_network(small_splits: Splits) -> None:
    reports, state, images = make(small_splits)
    count(state, 2.5, 1.5)
    event = reports.steps()
    assert isinstance(event, StepDone)
    assert (event.epoch, event.step, event.losses, event.learning_rate) == (1, 2, (2.5, 1.5), 0.03)
    assert event.probes is not None
    np.testing.assert_array_equal(event.probes, predict(state.model, images.test.images[images.probes]))
    assert event.checkpoint is not None
    assert event.checkpoint.step == 2


@pytest.mark.parametrize(
    ("losses", "first_bad", "word"),
    [
        ((math.nan,), 0, "NaN"),
        ((2.5, 1.5, math.inf), 2, "infinite"),
        ((2.5, math.nan, math.inf), 1, "NaN"),
        ((2.5, 1.5, -math.inf, math.nan, 3.0), 2, "infinite"),
    ],
)
def test_a_run_diverges_at_its_first_loss_that_is_not_finite(
    losses: tuple[float, ...], first_bad: int, word: str, small_splits: Splits
) -> None:
    """After 100 finite losses; the event holds the finite ones since the last report."""
    reports, state, _ = make(small_splits)
    count(state, *[1.0] * 100)
    state.progress.take_losses()
    count(state, *losses)
    event = reports.steps()
    assert isinstance(event, Diverged)
    assert (event.epoch, event.step, event.losses) == (1, 101 + first_bad, losses[:first_bad])
    for part in (str(event.step), word, "0.03", "0.003"):
        assert part in event.message
    assert ("NaN" in event.message) != ("infinite" in event.message)


def test_an_epoch_is_reported_with_its_figures(small_splits: Splits) -> None:
    reports, state, images = make(small_splits, validation_images=40)
    count(state, *[2.0] * 3, *[1.0] * 3)
    state.progress.take_losses()
    event = reports.epoch()
    assert isinstance(event, EpochDone)
    assert (event.epoch, event.step, event.train_loss, event.train_accuracy) == (1, 6, 1.5, 1.0)
    tested, validated = evaluate(state.model, images.test), evaluate(state.model, images.validation)
    assert (event.test_loss, event.test_accuracy) == (tested.loss, tested.accuracy)
    assert (event.validation_loss, event.validation_accuracy) == (validated.loss, validated.accuracy)
    assert (event.is_best, state.progress.best_epoch) == (True, 1)
    assert event.learning_rate == 0.03
    assert event.evaluation is not None
    np.testing.assert_array_equal(event.evaluation.probabilities, tested.probabilities)
    assert event.checkpoint is not None
    assert event.checkpoint.counters.tested_epochs == 1, "a resumed run must start with the next epoch"
    assert event.checkpoint.counters.best_epoch == 1


@pytest.mark.parametrize("validation_images", [0, 1])
def test_one_validation_image_is_enough_for_validation_figures(validation_images: int, small_splits: Splits) -> None:
    reports, state, _ = make(small_splits, validation_images=validation_images)
    count(state, *[1.0] * 6)
    state.progress.take_losses()
    event = reports.epoch()
    assert isinstance(event, EpochDone)
    assert [figure is None for figure in (event.validation_loss, event.validation_accuracy)] == [validation_images == 0] * 2
    assert event.is_best == (validation_images == 1)


def test_a_run_diverges_if_the_test_loss_is_not_finite(small_splits: Splits) -> None:
    """The last step can ruin weights whose loss was finite before it."""
    reports, state, _ = make(small_splits)
    count(state, *[1.0] * 6)
    state.progress.take_losses()
    state.model.fc.bias.data.fill_(math.nan)
    event = reports.epoch()
    assert isinstance(event, Diverged)
    assert (event.epoch, event.step, event.losses) == (1, 6, ())


def test_a_finished_run_is_evaluated_on_some_of_its_training_images(small_splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    assert TRAIN_CHECK_IMAGES == 5_000
    reports, state, images = make(small_splits, validation_images=40)
    state.progress.step, state.progress.best_epoch, state.progress.best_test_accuracy = 12, 1, 0.25
    for most in (100, 460, 10_000):
        monkeypatch.setattr(reports_module, "TRAIN_CHECK_IMAGES", most)
        event = reports.finished(2)
        checked = Split("train", images.train.images[:most], images.train.labels[:most])
        assert event.train_accuracy == evaluate(state.model, checked).accuracy
        assert (event.epoch, event.step, event.best_epoch, event.test_accuracy) == (2, 12, 1, 0.25)
