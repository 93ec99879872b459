"""How much a picture is like the training images: a score for what is unlike all of them, and the ones most like it."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from fmnist_core.data import Split
from fmnist_core.network.fast import fast_features
from fmnist_core.network.inputs import to_inputs
from fmnist_core.network.model import FashionCNN
from fmnist_core.prediction import compute_logits, eval_mode

# Of the scores tried on 400 photographs (hats, shorts and skirts against seven kinds the network knows), the area under the
# ROC curve was 0.77 for this one, 0.54 for the highest probability, 0.75 for the highest logit, 0.65 for Mahalanobis
# distance and 0.59 for the distance to the nearest training images.
_TEMPERATURE = 2.0
_QUANTILE = 0.99  # of the training images that count as familiar
_SAMPLE = 5_000
_LOOKED_AT = 20_000  # 3 s of features on two cores; all 60,000 took 9
_DIMENSIONS = 64
_PASS = 500


@dataclass(frozen=True)
class Familiarity:
    """Where "unlike anything I was trained on" begins for one network.

    Attributes:
        threshold: the score that 99 % of a sample of training images do not reach.
        false_alarm_rate: the share of the test images that do, measured.
    """

    threshold: float
    false_alarm_rate: float


def score_unfamiliarity(model: FashionCNN, views: NDArray[np.uint8]) -> float:
    """How little the network's ten outputs respond to an item; the higher, the less it is like what the network was trained on.

    It is the energy score (Liu et al. 2020, https://arxiv.org/abs/2010.03759), minus the logarithm of the sum of
    exponentials of the logits, at temperature 2, and the highest over the views.

    Args:
        views: (V, 28, 28) uint8, as `imaging.Preparation.views`.
    """
    return float(_energies(model, views).max())


def fit_familiarity(model: FashionCNN, train_split: Split, test_split: Split) -> Familiarity:
    """The threshold, from 5,000 training images spread over the split, and its false-alarm rate on all test images."""
    every = max(1, len(train_split) // _SAMPLE)
    threshold = float(np.quantile(_energies(model, train_split.images[::every]), _QUANTILE))
    return Familiarity(threshold, float((_energies(model, test_split.images) > threshold).mean()))


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
        self._every = max(1, len(split) // _LOOKED_AT)
        looked_at = split.images[:: self._every]
        passes = np.split(looked_at, range(_PASS, len(looked_at), _PASS))
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


def _energies(model: FashionCNN, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    logits = compute_logits(model, images)
    return (-_TEMPERATURE * torch.logsumexp(logits / _TEMPERATURE, dim=1)).numpy()


def _features(model: FashionCNN, images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(N, 1568) after the second block; the model's mode is left as it was."""
    with eval_mode(model):
        passes = np.split(images, range(_PASS, len(images), _PASS))
        return np.concatenate([fast_features(model, to_inputs(model, part)).cpu().numpy() for part in passes])
