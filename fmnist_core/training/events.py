"""What train() reports, and what can be sent to it: plain data that any process can read.

A training process writes events as JSON, and pages read them back as the same classes (`runs.event_log`). Checkpoints and evaluations of
whole data sets are kept in memory only, because they have files of their own; they are None in an event that was read. Other fields that
can be None were not recorded by earlier versions of the project.

The types below say which numbers are possible; an event with any other is refused when it is read.
"""

from dataclasses import dataclass, field
from typing import Annotated

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from fmnist_core.evaluation.evaluation import Evaluation
from fmnist_core.settings.config import MAX_EPOCHS
from fmnist_core.store.records import IN_MEMORY
from fmnist_core.training.checkpoint import Checkpoint, Weights

MAX_STEPS = MAX_EPOCHS * 60_000  # all training images in batches of one
MAX_PROBES = 100
Epoch = Annotated[int, Meta(ge=0, le=MAX_EPOCHS + 1)]  # one more is the epoch to come when the last has been evaluated
Step = Annotated[int, Meta(ge=0, le=MAX_STEPS)]
Images = Annotated[int, Meta(ge=0, le=10**9)]
Share = Annotated[float, Meta(ge=0, le=1)]
Rate = Annotated[float, Meta(ge=0, le=1e9)]
Seconds = Annotated[float, Meta(ge=0, le=1e9)]  # 30 years
Estimate = Annotated[float, Meta(ge=0, le=1e18)]  # far off while it is made from a single step
Text = Annotated[str, Meta(max_length=1_000)]
Threads = Annotated[int, Meta(ge=0, le=10_000)]


class _HasWeights:
    checkpoint: Checkpoint | None

    @property
    def weights(self) -> Weights:
        """The weights at this moment; raises ValueError in an event that was read from a file."""
        if self.checkpoint is None:
            raise ValueError("An event that was read from a file has no weights.")
        return self.checkpoint.weights


@dataclass(frozen=True)
class Started:
    """Before the first step.

    Attributes:
        precision: "bfloat16" or "float32"; "" if it was not recorded.
        probes: indices of the test images that are followed through training, see `images.pick_probes`.
        threads: how many compute on the processor at the start; 0 if it was not recorded, or another device computes.
    """

    steps_per_epoch: Step
    train_images: Images = 0
    validation_images: Images = 0
    test_images: Images = 0
    device: Text = ""
    precision: Text = ""
    probes: Annotated[tuple[Images, ...], Meta(max_length=MAX_PROBES)] = ()
    threads: Threads = 0


@dataclass(frozen=True)
class Resumed:
    """Takes the place of Started when a run continues from a checkpoint; steps reported after this one will be reported again."""

    epoch: Epoch
    step: Step
    steps_per_epoch: Step
    elapsed_s: Seconds
    device: Text = ""
    precision: Text = ""
    threads: Threads = 0


@dataclass(frozen=True, eq=False)
class StepDone(_HasWeights):
    """About every 0.3 s, after the first step of the run and the last of each epoch, or after every step if requested.

    Attributes:
        epoch: counted from 1.
        step: steps since the run began.
        losses: the mean loss of each batch since the last report; the last is that of `step`.
        images_per_s: training speed since the last report.
        elapsed_s: seconds of training, without the time that the consumer kept the generator waiting.
        remaining_s: expected time to the end of the run.
        learning_rate: of the last step.
        probes: (P, 10) float32, class probabilities of the probes.
        threads: how many have computed these steps; see `Started`.
        checkpoint: the state of the run at this moment.
    """

    epoch: Epoch
    step: Step
    losses: tuple[float, ...]
    images_per_s: Estimate
    elapsed_s: Seconds
    remaining_s: Estimate
    learning_rate: Rate | None = None
    probes: NDArray[np.float32] | None = None
    threads: Threads = 0
    checkpoint: Checkpoint | None = field(default=None, metadata=IN_MEMORY)


@dataclass(frozen=True, eq=False)
class EpochDone(_HasWeights):
    """After each epoch and its evaluation.

    Attributes:
        train_loss, train_accuracy: means over the epoch's batches, each taken before its update, while the weights were changing.
        validation_loss, validation_accuracy: over the images held out; None if there are none.
        test_loss, test_accuracy: over all test images, unaugmented, in float32 whatever precision the run trains in.
        learning_rate: of the epoch's last step.
        is_best: whether the validation accuracy is the highest so far.
        evaluation: the answers to all test images.
        checkpoint: the state of the run at this moment.
    """

    epoch: Epoch
    step: Step
    train_loss: float
    test_loss: float
    test_accuracy: Share
    elapsed_s: Seconds
    train_accuracy: Share | None = None
    validation_loss: float | None = None
    validation_accuracy: Share | None = None
    learning_rate: Rate | None = None
    is_best: bool = False
    evaluation: Evaluation | None = field(default=None, metadata=IN_MEMORY)
    checkpoint: Checkpoint | None = field(default=None, metadata=IN_MEMORY)


@dataclass(frozen=True, eq=False)
class RateChanged:
    """The learning rate was changed by hand after this step; the checkpoint contains the new one."""

    epoch: Epoch
    step: Step
    learning_rate: Rate
    checkpoint: Checkpoint | None = field(default=None, metadata=IN_MEMORY)


@dataclass(frozen=True)
class Diverged:
    """The last event of a run whose loss is no longer a finite number.

    Attributes:
        step: the first step with such a loss.
        message: the reason, and what to try.
        losses: the finite losses since the last report.
    """

    epoch: Epoch
    step: Step
    message: Text
    losses: tuple[float, ...] = ()


@dataclass(frozen=True)
class Finished:
    """The last event of a run that completed all its epochs.

    Attributes:
        test_accuracy: of the best epoch if images are held out to choose it, else of the last.
        train_accuracy: of the final weights, over up to 5,000 of the images they were trained on, with the labels used in training.
        best_epoch: None if no images are held out.
    """

    epoch: Epoch
    step: Step
    test_accuracy: Share
    elapsed_s: Seconds
    train_accuracy: Share | None = None
    best_epoch: Epoch | None = None


Event = Started | Resumed | StepDone | EpochDone | RateChanged | Diverged | Finished


@dataclass(frozen=True)
class Request:
    """What a consumer can send into train() instead of only asking for the next event.

    Attributes:
        learning_rate: used from the next step on; train() answers with RateChanged. The rest of a schedule is rescaled.
        report_every_step: whether to report after each step from now on; None changes nothing.
    """

    learning_rate: float | None = None
    report_every_step: bool | None = None
