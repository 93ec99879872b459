"""The images a run trains on, those that choose its best epoch, and those followed through training."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fmnist_core.dataset.classes import DataError
from fmnist_core.dataset.sampling import sample_indices
from fmnist_core.dataset.split import Split, pick
from fmnist_core.settings.config import TrainConfig

PROBES_PER_CLASS = 2
_MOST_HELD_OUT = 12  # at most a twelfth is held out, 5,000 of 60,000, so that a small data set keeps enough to train on


@dataclass(frozen=True, eq=False)
class RunImages:
    """The images of one run.

    Attributes:
        train: the images it trains on.
        validation: the images held out, which choose the best epoch; may be empty.
        test: all test images, which choose nothing.
        probes: (20,) indices of the test images that are followed through training.
    """

    train: Split
    validation: Split
    test: Split
    probes: NDArray[np.int64]


def pick_images(config: TrainConfig, train_split: Split, test_split: Split) -> RunImages:
    """The images of a run with this config; raises DataError if none is left to train on."""
    train, validation = hold_out(train_split, config.validation_images)
    return RunImages(pick_training_images(train, config), validation, test_split, pick_probes(test_split))


def hold_out(split: Split, count: int) -> tuple[Split, Split]:
    """Divides the training images into those to train on and those that choose the best epoch, in the same way for every run.

    Args:
        count: how many to hold out; at most a twelfth of the images are.
    """
    count = min(count, len(split) // _MOST_HELD_OUT)
    if count == 0:
        return split, pick(split, np.arange(0))
    order = np.random.default_rng(0).permutation(len(split))
    return pick(split, np.sort(order[count:])), pick(split, np.sort(order[:count]))


def pick_training_images(split: Split, config: TrainConfig) -> Split:
    """The images that a run trains on, chosen from those not held out: without the class left out, fewer of them, labels shuffled.

    Raises:
        DataError: if no image is left.
    """
    random = np.random.default_rng([config.seed, 1])
    if config.left_out_class is not None:
        split = pick(split, np.flatnonzero(split.labels != config.left_out_class))
    if config.training_images is not None and config.training_images < len(split):
        split = pick(split, np.sort(random.permutation(len(split))[: config.training_images]))
    if len(split) == 0:
        raise DataError("No training image is left: leave another class out, or none.")
    return replace(split, labels=random.permutation(split.labels)) if config.shuffled_labels else split


def pick_probes(split: Split) -> NDArray[np.int64]:
    """Indices of two images of each class, ordered by class, to follow through training; always the same images."""
    of_each = [sample_indices(split, PROBES_PER_CLASS, seed=0, class_index=label) for label in range(len(split.class_names))]
    return np.concatenate(of_each)
