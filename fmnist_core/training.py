"""train(): the article's training loop as a generator of events."""

import math
import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel

from fmnist_core.augmentation import FlipsAndShifts, PhotosAndDrawings
from fmnist_core.config import TrainConfig
from fmnist_core.data import Split
from fmnist_core.evaluation import Evaluation, evaluate, predict
from fmnist_core.events import Checkpoint, Diverged, EpochDone, Event, Finished, RateChanged, Request, Resumed, Started, StepDone
from fmnist_core.model import FashionCNN, device_name, pick_device, pick_precision
from fmnist_core.sampling import hold_out, pick, pick_probes, pick_training_images

# Often enough for a chart that moves, seldom enough to cost little: a report took 6 ms, of which 4 are the watched images.
_REPORT_EVERY_S = 0.3
_RECALL_IMAGES = 5_000  # of the training images, for the accuracy at the end
_CONVERTED_AT_ONCE = 1_000  # images; 3 MB beside the 86 MB that all make in bfloat16
_CHUNK = 8  # batches augmented at once: 2.0 s an epoch, one at a time took 3.4 s


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

    learner = _Learner(config, device)
    model, optimizer, progress = learner.model, learner.optimizer, learner.progress
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
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
                logits = model(inputs)
                loss = functional.cross_entropy(logits, labels, label_smoothing=config.label_smoothing)
            optimizer.zero_grad()
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
        tested = evaluate(learner.kept, test_split, precision=precision)
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
                checkpoint=learner.capture(),
            )
        )
    recalled = evaluate(learner.kept, pick(learned_split, np.arange(min(_RECALL_IMAGES, len(learned_split)))))
    yield Finished(epochs, progress.step, progress.best_test_accuracy, recalled.accuracy, progress.best_epoch, progress.elapsed_s)


def suggest_learning_rate(too_high: float) -> float:
    """A learning rate to try after one that diverged: a tenth, and never above 0.01."""
    return min(0.01, too_high / 10)


class _Batches:
    """The training images in a new order every epoch, ready for the network, as they are or augmented.

    Seed, epoch and place in the epoch decide everything, so that a run can go on from any step.
    """

    def __init__(self, split: Split, config: TrainConfig, model: FashionCNN, precision: str) -> None:
        self._seed, self._batch_size, self._model = config.seed, config.batch_size, model
        self._type = torch.bfloat16 if precision == "bfloat16" else torch.float32
        self.steps_per_epoch = math.ceil(len(split) / config.batch_size)
        images, labels = torch.as_tensor(split.images), torch.as_tensor(split.labels).long()
        self._labels = labels.to(model.fc.weight.device)
        self._augmentation: FlipsAndShifts | PhotosAndDrawings | None = None
        if config.augmentation == "flips-and-shifts":
            self._augmentation = FlipsAndShifts(images, labels)
        elif config.augmentation == "photos-and-drawings":
            self._augmentation = PhotosAndDrawings(images, labels, config.seed)
        else:  # all images at once, so that a batch is one look-up: 9.3 ms a step against 9.6
            self._inputs = torch.empty(len(images), 1, *images.shape[1:], dtype=self._type, device=self._labels.device)
            for part, pixels in zip(self._inputs.split(_CONVERTED_AT_ONCE), images.split(_CONVERTED_AT_ONCE), strict=True):
                part.copy_(model.as_inputs(pixels))

    def of_an_epoch(self, epoch: int, first: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs (batch size, 1, 28, 28) and labels (batch size,) on the device, from batch `first` (from 0) on."""
        order = torch.randperm(len(self._labels), generator=self._generator(epoch))
        if self._augmentation is None:
            for batch in order.to(self._labels.device).split(self._batch_size)[first:]:
                yield self._inputs[batch], self._labels[batch]
            return
        for number, chunk in enumerate(order.split(self._batch_size * _CHUNK)):
            skipped = max(0, first - number * _CHUNK)
            if skipped < _CHUNK:
                images, labels = self._augmentation.redraw(chunk, self._generator(epoch, number))
                inputs = self._as_inputs(images).split(self._batch_size)
                yield from zip(inputs[skipped:], labels.to(self._labels.device).split(self._batch_size)[skipped:], strict=True)

    def _as_inputs(self, images: Tensor) -> Tensor:
        return self._model.as_inputs(images).to(self._type)

    def _generator(self, *place: int) -> torch.Generator:
        seed = np.random.SeedSequence([self._seed, *place]).generate_state(1, np.uint64)[0]
        return torch.Generator().manual_seed(int(seed) >> 1)


class _Learner:
    """What a step changes: the network, its optimizer, their average, the learning rate and the progress."""

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        self._config = config
        with torch.random.fork_rng(devices=[]):  # PyTorch's layers draw from its global state before ours are drawn over them
            self.model = FashionCNN(torch.Generator().manual_seed(config.seed), config.pixels).to(device)
        self._average = AveragedModel(self.model, multi_avg_fn=_average, use_buffers=True) if config.weight_averaging else None
        self.optimizer = _make_optimizer(config, self.model)
        self.progress = _Progress()
        self._rate_scale = 1.0
        self.last_rate = config.learning_rate

    def plan(self, steps_per_epoch: int, epochs: int) -> None:
        self.progress.plan(steps_per_epoch, epochs)
        self._scheduled_steps = steps_per_epoch * self._config.epochs

    @property
    def kept(self) -> FashionCNN:
        """What is tested, shown and kept: the average where there is one."""
        return self.model if self._average is None else cast(FashionCNN, self._average.module)

    def set_rate(self) -> None:
        self.last_rate = self._rate_scale * scheduled_rate(self._config, self.progress.step, self._scheduled_steps)
        for group in self.optimizer.param_groups:
            group["lr"] = self.last_rate

    def after_step(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        if self._average is not None:
            self._average.update_parameters(self.model)
        self.progress.add(loss, logits, labels)

    def ask(self, event: Event) -> Generator[Event, Request | None, None]:
        """Yields the event and does what is asked for in return."""
        while True:
            self.progress.stop_clock()
            request = yield event
            self.progress.start_clock()
            if request is None:
                return
            if request.report_every_step is not None:
                self.progress.report_every_step = request.report_every_step
            if request.learning_rate is None:
                return
            self._rate_scale = request.learning_rate / scheduled_rate(self._config, self.progress.step, self._scheduled_steps)
            event = RateChanged(self.progress.epoch, self.progress.step, request.learning_rate, self.capture())

    def capture(self) -> Checkpoint:
        tensors = {f"trained.{name}": _copy(tensor) for name, tensor in self.model.state_dict().items()}
        if self._average is not None:
            tensors |= {f"kept.{name}": _copy(tensor) for name, tensor in self._average.module.state_dict().items()}
        for number, state in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": _copy(value) for name, value in state.items() if value is not None}
        averaged = 0 if self._average is None else int(self._average.n_averaged)
        return Checkpoint(
            tensors, self.progress.facts() | {"rate_scale": self._rate_scale, "last_rate": self.last_rate, "averaged_steps": averaged}
        )

    def restore(self, checkpoint: Checkpoint) -> None:
        """Raises ValueError if the checkpoint is of another network or optimizer."""
        try:
            _load(self.model, checkpoint.tensors, "trained.")
            if self._average is not None:
                _load(self._average.module, checkpoint.tensors, "kept.")
                self._average.n_averaged.fill_(checkpoint.facts["averaged_steps"])
            parameters = list(self.model.parameters())
            state: dict[int, dict[str, Tensor]] = {}
            for name, array in checkpoint.tensors.items():
                if name.startswith("optimizer."):
                    _, number, key = name.split(".", 2)
                    state.setdefault(int(number), {})[key] = _shaped_like(parameters[int(number)], torch.from_numpy(np.array(array)))
            self.optimizer.load_state_dict({"state": state, "param_groups": self.optimizer.state_dict()["param_groups"]})
            self._rate_scale, self.last_rate = float(checkpoint.facts["rate_scale"]), float(checkpoint.facts["last_rate"])
            self.progress.restore(checkpoint.facts)
        except (KeyError, IndexError, TypeError, RuntimeError) as error:
            raise ValueError("This checkpoint is of another network or optimizer: start a new run.") from error


def _make_optimizer(config: TrainConfig, model: FashionCNN) -> torch.optim.Optimizer:
    """fused: all weights in one pass, 0.3 ms a step where one by one took 1.2."""
    options: dict[str, Any] = {"lr": config.learning_rate, "weight_decay": config.weight_decay, "fused": True}
    if config.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), momentum=0.9, **options)
    return torch.optim.AdamW(model.parameters(), **options)  # without weight decay, Adam


def _average(averaged: Any, trained: Any, steps: Any) -> None:
    """The mean of the first 1,000 steps, then 0.1 % of the way each step; BatchNorm's count of steps is taken over."""
    if averaged[0].is_floating_point():
        torch._foreach_lerp_(averaged, trained, max(0.001, 1 / (1 + int(steps))))
    else:
        torch._foreach_copy_(averaged, trained)


def scheduled_rate(config: TrainConfig, step: int, steps: int) -> float:
    """The learning rate of a step.

    Args:
        step: from 0.
        steps: of the whole schedule. With "one-cycle" the rate rises along a cosine from a tenth for the first quarter and falls
            along another to a thousandth; steps beyond it, of epochs that were added later, are done at a tenth.
    """
    highest = config.learning_rate
    if config.schedule == "constant":
        return highest
    if step >= steps:
        return highest / 10
    rising = max(1, round(0.25 * steps))
    if step < rising:
        return _along_cosine(highest / 10, highest, step / rising)
    return _along_cosine(highest, highest / 1000, (step - rising) / max(1, steps - 1 - rising))


def _along_cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


class _Progress:
    """Where the run stands, what its epoch and its best epoch are like, and the clock."""

    def __init__(self) -> None:
        self.step = 0
        self.report_every_step = False
        self.best_epoch: int | None = None
        self.best_test_accuracy = 0.0
        self._best_validation_accuracy = -1.0
        self._tested_epochs = 0
        self._epoch_loss, self._epoch_right, self._epoch_images = 0.0, 0, 0
        self._new: list[tuple[Tensor, Tensor, int]] = []
        self._images = 0
        self._elapsed_s = self._reported_s = 0.0
        self._running_since_s: float | None = None

    def plan(self, steps_per_epoch: int, epochs: int) -> None:
        self._steps_per_epoch, self._total_steps = steps_per_epoch, steps_per_epoch * epochs
        self._first_step, self._first_s = self.step, self._elapsed_s

    @property
    def epoch(self) -> int:
        return self._tested_epochs + 1

    @property
    def step_in_epoch(self) -> int:
        return self.step - self._tested_epochs * self._steps_per_epoch

    @property
    def elapsed_s(self) -> float:
        running_s = 0.0 if self._running_since_s is None else time.perf_counter() - self._running_since_s
        return self._elapsed_s + running_s

    @property
    def remaining_s(self) -> float:
        return (self.elapsed_s - self._first_s) / max(1, self.step - self._first_step) * (self._total_steps - self.step)

    def start_clock(self) -> None:
        self._running_since_s = time.perf_counter()

    def stop_clock(self) -> None:
        self._elapsed_s, self._running_since_s = self.elapsed_s, None

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        self.step += 1
        self._new.append((loss, (logits.argmax(dim=1) == labels).sum(), len(labels)))

    def is_due(self) -> bool:
        is_first_or_last = self.step == 1 or self.step_in_epoch == self._steps_per_epoch
        return self.report_every_step or is_first_or_last or self.elapsed_s - self._reported_s >= _REPORT_EVERY_S

    def take_losses(self) -> tuple[float, ...]:
        """Of the steps since the last call, which now count for their epoch."""
        losses = torch.stack([loss for loss, _, _ in self._new]).tolist()  # one wait for the device a report, not one a step
        rights = torch.stack([right for _, right, _ in self._new]).tolist()
        for loss, right, (_, _, images) in zip(losses, rights, self._new, strict=True):
            self._epoch_loss += loss * images
            self._epoch_right += right
            self._epoch_images += images
            self._images += images
        self._new.clear()
        return tuple(losses)

    def take_pace(self) -> float:
        """Images a second since the last call."""
        now_s = self.elapsed_s
        pace = self._images / max(1e-9, now_s - self._reported_s)
        self._images, self._reported_s = 0, now_s
        return pace

    def end_epoch(self) -> tuple[float, float]:
        """Mean loss and accuracy over the epoch's images; the next epoch starts from nothing."""
        means = self._epoch_loss / self._epoch_images, self._epoch_right / self._epoch_images
        self._epoch_loss, self._epoch_right, self._epoch_images = 0.0, 0, 0
        self._tested_epochs += 1
        return means

    def note_best(self, epoch: int, tested: Evaluation, validated: Evaluation | None) -> bool:
        """Whether no epoch before had so high a validation accuracy; without validation images the newest epoch counts."""
        if validated is None:
            self.best_test_accuracy = tested.accuracy
            return False
        if validated.accuracy <= self._best_validation_accuracy:
            return False
        self._best_validation_accuracy, self.best_test_accuracy, self.best_epoch = validated.accuracy, tested.accuracy, epoch
        return True

    def facts(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "tested_epochs": self._tested_epochs,
            "epoch_loss": self._epoch_loss,
            "epoch_right": self._epoch_right,
            "epoch_images": self._epoch_images,
            "best_epoch": self.best_epoch,
            "best_validation_accuracy": self._best_validation_accuracy,
            "best_test_accuracy": self.best_test_accuracy,
            "elapsed_s": self.elapsed_s,
        }

    def restore(self, facts: Mapping[str, Any]) -> None:
        self.step, self._tested_epochs = int(facts["step"]), int(facts["tested_epochs"])
        self._epoch_loss, self._epoch_right = float(facts["epoch_loss"]), int(facts["epoch_right"])
        self._epoch_images = int(facts["epoch_images"])
        self.best_epoch = None if facts["best_epoch"] is None else int(facts["best_epoch"])
        self._best_validation_accuracy = float(facts["best_validation_accuracy"])
        self.best_test_accuracy = float(facts["best_test_accuracy"])
        self._elapsed_s = self._reported_s = self._first_s = float(facts["elapsed_s"])
        self._first_step = self.step


def _copy(tensor: Tensor) -> NDArray[Any]:
    return tensor.detach().cpu().contiguous().numpy().copy()


def _load(model: torch.nn.Module, tensors: Mapping[str, NDArray[Any]], start: str) -> None:
    model.load_state_dict(
        {name.removeprefix(start): torch.from_numpy(np.array(array)) for name, array in tensors.items() if name.startswith(start)}
    )


def _shaped_like(parameter: Tensor, loaded: Tensor) -> Tensor:
    """What the optimizer keeps for a parameter lies in memory as the parameter does: its fused step goes through both as they lie."""
    return torch.empty_like(parameter).copy_(loaded) if loaded.shape == parameter.shape else loaded


def _diverged(rate: float, epoch: int, step: int, losses: tuple[float, ...]) -> Diverged:
    place = next(place for place, loss in enumerate(losses) if not math.isfinite(loss))
    became = "not a number (NaN)" if math.isnan(losses[place]) else "infinite"
    step += place + 1 - len(losses)
    message = (
        f"At step {step} the loss became {became}: the weights grew until the arithmetic overflowed, and nothing can be learned any more. "
        f"The learning rate {rate:.3g} is too high; try {suggest_learning_rate(rate):.3g}."
    )
    return Diverged(epoch, step, message, losses[:place])
