import json
import math
from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.evaluation.evaluation import Evaluation

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
    # Three mistakes 0 → 2, two 2 → 1 and no others; class 0 is classified correctly nine times.
    labels = np.repeat([0, 0, 2, 2], [9, 3, 2, 4]).astype(np.uint8)
    answers = np.repeat([0, 2, 1, 2], [9, 3, 2, 4])
    evaluation = Evaluation(labels, np.eye(3, dtype=np.float32)[answers], 0.1, ("a", "b", "c"))
    assert evaluation.worst_confusions(10) == [(0, 2), (2, 1)]
    assert evaluation.worst_confusions(1) == [(0, 2)]
    assert evaluation.confusion[0, 0] == 9  # the matrix itself is left as it was


def answers(labels: list[int], predicted: list[int], names: tuple[str, ...] = ("a", "b", "c")) -> Evaluation:
    """An evaluation of answers that are certain."""
    return Evaluation(np.array(labels, np.uint8), np.eye(len(names), dtype=np.float32)[predicted], 0.1, names)


def test_the_most_confident_come_first_and_equal_ones_in_their_order() -> None:
    probabilities = np.array([[0.6, 0.4], [0.9, 0.1], [0.6, 0.4], [0.7, 0.3], [0.2, 0.8]], np.float32)
    evaluation = Evaluation(np.zeros(5, np.uint8), probabilities, 0.1, ("a", "b"))
    assert evaluation.images_in_cell(0, 0).tolist() == [1, 3, 0, 2]
    assert evaluation.images_in_cell(0, 1).tolist() == [4]


def test_equally_full_cells_come_in_the_order_of_the_matrix() -> None:
    evaluation = answers([2, 2, 0, 1, 1, 0, 1], [0, 0, 1, 0, 2, 1, 2])
    assert evaluation.worst_confusions(9) == [(0, 1), (1, 2), (2, 0), (1, 0)]
    assert evaluation.worst_confusions(3) == [(0, 1), (1, 2), (2, 0)]
    assert evaluation.worst_confusions(0) == []


def test_the_confusion_matrix_has_a_row_for_every_class_of_ten() -> None:
    evaluation = Evaluation(np.array([9, 0], np.uint8), np.eye(10, dtype=np.float32)[[8, 0]], 0.1)
    assert evaluation.class_names == CLASS_NAMES
    assert evaluation.confusion.shape == (10, 10)
    assert evaluation.confusion[9, 8] == evaluation.confusion[0, 0] == 1
    assert evaluation.confusion.sum() == 2


def test_the_hardest_class_has_the_lowest_f1(by_hand: Evaluation) -> None:
    assert by_hand.hardest_class == 1
    assert answers([1, 1, 2], [1, 2, 2]).hardest_class == 1, "a class without images does not count"
    assert answers([0, 1], [0, 2]).hardest_class == 1, "a class that is never classified correctly counts"


def test_without_images_no_class_is_the_hardest() -> None:
    empty = answers([], [])
    assert empty.hardest_class is None
    assert empty.confusion.tolist() == [[0] * 3] * 3


def test_a_class_with_f1_of_0_has_figures() -> None:
    evaluation = answers([0, 1, 1], [1, 0, 0])
    assert (evaluation.f1[0], evaluation.f1[1]) == (0, 0)
    assert evaluation.precision[0] == evaluation.recall[0] == 0
    assert math.isnan(evaluation.f1[2])


def test_all_figures_as_json(by_hand: Evaluation) -> None:
    figures = by_hand.to_json()
    assert json.loads(json.dumps(figures)) == figures
    assert (figures["images"], figures["loss"]) == (6, 0.5)
    assert figures["accuracy"] == pytest.approx(4 / 6)
    assert figures["confusion"] == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]
    assert figures["per_class"][0] == {"class": "a", "precision": 1, "recall": pytest.approx(2 / 3), "f1": pytest.approx(0.8), "images": 3}
    assert [row["class"] for row in figures["per_class"]] == ["a", "b", "c"]
    assert [row["images"] for row in figures["per_class"]] == [3, 2, 1]
    assert [row["precision"] for row in figures["per_class"]] == [1, 0.5, 0.5]


def test_what_is_computed_once_stays(by_hand: Evaluation) -> None:
    assert by_hand.predictions is by_hand.predictions
    assert by_hand.confusion is by_hand.confusion


def test_an_evaluation_stays_as_it_is_and_equals_only_itself(by_hand: Evaluation) -> None:
    other = Evaluation(LABELS, PROBABILITIES, loss=0.5, class_names=("a", "b", "c"))
    assert by_hand != other
    assert len({by_hand, other}) == 2
    with pytest.raises(FrozenInstanceError):
        by_hand.loss = 0  # type: ignore[misc]
