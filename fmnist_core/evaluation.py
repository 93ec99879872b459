"""How good a network is: logits → `Evaluation`."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fmnist_core.config import TestViews
from fmnist_core.data import CLASS_NAMES, SIDE_PX, Split
from fmnist_core.model import FashionCNN, computing_in, lay_out, testing

# Of processor time 10,000 images took 0.35 s in bfloat16 and 0.76 in float32; in passes of 500, which leave the cache, 0.75 and 1.22.
_IMAGES_PER_PASS = 200


@dataclass(frozen=True, eq=False)
class Evaluation:
    """What a network answered for labelled images.

    Attributes:
        labels: (N,) the true classes.
        probabilities: (N, 10) float32; rows sum to 1.
        loss: mean cross-entropy in nats.
        class_names: names of the ten classes.
    """

    labels: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    loss: float
    class_names: tuple[str, ...] = CLASS_NAMES

    @cached_property
    def predictions(self) -> NDArray[np.int64]:
        """(N,) the most probable class of each image."""
        return self.probabilities.argmax(axis=1)

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """(10, 10) counts; rows are true classes, columns predicted ones."""
        classes = len(self.class_names)
        return np.bincount(self.labels.astype(np.int64) * classes + self.predictions, minlength=classes**2).reshape(classes, classes)

    @property
    def accuracy(self) -> float:
        """Share of images answered right, 0 to 1."""
        return float(np.mean(self.predictions == self.labels))

    @property
    def support(self) -> NDArray[np.int64]:
        """(10,) number of images of each true class."""
        return self.confusion.sum(axis=1)

    @property
    def precision(self) -> NDArray[np.float64]:
        """(10,) of the images answered so, the share that is so; NaN where nothing was answered so."""
        return _share(np.diag(self.confusion), self.confusion.sum(axis=0))

    @property
    def recall(self) -> NDArray[np.float64]:
        """(10,) of the images of a class, the share answered right; NaN for a class without images."""
        return _share(np.diag(self.confusion), self.support)

    @property
    def f1(self) -> NDArray[np.float64]:
        """(10,) harmonic mean of precision and recall, 2·TP / (2·TP + FP + FN); NaN for a class neither there nor answered."""
        return _share(2 * np.diag(self.confusion), self.confusion.sum(axis=0) + self.support)

    @property
    def row_percent(self) -> NDArray[np.float64]:
        """(10, 10) the confusion matrix in percent of each true class; NaN rows for classes without images."""
        return 100 * _share(self.confusion, self.support[:, np.newaxis])

    def images_in_cell(self, true: int, predicted: int) -> NDArray[np.int64]:
        """Indices of the images in one cell of the confusion matrix, the most confident answer first."""
        found = np.flatnonzero((self.labels == true) & (self.predictions == predicted))
        return found[np.argsort(-self.probabilities[found, predicted], kind="stable")]

    def worst_confusions(self, count: int) -> list[tuple[int, int]]:
        """The cells off the diagonal with most images, as (true, predicted), the fullest first; empty cells are left out."""
        mistakes = self.confusion.copy()
        np.fill_diagonal(mistakes, 0)
        fullest = np.argsort(-mistakes, axis=None, kind="stable")[:count]
        cells = [divmod(int(place), len(self.class_names)) for place in fullest]
        return [cell for cell in cells if mistakes[cell]]

    def to_json(self) -> dict[str, Any]:
        """Accuracy, loss, confusion matrix and the figures per class, for `json.dump`; NaN becomes None."""
        per_class = zip(self.class_names, self.precision, self.recall, self.f1, self.support, strict=True)
        return {
            "images": len(self.labels),
            "accuracy": self.accuracy,
            "loss": self.loss,
            "confusion": self.confusion.tolist(),
            "per_class": [
                {"class": name, "precision": _or_none(p), "recall": _or_none(r), "f1": _or_none(f), "images": int(n)}
                for name, p, r, f, n in per_class
            ],
        }


def compute_logits(model: FashionCNN, images: NDArray[np.uint8] | Tensor, precision: str = "float32") -> Tensor:
    """The network's raw outputs; the model is left as it was.

    Args:
        images: (N, 28, 28) uint8.
        precision: "bfloat16" is for a quick look while a network trains in it: of 10,000 test images one or two turn.
    Returns:
        (N, 10) float32 on the CPU.
    """
    if not len(images):
        return torch.empty(0, len(CLASS_NAMES))
    parts = torch.as_tensor(images).split(_IMAGES_PER_PASS)
    with testing(model), computing_in(precision, model.fc.weight.device):
        return torch.cat([model(lay_out(model.as_inputs(part), precision)).float().cpu() for part in parts])


def predict(model: FashionCNN, images: NDArray[np.uint8] | Tensor, precision: str = "float32") -> NDArray[np.float32]:
    """Class probabilities of pictures; the model's mode is left as it was.

    Args:
        images: (N, 28, 28) uint8, as `imaging.prepare` or `data.load_split` give them.
        precision: as in `compute_logits`.
    Returns:
        (N, 10) float32; rows sum to 1.
    Raises:
        ValueError: if images have any other shape or type.
    """
    return functional.softmax(compute_logits(model, images, precision), dim=1).numpy()


def answer(model: FashionCNN, views: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Class probabilities (10,) of one item seen in several ways: the mean over its views.

    Args:
        views: (V, 28, 28) uint8, as `imaging.Preparation.views`. Four views instead of one raised the balanced accuracy on 400
            photographs from 0.65 to 0.69.
    """
    mean: NDArray[np.float32] = predict(model, views).mean(axis=0)
    return mean


def evaluate(model: FashionCNN, split: Split, *, views: TestViews = "one", precision: str = "float32") -> Evaluation:
    """The network's answers to every image of a split.

    Args:
        views: how each image is looked at; the probabilities are the mean over all looks.
        precision: as in `compute_logits`.
    """
    if views == "one":
        logits = compute_logits(model, split.images, precision)
        probabilities = functional.softmax(logits, dim=1)
    else:
        looks = [predict(model, images, precision) for images in _look_around(split.images, shifted=views == "mirrored-and-shifted")]
        probabilities = torch.from_numpy(np.mean(looks, axis=0))
        logits = probabilities.log()
    loss = functional.cross_entropy(logits, torch.as_tensor(split.labels).long()).item()
    return Evaluation(split.labels, probabilities.numpy(), loss, split.class_names)


def _look_around(images: NDArray[np.uint8], *, shifted: bool) -> Iterator[NDArray[np.uint8]]:
    """Images (N, 28, 28) as they are and mirrored, and both also a pixel further up, down, left and right: 2 or 10 times (N, 28, 28)."""
    framed = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    for down, right in ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2)) if shifted else ((1, 1),):
        seen = framed[:, down : down + SIDE_PX, right : right + SIDE_PX]
        yield np.ascontiguousarray(seen)
        yield np.ascontiguousarray(seen[:, :, ::-1])


def _share(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    whole = np.broadcast_to(whole, part.shape)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
