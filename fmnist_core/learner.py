"""What a step of training changes, and what a checkpoint of it holds: `Learner` and its `Progress`."""

import time
from collections.abc import Generator, Mapping
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from fmnist_core.config import TrainConfig
from fmnist_core.evaluation import Evaluation
from fmnist_core.events import Checkpoint, Event, RateChanged, Request
from fmnist_core.network.fast import to_device
from fmnist_core.network.model import FashionCNN

# Often enough for a chart that moves, seldom enough to cost little: a report took 3.2 ms, of which 2.1 are the watched images.
_REPORT_EVERY_S = 0.3


class Learner:
    """What a step changes: the network, its optimizer, their average, the learning rate and the progress."""

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        self._config = config
        self.model = to_device(draw_network(config), device)
        self._average = AveragedModel(self.model, multi_avg_fn=_average, use_buffers=True) if config.weight_averaging else None
        self.optimizer = make_optimizer(config, self.model)
        self.progress = Progress()
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


def draw_network(config: TrainConfig) -> FashionCNN:
    """A new network whose weights the config's seed decides, as PyTorch draws them; its global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(config.seed)
        return FashionCNN(config.pixels)


def make_optimizer(config: TrainConfig, model: FashionCNN) -> torch.optim.Optimizer:
    """The config's optimizer. Fused, it corrects all weights in one pass: 0.09 ms a step where one by one took 0.30."""
    if config.optimizer == "sgd":
        return torch.optim.SGD(model.parameters(), config.learning_rate, momentum=0.9, weight_decay=config.weight_decay, fused=True)
    betas = (0.9, config.beta2)  # without weight decay AdamW is Adam
    return torch.optim.AdamW(model.parameters(), config.learning_rate, betas, weight_decay=config.weight_decay, fused=True)


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
        steps: of the whole schedule. With "one-cycle" the rate rises in a straight line from a tenth for the first seventh and falls in
            another to a thousandth; steps beyond it, of epochs that were added later, are done at a tenth.
    """
    highest = config.learning_rate
    if config.schedule == "constant":
        return highest
    if step >= steps:
        return highest / 10
    rising = max(1, round(steps / 7))
    if step < rising:
        return _between(highest / 10, highest, step / rising)
    return _between(highest, highest / 1000, (step - rising) / max(1, steps - 1 - rising))


def _between(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


class Progress:
    """Where the run stands, what its epoch and its best epoch are like, and the clock."""

    def __init__(self) -> None:
        self.step = 0
        self.report_every_step = False
        self.best_epoch: int | None = None
        self.best_test_accuracy = 0.0
        self._best_validation_accuracy = -1.0
        self._tested_epochs = 0
        self._epoch_loss, self._epoch_right, self._epoch_images = 0.0, 0, 0
        self._new: list[tuple[Tensor, Tensor, Tensor]] = []
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
        self._new.append((loss, logits, labels))

    def is_due(self) -> bool:
        is_first_or_last = self.step == 1 or self.step_in_epoch == self._steps_per_epoch
        return self.report_every_step or is_first_or_last or self.elapsed_s - self._reported_s >= _REPORT_EVERY_S

    def take_losses(self) -> tuple[float, ...]:
        """Of the steps since the last call, which now count for their epoch."""
        losses = torch.stack([loss for loss, _, _ in self._new]).tolist()  # one wait for the device a report, not one a step
        answers = torch.cat([logits for _, logits, _ in self._new]).argmax(dim=1)
        self._epoch_right += int((answers == torch.cat([labels for _, _, labels in self._new])).sum())
        for loss, (_, _, labels) in zip(losses, self._new, strict=True):
            self._epoch_loss += loss * len(labels)
        self._epoch_images += len(answers)
        self._images += len(answers)
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
