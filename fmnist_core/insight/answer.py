"""A network's answer to one picture, the same for the page, its tables and the command line."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch.nn import functional

from fmnist_core.evaluation.prediction import compute_logits
from fmnist_core.insight.familiarity import Familiarity, Level, energies
from fmnist_core.network.model import FashionCNN


@dataclass(frozen=True, eq=False)
class Answer:
    """A network's answer to one picture.

    Attributes:
        probabilities: (10,) float32, the mean over the views; they sum to 1.
        views: how many views of the picture were averaged.
        unfamiliarity: the highest energy score of the views, see `familiarity.energies`; None where only the probabilities are known.
    """

    probabilities: NDArray[np.float32]
    views: int = 1
    unfamiliarity: float | None = None

    @property
    def first(self) -> int:
        """The most probable class."""
        return self._ranking[0]

    @property
    def second(self) -> int:
        """The second most probable class."""
        return self._ranking[1]

    def level(self, familiarity: Familiarity) -> Level:
        """How familiar the picture is to the network."""
        return familiarity.level(self.unfamiliarity)

    @property
    def _ranking(self) -> list[int]:
        ranking: list[int] = np.argsort(-self.probabilities, kind="stable").tolist()
        return ranking


def answer_picture(model: FashionCNN, views: NDArray[np.uint8]) -> Answer:
    """The network's answer to one picture shown in several views.

    Args:
        views: (V, 28, 28) uint8, such as `Preparation.views`. Four views instead of one raised the balanced accuracy on 400
            photographs from 0.65 to 0.69.
    """
    logits = compute_logits(model, views)
    probabilities = functional.softmax(logits, dim=1).numpy().mean(axis=0)
    return Answer(probabilities, len(views), float(energies(logits).max()))
