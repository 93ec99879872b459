"""What train() reports, and what may be said to it: dead data that any process can read."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from fmnist_core.evaluation import Evaluation

Weights = Mapping[str, NDArray[Any]]
_TRAINED, _KEPT = "trained.", "kept."


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """All that a run needs to go on as if it had never stopped.

    Everything random follows from the seed, the epoch and the place in it, so no random state need be kept beside the step.

    Attributes:
        tensors: arrays by name: `trained.` and the parameter's name, `kept.` likewise where weights are averaged, and
            `optimizer.`, the parameter's number and the name of what the optimizer keeps for it.
        facts: plain numbers: `step`, steps done; what the schedule, the average, the epoch's figures and the best epoch stand at.
    """

    tensors: Weights
    facts: Mapping[str, Any]

    @property
    def step(self) -> int:
        return int(self.facts["step"])

    @property
    def weights(self) -> Weights:
        """The weights that are tested, shown and kept: the averaged ones where there are such."""
        start = _KEPT if any(name.startswith(_KEPT) for name in self.tensors) else _TRAINED
        return {name.removeprefix(start): array for name, array in self.tensors.items() if name.startswith(start)}


@dataclass(frozen=True)
class Started:
    """Before the first step.

    Attributes:
        precision: "bfloat16" or "float32".
        probes: indices of the test images that are watched, see `sampling.pick_probes`.
    """

    steps_per_epoch: int
    train_images: int
    validation_images: int
    test_images: int
    device: str
    precision: str
    probes: tuple[int, ...]


@dataclass(frozen=True)
class Resumed:
    """In place of Started where a run goes on from a checkpoint; what was reported beyond this step will come again."""

    epoch: int
    step: int
    steps_per_epoch: int
    elapsed_s: float
    device: str
    precision: str


@dataclass(frozen=True, eq=False)
class StepDone:
    """About every 0.3 s, after the first step and the last of an epoch, and whenever it was asked for.

    Attributes:
        epoch: from 1.
        step: steps done since the run began.
        losses: the mean loss of each batch since the last report, the last one being that of `step`.
        learning_rate: of the last step.
        images_per_s: since the last report.
        elapsed_s: seconds of training; while the consumer keeps the generator waiting, no time passes.
        remaining_s: expected time to the end of the run.
        probes: (P, 10) float32, probabilities of the watched test images.
        checkpoint: the run at this moment.
    """

    epoch: int
    step: int
    losses: tuple[float, ...]
    learning_rate: float
    images_per_s: float
    elapsed_s: float
    remaining_s: float
    probes: NDArray[np.float32]
    checkpoint: Checkpoint

    @property
    def weights(self) -> Weights:
        return self.checkpoint.weights


@dataclass(frozen=True, eq=False)
class EpochDone:
    """After an epoch and its tests.

    Attributes:
        train_loss, train_accuracy: means over the epoch's images as they were learned.
        validation_loss, validation_accuracy: over the images held out; None where there are none.
        test_loss, test_accuracy: over all test images, each seen once as it is, in float32 whatever the run is trained in.
        is_best: whether the validation accuracy is the highest so far.
        evaluation: what the network answered to all test images.
        checkpoint: the run at this moment.
    """

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    validation_loss: float | None
    validation_accuracy: float | None
    test_loss: float
    test_accuracy: float
    learning_rate: float
    is_best: bool
    elapsed_s: float
    evaluation: "Evaluation"
    checkpoint: Checkpoint

    @property
    def weights(self) -> Weights:
        return self.checkpoint.weights


@dataclass(frozen=True, eq=False)
class RateChanged:
    """Somebody changed the learning rate after this step; the checkpoint holds the new one."""

    epoch: int
    step: int
    learning_rate: float
    checkpoint: Checkpoint


@dataclass(frozen=True)
class Diverged:
    """The last event of a run whose loss is no longer a finite number.

    Attributes:
        step: the first one with such a loss.
        message: why, and what to try.
        losses: the finite ones since the last report.
    """

    epoch: int
    step: int
    message: str
    losses: tuple[float, ...]


@dataclass(frozen=True)
class Finished:
    """The last event of a run that did all its epochs.

    Attributes:
        test_accuracy: of the best epoch where images are held out to choose it, else of the last.
        train_accuracy: of the last weights, over up to 5,000 of the images they were trained on, with the labels that were learned.
        best_epoch: None where no images are held out.
    """

    epoch: int
    step: int
    test_accuracy: float
    train_accuracy: float
    best_epoch: int | None
    elapsed_s: float


Event = Started | Resumed | StepDone | EpochDone | RateChanged | Diverged | Finished


@dataclass(frozen=True)
class Request:
    """What a consumer may send into train() in place of asking for the next event.

    Attributes:
        learning_rate: from the next step on; answered by RateChanged. What is left of a schedule is scaled.
        report_every_step: whether to report after each step from now on; None leaves it.
    """

    learning_rate: float | None = None
    report_every_step: bool | None = None
