"""Creates the events that train() yields."""

import math

import numpy as np

from fmnist_core.dataset.split import pick
from fmnist_core.evaluation.prediction import evaluate, predict
from fmnist_core.network.devices import count_threads, device_name
from fmnist_core.settings.config import suggest_learning_rate
from fmnist_core.settings.declaration import as_decimal
from fmnist_core.training.events import Diverged, EpochDone, Finished, Resumed, Started, StepDone
from fmnist_core.training.images import RunImages
from fmnist_core.training.state import TrainingState

TRAIN_CHECK_IMAGES = 5_000  # training images on which the final weights are evaluated


class Reports:
    """Creates the events of one run from its state."""

    def __init__(self, state: TrainingState, images: RunImages, precision: str) -> None:
        self._state, self._images, self._precision = state, images, precision
        self._probe_images = images.test.images[images.probes]
        self._device = state.model.fc.weight.device

    def started(self, steps_per_epoch: int) -> Started:
        counts = (len(self._images.train), len(self._images.validation), len(self._images.test))
        probes, threads = tuple(self._images.probes.tolist()), count_threads(self._device)
        return Started(steps_per_epoch, *counts, device_name(self._device), self._precision, probes, threads)

    def resumed(self, steps_per_epoch: int) -> Resumed:
        progress, device = self._state.progress, self._device
        place = progress.epoch, progress.step, steps_per_epoch, progress.elapsed_s
        return Resumed(*place, device_name(device), self._precision, count_threads(device))

    def steps(self) -> StepDone | Diverged:
        """Reports the steps since the last call."""
        state, progress = self._state, self._state.progress
        losses = progress.take_losses()
        if not all(map(math.isfinite, losses)):
            return self._diverged(losses)
        return StepDone(
            epoch=progress.epoch,
            step=progress.step,
            losses=losses,
            learning_rate=state.last_rate,
            images_per_s=progress.take_pace(),
            elapsed_s=progress.elapsed_s,
            remaining_s=progress.remaining_s,
            probes=predict(state.evaluated_model, self._probe_images, self._precision),
            threads=count_threads(self._device),
            checkpoint=state.capture(),
        )

    def epoch(self) -> EpochDone | Diverged:
        """Evaluates the network and reports the epoch that has just ended."""
        state, progress, images = self._state, self._state.progress, self._images
        epoch = progress.epoch
        tested = evaluate(state.evaluated_model, images.test)  # in float32, because this is the figure that is reported at the end
        if not math.isfinite(tested.loss):
            return self._diverged((tested.loss,))
        has_validation = len(images.validation) > 0
        validated = evaluate(state.evaluated_model, images.validation, precision=self._precision) if has_validation else None
        train_loss, train_accuracy = progress.end_epoch()
        return EpochDone(
            epoch=epoch,
            step=progress.step,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            validation_loss=None if validated is None else validated.loss,
            validation_accuracy=None if validated is None else validated.accuracy,
            test_loss=tested.loss,
            test_accuracy=tested.accuracy,
            learning_rate=state.last_rate,
            is_best=progress.note_best(epoch, tested, validated),
            elapsed_s=progress.elapsed_s,
            evaluation=tested,
            checkpoint=state.capture(),
        )

    def finished(self, epochs: int) -> Finished:
        """Evaluates the network on images that it was trained on and reports the whole run."""
        train, progress = self._images.train, self._state.progress
        train_check = evaluate(self._state.evaluated_model, pick(train, np.arange(min(TRAIN_CHECK_IMAGES, len(train)))))
        return Finished(
            epoch=epochs,
            step=progress.step,
            test_accuracy=progress.best_test_accuracy,
            train_accuracy=train_check.accuracy,
            best_epoch=progress.best_epoch,
            elapsed_s=progress.elapsed_s,
        )

    def _diverged(self, losses: tuple[float, ...]) -> Diverged:
        progress, rate = self._state.progress, self._state.last_rate
        first = next(index for index, loss in enumerate(losses) if not math.isfinite(loss))
        became = "not a number (NaN)" if math.isnan(losses[first]) else "infinite"
        step = progress.step + first + 1 - len(losses)
        message = (
            f"At step {step} the loss became {became}: the weights grew until the arithmetic overflowed, and the network can no longer "
            f"learn. The learning rate {rate:.3g} is too high; try {as_decimal(suggest_learning_rate(rate))}."
        )
        return Diverged(progress.epoch, step, message, losses[:first])
