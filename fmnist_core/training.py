"""train(): the article's training loop as a generator of events."""

import math
from collections.abc import Generator, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from fmnist_core.augmentation import FlipsAndShifts, PhotosAndDrawings
from fmnist_core.config import TrainConfig, as_decimal, suggest_learning_rate
from fmnist_core.data import Split
from fmnist_core.events import Checkpoint, Diverged, EpochDone, Event, Finished, Request, Resumed, Started, StepDone
from fmnist_core.learner import Learner
from fmnist_core.network.devices import compute_dtype, device_name, pick_device, pick_precision
from fmnist_core.network.fast import fast_forward
from fmnist_core.network.inputs import to_inputs
from fmnist_core.network.model import FashionCNN
from fmnist_core.prediction import evaluate, predict
from fmnist_core.sampling import hold_out, pick, pick_probes, pick_training_images

_RECALL_IMAGES = 5_000  # of the training images, for the accuracy at the end
_CONVERTED_AT_ONCE = 1_000  # images; 3 MB beside the 86 MB that all make in bfloat16
_CHUNK = 8  # batches fetched at once: augmented they took 2.0 s an epoch, one at a time 3.4


def train(
    config: TrainConfig, train_split: Split, test_split: Split, *, epochs: int | None = None, checkpoint: Checkpoint | None = None
) -> Generator[Event, Request | None, None]:
    """Trains a FashionCNN and reports as it goes; to stop it, close the generator, and to let it wait, do not ask for more.

    The same config, splits, machine and number of threads give the same losses and weights to the bit, whether in one go or
    from a checkpoint. PyTorch's global random state is neither read nor changed.

    Args:
        epochs: how many in all; default those of the config.
        checkpoint: where to go on from, of a run with the same config and splits; default the beginning.
    Yields:
        Started or Resumed, then StepDone and EpochDone as they come, then Finished or Diverged. A `Request` may be sent.
    Raises:
        DataError: if the config leaves no image to train on.
        ValueError: if the checkpoint is of another network or optimizer.
    """
    epochs = config.epochs if epochs is None else epochs
    device = pick_device()
    precision = pick_precision(config.precision, device)
    learned_split, validation_split = hold_out(train_split, config.validation_images)
    learned_split = pick_training_images(learned_split, config)
    probes = pick_probes(test_split)
    probe_images = test_split.images[probes]

    learner = Learner(config, device)
    model, optimizer, progress = learner.model, learner.optimizer, learner.progress
    forward, criterion = fast_forward(model, precision), nn.CrossEntropyLoss(label_smoothing=config.label_smoothing)
    batches = _Batches(learned_split, config, model, precision)
    learner.plan(batches.steps_per_epoch, epochs)
    if checkpoint is not None:
        learner.restore(checkpoint)
        yield Resumed(progress.epoch, progress.step, batches.steps_per_epoch, progress.elapsed_s, device_name(device), precision)
    else:
        counts = (len(learned_split), len(validation_split), len(test_split))
        yield Started(batches.steps_per_epoch, *counts, device_name(device), precision, tuple(probes.tolist()))
    progress.start_clock()

    while (epoch := progress.epoch) <= epochs:
        model.train()
        for inputs, labels in batches.of_an_epoch(epoch, first=progress.step_in_epoch):
            learner.set_rate()
            optimizer.zero_grad()
            logits = forward(inputs)
            loss = criterion(logits, labels)
            loss.backward()
            optimizer.step()

            learner.after_step(loss.detach(), logits.detach(), labels)
            if progress.is_due():
                losses = progress.take_losses()
                if not all(map(math.isfinite, losses)):
                    yield _diverged(learner.last_rate, epoch, progress.step, losses)
                    return
                yield from learner.ask(
                    StepDone(
                        epoch=epoch,
                        step=progress.step,
                        losses=losses,
                        learning_rate=learner.last_rate,
                        images_per_s=progress.take_pace(),
                        elapsed_s=progress.elapsed_s,
                        remaining_s=progress.remaining_s,
                        probes=predict(learner.kept, probe_images, precision),
                        checkpoint=learner.capture(),
                    )
                )
        tested = evaluate(learner.kept, test_split)  # in float32: what is reported in the end is this very figure
        if not math.isfinite(tested.loss):
            yield _diverged(learner.last_rate, epoch, progress.step, (tested.loss,))
            return
        validated = evaluate(learner.kept, validation_split, precision=precision) if len(validation_split) else None
        train_loss, train_accuracy = progress.end_epoch()
        yield from learner.ask(
            EpochDone(
                epoch=epoch,
                step=progress.step,
                train_loss=train_loss,
                train_accuracy=train_accuracy,
                validation_loss=None if validated is None else validated.loss,
                validation_accuracy=None if validated is None else validated.accuracy,
                test_loss=tested.loss,
                test_accuracy=tested.accuracy,
                learning_rate=learner.last_rate,
                is_best=progress.note_best(epoch, tested, validated),
                elapsed_s=progress.elapsed_s,
                evaluation=tested,
                checkpoint=learner.capture(),
            )
        )
    recalled = evaluate(learner.kept, pick(learned_split, np.arange(min(_RECALL_IMAGES, len(learned_split)))))
    yield Finished(epochs, progress.step, progress.best_test_accuracy, recalled.accuracy, progress.best_epoch, progress.elapsed_s)


class _Batches:
    """The training images in a new order every epoch, ready for the network, as they are or augmented.

    Seed, epoch and place in the epoch decide everything, so that a run can go on from any step.
    """

    def __init__(self, split: Split, config: TrainConfig, model: FashionCNN, precision: str) -> None:
        self._seed, self._batch_size, self._model = config.seed, config.batch_size, model
        self._type = compute_dtype(precision)
        self.steps_per_epoch = math.ceil(len(split) / config.batch_size)
        images, labels = torch.as_tensor(split.images), torch.as_tensor(split.labels).long()
        self._labels = labels.to(model.fc.weight.device)
        self._augmentation: FlipsAndShifts | PhotosAndDrawings | None = None
        if config.augmentation == "flips-and-shifts":
            self._augmentation = FlipsAndShifts(images, labels)
        elif config.augmentation == "photos-and-drawings":
            self._augmentation = PhotosAndDrawings(images, labels, config.seed)
        else:  # all images at once, so that batches are one look-up
            self._inputs = torch.empty(len(images), 1, *images.shape[1:], dtype=self._type, device=self._labels.device)
            for part, pixels in zip(self._inputs.split(_CONVERTED_AT_ONCE), images.split(_CONVERTED_AT_ONCE), strict=True):
                part.copy_(to_inputs(model, pixels))

    def of_an_epoch(self, epoch: int, first: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs (batch size, 1, 28, 28) and labels (batch size,) on the device, from batch `first` (from 0) on."""
        order = torch.randperm(len(self._labels), generator=self._generator(epoch))
        for number, chunk in enumerate(order.split(self._batch_size * _CHUNK)):
            skipped = max(0, first - number * _CHUNK)
            if skipped < _CHUNK:
                inputs, labels = self._fetch(chunk, self._generator(epoch, number))
                yield from zip(inputs.split(self._batch_size)[skipped:], labels.split(self._batch_size)[skipped:], strict=True)

    def _fetch(self, places: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        device = self._labels.device
        if self._augmentation is None:
            places = places.to(device)
            return self._inputs.index_select(0, places), self._labels.index_select(0, places)
        images, labels = self._augmentation.redraw(places, generator)
        return to_inputs(self._model, images).to(self._type), labels.to(device)

    def _generator(self, *place: int) -> torch.Generator:
        seed = np.random.SeedSequence([self._seed, *place]).generate_state(1, np.uint64)[0]
        return torch.Generator().manual_seed(int(seed) >> 1)


def _diverged(rate: float, epoch: int, step: int, losses: tuple[float, ...]) -> Diverged:
    place = next(place for place, loss in enumerate(losses) if not math.isfinite(loss))
    became = "not a number (NaN)" if math.isnan(losses[place]) else "infinite"
    step += place + 1 - len(losses)
    message = (
        f"At step {step} the loss became {became}: the weights grew until the arithmetic overflowed, and nothing can be learned any more. "
        f"The learning rate {rate:.3g} is too high; try {as_decimal(suggest_learning_rate(rate))}."
    )
    return Diverged(epoch, step, message, losses[:place])
