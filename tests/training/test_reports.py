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
    """Reports of a run that has not begun."""
    config = TrainConfig(learning_rate=0.03, seed=3, epochs=2, validation_images=validation_images)
    state, images = TrainingState(config, torch.device("cpu")), pick_images(config, *splits)
    state.plan(steps_per_epoch=6, epochs=2)
    state.progress.start_clock()
    return Reports(state, images, "float32"), state, images


def count(state: TrainingState, *losses: float) -> None:
    """Steps with these losses, each of one image."""
    for loss in losses:
        state.progress.count_step(torch.tensor(loss), torch.zeros(1, 10), torch.tensor([0]))


def test_the_first_event_says_what_is_trained_on_and_how(small_splits: Splits) -> None:
    reports, _, images = make(small_splits, validation_images=40)
    said = reports.started(6)
    assert isinstance(said, Started)
    assert (said.steps_per_epoch, said.train_images, said.validation_images, said.test_images) == (6, 460, 40, 200)
    assert (said.precision, said.device[:3]) == ("float32", "CPU")
    assert said.probes == tuple(images.probes)


def test_a_run_that_goes_on_says_where(small_splits: Splits) -> None:
    reports, state, _ = make(small_splits)
    count(state, *[0.5] * 6)
    state.progress.take_losses()
    state.progress.end_epoch()
    count(state, 0.5, 0.5)
    state.progress.stop_clock()
    said = reports.resumed(6)
    assert (said.epoch, said.step, said.steps_per_epoch) == (2, 8, 6)
    assert said.elapsed_s == state.progress.elapsed_s
    assert (said.precision, said.device[:3]) == ("float32", "CPU")


def test_a_report_of_steps_shows_the_network_as_it_is(small_splits: Splits) -> None:
    reports, state, images = make(small_splits)
    count(state, 2.5, 1.5)
    said = reports.steps()
    assert isinstance(said, StepDone)
    assert (said.epoch, said.step, said.losses, said.learning_rate) == (1, 2, (2.5, 1.5), 0.03)
    assert said.probes is not None
    np.testing.assert_array_equal(said.probes, predict(state.model, images.test.images[images.probes]))
    assert said.checkpoint is not None
    assert said.checkpoint.step == 2


@pytest.mark.parametrize(
    ("losses", "first_bad", "word"),
    [
        ((math.nan,), 0, "NaN"),
        ((2.5, 1.5, math.inf), 2, "infinite"),
        ((2.5, math.nan, math.inf), 1, "NaN"),
        ((2.5, 1.5, -math.inf, math.nan, 3.0), 2, "infinite"),
    ],
)
def test_a_run_has_diverged_at_its_first_loss_that_is_no_number(
    losses: tuple[float, ...], first_bad: int, word: str, small_splits: Splits
) -> None:
    """After 100 good steps; the event holds the good losses since the last report."""
    reports, state, _ = make(small_splits)
    count(state, *[1.0] * 100)
    state.progress.take_losses()
    count(state, *losses)
    said = reports.steps()
    assert isinstance(said, Diverged)
    assert (said.epoch, said.step, said.losses) == (1, 101 + first_bad, losses[:first_bad])
    for part in (str(said.step), word, "0.03", "0.003"):
        assert part in said.message
    assert ("NaN" in said.message) != ("infinite" in said.message)


def test_an_epoch_is_reported_with_its_figures(small_splits: Splits) -> None:
    reports, state, images = make(small_splits, validation_images=40)
    count(state, *[2.0] * 3, *[1.0] * 3)
    state.progress.take_losses()
    said = reports.epoch()
    assert isinstance(said, EpochDone)
    assert (said.epoch, said.step, said.train_loss, said.train_accuracy) == (1, 6, 1.5, 1.0)
    tested, validated = evaluate(state.model, images.test), evaluate(state.model, images.validation)
    assert (said.test_loss, said.test_accuracy) == (tested.loss, tested.accuracy)
    assert (said.validation_loss, said.validation_accuracy) == (validated.loss, validated.accuracy)
    assert (said.is_best, state.progress.best_epoch) == (True, 1)
    assert said.learning_rate == 0.03
    assert said.evaluation is not None
    np.testing.assert_array_equal(said.evaluation.probabilities, tested.probabilities)
    assert said.checkpoint is not None
    assert said.checkpoint.counters.tested_epochs == 1, "a run goes on with the next epoch"
    assert said.checkpoint.counters.best_epoch == 1


@pytest.mark.parametrize("validation_images", [0, 1])
def test_one_validation_image_is_enough_and_without_any_there_are_no_figures(validation_images: int, small_splits: Splits) -> None:
    reports, state, _ = make(small_splits, validation_images=validation_images)
    count(state, *[1.0] * 6)
    state.progress.take_losses()
    said = reports.epoch()
    assert isinstance(said, EpochDone)
    assert [figure is None for figure in (said.validation_loss, said.validation_accuracy)] == [validation_images == 0] * 2
    assert said.is_best == (validation_images == 1)


def test_a_network_whose_loss_on_the_test_images_is_no_number_has_diverged(small_splits: Splits) -> None:
    """Its last step can spoil weights that gave a good loss before it."""
    reports, state, _ = make(small_splits)
    count(state, *[1.0] * 6)
    state.progress.take_losses()
    state.model.fc.bias.data.fill_(math.nan)
    said = reports.epoch()
    assert isinstance(said, Diverged)
    assert (said.epoch, said.step, said.losses) == (1, 6, ())


def test_in_the_end_some_of_the_images_that_were_learned_are_asked_again(small_splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    assert TRAIN_CHECK_IMAGES == 5_000
    reports, state, images = make(small_splits, validation_images=40)
    state.progress.step, state.progress.best_epoch, state.progress.best_test_accuracy = 12, 1, 0.25
    for most in (100, 460, 10_000):
        monkeypatch.setattr(reports_module, "TRAIN_CHECK_IMAGES", most)
        said = reports.finished(2)
        asked = Split("train", images.train.images[:most], images.train.labels[:most])
        assert said.train_accuracy == evaluate(state.model, asked).accuracy
        assert (said.epoch, said.step, said.best_epoch, said.test_accuracy) == (2, 12, 1, 0.25)
