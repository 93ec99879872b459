"""Checkpoint: everything that a run needs to continue as if it had never stopped."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Weights = Mapping[str, NDArray[Any]]
_MOST = 10**9  # steps or images; 200 epochs of 60,000 images in batches of one are 12 million steps
_TRAINED, _EVALUATED = "trained.", "kept."  # prefixes of the names of tensors


@dataclass(frozen=True)
class Counters:
    """The progress of a run, in plain numbers.

    Attributes:
        step: steps completed.
        tested_epochs: epochs completed and evaluated.
        epoch_loss, epoch_right, epoch_images: the summed loss, the correct predictions and the images of the current epoch so far.
        best_epoch: the epoch with the highest validation accuracy so far; None before there is one.
        best_validation_accuracy, best_test_accuracy: of that epoch; without validation images, of the latest.
        elapsed_s: seconds of training.
        rate_scale: the factor on the scheduled learning rate after a change by hand.
        last_rate: the learning rate of the last step.
        averaged_steps: how many steps the averaged weights include; 0 if weights are not averaged.
    """

    step: int
    tested_epochs: int
    epoch_loss: float
    epoch_right: int
    epoch_images: int
    best_epoch: int | None
    best_validation_accuracy: float
    best_test_accuracy: float
    elapsed_s: float
    rate_scale: float
    last_rate: float
    averaged_steps: int

    def __post_init__(self) -> None:
        """Raises ValueError if these cannot be the counters of any run, as in a damaged file."""
        counts = (self.step, self.tested_epochs, self.epoch_right, self.epoch_images, self.averaged_steps, self.best_epoch or 0)
        measured = (self.epoch_loss, self.best_test_accuracy, self.elapsed_s, self.last_rate, self.rate_scale)
        if not (
            all(0 <= count <= _MOST for count in counts)
            and all(0 <= value < math.inf for value in measured)
            and -1 <= self.best_validation_accuracy <= 1  # -1 before the first epoch
            and self.rate_scale > 0
            and self.epoch_right <= self.epoch_images
        ):
            raise ValueError("These are not the counters of a run.")


def check_arrays(arrays: Weights, expected: Mapping[str, "Tensor"]) -> None:
    """Raises ValueError, saying which differs, unless there is exactly one array for each tensor, of its shape and type.

    PyTorch's fused optimizers do not check what they are given: a state of another shape makes them write beyond its memory.
    """
    for name in sorted(arrays.keys() ^ expected.keys()):
        raise ValueError(f"{name[:80]} {'is missing' if name in expected else 'does not belong in it'}")
    for name, tensor in expected.items():
        is_same = arrays[name].shape == tuple(tensor.shape) and f"torch.{arrays[name].dtype}" == str(tensor.dtype)
        if not is_same:
            raise ValueError(f"{name[:80]} has the shape {arrays[name].shape} and the type {arrays[name].dtype}")


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Everything that a run needs to continue as if it had never stopped.

    All random numbers follow from the seed, the epoch and the step within it, so no random state is saved.

    Attributes:
        tensors: arrays by name: `trained.NAME` for each parameter and buffer of the network, `kept.NAME` for their averages if
            weights are averaged, and `optimizer.NUMBER.KEY` for the optimizer's state of each parameter.
    """

    tensors: Weights
    counters: Counters

    @property
    def step(self) -> int:
        return self.counters.step

    @property
    def weights(self) -> Weights:
        """The weights that are evaluated, shown and saved: the averaged ones if weights are averaged."""
        start = _EVALUATED if any(name.startswith(_EVALUATED) for name in self.tensors) else _TRAINED
        return {name.removeprefix(start): array for name, array in self.tensors.items() if name.startswith(start)}

    @property
    def first_kernels(self) -> NDArray[np.float32]:
        """The weights of the first layer, (16, 5, 5)."""
        kernels: NDArray[np.float32] = self.weights["layer1.0.weight"][:, 0]
        return kernels
