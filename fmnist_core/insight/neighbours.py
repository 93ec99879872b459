"""The training images that look most similar to a network."""

import numpy as np
from numpy.typing import NDArray

from fmnist_core.dataset.split import Split
from fmnist_core.evaluation.prediction import eval_mode
from fmnist_core.network.fast import fast_features
from fmnist_core.network.inputs import to_inputs
from fmnist_core.network.model import FashionCNN

SEARCHED = 20_000  # images, whose features took 3 s on two cores; those of all 60,000 took 9 s
_DIMENSIONS = 64
_IMAGES_PER_PASS = 500


class Neighbours:
    """Finds the training images that look most similar to a network, among 20,000 spread over the split.

    Two images are similar if the angle between their 1,568 features, the outputs of the second block, is small. Only 64
    principal components are kept: 3 MB instead of 125.
    """

    def __init__(self, model: FashionCNN, split: Split) -> None:
        sample = _features(model, split.images[:: max(1, len(split) // 5_000)])
        self._mean = sample.mean(axis=0)
        centred = sample - self._mean
        _, axes = np.linalg.eigh(centred.T @ centred)  # sorted by eigenvalue, the largest last
        self._axes = axes[:, -_DIMENSIONS:]
        self._every = max(1, len(split) // SEARCHED)
        searched = split.images[:: self._every]
        passes = np.split(searched, range(_IMAGES_PER_PASS, len(searched), _IMAGES_PER_PASS))
        self._directions = np.concatenate([self._project(_features(model, images)).astype(np.float16) for images in passes])

    def nearest(self, model: FashionCNN, image: NDArray[np.uint8], count: int = 5) -> NDArray[np.int64]:
        """Indices (count,) into the split, the nearest first.

        Args:
            model: the model that this object was created with.
            image: (28, 28) uint8.
        """
        direction = self._project(_features(model, image[np.newaxis]))[0].astype(np.float16)
        similarity = (self._directions @ direction).astype(np.float32)
        return self._every * np.argsort(-similarity, kind="stable")[:count]

    def _project(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features (N, 1568) as directions (N, 64) of length 1."""
        projected = (features - self._mean) @ self._axes
        unit: NDArray[np.float32] = projected / np.maximum(np.linalg.norm(projected, axis=1, keepdims=True), 1e-6)
        return unit


def _features(model: FashionCNN, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The outputs of the second block, (N, 1568); the model's mode is left as it was."""
    with eval_mode(model):
        passes = np.split(images, range(_IMAGES_PER_PASS, len(images), _IMAGES_PER_PASS))
        return np.concatenate([fast_features(model, to_inputs(model, part)).cpu().numpy() for part in passes])
