import json
import math

import numpy as np
import pytest
import torch

from fmnist_core.dataset.split import Split
from fmnist_core.evaluation.evaluation import Evaluation
from fmnist_core.evaluation.prediction import compute_logits, evaluate, predict
from fmnist_core.network.inputs import normalise
from fmnist_core.network.model import FashionCNN
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.state import draw_network

# Six images of three classes: class 0 is answered 0, 0, 1; class 1 is answered 1, 2; class 2 is answered 2.
LABELS = np.array([0, 0, 0, 1, 1, 2], np.uint8)
PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.5, 0.3, 0.2], [0.2, 0.7, 0.1], [0.1, 0.9, 0.0], [0.1, 0.3, 0.6], [0.0, 0.1, 0.9]], np.float32)


@pytest.fixture
def by_hand() -> Evaluation:
    return Evaluation(LABELS, PROBABILITIES, loss=0.5, class_names=("a", "b", "c"))


def test_confusion_matrix_by_hand(by_hand: Evaluation) -> None:
    assert by_hand.confusion.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert by_hand.accuracy == pytest.approx(4 / 6)
    assert by_hand.support.tolist() == [3, 2, 1]


def test_figures_per_class_by_hand(by_hand: Evaluation) -> None:
    np.testing.assert_allclose(by_hand.precision, [1, 1 / 2, 1 / 2])
    np.testing.assert_allclose(by_hand.recall, [2 / 3, 1 / 2, 1])
    np.testing.assert_allclose(by_hand.f1, [4 / 5, 1 / 2, 2 / 3])
    np.testing.assert_allclose(by_hand.row_percent[0], [200 / 3, 100 / 3, 0])


def test_a_class_never_seen_or_answered_has_no_figure() -> None:
    evaluation = Evaluation(np.array([0], np.uint8), np.array([[0.9, 0.1, 0.0]], np.float32), 0.1, ("a", "b", "c"))
    assert math.isnan(evaluation.precision[1])
    assert math.isnan(evaluation.recall[2])
    assert math.isnan(evaluation.f1[1])
    assert np.isnan(evaluation.row_percent[1]).all()
    assert evaluation.to_json()["per_class"][1] == {"class": "b", "precision": None, "recall": None, "f1": None, "images": 0}
    json.dumps(evaluation.to_json(), allow_nan=False)


def test_images_of_a_cell_come_most_confident_first(by_hand: Evaluation) -> None:
    assert by_hand.images_in_cell(0, 0).tolist() == [0, 1]
    assert by_hand.images_in_cell(1, 2).tolist() == [4]
    assert by_hand.images_in_cell(2, 0).tolist() == []


def test_worst_confusions_come_fullest_first_without_the_diagonal_or_empty_cells() -> None:
    # Three mistakes 0 → 2, two 2 → 1, none else; class 0 is answered right nine times.
    labels = np.repeat([0, 0, 2, 2], [9, 3, 2, 4]).astype(np.uint8)
    answers = np.repeat([0, 2, 1, 2], [9, 3, 2, 4])
    evaluation = Evaluation(labels, np.eye(3, dtype=np.float32)[answers], 0.1, ("a", "b", "c"))
    assert evaluation.worst_confusions(10) == [(0, 2), (2, 1)]
    assert evaluation.worst_confusions(1) == [(0, 2)]
    assert evaluation.confusion[0, 0] == 9  # the matrix itself is left as it was


def test_evaluate_counts_what_the_network_answers(small_splits: tuple[Split, Split]) -> None:
    model = draw_network(TrainConfig())
    test = small_splits[1]
    evaluation = evaluate(model, test)
    model.eval()
    logits = model(normalise(test.images))
    np.testing.assert_array_equal(evaluation.predictions, logits.argmax(dim=1).numpy())
    assert evaluation.loss == pytest.approx(torch.nn.functional.cross_entropy(logits, torch.as_tensor(test.labels).long()).item(), rel=1e-5)
    assert evaluation.confusion.sum() == len(test)


@pytest.mark.parametrize("training", [True, False])
def test_the_models_mode_and_statistics_are_left_alone(training: bool, small_splits: tuple[Split, Split]) -> None:
    model = FashionCNN().train(training)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    probabilities = predict(model, small_splits[1].images[:5])
    assert model.training is training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)


def test_no_images_give_no_logits() -> None:
    assert compute_logits(FashionCNN(), np.zeros((0, 28, 28), np.uint8)).shape == (0, 10)


@pytest.mark.parametrize("images", [np.zeros((1, 1, 28, 28), np.uint8), np.zeros((2, 28, 27), np.uint8), np.zeros((2, 28, 28), np.float32)])
def test_other_shapes_and_types_are_refused(images: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"must be uint8 images \(N, 28, 28\)"):
        predict(FashionCNN(), images)


def test_probabilities_are_means_over_all_views(small_splits: tuple[Split, Split]) -> None:
    model = draw_network(TrainConfig())
    test = small_splits[1]
    framed = np.pad(test.images, ((0, 0), (1, 1), (1, 1)))
    moved = [framed[:, 1 + y : 29 + y, 1 + x : 29 + x] for y, x in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1))]
    of_each_view = [predict(model, np.ascontiguousarray(images[:, :, ::turn])) for images in moved for turn in (1, -1)]
    for views, number in (("one", 1), ("mirrored", 2), ("mirrored-and-shifted", 10)):
        evaluation = evaluate(model, test, views=views)  # type: ignore[arg-type]
        expected = np.mean(of_each_view[:number], axis=0)
        np.testing.assert_allclose(evaluation.probabilities, expected, rtol=1e-4)
        own = expected[np.arange(len(test)), test.labels]
        assert evaluation.loss == pytest.approx(float(-np.log(own).mean()), rel=1e-4)


def test_a_quick_look_in_bfloat16_is_nearly_the_same(small_splits: tuple[Split, Split]) -> None:
    model = draw_network(TrainConfig())
    exact, quick = (predict(model, small_splits[1].images, precision) for precision in ("float32", "bfloat16"))
    assert not np.array_equal(exact, quick)
    np.testing.assert_allclose(quick, exact, atol=0.02)
