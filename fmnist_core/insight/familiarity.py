"""Whether a picture is unlike what a network was trained on: a score, two thresholds for it, and what they are worth."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fmnist_core.pictures.kinds import DRAWING, PHOTO, READY

# Of the scores tried on 400 photographs (hats, shorts and skirts against seven kinds the network knows), the area under the
# ROC curve was 0.77 for this one, 0.54 for the highest probability, 0.75 for the highest logit, 0.65 for Mahalanobis
# distance and 0.59 for the distance to the nearest training images.
_TEMPERATURE = 2.0
# The shares of training images with lower scores, at which "unusual" and "unlike" begin. For photographs, these two steps divide the
# scores where the share of wrong answers rises; 0.99 and 0.995 did not: between them, fewer answers were wrong than below.
UNUSUAL_QUANTILE, UNLIKE_QUANTILE = 0.96, 0.995

Level = Literal["familiar", "unusual", "unlike"]


@dataclass(frozen=True)
class Familiarity:
    """Where "unusual for it" and "unlike what it was trained on" begin for one network.

    Attributes:
        unusual: the score that 96 % of the searched training images stay below.
        unlike: the score that 99.5 % of them stay below.
        false_alarm_rate: the measured share of test images above `unusual`.
    """

    unusual: float
    unlike: float
    false_alarm_rate: float

    def level(self, score: float | None) -> Level:
        """How familiar a picture with this score is; without a score, as familiar as the training images."""
        if score is None or score <= self.unusual:
            return "familiar"
        return "unlike" if score > self.unlike else "unusual"


@dataclass(frozen=True)
class WrongAnswers:
    """How many of the answers to pictures of one level were wrong."""

    wrong: int
    of: int

    @property
    def in_ten(self) -> int:
        """The share of wrong answers in tenths, rounded."""
        return math.floor(10 * self.wrong / self.of + 0.5)


# How often the starter model was wrong about things that it knows, by kind of picture and level: measured by
# `python -m tests.benchmarks.unfamiliarity` on 412 photographs (279 from phones, 77 from shops, 38 of people who wear the item, 18 that
# people had tried on such networks), 149 drawings (80 sketches by people, 69 icons and others in lines), and the 10,000 test images.
STARTER_RATES: dict[str, dict[Level, WrongAnswers]] = {
    PHOTO: {"familiar": WrongAnswers(23, 185), "unusual": WrongAnswers(64, 160), "unlike": WrongAnswers(41, 67)},
    DRAWING: {"familiar": WrongAnswers(10, 71), "unusual": WrongAnswers(10, 40), "unlike": WrongAnswers(14, 38)},
    READY: {"familiar": WrongAnswers(702, 9564), "unusual": WrongAnswers(126, 391), "unlike": WrongAnswers(22, 45)},
}


def fit_thresholds(train_energies: NDArray[np.float32], test_energies: NDArray[np.float32]) -> Familiarity:
    """Sets the thresholds on the scores of training images, and measures the false alarms on those of test images.

    Raises:
        ValueError: if a score is no finite number, as with weights that make the arithmetic overflow.
    """
    if not (np.isfinite(train_energies).all() and np.isfinite(test_energies).all()):
        raise ValueError("This network's outputs are too large to be told apart.")
    unusual, unlike = (float(np.quantile(train_energies, quantile)) for quantile in (UNUSUAL_QUANTILE, UNLIKE_QUANTILE))
    return Familiarity(unusual, unlike, float((test_energies > unusual).mean()))


def energies(logits: Tensor) -> NDArray[np.float32]:
    """How little the network's ten outputs respond; the higher, the less an image resembles what the network was trained on.

    This is the energy score (Liu et al. 2020, https://arxiv.org/abs/2010.03759), minus the logarithm of the sum of
    exponentials of the logits, at temperature 2.

    Args:
        logits: (N, 10).
    Returns:
        (N,), in nats times the temperature.
    """
    return (-_TEMPERATURE * torch.logsumexp(logits / _TEMPERATURE, dim=1)).numpy()
