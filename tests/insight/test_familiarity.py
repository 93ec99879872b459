import numpy as np
import pytest
import torch

from fmnist_core.dataset.idx import PACKAGED_FOLDER
from fmnist_core.dataset.split import Split, load_split
from fmnist_core.evaluation.prediction import compute_logits
from fmnist_core.evaluation.steps import finish
from fmnist_core.insight.familiarity import energies
from fmnist_core.insight.likeness import fit_likeness
from fmnist_core.network.model import FashionCNN
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import load_run
from fmnist_core.runs.weights import load_model


@pytest.fixture(scope="module")
def starter() -> FashionCNN:
    return load_model(load_run(STARTER_ID))


def test_the_score_by_hand() -> None:
    """With ten logits of 0 the score is −2 · ln 10; with one large logit it is about minus that logit."""
    logits = torch.zeros(2, 10)
    logits[1, 3] = 20.0
    assert energies(logits) == pytest.approx([-2 * np.log(10), -20], abs=0.01)


def test_the_threshold_and_its_false_alarms(starter: FashionCNN) -> None:
    train, test = (load_split(name, PACKAGED_FOLDER) for name in ("train", "test"))
    few = Split("test", test.images[:2000], test.labels[:2000])
    familiarity = finish(fit_likeness(starter, Split("train", train.images[:5000], train.labels[:5000]), few)).familiarity
    scores = energies(compute_logits(starter, few.images[:300]))
    assert 0 < familiarity.false_alarm_rate < 0.03
    assert (scores > familiarity.threshold).mean() < 0.05
    random = np.random.default_rng(0)
    blots = np.kron(random.integers(0, 256, (60, 7, 7), np.uint8), np.ones((4, 4), np.uint8))
    assert (energies(compute_logits(starter, blots)) > familiarity.threshold).mean() > 0.25


def test_neighbours_look_alike(starter: FashionCNN) -> None:
    split = load_split("train", PACKAGED_FOLDER)
    few = Split("train", split.images[:3000], split.labels[:3000])
    test = load_split("test", PACKAGED_FOLDER)
    neighbours = finish(fit_likeness(starter, few, Split("test", test.images[:200], test.labels[:200]))).neighbours
    assert [int(neighbours.nearest(starter, few, few.images[i], 1)[0]) for i in (0, 7, 1234)] == [0, 7, 1234]
    nearest = [few.labels[neighbours.nearest(starter, few, image)] for image in test.images[:100]]
    assert np.mean([(labels == label).mean() for labels, label in zip(nearest, test.labels, strict=False)]) > 0.7
