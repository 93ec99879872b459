"""Evaluation: how good a network is on labelled images. `prediction.evaluate` makes one."""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_core.dataset.classes import CLASS_NAMES


@dataclass(frozen=True, eq=False)
class Evaluation:
    """A network's answers to labelled images, and the figures that follow from them.

    Attributes:
        labels: (N,) the true classes.
        probabilities: (N, 10) float32; rows sum to 1.
        loss: mean cross-entropy in nats.
        class_names: names of the ten classes.
        split_digest: which images these are, see `Split.digest`; "" if that is not known.
        kept_predictions: (N,) the predictions, if the probabilities have been rounded since; None to read them from the probabilities.
    """

    labels: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    loss: float
    class_names: tuple[str, ...] = CLASS_NAMES
    split_digest: str = ""
    kept_predictions: NDArray[np.uint8] | None = None

    @cached_property
    def predictions(self) -> NDArray[np.uint8]:
        """(N,) the most probable class of each image."""
        return self.probabilities.argmax(axis=1).astype(np.uint8) if self.kept_predictions is None else self.kept_predictions

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """(10, 10) counts; rows are true classes, columns predicted ones."""
        classes = len(self.class_names)
        return np.bincount(self.labels.astype(np.int64) * classes + self.predictions, minlength=classes**2).reshape(classes, classes)

    @property
    def accuracy(self) -> float:
        """Share of images classified correctly, 0 to 1."""
        return float(np.mean(self.predictions == self.labels))

    @property
    def support(self) -> NDArray[np.int64]:
        """(10,) number of images of each true class."""
        return self.confusion.sum(axis=1)

    @property
    def precision(self) -> NDArray[np.float64]:
        """(10,) of the images predicted as this class, the share that are; NaN if none was."""
        return _share(np.diag(self.confusion), self.confusion.sum(axis=0))

    @property
    def recall(self) -> NDArray[np.float64]:
        """(10,) of the images of this class, the share classified correctly; NaN for a class without images."""
        return _share(np.diag(self.confusion), self.support)

    @property
    def f1(self) -> NDArray[np.float64]:
        """(10,) harmonic mean of precision and recall, 2·TP / (2·TP + FP + FN); NaN for a class neither present nor predicted."""
        return _share(2 * np.diag(self.confusion), self.confusion.sum(axis=0) + self.support)

    @property
    def row_percent(self) -> NDArray[np.float64]:
        """(10, 10) the confusion matrix in percent of each true class; NaN rows for classes without images."""
        return 100 * _share(self.confusion, self.support[:, np.newaxis])

    def images_in_cell(self, true: int, predicted: int) -> NDArray[np.int64]:
        """Indices of the images in one cell of the confusion matrix, the most confident prediction first."""
        found = np.flatnonzero((self.labels == true) & (self.predictions == predicted))
        return found[np.argsort(-self.probabilities[found, predicted], kind="stable")]

    def worst_confusions(self, count: int) -> list[tuple[int, int]]:
        """The cells off the diagonal with the most images, as (true, predicted), the fullest first, without empty cells."""
        mistakes = self.confusion.copy()
        np.fill_diagonal(mistakes, 0)
        fullest = np.argsort(-mistakes, axis=None, kind="stable")[:count]
        cells = [divmod(int(index), len(self.class_names)) for index in fullest]
        return [cell for cell in cells if mistakes[cell]]

    @property
    def hardest_class(self) -> int | None:
        """Index of the class with the lowest F1; None if there are no images."""
        return None if np.isnan(self.f1).all() else int(np.nanargmin(self.f1))

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


def _share(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    whole = np.broadcast_to(whole, part.shape)
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
