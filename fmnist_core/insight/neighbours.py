"""The training images that a network sees as most alike."""

import numpy as np
from numpy.typing import NDArray

from fmnist_core.dataset.split import Split
from fmnist_core.evaluation.prediction import eval_mode
from fmnist_core.network.fast import fast_features
from fmnist_core.network.inputs import to_inputs
from fmnist_core.network.model import FashionCNN

SEARCHED = 20_000  # images: 3 s of features on two cores; all 60,000 took 9
_DIMENSIONS = 64
_IMAGES_PER_PASS = 500


class Neighbours:
    """Finds the training images that a network sees as most alike, among 20,000 spread over the split.

    Alike is a small angle between the 1,568 numbers after the second block, of which 64 principal components are kept:
    3 MB instead of 125.
    """

    def __init__(self, model: FashionCNN, split: Split) -> None:
        sample = _features(model, split.images[:: max(1, len(split) // 5_000)])
        self._mean = sample.mean(axis=0)
        centred = sample - self._mean
        _, axes = np.linalg.eigh(centred.T @ centred)  # the last ones belong to the largest eigenvalues
        self._axes = axes[:, -_DIMENSIONS:]
        self._every = max(1, len(split) // SEARCHED)
        looked_at = split.images[:: self._every]
        passes = np.split(looked_at, range(_IMAGES_PER_PASS, len(looked_at), _IMAGES_PER_PASS))
        self._places = np.concatenate([self._place(_features(model, images)).astype(np.float16) for images in passes])

    def nearest(self, model: FashionCNN, image: NDArray[np.uint8], count: int = 5) -> NDArray[np.int64]:
        """Indices (count,) into the split, the nearest first.

        Args:
            model: the one it was made with.
            image: (28, 28) uint8.
        """
        likeness = self._places @ self._place(_features(model, image[np.newaxis]))[0].astype(np.float16)
        return self._every * np.argsort(-likeness.astype(np.float32), kind="stable")[:count]

    def _place(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(N, 64) of length 1."""
        placed = (features - self._mean) @ self._axes
        unit: NDArray[np.float32] = placed / np.maximum(np.linalg.norm(placed, axis=1, keepdims=True), 1e-6)
        return unit


def _features(model: FashionCNN, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, 1568) after the second block; the model's mode is left as it was."""
    with eval_mode(model):
        passes = np.split(images, range(_IMAGES_PER_PASS, len(images), _IMAGES_PER_PASS))
        return np.concatenate([fast_features(model, to_inputs(model, part)).cpu().numpy() for part in passes])
