"""train(): the article's training loop as a generator of events."""

from collections.abc import Generator

from torch import nn

from fmnist_core.dataset.split import Split
from fmnist_core.network.devices import pick_device, pick_precision
from fmnist_core.network.fast import fast_forward
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.batches import Batches
from fmnist_core.training.checkpoint import Checkpoint
from fmnist_core.training.events import Diverged, Event, Request
from fmnist_core.training.images import pick_images
from fmnist_core.training.reports import Reports
from fmnist_core.training.state import TrainingState


def train(
    config: TrainConfig, train_split: Split, test_split: Split, *, epochs: int | None = None, checkpoint: Checkpoint | None = None
) -> Generator[Event, Request | None, None]:
    """Trains a FashionCNN and yields events. To stop, close the generator; to pause, do not ask for the next event.

    The same config, splits, machine and number of threads give the same losses and weights to the bit, with or without an
    interruption. PyTorch's global random state is neither read nor changed.

    Args:
        epochs: how many in total; by default those of the config.
        checkpoint: where to continue from, of a run with the same config and splits; by default from the beginning.
    Yields:
        Started or Resumed, then StepDone and EpochDone events, then Finished or Diverged. A `Request` can be sent in return.
    Raises:
        DataError: if the config leaves no image to train on.
        ValueError: if the checkpoint belongs to another network or optimizer.
    """
    epochs = config.epochs if epochs is None else epochs
    device = pick_device()
    precision = pick_precision(config.precision, device)
    images = pick_images(config, train_split, test_split)
    state = TrainingState(config, device)
    model, optimizer, progress = state.model, state.optimizer, state.progress
    forward, criterion = fast_forward(model, precision), nn.CrossEntropyLoss(label_smoothing=config.label_smoothing)
    batches = Batches(images.train, config, model, precision)
    state.plan(batches.steps_per_epoch, epochs)
    if checkpoint is not None:
        state.restore(checkpoint)
    reports = Reports(state, images, precision)
    yield reports.resumed(batches.steps_per_epoch) if checkpoint is not None else reports.started(batches.steps_per_epoch)
    progress.start_clock()

    while progress.epoch <= epochs:
        model.train()
        for inputs, labels in batches.of_epoch(progress.epoch, first=progress.step_in_epoch):
            state.set_learning_rate()
            optimizer.zero_grad()
            logits = forward(inputs)
            loss = criterion(logits, labels)
            loss.backward()
            optimizer.step()

            state.after_step(loss.detach(), logits.detach(), labels)
            if progress.is_due():
                event: Event = reports.steps()
                yield from state.report(event)
                if isinstance(event, Diverged):
                    return
        event = reports.epoch()
        yield from state.report(event)
        if isinstance(event, Diverged):
            return
    yield reports.finished(epochs)
