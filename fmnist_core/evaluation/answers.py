"""Answers: a network's answers to a whole split in 21 bytes per image, to be kept in files and in memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fmnist_core.dataset.split import Split
from fmnist_core.evaluation.evaluation import Evaluation
from fmnist_core.settings.config import TestViews

_LEAST = 1e-30  # probabilities below it are kept as this; the logarithm of 0 is not finite


@dataclass(frozen=True, eq=False)
class Answers:
    """A network's answers to a split.

    Logarithms, because half precision keeps those of 99.99 % and 99.999 % apart, but not the probabilities: the most confident
    predictions stay in their order. Predictions are kept too, because rounded probabilities can be equal.

    Attributes:
        log_probabilities: (N, 10) float16.
        predictions: (N,) uint8.
        loss: mean cross-entropy in nats.
        views: the views of each image that the probabilities were averaged over.
        split_digest: which images these are, see `Split.digest`.
    """

    log_probabilities: NDArray[np.float16]
    predictions: NDArray[np.uint8]
    loss: float
    views: TestViews
    split_digest: str

    @staticmethod
    def of(evaluation: Evaluation, views: TestViews = "one") -> "Answers":
        logs = np.log(np.maximum(evaluation.probabilities, _LEAST)).astype(np.float16)
        return Answers(logs, evaluation.predictions, evaluation.loss, views, evaluation.split_digest)

    def evaluation(self, split: Split) -> Evaluation:
        """The evaluation that these were made of, its probabilities rounded by at most 0.02 %; `split` must be the one it is about."""
        probabilities = np.exp(self.log_probabilities, dtype=np.float32)
        return Evaluation(split.labels, probabilities, self.loss, split.class_names, self.split_digest, self.predictions)

    @property
    def nbytes(self) -> int:
        return self.log_probabilities.nbytes + self.predictions.nbytes
