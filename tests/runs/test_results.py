import json
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pytest

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.dataset.split import Split
from fmnist_core.evaluation.evaluation import Evaluation
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.results import SavedEvaluation, read_evaluation, read_live_kernels, write_evaluation, write_live
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


def test_kernels_are_written_with_four_decimals(tmp_path: Path) -> None:
    kernels = (np.arange(400).reshape(16, 5, 5) / 300).astype(np.float32)
    write_live(tmp_path, 12, kernels, 4.5)
    content = json.loads((tmp_path / "live.json").read_text())
    assert content["step"] == 12
    assert np.shape(content["kernels"]) == (16, 1, 5, 5)
    assert content["kernels"][0][0][0] == [0.0, 0.0033, 0.0067, 0.01, 0.0133]
    again = read_live_kernels(tmp_path)
    assert again is not None
    assert again.shape == (16, 5, 5)
    assert again.dtype == np.float32
    np.testing.assert_allclose(again, kernels, atol=5.1e-5)


def test_without_files_there_are_no_kernels_and_no_figures(tmp_path: Path) -> None:
    assert read_live_kernels(tmp_path) is None
    assert read_evaluation(tmp_path) is None


@pytest.mark.parametrize(
    "content",
    [
        {"accuracy": 0.5, "confusion": [[1, 0], [0]], "per_class": []},
        {"accuracy": 0.5, "confusion": [[1]], "per_class": [{"name": "a"}]},
        {"accuracy": 0.5, "confusion": [[1.5]], "per_class": []},
    ],
    ids=["rows of two lengths", "a row without a class", "half an image"],
)
def test_figures_that_do_not_fit_together_are_passed_over(tmp_path: Path, content: dict[str, object]) -> None:
    (tmp_path / "evaluation.json").write_text(json.dumps(content))
    assert read_evaluation(tmp_path) is None


def test_saved_figures_stay_as_they_are_and_equal_only_themselves() -> None:
    one, two = (SavedEvaluation(0.5, np.eye(2, dtype=np.int64), ("a", "b")) for _ in range(2))
    assert one != two
    assert len({one, two}) == 2
    with pytest.raises(FrozenInstanceError):
        one.accuracy = 1.0  # type: ignore[misc]
