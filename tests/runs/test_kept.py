"""What a run keeps: that it equals what would be computed again, and that nothing else is used in its place."""

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from fmnist_core.dataset.split import Split, load_split
from fmnist_core.evaluation.answers import Answers
from fmnist_core.evaluation.evaluation import Evaluation
from fmnist_core.evaluation.prediction import evaluate
from fmnist_core.evaluation.steps import finish
from fmnist_core.insight.likeness import Likeness, fit_likeness
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.kept import kept_folder, kept_stamp, read_answers, read_likeness, write_answers, write_likeness
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.weights import find_weights, load_model

Splits = tuple[Split, Split]


@pytest.fixture
def answers_file(trained_run: RunRecord) -> Path:
    return trained_run.folder / "answers" / "epoch-001.safetensors"


@pytest.fixture
def likeness_file(trained_run: RunRecord) -> Path:
    return trained_run.folder / "likeness.safetensors"


def rewrite(file: Path, change: Callable[[dict[str, Any], dict[str, Any]], None]) -> None:
    """Changes the arrays of a kept file, or what it says it belongs to."""
    content = file.read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    tensors, about = dict(safetensors.numpy.load(content)), json.loads(header["__metadata__"]["about"])
    change(tensors, about)
    file.write_bytes(safetensors.numpy.save(tensors, {"about": json.dumps(about)}))


def weights_of(run: RunRecord) -> Path:
    weights = find_weights(run)
    assert weights is not None
    return weights


def test_kept_answers_are_those_of_a_fresh_evaluation(trained_run: RunRecord, small_splits: Splits) -> None:
    test = small_splits[1]
    fresh, answers = evaluate(load_model(trained_run), test), read_answers(trained_run, test)
    assert answers is not None
    kept = answers.evaluation(test)
    np.testing.assert_array_equal(kept.predictions, fresh.predictions)
    assert (kept.accuracy, kept.loss) == (fresh.accuracy, fresh.loss)
    assert kept.accuracy == trained_run.test_accuracy
    np.testing.assert_allclose(kept.probabilities, fresh.probabilities, atol=2e-4)
    np.testing.assert_array_equal(kept.confusion, fresh.confusion)
    assert (answers.views, answers.nbytes) == ("one", 21 * len(test))


def test_kept_likeness_is_that_of_a_fresh_pass(trained_run: RunRecord, small_splits: Splits) -> None:
    fresh, kept = finish(fit_likeness(load_model(trained_run), *small_splits)), read_likeness(trained_run, *small_splits)
    assert kept is not None
    assert kept.familiarity == fresh.familiarity
    for name in ("every", "mean", "axes", "directions"):
        np.testing.assert_array_equal(getattr(kept.neighbours, name), getattr(fresh.neighbours, name))
    assert kept.neighbours.nbytes == 1_568 * (4 + 2 * 32) + 500 * 32


def test_the_starter_comes_with_its_own(small_splits: Splits) -> None:
    starter, train, test = load_run(STARTER_ID), load_split("train"), load_split("test")
    answers, likeness = read_answers(starter, test), read_likeness(starter, train, test)
    assert answers is not None
    assert likeness is not None
    assert answers.evaluation(test).accuracy == starter.test_accuracy
    fresh = evaluate(load_model(starter), Split("test", test.images[:500], test.labels[:500]))
    assert (answers.predictions[:500] != fresh.predictions).sum() <= 1, "another processor may round otherwise"
    assert 0.03 < likeness.familiarity.false_alarm_rate < 0.06
    assert len(likeness.neighbours.directions) == 20_000
    assert sum(file.stat().st_size for file in starter.folder.rglob("*")) < 2_000_000
    assert read_answers(starter, small_splits[1]) is None
    assert read_likeness(starter, *small_splits) is None


@pytest.mark.parametrize("which", ["images", "labels", "fewer"])
def test_answers_to_other_images_are_passed_over(trained_run: RunRecord, small_splits: Splits, which: str) -> None:
    train, test = small_splits
    if which == "fewer":
        other = Split("test", test.images[:-1], test.labels[:-1])
    else:
        array = getattr(test, which).copy()
        array.flat[0] ^= 1
        other = dataclasses.replace(test, **{which: array})
    assert read_answers(trained_run, other) is None
    assert read_likeness(trained_run, train, other) is None
    assert read_likeness(trained_run, Split("train", train.images[1:], train.labels[1:]), test) is None
    assert read_answers(trained_run, test) is not None


def test_what_belongs_to_other_weights_is_passed_over(trained_run: RunRecord, small_splits: Splits) -> None:
    before = kept_stamp(trained_run)
    weights = weights_of(trained_run)
    tensors = safetensors.numpy.load(weights.read_bytes())
    weights.write_bytes(safetensors.numpy.save({name: np.asarray(array * 2) for name, array in tensors.items()}))
    assert kept_stamp(trained_run) != before
    assert read_answers(trained_run, small_splits[1]) is None
    assert read_likeness(trained_run, *small_splits) is None
    weights.unlink()
    assert read_answers(trained_run, small_splits[1]) is None
    assert read_likeness(trained_run, *small_splits) is None


def test_without_the_files_there_is_nothing(trained_run: RunRecord, small_splits: Splits, answers_file: Path, likeness_file: Path) -> None:
    answers_file.unlink()
    likeness_file.unlink()
    assert read_answers(trained_run, small_splits[1]) is None
    assert read_likeness(trained_run, *small_splits) is None


def put_in_place_of(file: Path, make: Callable[[Path], object]) -> None:
    file.unlink()
    make(file)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "cut": lambda file: os.truncate(file, file.stat().st_size // 2),
    "text": lambda file: file.write_text("not tensors"),
    "too large": lambda file: os.truncate(file, 100_000_000),
    "a folder": lambda file: put_in_place_of(file, Path.mkdir),
    "a pipe": lambda file: put_in_place_of(file, os.mkfifo),
    "no metadata": lambda file: file.write_bytes(safetensors.numpy.save(safetensors.numpy.load(file.read_bytes()))),
    "metadata that is none": lambda file: file.write_bytes(
        safetensors.numpy.save(safetensors.numpy.load(file.read_bytes()), {"about": "[1]"})
    ),
    "another array": lambda file: rewrite(file, lambda tensors, _: tensors.update(more=np.zeros(3, np.uint8))),
    "one array less": lambda file: rewrite(file, lambda tensors, _: tensors.pop(sorted(tensors)[0])),
    "other types": lambda file: rewrite(
        file, lambda tensors, _: tensors.update({name: array.astype(np.float64) for name, array in tensors.items()})
    ),
    "other shapes": lambda file: rewrite(
        file, lambda tensors, _: tensors.update({name: array[:-1].copy() for name, array in tensors.items()})
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_passed_over(
    trained_run: RunRecord, small_splits: Splits, answers_file: Path, likeness_file: Path, damage: str
) -> None:
    for file in (answers_file, likeness_file):
        DAMAGE[damage](file)
    assert read_answers(trained_run, small_splits[1]) is None
    assert read_likeness(trained_run, *small_splits) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("log_probabilities", np.nan), ("log_probabilities", -np.inf), ("log_probabilities", 1.0), ("predictions", 10)],
)
def test_answers_that_no_network_gives_are_passed_over(
    trained_run: RunRecord, small_splits: Splits, answers_file: Path, name: str, value: float
) -> None:
    changed = dict(safetensors.numpy.load(answers_file.read_bytes()))
    changed[name] = changed[name].copy()
    changed[name].flat[3] = value
    rewrite(answers_file, lambda tensors, _: tensors.update(changed))
    assert read_answers(trained_run, small_splits[1]) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [("loss", float("nan")), ("loss", -1), ("loss", "0"), ("views", "three"), ("weights", "0" * 32), ("split", "0" * 32), ("split", None)],
)
def test_answers_that_say_something_else_are_passed_over(
    trained_run: RunRecord, small_splits: Splits, answers_file: Path, key: str, value: object
) -> None:
    rewrite(answers_file, lambda _, about: about.update({key: value}))
    assert read_answers(trained_run, small_splits[1]) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("unusual", float("nan")),
        ("unlike", float("inf")),
        ("unlike", None),
        ("false_alarm_rate", 2),
        ("every", 0),
        ("every", 2),
        ("train", "0" * 32),
        ("test", "0" * 32),
        ("weights", "0" * 32),
    ],
)
def test_likeness_that_says_something_else_is_passed_over(
    trained_run: RunRecord, small_splits: Splits, likeness_file: Path, key: str, value: object
) -> None:
    rewrite(likeness_file, lambda _, about: about.update({key: value}))
    assert read_likeness(trained_run, *small_splits) is None


def test_likeness_with_the_one_threshold_of_earlier_versions_is_passed_over_and_can_be_computed_again(
    trained_run: RunRecord, small_splits: Splits, likeness_file: Path
) -> None:
    def age(_tensors: dict[str, Any], about: dict[str, Any]) -> None:
        del about["unusual"], about["unlike"]
        about["threshold"] = -3.0

    rewrite(likeness_file, age)
    assert read_likeness(trained_run, *small_splits) is None
    likeness = finish(fit_likeness(load_model(trained_run), *small_splits))
    write_likeness(kept_folder(trained_run), weights_of(trained_run), likeness, *small_splits)
    again = read_likeness(trained_run, *small_splits)
    assert again is not None
    assert again.familiarity == likeness.familiarity


def test_what_is_computed_later_is_kept_with_the_run_and_for_the_starter_in_the_home(home: Path, small_splits: Splits) -> None:
    starter = load_run(STARTER_ID)
    assert kept_folder(starter) == home / "starter"
    kept_folder(starter).mkdir(parents=True)
    train, test = small_splits
    model, weights = load_model(starter), weights_of(starter)
    likeness: Likeness = finish(fit_likeness(model, train, test))
    before = kept_stamp(starter)
    write_answers(kept_folder(starter), weights, Answers.of(evaluate(model, test)))
    write_likeness(kept_folder(starter), weights, likeness, train, test)
    assert kept_stamp(starter) != before
    assert read_answers(starter, test) is not None
    assert read_likeness(starter, train, test) is not None


def test_the_most_confident_answers_stay_in_their_order() -> None:
    sure = np.array([0.9, 0.999, 0.99999, 0.99995, 0.5], np.float32)
    probabilities = np.full((5, 10), 0.0, np.float32)
    probabilities[:, 4] = sure
    probabilities[:, 5] = 1 - sure
    labels = np.full(5, 4, np.uint8)
    split = Split("test", np.zeros((5, 28, 28), np.uint8), labels)
    evaluation = Evaluation(labels, probabilities, 0.5)
    kept = Answers.of(evaluation).evaluation(split)
    assert kept.images_in_cell(4, 4).tolist() == evaluation.images_in_cell(4, 4).tolist() == [2, 3, 1, 0, 4]
    assert kept.predictions.tolist() == [4] * 5
