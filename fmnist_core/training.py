"""train(): the article's training loop as a generator of events."""

import math
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from fmnist_core.augmentation import PhotosAndDrawings
from fmnist_core.config import TrainConfig
from fmnist_core.data import Split, normalise
from fmnist_core.evaluation import evaluate
from fmnist_core.model import FashionCNN, device_name, pick_device

Weights = Mapping[str, NDArray[np.generic]]

# Often enough for a chart that moves, seldom enough to cost nothing: a report took 0.2 ms, a step 11 ms.
_REPORT_EVERY_S = 0.3


@dataclass(frozen=True)
class Started:
    """Before the first step."""

    steps_per_epoch: int
    train_images: int
    test_images: int
    device: str


@dataclass(frozen=True, eq=False)
class StepDone:
    """About every 0.3 s, and after the first step and the last of an epoch.

    Attributes:
        epoch: from 1.
        step: steps done since the run began.
        losses: the mean loss of each batch since the last report, the last one being that of `step`.
        images_per_s: since the last report.
        elapsed_s: since the first step began.
        remaining_s: expected time to the end of the run.
        weights: a copy of all weights, 29,034 parameters and the BatchNorm statistics.
    """

    epoch: int
    step: int
    losses: tuple[float, ...]
    images_per_s: float
    elapsed_s: float
    remaining_s: float
    weights: Weights


@dataclass(frozen=True, eq=False)
class EpochDone:
    """After an epoch and its test: train loss is the mean over the epoch's images as they were learned."""

    epoch: int
    step: int
    train_loss: float
    test_loss: float
    test_accuracy: float
    elapsed_s: float
    weights: Weights


@dataclass(frozen=True)
class Diverged:
    """The last event of a run whose loss is no longer a finite number; `message` says why and what to try."""

    epoch: int
    step: int
    message: str


@dataclass(frozen=True)
class Finished:
    """The last event of a run that did all its epochs."""

    epoch: int
    step: int
    test_accuracy: float
    elapsed_s: float


Event = Started | StepDone | EpochDone | Diverged | Finished


def train(config: TrainConfig, train_split: Split, test_split: Split) -> Generator[Event, None, None]:
    """Trains a new FashionCNN and reports as it goes; to stop it, close the generator.

    The same config, splits, machine and number of threads give the same losses and weights to the bit. PyTorch's
    global random state is neither read nor changed.

    Yields:
        Started, then StepDone and EpochDone as they come, then Finished or Diverged.
    """
    device = pick_device()
    generator = torch.Generator().manual_seed(config.seed)
    # channels_last: a step took 11 ms against 15 ms in PyTorch's default layout (batch 100, two AVX-512 cores).
    with torch.random.fork_rng(devices=[]):  # PyTorch's layers draw from its global state before ours are drawn over them
        model = FashionCNN(generator).to(device)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # documented, but missing from the stubs
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
    batches = _Batches(train_split, config, generator, device)
    steps_per_epoch = math.ceil(len(train_split) / config.batch_size)
    schedule = _make_schedule(config, optimizer, steps_per_epoch * config.epochs)
    average = _average_of(model) if config.weight_averaging else None
    kept = cast(FashionCNN, average.module) if average is not None else model  # what is tested, shown and kept
    yield Started(steps_per_epoch, len(train_split), len(test_split), device_name(device))

    progress = _Progress(steps_per_epoch, config.epochs)
    test_accuracy = 0.0
    for epoch in range(1, config.epochs + 1):
        model.train()
        for images, labels in batches.of_an_epoch():
            inputs = normalise(images).contiguous(memory_format=torch.channels_last)

            logits = model(inputs)
            loss = functional.cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

            schedule.step()
            if average is not None:
                average.update_parameters(model)
            progress.add(loss.detach(), len(images))
            if progress.is_due():
                report = progress.take_report(epoch, kept)
                if not all(map(math.isfinite, report.losses)):
                    yield _diverged(config, report)
                    return
                yield report
        evaluation = evaluate(kept, test_split)
        test_accuracy = evaluation.accuracy
        yield EpochDone(
            epoch=epoch,
            step=progress.step,
            train_loss=progress.take_epoch_loss(),
            test_loss=evaluation.loss,
            test_accuracy=test_accuracy,
            elapsed_s=progress.elapsed_s,
            weights=_copy_weights(kept),
        )
    yield Finished(config.epochs, progress.step, test_accuracy, progress.elapsed_s)


def suggest_learning_rate(too_high: float) -> float:
    """A learning rate to try after one that diverged: a tenth, and never above 0.01."""
    return min(0.01, too_high / 10)


class _Batches:
    """The training images in a new order every epoch, as they are or augmented."""

    def __init__(self, split: Split, config: TrainConfig, generator: torch.Generator, device: torch.device) -> None:
        self._generator, self._batch_size, self._device = generator, config.batch_size, device
        images, labels = torch.as_tensor(split.images), torch.as_tensor(split.labels).long()
        self._augmentation = PhotosAndDrawings(images, labels, generator) if config.augmentation == "photos-and-drawings" else None
        self._images, self._labels = images.to(device), labels.to(device)

    def of_an_epoch(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Images (batch size, 28, 28) uint8 and labels (batch size,) on the device."""
        order = torch.randperm(len(self._labels), generator=self._generator)
        if self._augmentation is None:
            for batch in order.to(self._device).split(self._batch_size):
                yield self._images[batch], self._labels[batch]
        else:
            for images, labels in self._augmentation.batches(order, self._batch_size):
                yield images.to(self._device), labels.to(self._device)


def _average_of(model: FashionCNN) -> AveragedModel:
    """A network whose weights follow the trained one's: their mean for the first 1,000 steps, then 0.1 % of the way each step."""
    return AveragedModel(model, avg_fn=lambda mean, ahead, steps: mean + (ahead - mean) * max(0.001, 1 / (1 + steps)), use_buffers=True)


def _make_schedule(config: TrainConfig, optimizer: torch.optim.Optimizer, steps: int) -> torch.optim.lr_scheduler.LRScheduler:
    if config.schedule == "one-cycle" and steps > 1:
        rises = max(0.25, 2 / steps)  # at least two steps, or PyTorch divides by zero
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer, config.learning_rate, total_steps=steps, pct_start=rises, div_factor=10, final_div_factor=100
        )
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda _step: 1.0)


class _Progress:
    """Losses since the last report and since the epoch began, and the clock."""

    def __init__(self, steps_per_epoch: int, epochs: int) -> None:
        self.step = 0
        self._steps_per_epoch = steps_per_epoch
        self._total_steps = steps_per_epoch * epochs
        self._losses: list[Tensor] = []
        self._batch_sizes: list[int] = []
        self._epoch_loss_sum = 0.0
        self._epoch_images = 0
        self._began_s = self._reported_s = time.perf_counter()

    @property
    def elapsed_s(self) -> float:
        return time.perf_counter() - self._began_s

    def add(self, loss: Tensor, batch_size: int) -> None:
        self.step += 1
        self._losses.append(loss)
        self._batch_sizes.append(batch_size)

    def is_due(self) -> bool:
        is_first_or_last = self.step == 1 or self.step % self._steps_per_epoch == 0
        return is_first_or_last or time.perf_counter() - self._reported_s >= _REPORT_EVERY_S

    def take_report(self, epoch: int, model: FashionCNN) -> StepDone:
        losses = torch.stack(self._losses).tolist()  # one wait for the device a report, not one a step
        now_s = time.perf_counter()
        images = sum(self._batch_sizes)
        report = StepDone(
            epoch=epoch,
            step=self.step,
            losses=tuple(losses),
            images_per_s=images / (now_s - self._reported_s),
            elapsed_s=now_s - self._began_s,
            remaining_s=(now_s - self._began_s) / self.step * (self._total_steps - self.step),
            weights=_copy_weights(model),
        )
        self._epoch_loss_sum += sum(loss * size for loss, size in zip(losses, self._batch_sizes, strict=True))
        self._epoch_images += images
        self._reported_s = now_s
        self._losses.clear()
        self._batch_sizes.clear()
        return report

    def take_epoch_loss(self) -> float:
        """Mean loss over the epoch's images; the next epoch starts from nothing."""
        mean = self._epoch_loss_sum / self._epoch_images
        self._epoch_loss_sum, self._epoch_images = 0.0, 0
        return mean


def _copy_weights(model: FashionCNN) -> Weights:
    return {name: tensor.detach().cpu().contiguous().numpy().copy() for name, tensor in model.state_dict().items()}


def _diverged(config: TrainConfig, report: StepDone) -> Diverged:
    bad = next(loss for loss in report.losses if not math.isfinite(loss))
    step = report.step - len(report.losses) + 1 + report.losses.index(bad)
    became = "not a number (NaN)" if math.isnan(bad) else "infinite"
    message = (
        f"At step {step} the loss became {became}: the weights grew until the arithmetic overflowed, and nothing can be learned any more. "
        f"The learning rate {config.learning_rate:g} is too high; try {suggest_learning_rate(config.learning_rate):g}."
    )
    return Diverged(report.epoch, step, message)
