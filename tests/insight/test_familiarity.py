import numpy as np
import pytest
import torch

from fmnist_core.dataset.idx import PACKAGED_FOLDER
from fmnist_core.dataset.split import Split, load_split
from fmnist_core.evaluation.prediction import compute_logits
from fmnist_core.evaluation.steps import finish
from fmnist_core.insight.familiarity import STARTER_RATES, WrongAnswers, energies, fit_thresholds
from fmnist_core.insight.likeness import fit_likeness
from fmnist_core.network.model import FashionCNN
from fmnist_core.pictures.kinds import KINDS
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


def test_the_thresholds_by_hand() -> None:
    """Of the scores 0 to 999, 96 % are below 959.04 and 99.5 % below 994.005; of the test scores, one in four is above the first."""
    familiarity = fit_thresholds(np.arange(1000, dtype=np.float32), np.array([0, 500, 959, 960], np.float32))
    assert (familiarity.unusual, familiarity.unlike) == pytest.approx((959.04, 994.005))
    assert familiarity.false_alarm_rate == 0.25


def test_infinite_scores_give_no_thresholds() -> None:
    with pytest.raises(ValueError, match="too large"):
        fit_thresholds(np.zeros(3, np.float32), np.array([0, np.inf], np.float32))


@pytest.mark.parametrize(("wrong", "of", "in_ten"), [(1, 4, 3), (10, 40, 3), (23, 185, 1), (0, 9, 0), (3, 3, 10), (14, 100, 1)])
def test_a_share_in_tenths_is_rounded_up_from_the_middle(wrong: int, of: int, in_ten: int) -> None:
    assert WrongAnswers(wrong, of).in_ten == in_ten


def test_more_of_the_starters_answers_are_wrong_at_each_level() -> None:
    assert STARTER_RATES.keys() == set(KINDS)
    for rates in STARTER_RATES.values():
        assert list(rates) == ["familiar", "unusual", "unlike"]
        shares = [rate.wrong / rate.of for rate in rates.values()]
        assert shares == sorted(set(shares))
        assert len({rate.in_ten for rate in rates.values()}) == 3, "a warning that tells nothing is none"


def test_the_thresholds_and_their_false_alarms(starter: FashionCNN) -> None:
    train, test = (load_split(name, PACKAGED_FOLDER) for name in ("train", "test"))
    few = Split("test", test.images[:2000], test.labels[:2000])
    familiarity = finish(fit_likeness(starter, Split("train", train.images[:5000], train.labels[:5000]), few)).familiarity
    scores = energies(compute_logits(starter, few.images[:300]))
    assert 0.02 < familiarity.false_alarm_rate < 0.07
    assert (scores > familiarity.unusual).mean() < 0.1
    assert (scores > familiarity.unlike).mean() < 0.02
    random = np.random.default_rng(0)
    blots = np.kron(random.integers(0, 256, (60, 7, 7), np.uint8), np.ones((4, 4), np.uint8))
    assert (energies(compute_logits(starter, blots)) > familiarity.unusual).mean() > 0.25


def test_neighbours_look_alike(starter: FashionCNN) -> None:
    split = load_split("train", PACKAGED_FOLDER)
    few = Split("train", split.images[:3000], split.labels[:3000])
    test = load_split("test", PACKAGED_FOLDER)
    neighbours = finish(fit_likeness(starter, few, Split("test", test.images[:200], test.labels[:200]))).neighbours
    assert [int(neighbours.nearest(starter, few, few.images[i], 1)[0]) for i in (0, 7, 1234)] == [0, 7, 1234]
    nearest = [few.labels[neighbours.nearest(starter, few, image)] for image in test.images[:100]]
    assert np.mean([(labels == label).mean() for labels, label in zip(nearest, test.labels, strict=False)]) > 0.7
