"""Checkpoint: everything that a run needs to continue as if it had never stopped."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = Mapping[str, NDArray[Any]]
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
