import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from fmnist_core import runs
from fmnist_core.config import TrainConfig
from fmnist_core.data import Split
from fmnist_core.events import EpochDone, StepDone
from fmnist_core.learner import draw_network
from fmnist_core.network.model import FashionCNN
from fmnist_core.runs import RunError, RunRecord, RunWriter
from fmnist_core.training import train


def test_a_new_run_waits_in_its_own_folder(home: Path) -> None:
    run = runs.load_run(runs.create_run(TrainConfig(epochs=3), "  Team\nblue \x00 "))
    assert run.folder.parent == home / "runs"
    assert (run.name, run.config.epochs, run.state, run.is_live, run.has_weights) == ("Team blue", 3, "waiting", True, False)


def test_names_are_given_cut_and_never_paths(home: Path) -> None:
    first = runs.load_run(runs.create_run(TrainConfig()))
    long = runs.load_run(runs.create_run(TrainConfig(), "../../etc/" + "x" * 200))
    assert first.name == "Run 1"
    assert len(long.name) == 60
    assert long.folder.parent == home / "runs"


def test_what_a_killed_process_left_half_made_goes_after_an_hour(home: Path) -> None:
    old, new = (home / "runs" / f".20200101-000000-{name}.new" for name in ("aaaa", "bbbb"))
    for draft in (old, new):
        (draft / "checkpoints").mkdir(parents=True)
    os.utime(old, (0, 0))
    runs.create_run(TrainConfig())
    assert not old.exists()
    assert new.exists()


@pytest.mark.parametrize("run_id", ["", "..", "../starter", "a/b", "a\\b", "A", "-x", "x" * 65, "con\n", "starter\x00"])
def test_what_could_not_be_an_id_never_becomes_a_path(run_id: str) -> None:
    with pytest.raises(RunError, match="is not the id of a run"):
        runs.load_run(run_id)


def test_an_unknown_run_gets_a_sentence() -> None:
    with pytest.raises(RunError, match=r'There is no run "20200101-000000-abcd"'):
        runs.load_run("20200101-000000-abcd")


def test_a_trained_run_opens_with_everything(trained_run: RunRecord, small_splits: tuple[Split, Split]) -> None:
    assert (trained_run.state, trained_run.epoch, trained_run.has_weights) == ("finished", 1, True)
    events, end = runs.read_events(trained_run)
    kinds = [event["type"] for event in events]
    assert kinds[0] == "Started"
    assert kinds[-2:] == ["EpochDone", "Finished"]
    assert "weights" not in events[1]
    assert runs.read_events(trained_run, end) == ([], end)
    written = json.loads((trained_run.folder / "evaluation.json").read_text())
    assert written["accuracy"] == trained_run.test_accuracy
    assert written["images"] == len(small_splits[1])


def test_saved_and_loaded_weights_give_the_same_logits(small_splits: tuple[Split, Split]) -> None:
    events = list(train(TrainConfig(epochs=1), *small_splits))
    done = next(event for event in events if isinstance(event, EpochDone))
    run_id = runs.create_run(TrainConfig(epochs=1))
    RunWriter(run_id).write_event(done)
    direct = FashionCNN()
    direct.load_state_dict({name: torch.as_tensor(array) for name, array in done.weights.items()})
    loaded = runs.load_model(runs.load_run(run_id))
    images = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert not loaded.training
    assert torch.equal(direct.eval()(images), loaded(images))


def test_an_unfinished_line_is_not_read_yet(trained_run: RunRecord) -> None:
    file = trained_run.folder / "events.jsonl"
    whole, end = runs.read_events(trained_run)
    with file.open("ab") as appended:
        appended.write(b'{"type": "Step')
    assert runs.read_events(trained_run) == (whole, end)
    with file.open("ab") as appended:
        appended.write(b'Done"}\n')
    assert runs.read_events(trained_run, end)[0] == [{"type": "StepDone"}]


def test_weights_of_an_epoch_cut_short_are_the_newest(trained_run: RunRecord, small_splits: tuple[Split, Split]) -> None:
    step = next(event for event in train(TrainConfig(), *small_splits) if isinstance(event, StepDone))
    writer = RunWriter(trained_run.id)
    assert not writer.keep_unfinished_epoch()
    before = runs.weights_stamp(trained_run)
    writer.write_event(step)
    assert writer.keep_unfinished_epoch()
    newest = runs.load_model(runs.load_run(trained_run.id)).state_dict()
    np.testing.assert_array_equal(newest["fc.weight"].numpy(), step.weights["fc.weight"])
    of_epoch = runs.load_model(trained_run, epoch=1).state_dict()
    assert not torch.equal(of_epoch["fc.weight"], newest["fc.weight"])
    assert runs.weights_stamp(trained_run) != before


def test_a_run_whose_trainer_died_says_interrupted_and_opens(trained_run: RunRecord) -> None:
    died = subprocess.Popen([sys.executable, "-c", "pass"])
    died.wait()
    status = json.loads((trained_run.folder / "status.json").read_text())
    status |= {"state": "training", "process": {"pid": died.pid, "create_time": 0.0}}
    (trained_run.folder / "status.json").write_text(json.dumps(status))
    run = runs.load_run(trained_run.id)
    assert run.state == "interrupted"
    assert runs.load_model(run) is not None


def test_a_pid_that_came_again_is_not_the_trainer(trained_run: RunRecord) -> None:
    status = json.loads((trained_run.folder / "status.json").read_text())
    status |= {"state": "training", "process": {"pid": os.getpid(), "create_time": 12345.0}}
    (trained_run.folder / "status.json").write_text(json.dumps(status))
    assert runs.load_run(trained_run.id).state == "interrupted"


@pytest.mark.parametrize(
    "content", [b"", b"not weights at all", b"\x80\x04\x95pickle.", b"\xff" * 200], ids=["empty", "text", "pickle", "garbage"]
)
def test_a_checkpoint_that_is_not_one_is_refused(trained_run: RunRecord, content: bytes) -> None:
    (trained_run.folder / "checkpoints" / "epoch-001.safetensors").write_bytes(content)
    with pytest.raises(RunError, match="does not hold this network's weights"):
        runs.load_model(trained_run)


def test_another_networks_weights_are_refused(trained_run: RunRecord) -> None:
    from safetensors.numpy import save

    (trained_run.folder / "checkpoints" / "epoch-001.safetensors").write_bytes(save({"fc.weight": np.zeros((3, 3), np.float32)}))
    with pytest.raises(RunError, match="does not hold this network's weights"):
        runs.load_model(trained_run)


def test_no_weights_yet_is_said() -> None:
    run = runs.load_run(runs.create_run(TrainConfig()))
    with pytest.raises(RunError, match="has no weights yet"):
        runs.load_model(run)


@pytest.mark.parametrize("file", ["config.json", "status.json"])
@pytest.mark.parametrize("content", ["", "{", "[]", '{"config": {"epochs": 0}}', '{"state": "training"}'])
def test_a_damaged_run_is_named_and_left_out_of_the_list(trained_run: RunRecord, file: str, content: str) -> None:
    other = runs.create_run(TrainConfig())
    (trained_run.folder / file).write_text(content)
    with pytest.raises(RunError, match=f"is damaged: {file}"):
        runs.load_run(trained_run.id)
    assert [run.id for run in runs.list_runs()] == [other]


def test_runs_are_listed_newest_first() -> None:
    ids = [runs.create_run(TrainConfig(), f"n{i}") for i in range(3)]
    assert [run.id for run in runs.list_runs()] == ids[::-1]


def test_a_home_that_cannot_be_written_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("FMNIST_HOME", str(blocked))
    with pytest.raises(RunError, match=r"Nothing can be written to .* set FMNIST_HOME"):
        runs.create_run(TrainConfig())
    assert runs.list_runs() == []


def test_the_starter_is_measured_as_it_says() -> None:
    from fmnist_core import data
    from fmnist_core.prediction import evaluate

    starter = runs.load_run(runs.STARTER_ID)
    evaluation = evaluate(runs.load_model(starter), data.load_split("test"))
    assert starter.test_accuracy is not None
    # Other processors round a sum differently: two or three images near a boundary may turn.
    assert evaluation.accuracy == pytest.approx(starter.test_accuracy, abs=0.001)


def test_live_kernels_and_checkpoints_are_read_back(trained_run: RunRecord) -> None:
    checkpoint = runs.load_checkpoint(trained_run)
    assert checkpoint is not None
    assert checkpoint.step == 10
    weights = runs.load_model(trained_run).state_dict()
    np.testing.assert_array_equal(checkpoint.weights["fc.weight"], weights["fc.weight"].numpy())
    kernels = runs.load_live_kernels(trained_run)
    assert kernels is not None
    np.testing.assert_allclose(kernels, weights["layer1.0.weight"][:, 0].numpy(), atol=1e-4)
    (trained_run.folder / "live.json").write_text('{"kernels": [1, 2]}')
    assert runs.load_live_kernels(trained_run) is None
    assert runs.load_live_kernels(runs.load_run(runs.STARTER_ID)) is None


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"\x80\x04\x95pickle."])
def test_a_damaged_checkpoint_is_refused(trained_run: RunRecord, content: bytes) -> None:
    (trained_run.folder / "checkpoints" / "resume.safetensors").write_bytes(content)
    with pytest.raises(RunError, match="nothing can go on from it"):
        runs.load_checkpoint(trained_run)


def test_commands_come_once_each_and_only_those_since_it_last_went_on() -> None:
    run_id = runs.create_run(TrainConfig())
    runs.send_command(run_id, "stop")
    writer = RunWriter(run_id)
    runs.send_command(run_id, "rate", learning_rate=0.02)
    assert writer.take_commands() == [{"command": "stop"}, {"command": "rate", "learning_rate": 0.02}]
    assert writer.take_commands() == []
    writer.end("stopped")
    runs.prepare_resume(run_id)
    runs.send_command(run_id, "pause")
    assert RunWriter(run_id).take_commands() == [{"command": "pause"}]
    with (runs.run_folder(run_id) / "commands.jsonl").open("ab") as file:
        file.write(b'{"command": "st\n')  # a disk that was full in the middle of it
    assert runs.read_commands(runs.run_folder(run_id))[-1] == {}


def test_raw_pixels_stay_raw_when_a_run_is_opened() -> None:
    run_id = runs.create_run(TrainConfig(epochs=1, pixels="raw"))
    model = draw_network(TrainConfig(pixels="raw"))
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    safetensors.numpy.save_file(weights, runs.run_folder(run_id) / "checkpoints" / "epoch-001.safetensors")
    assert runs.load_model(runs.load_run(run_id)).pixels == "raw"
    assert runs.load_model(runs.load_run(runs.STARTER_ID)).pixels == "normalised"
