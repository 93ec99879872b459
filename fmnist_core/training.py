"""train(): the article's training loop as a generator of events."""

import math
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

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
    images = torch.as_tensor(train_split.images).to(device)
    labels = torch.as_tensor(train_split.labels).long().to(device)

    steps_per_epoch = math.ceil(len(images) / config.batch_size)
    yield Started(steps_per_epoch, len(images), len(test_split), device_name(device))

    progress = _Progress(steps_per_epoch, config.epochs)
    test_accuracy = 0.0
    for epoch in range(1, config.epochs + 1):
        model.train()
        for batch in torch.randperm(len(images), generator=generator).split(config.batch_size):
            batch = batch.to(device)
            inputs = normalise(images[batch]).contiguous(memory_format=torch.channels_last)

            logits = model(inputs)
            loss = functional.cross_entropy(logits, labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

            progress.add(loss.detach(), len(batch))
            if progress.is_due():
                report = progress.take_report(epoch, model)
                if not all(map(math.isfinite, report.losses)):
                    yield _diverged(config, report)
                    return
                yield report
        evaluation = evaluate(model, test_split)
        test_accuracy = evaluation.accuracy
        yield EpochDone(
            epoch=epoch,
            step=progress.step,
            train_loss=progress.take_epoch_loss(),
            test_loss=evaluation.loss,
            test_accuracy=test_accuracy,
            elapsed_s=progress.elapsed_s,
            weights=_copy_weights(model),
        )
    yield Finished(config.epochs, progress.step, test_accuracy, progress.elapsed_s)


def suggest_learning_rate(too_high: float) -> float:
    """A learning rate to try after one that diverged: a tenth, and never above 0.01."""
    return min(0.01, too_high / 10)


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
