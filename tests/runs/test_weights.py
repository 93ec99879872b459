import numpy as np
import pytest
import safetensors.numpy
import torch

from fmnist_core.dataset.split import Split, load_split
from fmnist_core.evaluation.prediction import evaluate
from fmnist_core.network.model import FashionCNN
from fmnist_core.runs.folders import STARTER_ID, RunError, run_folder
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.weights import load_checkpoint, load_model
from fmnist_core.runs.writer import RunWriter, create_run
from fmnist_core.settings.config import TrainConfig
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


def test_no_weights_yet_is_said() -> None:
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
