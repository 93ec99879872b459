from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import safetensors.numpy
import torch

from fmnist_core.dataset.split import Split, load_split
from fmnist_core.evaluation.prediction import evaluate
from fmnist_core.network.model import FashionCNN
from fmnist_core.runs import weights
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import STARTER_ID, RunError, epoch_file, last_file, resume_file, run_folder
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.weights import find_weights, load_checkpoint, load_model, save_checkpoint, save_weights, weights_digest
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.checkpoint import Checkpoint, Counters
from fmnist_core.training.events import EpochDone
from fmnist_core.training.loop import train
from fmnist_core.training.state import draw_network


def test_saved_and_loaded_weights_give_the_same_logits(small_splits: tuple[Split, Split]) -> None:
    events = list(train(TrainConfig(epochs=1), *small_splits))
    done = next(event for event in events if isinstance(event, EpochDone))
    run_id = create_run(TrainConfig(epochs=1))
    RunWriter(run_id).write_event(done)
    direct = FashionCNN()
    direct.load_state_dict({name: torch.as_tensor(array) for name, array in done.weights.items()})
    loaded = load_model(load_run(run_id))
    images = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert not loaded.training
    assert torch.equal(direct.eval()(images), loaded(images))


@pytest.mark.parametrize(
    "content", [b"", b"not weights at all", b"\x80\x04\x95pickle.", b"\xff" * 200], ids=["empty", "text", "pickle", "garbage"]
)
def test_a_checkpoint_that_is_not_one_is_refused(trained_run: RunRecord, content: bytes) -> None:
    (trained_run.folder / "checkpoints" / "epoch-001.safetensors").write_bytes(content)
    with pytest.raises(RunError, match="does not hold this network's weights"):
        load_model(trained_run)


def test_another_networks_weights_are_refused(trained_run: RunRecord) -> None:
    from safetensors.numpy import save

    (trained_run.folder / "checkpoints" / "epoch-001.safetensors").write_bytes(save({"fc.weight": np.zeros((3, 3), np.float32)}))
    with pytest.raises(RunError, match="does not hold this network's weights"):
        load_model(trained_run)


def test_missing_weights_are_reported() -> None:
    run = load_run(create_run(TrainConfig()))
    with pytest.raises(RunError, match="has no weights yet"):
        load_model(run)


def test_the_starter_is_measured_as_it_says() -> None:
    starter = load_run(STARTER_ID)
    evaluation = evaluate(load_model(starter), load_split("test"))
    assert starter.test_accuracy is not None
    # Other processors round a sum differently: two or three images near a boundary may turn.
    assert evaluation.accuracy == pytest.approx(starter.test_accuracy, abs=0.001)


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"\x80\x04\x95pickle."])
def test_a_damaged_checkpoint_is_refused(trained_run: RunRecord, content: bytes) -> None:
    (trained_run.folder / "checkpoints" / "resume.safetensors").write_bytes(content)
    with pytest.raises(RunError, match="it cannot be resumed"):
        load_checkpoint(trained_run)


def test_raw_pixels_stay_raw_when_a_run_is_opened() -> None:
    run_id = create_run(TrainConfig(epochs=1, pixels="raw"))
    model = draw_network(TrainConfig(pixels="raw"))
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    safetensors.numpy.save_file(weights, run_folder(run_id) / "checkpoints" / "epoch-001.safetensors")
    assert load_model(load_run(run_id)).pixels == "raw"
    assert load_model(load_run(STARTER_ID)).pixels == "normalised"


def put(file: Path, number: float) -> None:
    """Saves a network's weights with this number as the first bias of the last layer."""
    weights = {name: tensor.numpy().copy() for name, tensor in draw_network(TrainConfig()).state_dict().items()}
    weights["fc.bias"][0] = number
    save_weights(weights, file)


def bias(run: RunRecord, epoch: "int | Literal['last'] | None" = None) -> float:
    return float(load_model(run, epoch).state_dict()["fc.bias"][0])


def test_the_best_epoch_is_in_use_and_else_the_newest_weights() -> None:
    run = load_run(create_run(TrainConfig()))
    for number in (1, 2, 3):
        put(epoch_file(run.folder, number), number)
    assert [bias(run), bias(run, "last"), bias(run, 1), bias(run, 2)] == [3, 3, 1, 2]
    best = replace(run, best_epoch=2)
    assert [bias(best), bias(best, "last"), bias(best, 1)] == [2, 3, 1]
    put(last_file(run.folder), 4)
    assert [bias(run), bias(best), bias(best, "last"), bias(run, 3)] == [4, 2, 4, 3]


def test_weights_that_are_missing_are_named() -> None:
    run = load_run(create_run(TrainConfig()))
    sentences = []
    for epoch in (None, "last", 3):
        with pytest.raises(RunError) as raised:
            load_model(run, epoch)
        sentences.append(str(raised.value))
    none_yet = f'The run "{run.id}" has no weights yet: wait for its first epoch or choose another run.'
    assert sentences == [none_yet, none_yet, none_yet.replace("weights yet", "weights of epoch 3")]


def test_the_weights_of_the_best_epoch_are_in_use_or_else_the_latest() -> None:
    run = load_run(create_run(TrainConfig()))
    best = replace(run, best_epoch=1)
    assert find_weights(run) is None
    for number in (1, 2):
        put(epoch_file(run.folder, number), number)
    assert (find_weights(run), find_weights(best)) == (epoch_file(run.folder, 2), epoch_file(run.folder, 1))
    put(last_file(run.folder), 3)
    assert (find_weights(run), find_weights(best)) == (last_file(run.folder), epoch_file(run.folder, 1))
    assert (find_weights(best, "last"), find_weights(best, 7)) == (last_file(run.folder), epoch_file(run.folder, 7))


def test_other_weights_have_another_digest(tmp_path: Path) -> None:
    file = tmp_path / "epoch-001.safetensors"
    assert weights_digest(file) is None
    put(file, 1)
    first = weights_digest(file)
    put(file, 2)
    second = weights_digest(file)
    put(file, 1)
    assert weights_digest(file) == first != second
    assert first is not None
    assert len(first) == 32


def test_weights_and_checkpoints_are_flushed_to_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed: list[tuple[str, bool]] = []
    monkeypatch.setattr(weights, "write_whole", lambda file, _content, *, durable=False: flushed.append((file.name, durable)))
    save_weights({"fc.bias": np.zeros(10, np.float32)}, tmp_path / "epoch-001.safetensors")
    save_checkpoint(CHECKPOINT, tmp_path)
    assert flushed == [("epoch-001.safetensors", True), ("resume.safetensors", True)]


COUNTERS = Counters(
    step=7,
    tested_epochs=1,
    epoch_loss=2.5,
    epoch_right=30,
    epoch_images=100,
    best_epoch=None,
    best_validation_accuracy=0.0,
    best_test_accuracy=0.5,
    elapsed_s=1.5,
    rate_scale=1.0,
    last_rate=0.001,
    averaged_steps=0,
)
CHECKPOINT = Checkpoint({"trained.fc.bias": np.arange(10, dtype=np.float32), "optimizer.0.step": np.array(7.0, np.float32)}, COUNTERS)


def test_a_checkpoint_is_read_back_as_it_was() -> None:
    run = load_run(create_run(TrainConfig()))
    assert load_checkpoint(run) is None
    save_checkpoint(CHECKPOINT, run.folder)
    again = load_checkpoint(run)
    assert again is not None
    assert again.counters == COUNTERS
    assert again.tensors.keys() == CHECKPOINT.tensors.keys()
    assert all(np.array_equal(again.tensors[name], array) for name, array in CHECKPOINT.tensors.items())


@pytest.mark.parametrize("facts", [None, {}, {"facts": "{"}, {"facts": '{"step": 7}'}], ids=["no facts", "empty", "half", "too few"])
def test_a_checkpoint_without_its_counters_is_refused(facts: dict[str, str] | None) -> None:
    run = load_run(create_run(TrainConfig()))
    safetensors.numpy.save_file({"trained.fc.bias": np.zeros(10, np.float32)}, resume_file(run.folder), metadata=facts)
    with pytest.raises(RunError) as raised:
        load_checkpoint(run)
    assert str(raised.value) == f"{resume_file(run.folder)} is damaged: it cannot be resumed. Start a new run."
