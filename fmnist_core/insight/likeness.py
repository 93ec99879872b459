"""What a network has learned to find alike: one pass over the training and the test images, from which single pictures are judged."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from fmnist_core.dataset.split import Split
from fmnist_core.evaluation.prediction import eval_mode
from fmnist_core.evaluation.steps import Steps
from fmnist_core.insight.familiarity import Familiarity, energies, fit_thresholds
from fmnist_core.insight.neighbours import SEARCHED, Neighbours, compute_features, principal_axes, to_directions
from fmnist_core.network.devices import pick_precision
from fmnist_core.network.model import FashionCNN

_IMAGES_PER_PASS = 200
_SAMPLE_EVERY = 10  # 2,000 of the searched images are enough for their mean and axes


@dataclass(frozen=True, eq=False)
class Likeness:
    """Which pictures a network has not seen the like of, and which training images are most similar to one."""

    familiarity: Familiarity
    neighbours: Neighbours


def fit_likeness(model: FashionCNN, train_split: Split, test_split: Split) -> Steps[Likeness]:
    """Goes over 20,000 training images and all test images, yields the share done after each pass of 200, and returns the result.

    It computes in bfloat16 where the processor can. That took 0.6 s on one thread, and 1.2 s in float32.

    Raises:
        ValueError: if the network's outputs are no finite numbers.
    """
    every = max(1, len(train_split) // SEARCHED)
    searched = train_split.images[::every]
    passes = _Passes(model, len(searched) + len(test_split))
    sample = np.concatenate([features for features, _ in passes.over(searched[::_SAMPLE_EVERY])])
    mean = sample.mean(axis=0)
    axes = principal_axes(sample - mean)
    directions, train_energies, test_energies = [], [], []
    for features, scores in passes.over(searched):
        directions.append(to_directions(features - mean, axes))
        train_energies.append(scores)
        yield passes.share
    for _, scores in passes.over(test_split.images):
        test_energies.append(scores)
        yield passes.share
    familiarity = fit_thresholds(np.concatenate(train_energies), np.concatenate(test_energies))
    return Likeness(familiarity, Neighbours(every, mean, axes.astype(np.float16), np.concatenate(directions)))


class _Passes:
    """Features and scores of images, 200 at a time; counts how many of a number of images it has been over."""

    def __init__(self, model: FashionCNN, total: int) -> None:
        self._model, self._total, self._done = model, total, 0
        self._precision = pick_precision("auto", model.fc.weight.device)

    def over(self, images: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """The features (n, 1568) and energy scores (n,) of each pass."""
        for first in range(0, len(images), _IMAGES_PER_PASS):
            part = images[first : first + _IMAGES_PER_PASS]
            features = compute_features(self._model, part, self._precision)
            with eval_mode(self._model):
                logits = self._model.fc(torch.from_numpy(features).to(self._model.fc.weight.device)).cpu()
            self._done += len(part)
            yield features, energies(logits)

    @property
    def share(self) -> float:
        return min(1.0, self._done / self._total)
