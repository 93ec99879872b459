import json
import math
import os
from dataclasses import FrozenInstanceError, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmnist_core.runs import mailbox, record
from fmnist_core.runs.claim import is_claimed, release_start
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.event_log import write_event
from fmnist_core.runs.folders import STARTER_ID, RunError, epoch_file, resume_file, run_folder, runs_folder
from fmnist_core.runs.record import RunRecord, State, list_runs, load_claimed_run, load_run, scan_runs
from fmnist_core.runs.weights import load_model, save_checkpoint
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.checkpoint import Checkpoint, Counters
from fmnist_core.training.events import Diverged


@pytest.mark.parametrize("run_id", ["", "..", "../starter", "a/b", "a\\b", "A", "-x", "x" * 65, "con\n", "starter\x00"])
def test_what_could_not_be_an_id_never_becomes_a_path(run_id: str) -> None:
    with pytest.raises(RunError, match="is not the id of a run"):
        load_run(run_id)


def test_an_unknown_run_is_reported() -> None:
    with pytest.raises(RunError, match=r'There is no run "20200101-000000-abcd"'):
        load_run("20200101-000000-abcd")


def put(folder: Path, file: str, **fields: Any) -> None:
    (folder / file).write_text(json.dumps(json.loads((folder / file).read_text()) | fields))


def test_a_run_that_nobody_trains_says_interrupted_and_opens(trained_run: RunRecord) -> None:
    put(trained_run.folder, "status.json", state="training", pid=os.getpid())
    run = load_run(trained_run.id)
    assert run.state == "interrupted"
    assert load_model(run) is not None


def test_a_run_that_ends_while_it_is_read_has_not_been_interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader has read that it trains, and then finds no claim."""
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)

    def end_first(folder: Path) -> bool:
        running.end("finished")
        return is_claimed(folder)

    monkeypatch.setattr(record, "is_claimed", end_first)
    assert load_run(run_id).state == "finished"


# Damaged files

NESTED = "[" * 100_000 + "]" * 100_000


@pytest.mark.parametrize("content", ["", "{", "[]", "null", NESTED, '{"config": {"epochs": 0}}', "\x00", "9" * 5000])
def test_a_run_whose_settings_are_lost_is_named_beside_the_others(trained_run: RunRecord, content: str) -> None:
    other = create_run(TrainConfig())
    (trained_run.folder / "config.json").write_text(content)
    with pytest.raises(RunError, match=r"is damaged: config\.json cannot be read"):
        load_run(trained_run.id)
    found, (damaged,) = scan_runs()
    assert [run.id for run in found] == [run.id for run in list_runs()] == [other]
    assert damaged.id == trained_run.id
    assert damaged.problem.endswith(f"Restore that file from a backup or delete the folder {trained_run.folder}.")


@pytest.mark.parametrize(
    "fields",
    [
        {"created_at": "0001-01-01T00:00:00+00:00"},
        {"created_at": "9999-12-31T23:59:59"},
        {"created_at": "yesterday"},
        {"created_at": 1e400},
        {"name": None},
        {"name": ["a"]},
        {"config": []},
        {"config": {"learning_rate": 10**400}},
        {"config": {"epochs": math.inf}},
        {"config": {"seed": math.nan}},
        {"config": {"optimizer": {}}},
        {"config": {"colour": "blue"}},
    ],
    ids=str,
)
def test_settings_that_cannot_be_any_damage_a_run(fields: dict[str, Any]) -> None:
    run_id = create_run(TrainConfig())
    put(run_folder(run_id), "config.json", **fields)
    with pytest.raises(RunError, match=r"is damaged: config\.json cannot be read") as raised:
        load_run(run_id)
    assert len(str(raised.value)) < 600


def test_a_folder_without_settings_is_a_damaged_run_only_if_something_was_trained_in_it() -> None:
    run_id = create_run(TrainConfig())
    (run_folder(run_id) / "config.json").unlink()
    assert scan_runs() == ([], [])
    (runs_folder() / run_id / "events.jsonl").touch()
    assert [damaged.id for damaged in scan_runs()[1]] == [run_id]


def test_a_date_without_a_zone_is_utc_and_sorts_with_the_others() -> None:
    old, new = create_run(TrainConfig()), create_run(TrainConfig())
    put(run_folder(old), "config.json", created_at="2026-01-01T12:00:00")
    assert load_run(old).created_at == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert [run.id for run in list_runs()] == [new, old]


def test_a_name_from_a_file_is_cleaned_as_one_that_was_typed() -> None:
    run_id = create_run(TrainConfig())
    put(run_folder(run_id), "config.json", name="  a\x1b[31m\nb" + "c" * 100)
    assert load_run(run_id).name == "a[31m b" + "c" * 53
    put(run_folder(run_id), "config.json", name="\n")
    assert load_run(run_id).name == run_id


LOST = ["", "{", "[]", "null", NESTED, '{"state": "training"}', "9" * 5000]
LOST += [json.dumps({"state": "stopped", "epoch": 1, "test_accuracy": 0.5, "message": ""} | {field: value}) for field, value in (
    ("state", "asleep"), ("state", None), ("epoch", -1), ("epoch", 201), ("epoch", math.inf), ("epoch", 10**400), ("epoch", 1.5),
    ("test_accuracy", 1.01), ("test_accuracy", -0.01), ("test_accuracy", math.nan), ("message", 3), ("epochs", 0), ("best_epoch", 0),
    ("pid", math.inf),
)]  # fmt: skip


@pytest.mark.parametrize("content", LOST, ids=lambda content: content[:90])
def test_a_status_that_is_lost_is_rebuilt(trained_run: RunRecord, content: str) -> None:
    (trained_run.folder / "status.json").write_text(content)
    run = load_run(trained_run.id)
    assert replace(run, damage="") == trained_run
    assert run.damage.startswith("status.json cannot be read (")
    assert run.damage.endswith("). This was rebuilt from its checkpoints and events.")
    assert load_model(run) is not None
    assert [found.id for found in list_runs()] == [run.id]


def test_a_status_is_rebuilt_from_what_is_left(trained_run: RunRecord) -> None:
    (trained_run.folder / "status.json").unlink()
    assert "status.json cannot be read (No such file or directory). " in load_run(trained_run.id).damage
    (trained_run.folder / "evaluation.json").unlink()
    run = load_run(trained_run.id)
    assert (run.state, run.epoch, run.test_accuracy) == ("finished", 1, trained_run.test_accuracy), "the checkpoint has it"
    (trained_run.folder / "events.jsonl").unlink()
    assert load_run(trained_run.id).state == "interrupted"
    resume_file(trained_run.folder).write_bytes(b"")
    run = load_run(trained_run.id)
    assert (run.epoch, run.test_accuracy, run.has_weights) == (1, None, True)
    epoch_file(trained_run.folder, 1).unlink()
    assert (load_run(trained_run.id).epoch, load_run(trained_run.id).has_weights) == (0, False)


def test_a_rebuilt_status_knows_the_best_epoch_and_added_epochs() -> None:
    run_id = create_run(TrainConfig(epochs=7, validation_images=10))
    folder = run_folder(run_id)
    release_start(folder)
    counters = Counters(90, 9, 0.0, 0, 0, 4, 0.75, 0.625, 8.0, 1.0, 0.001, 0)
    save_checkpoint(Checkpoint({"trained.fc.bias": np.zeros(10, np.float32)}, counters), folder)
    epoch_file(folder, 4).touch()
    mailbox.send(folder, "resume", more_epochs=2)
    mailbox.send(folder, "resume", more_epochs=3)
    write_event(folder, Diverged(9, 91, "It grew."))
    (folder / "status.json").unlink()
    run = load_run(run_id)
    assert (run.state, run.message, run.epoch, run.epochs, run.best_epoch) == ("diverged", "It grew.", 9, 12, 4)
    assert run.test_accuracy == 0.625
    epoch_file(folder, 4).unlink()
    assert load_run(run_id).best_epoch is None, "its weights are lost"


def test_a_run_that_trains_while_its_status_is_lost_is_still_live() -> None:
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)
    (run_folder(run_id) / "status.json").write_text("")
    assert load_run(run_id).state == "training"
    running.end("stopped")
    assert (load_run(run_id).state, load_run(run_id).damage) == ("stopped", "")


def test_a_message_has_a_limit() -> None:
    run_id = create_run(TrainConfig())
    put(run_folder(run_id), "status.json", message="x" * 100_000)
    assert load_run(run_id).message == "x" * 1000


def test_a_message_is_one_line_that_can_be_written() -> None:
    run_id = create_run(TrainConfig())
    put(run_folder(run_id), "status.json", message="half \ud800\x1b[31m\nred")
    assert load_run(run_id).message == "half [31m red"


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
def test_without_a_claim_what_has_not_ended_is_interrupted(state: State) -> None:
    run_id = create_run(TrainConfig())
    put(run_folder(run_id), "status.json", state=state)
    assert load_run(run_id).state == state
    expected = "interrupted" if state in ("waiting", "training", "paused") else state
    assert load_claimed_run(run_id).state == expected, "whoever asks has claimed it"
    release_start(run_folder(run_id))
    assert load_run(run_id).state == expected


def test_runs_created_in_the_same_instant_are_listed_by_their_ids_backwards() -> None:
    for run_id in (create_run(TrainConfig()) for _ in range(5)):
        file = run_folder(run_id) / "config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | {"created_at": "2026-01-01T00:00:00+00:00"}))
    ids = [run.id for run in list_runs()]
    assert len(ids) == 5
    assert ids == sorted(ids, reverse=True)
