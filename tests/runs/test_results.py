import json

import numpy as np
import pytest

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.dataset.split import Split
from fmnist_core.evaluation.evaluation import Evaluation
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.results import read_evaluation, read_live_kernels, write_evaluation
from fmnist_core.runs.weights import load_checkpoint, load_model


def test_live_kernels_and_checkpoints_are_read_back(trained_run: RunRecord) -> None:
    checkpoint = load_checkpoint(trained_run)
    assert checkpoint is not None
    assert checkpoint.step == 10
    weights = load_model(trained_run).state_dict()
    np.testing.assert_array_equal(checkpoint.weights["fc.weight"], weights["fc.weight"].numpy())
    np.testing.assert_array_equal(checkpoint.first_kernels, weights["layer1.0.weight"][:, 0].numpy())
    kernels = read_live_kernels(trained_run.folder)
    assert kernels is not None
    np.testing.assert_allclose(kernels, checkpoint.first_kernels, atol=1e-4)
    assert read_live_kernels(load_run(STARTER_ID).folder) is None


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"kernels": [1, 2]}', '{"kernels": [[[["a"]]]]}', '{"kernels": [[[[1, 2]]], [[[3]]]]}']
)
def test_live_kernels_that_are_none_are_passed_over(trained_run: RunRecord, content: str) -> None:
    (trained_run.folder / "live.json").write_text(content)
    assert read_live_kernels(trained_run.folder) is None


def test_the_kept_evaluation_is_read_back(trained_run: RunRecord, small_splits: tuple[Split, Split]) -> None:
    kept = read_evaluation(trained_run.folder)
    assert kept is not None
    assert kept.accuracy == trained_run.test_accuracy == np.trace(kept.confusion) / kept.confusion.sum()
    assert kept.confusion.sum(axis=1).tolist() == np.bincount(small_splits[1].labels, minlength=10).tolist()
    assert kept.class_names == CLASS_NAMES
    rows = Evaluation(np.array([3, 3], np.uint8), np.eye(10, dtype=np.float32)[[3, 5]], 0.5)
    write_evaluation(trained_run.folder, rows)
    again = read_evaluation(trained_run.folder)
    assert again is not None
    assert (again.accuracy, again.confusion[3, 5], again.confusion.sum()) == (0.5, 1, 2)


@pytest.mark.parametrize("content", ["", "[]", '{"accuracy": 1}', '{"accuracy": "1", "confusion": [], "per_class": []}'])
def test_an_evaluation_that_is_none_is_passed_over(trained_run: RunRecord, content: str) -> None:
    (trained_run.folder / "evaluation.json").write_text(content)
    assert read_evaluation(trained_run.folder) is None


def test_the_starters_evaluation_is_of_the_whole_test_set() -> None:
    starter = load_run(STARTER_ID)
    kept = read_evaluation(starter.folder)
    assert kept is not None
    assert (kept.accuracy, int(kept.confusion.sum())) == (starter.test_accuracy, 10_000)
    assert json.loads((starter.folder / "evaluation.json").read_text())["images"] == 10_000
