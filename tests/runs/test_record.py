import json
import os
import subprocess
import sys
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from fmnist_core.runs.folders import STARTER_ID, RunError, epoch_file, resume_file, run_folder
from fmnist_core.runs.record import RunRecord, State, list_runs, load_run
from fmnist_core.runs.weights import load_model
from fmnist_core.runs.writer import create_run
from fmnist_core.settings.config import TrainConfig


@pytest.mark.parametrize("run_id", ["", "..", "../starter", "a/b", "a\\b", "A", "-x", "x" * 65, "con\n", "starter\x00"])
def test_what_could_not_be_an_id_never_becomes_a_path(run_id: str) -> None:
    with pytest.raises(RunError, match="is not the id of a run"):
        load_run(run_id)


def test_an_unknown_run_is_reported() -> None:
    with pytest.raises(RunError, match=r'There is no run "20200101-000000-abcd"'):
        load_run("20200101-000000-abcd")


def test_a_run_whose_trainer_died_says_interrupted_and_opens(trained_run: RunRecord) -> None:
    died = subprocess.Popen([sys.executable, "-c", "pass"])
    died.wait()
    status = json.loads((trained_run.folder / "status.json").read_text())
    status |= {"state": "training", "process": {"pid": died.pid, "create_time": 0.0}}
    (trained_run.folder / "status.json").write_text(json.dumps(status))
    run = load_run(trained_run.id)
    assert run.state == "interrupted"
    assert load_model(run) is not None


def test_a_pid_that_was_reused_is_not_the_trainer(trained_run: RunRecord) -> None:
    status = json.loads((trained_run.folder / "status.json").read_text())
    status |= {"state": "training", "process": {"pid": os.getpid(), "create_time": 12345.0}}
    (trained_run.folder / "status.json").write_text(json.dumps(status))
    assert load_run(trained_run.id).state == "interrupted"


@pytest.mark.parametrize("file", ["config.json", "status.json"])
@pytest.mark.parametrize("content", ["", "{", "[]", '{"config": {"epochs": 0}}', '{"state": "training"}'])
def test_a_damaged_run_is_named_and_left_out_of_the_list(trained_run: RunRecord, file: str, content: str) -> None:
    other = create_run(TrainConfig())
    (trained_run.folder / file).write_text(content)
    with pytest.raises(RunError, match=f"is damaged: {file}"):
        load_run(trained_run.id)
    assert [run.id for run in list_runs()] == [other]


def test_runs_are_listed_newest_first() -> None:
    ids = [create_run(TrainConfig(), f"n{i}") for i in range(3)]
    assert [run.id for run in list_runs()] == ids[::-1]


def test_a_record_has_all_that_the_two_files_say() -> None:
    run_id = create_run(TrainConfig(epochs=7, seed=3), "Blue")
    status = {"state": "stopped", "epoch": 2, "test_accuracy": 0.5, "message": "Stopped.", "epochs": 9, "best_epoch": 1, "process": {}}
    (run_folder(run_id) / "status.json").write_text(json.dumps(status))
    run = load_run(run_id)
    assert (run.id, run.name, run.folder, run.config) == (run_id, "Blue", run_folder(run_id), TrainConfig(epochs=7, seed=3))
    assert (run.state, run.epoch, run.epochs, run.best_epoch, run.test_accuracy, run.message) == ("stopped", 2, 9, 1, 0.5, "Stopped.")
    assert run.created_at.strftime("%Y%m%d-%H%M%S") == run_id[:15]
    assert (run.has_weights, run.has_checkpoint, run.is_live, run.is_starter) == (False, False, False, False)
    with pytest.raises(FrozenInstanceError):
        run.epoch = 3  # type: ignore[misc]


def test_without_added_epochs_a_run_has_those_of_its_settings() -> None:
    run_id = create_run(TrainConfig(epochs=7))
    assert load_run(run_id).epochs == 7


def test_files_in_the_folder_are_weights_and_a_checkpoint() -> None:
    run_id = create_run(TrainConfig())
    epoch_file(run_folder(run_id), 1).touch()
    assert (load_run(run_id).has_weights, load_run(run_id).has_checkpoint) == (True, False)
    resume_file(run_folder(run_id)).touch()
    assert load_run(run_id).has_checkpoint


def test_the_starter_is_one_and_has_ended() -> None:
    starter = load_run(STARTER_ID)
    assert (starter.is_starter, starter.is_live, starter.state) == (True, False, "finished")


@pytest.mark.parametrize(
    ("state", "is_live", "can_end_early"),
    [
        ("waiting", True, False),
        ("training", True, False),
        ("paused", True, False),
        ("finished", False, False),
        ("stopped", False, True),
        ("diverged", False, False),
        ("failed", False, True),
        ("interrupted", False, True),
    ],
)
def test_what_ended_early_can_be_resumed_from_a_checkpoint_or_started_over(state: State, is_live: bool, can_end_early: bool) -> None:
    run = replace(load_run(create_run(TrainConfig())), state=state)
    assert run.is_live is is_live
    assert run.is_resumable is can_end_early, "it never reached its first step"
    assert replace(run, epoch=1, has_checkpoint=True).is_resumable is can_end_early
    assert not replace(run, epoch=1).is_resumable


@pytest.mark.parametrize("state", ["waiting", "training", "paused", "finished", "stopped", "diverged", "failed"])
def test_a_dead_process_interrupts_what_has_not_ended(state: State) -> None:
    run_id = create_run(TrainConfig())
    file = run_folder(run_id) / "status.json"
    status = json.loads(file.read_text()) | {"state": state}
    file.write_text(json.dumps(status))
    assert load_run(run_id).state == state
    status["process"]["create_time"] -= 1_000
    file.write_text(json.dumps(status))
    assert load_run(run_id).state == ("interrupted" if state in ("waiting", "training", "paused") else state)


def test_a_damaged_run_says_which_file_and_what_to_do() -> None:
    run_id = create_run(TrainConfig())
    folder = run_folder(run_id)
    (folder / "status.json").write_text("{")
    with pytest.raises(RunError) as raised:
        load_run(run_id)
    expected = f'The run "{run_id}" is damaged: status.json cannot be read. Delete its folder {folder} or choose another run.'
    assert str(raised.value) == expected


@pytest.mark.parametrize("settings", [{"epochs": "three"}, {"optimizer": []}, {"optimizer": "none"}, {"colour": "blue"}])
def test_settings_of_another_type_damage_a_run(settings: dict[str, Any]) -> None:
    run_id = create_run(TrainConfig())
    file = run_folder(run_id) / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"config": settings}))
    with pytest.raises(RunError, match=r"is damaged: config\.json cannot be read"):
        load_run(run_id)


def test_runs_created_in_the_same_instant_are_listed_by_their_ids_backwards() -> None:
    for run_id in (create_run(TrainConfig()) for _ in range(5)):
        file = run_folder(run_id) / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"created_at": "2026-01-01T00:00:00+00:00"}))
    ids = [run.id for run in list_runs()]
    assert len(ids) == 5
    assert ids == sorted(ids, reverse=True)
