"""Which images to show: random ones that the same seed repeats, and the mean image of each class."""

import numpy as np
from numpy.typing import NDArray

from fmnist_core.dataset.split import Split


def sample_indices(split: Split, count: int, seed: int, class_index: int | None = None) -> NDArray[np.int64]:
    """Indices of `count` different images, in random order; the same seed and class give the same images.

    Args:
        class_index: only images of this class; None for all.
    Returns:
        (n,) with n = count, or fewer where there are not enough images.
    """
    candidates = np.arange(len(split)) if class_index is None else np.flatnonzero(split.labels == class_index)
    return np.random.default_rng(seed).permutation(candidates)[:count]


def count_classes(split: Split) -> NDArray[np.int64]:
    """The number of images of each class, (10,)."""
    return np.bincount(split.labels, minlength=len(split.class_names))


def mean_images(split: Split) -> NDArray[np.uint8]:
    """The mean image of each class, (10, 28, 28) uint8; black for a class without images."""
    means = np.zeros((len(split.class_names), *split.images.shape[1:]), np.uint8)
    for class_index in np.unique(split.labels):
        means[class_index] = split.images[split.labels == class_index].mean(axis=0).round()
    return means
