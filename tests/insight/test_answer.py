import numpy as np
import pytest

from fmnist_core.dataset.split import Split
from fmnist_core.evaluation.prediction import compute_logits, predict
from fmnist_core.insight.answer import Answer, answer_picture
from fmnist_core.insight.familiarity import Familiarity, energies
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.state import draw_network


def test_an_answer_is_the_mean_over_all_views(small_splits: tuple[Split, Split]) -> None:
    model = draw_network(TrainConfig()).eval()
    views = small_splits[1].images[:4]
    answer = answer_picture(model, views)
    np.testing.assert_allclose(answer.probabilities, predict(model, views).mean(axis=0), rtol=1e-6)
    assert answer.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert answer.views == 4
    assert answer.unfamiliarity == pytest.approx(max(energies(compute_logits(model, views))))


def test_the_two_most_probable_classes() -> None:
    probabilities = np.array([0.1, 0.3, 0.05, 0.3, 0.25, 0, 0, 0, 0, 0], np.float32)
    answer = Answer(probabilities)
    assert (answer.first, answer.second) == (1, 3), "equally probable classes keep their order"


@pytest.mark.parametrize(
    ("score", "level"),
    [(-4.1, "familiar"), (-4.0, "familiar"), (-3.9, "unusual"), (-2.5, "unusual"), (-2.4, "unlike"), (None, "familiar")],
)
def test_a_picture_is_unusual_above_one_threshold_and_unlike_the_training_images_above_another(score: float | None, level: str) -> None:
    answer = Answer(np.full(10, 0.1, np.float32), unfamiliarity=score)
    assert answer.level(Familiarity(unusual=-4.0, unlike=-2.5, false_alarm_rate=0.04)) == level
