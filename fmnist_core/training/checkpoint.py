"""Checkpoint: all that a run needs to continue as if it had never stopped."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Weights = Mapping[str, NDArray[Any]]
_TRAINED, _EVALUATED = "trained.", "kept."  # how names of tensors start


@dataclass(frozen=True)
class Counters:
    """Where a run stands, in plain numbers.

    Attributes:
        step: steps done.
        tested_epochs: epochs finished and evaluated.
        epoch_loss, epoch_right, epoch_images: sums over the images of the epoch under way.
        best_epoch: the one with the highest validation accuracy so far; None before there is one.
        best_validation_accuracy, best_test_accuracy: of that epoch; without validation images, of the newest.
        elapsed_s: seconds of training.
        rate_scale: by what the scheduled learning rate is multiplied, since it was changed by hand.
        last_rate: learning rate of the last step.
        averaged_steps: how many steps the averaged weights are made of; 0 where weights are not averaged.
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
    """All that a run needs to continue as if it had never stopped.

    Everything random follows from the seed, the epoch and the step within it, so no random state need be kept.

    Attributes:
        tensors: arrays by name: `trained.` and the parameter's name, `kept.` likewise where weights are averaged, and
            `optimizer.`, the parameter's number and the name of what the optimizer keeps for it.
    """

    tensors: Weights
    counters: Counters

    @property
    def step(self) -> int:
        return self.counters.step

    @property
    def weights(self) -> Weights:
        """The weights that are evaluated, shown and kept: the averaged ones where there are such."""
        start = _EVALUATED if any(name.startswith(_EVALUATED) for name in self.tensors) else _TRAINED
        return {name.removeprefix(start): array for name, array in self.tensors.items() if name.startswith(start)}

    @property
    def first_kernels(self) -> NDArray[np.float32]:
        """(16, 5, 5) weights of the first layer."""
        kernels: NDArray[np.float32] = self.weights["layer1.0.weight"][:, 0]
        return kernels
