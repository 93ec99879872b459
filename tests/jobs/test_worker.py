"""The training process itself, run in the test's own: what it writes, and what may go wrong with the machine."""

import errno
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fmnist_core.classroom.people import LOCAL
from fmnist_core.dataset.classes import DataError
from fmnist_core.evaluation.prediction import evaluate
from fmnist_core.jobs import worker
from fmnist_core.jobs.control import stop
from fmnist_core.jobs.worker import _load_splits, train_run
from fmnist_core.runs import mailbox, weights
from fmnist_core.runs.claim import release_start
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import run_folder
from fmnist_core.runs.record import load_run
from fmnist_core.runs.transitions import prepare_resume
from fmnist_core.runs.weights import load_checkpoint, load_model
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.files import append_line, read_json, write_whole
from fmnist_core.training.events import EpochDone, Event, Finished, StepDone
from tests.conftest import ROOT
from tests.jobs.trained import EXACT, LONG, assert_same_result, events_of, result_of, steps_of, unbroken


@pytest.mark.parametrize("validation_images", [0, 40])
def test_test_accuracy_is_one_figure_measured_once(validation_images: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the epoch in use, in the events, the record and evaluation.json, and of its weights when they are evaluated again."""
    run_id = create_run(TrainConfig(epochs=3, batch_size=50, learning_rate=0.01, validation_images=validation_images))
    with monkeypatch.context() as patch:
        name = "fmnist_core.evaluation.prediction.evaluate"
        patch.setattr(name, lambda *_, **__: pytest.fail("the final weights were evaluated a second time"))
        assert train_run(run_id, lambda _event: None) == "finished"
    run = load_run(run_id)
    epochs, (finished,) = events_of(run, EpochDone), events_of(run, Finished)
    in_use = epochs[(run.best_epoch or run.epoch) - 1].test_accuracy
    assert validation_images == 0 or run.best_epoch is not None
    written = read_json(run.folder / "evaluation.json")["accuracy"]
    assert in_use == run.test_accuracy == finished.test_accuracy == written
    assert evaluate(load_model(run), _load_splits()[1]).accuracy == written


def test_weights_of_an_epoch_cut_short_are_evaluated_too() -> None:
    run_id = create_run(replace(LONG, batch_size=50))

    def stop_in_the_second_epoch(event: Event) -> None:
        if isinstance(event, StepDone) and event.epoch == 2:
            stop(run_id, by=LOCAL)

    assert train_run(run_id, stop_in_the_second_epoch) == "stopped"
    run = load_run(run_id)
    assert (run.folder / "checkpoints" / "last.safetensors").is_file()
    assert read_json(run.folder / "evaluation.json") == evaluate(load_model(run), _load_splits()[1]).to_json()


def test_several_views_of_a_test_image_are_taken_at_the_end() -> None:
    run_id = create_run(TrainConfig(epochs=1, batch_size=50, test_views="mirrored"))
    train_run(run_id, lambda _event: None)
    run = load_run(run_id)
    expected = evaluate(load_model(run), _load_splits()[1], views="mirrored").accuracy
    assert run.test_accuracy == read_json(run.folder / "evaluation.json")["accuracy"] == expected


def test_bad_data_fails_the_run_with_its_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(tmp_path / "nowhere"))
    run_id = create_run(TrainConfig())
    _load_splits.cache_clear()
    with pytest.raises(DataError):
        train_run(run_id, lambda _event: None)
    run = load_run(run_id)
    assert run.state == "failed"
    assert "nowhere does not exist" in run.message


def test_a_pause_too_long_unloads_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PAUSE_LIMIT_S", 0.2)
    run_id = create_run(LONG)
    mailbox.send(run_folder(run_id), "pause")
    assert train_run(run_id, lambda _event: None) == "stopped"
    run = load_run(run_id)
    assert run.message == "It was paused for ten minutes and was unloaded to free memory; you can continue it."
    assert run.is_resumable


@pytest.mark.parametrize("rate", [None, float("nan"), 0.0, 1e9, -5.0])
def test_a_bad_line_among_the_commands_changes_nothing(rate: float | None) -> None:
    run_id = create_run(TrainConfig(epochs=2, batch_size=50))
    append_line(run_folder(run_id) / "commands.jsonl", {"command": "rate", "id": "a", "learning_rate": rate})
    assert train_run(run_id, lambda _event: None) == "finished"
    assert {event.learning_rate for event in events_of(load_run(run_id), StepDone)} == {0.001}


# Only the half of a file that was being written may be lost.
KILLED_IN_A_CHECKPOINT = """
import os, signal, sys
from fmnist_core.jobs.worker import train_run
from fmnist_core.runs import weights
whole, count = weights.write_whole, 0
def die_in_the_third(file, content, *, durable=False):
    global count
    count += file.name == "resume.safetensors"
    if count == 3:
        file.with_name(f".{file.name}.{os.getpid()}.tmp").write_bytes(content[: len(content) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    whole(file, content, durable=durable)
weights.write_whole = die_in_the_third
train_run(sys.argv[1], lambda event: None)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_death_in_the_middle_of_a_checkpoint_loses_that_checkpoint_alone() -> None:
    config = replace(EXACT, epochs=4)
    run_id = create_run(config)
    died = subprocess.run([sys.executable, "-c", KILLED_IN_A_CHECKPOINT, run_id], cwd=ROOT, check=False)
    assert died.returncode == -signal.SIGKILL
    release_start(run_folder(run_id))
    run = load_run(run_id)
    assert run.state == "interrupted"
    kept = load_checkpoint(run)
    assert kept is not None
    assert kept.step == 10  # the first came with the first step, the second with the first epoch, the third would have been the second's
    assert train_run(run_id, lambda _event: None) == "finished"
    assert_same_result(result_of(run_id), unbroken(config))
    assert list(run.folder.rglob("*.tmp")) == [], "the half file is gone too"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_reported_and_the_weights_are_kept() -> None:
    config = replace(EXACT, epochs=4)
    run_id = create_run(config)
    events = run_folder(run_id) / "events.jsonl"

    def fill_the_disk(event: Event) -> None:
        if isinstance(event, EpochDone):
            events.unlink()
            events.symlink_to("/dev/full")

    with pytest.raises(OSError, match="No space left"):
        train_run(run_id, fill_the_disk)
    run = load_run(run_id)
    assert run.state == "failed"
    assert run.message.startswith("The disk is full: free some space on the disk of ")
    assert run.message.endswith("Its progress is saved; continue it afterwards.")
    assert run.has_weights
    assert run.is_resumable
    events.unlink()
    prepare_resume(run_id)
    assert train_run(run_id, lambda _event: None) == "finished"
    assert steps_of(load_run(run_id))[-1] == 40


def test_a_checkpoint_that_does_not_fit_leaves_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(EXACT)
    whole = write_whole

    def fail_after_the_first_epoch(file: Path, content: bytes, *, durable: bool = False) -> None:
        if file.name == "epoch-002.safetensors":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
        whole(file, content, durable=durable)

    monkeypatch.setattr(weights, "write_whole", fail_after_the_first_epoch)
    with pytest.raises(OSError, match="No space left"):
        train_run(run_id, lambda _event: None)
    run = load_run(run_id)
    assert (run.state, run.epoch, run.best_epoch) == ("failed", 1, 1)
    assert "The disk is full" in run.message
    load_model(run)


def test_a_folder_that_can_no_longer_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(EXACT)

    def refuse(_writer: RunWriter) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(RunWriter, "save_checkpoint", refuse)
    with pytest.raises(PermissionError):
        train_run(run_id, lambda _event: None)
    assert "check its permissions" in load_run(run_id).message


OUT_OF_MEMORY = """
import resource, sys
from fmnist_core.jobs.worker import train_run
def leave_little_room(event):
    if type(event).__name__ == "Started":
        held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + 50_000_000,) * 2)
train_run(sys.argv[1], leave_little_room)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process as Linux does")
def test_too_little_memory_is_reported() -> None:
    run_id = create_run(TrainConfig(epochs=1, batch_size=10_000, precision="float32"))
    died = subprocess.run([sys.executable, "-c", OUT_OF_MEMORY, run_id], cwd=ROOT, check=False, capture_output=True, text=True)
    assert died.returncode == 1, died.stderr
    run = load_run(run_id)
    assert run.state == "failed"
    assert run.message.startswith("There was not enough memory for batches of 10,000: start a new run with smaller ones.")
