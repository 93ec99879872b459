"""Which images to show and to learn from: random ones that a seed brings back, and what a class looks like on average."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fmnist_core.config import TrainConfig
from fmnist_core.data import DataError, Split

PROBES_PER_CLASS = 2
_LARGEST_HELD_OUT_SHARE = 12  # 5,000 of 60,000; a smaller data set keeps the same share to learn from


def sample_indices(split: Split, count: int, seed: int, class_index: int | None = None) -> NDArray[np.int64]:
    """Indices of `count` different images, in random order; the same seed and class give the same ones.

    Args:
        class_index: only images of this class; None takes all.
    Returns:
        (n,) with n = count, or fewer where there are not so many images.
    """
    candidates = np.arange(len(split)) if class_index is None else np.flatnonzero(split.labels == class_index)
    return np.random.default_rng(seed).permutation(candidates)[:count]


def count_classes(split: Split) -> NDArray[np.int64]:
    """(10,) number of images of each class."""
    return np.bincount(split.labels, minlength=len(split.class_names))


def mean_images(split: Split) -> NDArray[np.uint8]:
    """(10, 28, 28) uint8, the mean image of each class; black for a class without images."""
    means = np.zeros((len(split.class_names), *split.images.shape[1:]), np.uint8)
    for class_index in np.unique(split.labels):
        means[class_index] = split.images[split.labels == class_index].mean(axis=0).round()
    return means


def hold_out(split: Split, count: int) -> tuple[Split, Split]:
    """Divides the training images into those to learn from and those that choose the best epoch, the same ones for every run.

    Args:
        count: how many to hold out; never more than a twelfth of them.
    """
    count = min(count, len(split) // _LARGEST_HELD_OUT_SHARE)
    if count == 0:
        return split, pick(split, np.arange(0))
    order = np.random.default_rng(0).permutation(len(split))
    return pick(split, np.sort(order[count:])), pick(split, np.sort(order[:count]))


def pick_training_images(split: Split, config: TrainConfig) -> Split:
    """The images that a run learns from, of those that are not held out: a class left out, a smaller number, labels shuffled.

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


def pick(split: Split, indices: NDArray[np.int64]) -> Split:
    """A split of these images only."""
    return replace(split, images=split.images[indices], labels=split.labels[indices])


def pick_probes(split: Split) -> NDArray[np.int64]:
    """Indices of two images of every class, ordered by class, to be watched while a network trains; always the same ones."""
    of_each = [sample_indices(split, PROBES_PER_CLASS, seed=0, class_index=label) for label in range(len(split.class_names))]
    return np.concatenate(of_each)
