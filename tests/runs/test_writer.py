import json
import os
import re
import time
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch

from fmnist_core.dataset.split import Split
from fmnist_core.evaluation.evaluation import Evaluation
from fmnist_core.runs import writer
from fmnist_core.runs.claim import claim_start, claim_training, is_claimed, release_start
from fmnist_core.runs.event_log import read_events
from fmnist_core.runs.folders import STARTER_ID, RunError, epoch_file, last_file, run_folder
from fmnist_core.runs.kept import kept_stamp
from fmnist_core.runs.record import RunRecord, State, list_runs, load_run
from fmnist_core.runs.results import read_live_kernels
from fmnist_core.runs.weights import load_checkpoint, load_model, save_checkpoint
from fmnist_core.runs.writer import RunWriter, create_run, mark_ended, prepare_resume, put_back_to_wait
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.files import read_json, write_json
from fmnist_core.training.checkpoint import Checkpoint, Counters
from fmnist_core.training.events import Event, RateChanged, Resumed, StepDone
from fmnist_core.training.loop import train
from tests.written_runs import epoch_done, started, step_done


def test_a_new_run_waits_in_its_own_folder(home: Path) -> None:
    run = load_run(create_run(TrainConfig(epochs=3), "  Team\nblue \x00 "))
    assert run.folder.parent == home / "runs"
    assert (run.name, run.config.epochs, run.state, run.is_live, run.has_weights) == ("Team blue", 3, "waiting", True, False)


def test_names_are_given_cut_and_never_paths(home: Path) -> None:
    first = load_run(create_run(TrainConfig()))
    long = load_run(create_run(TrainConfig(), "../../etc/" + "x" * 200))
    assert first.name == "Run 1"
    assert len(long.name) == 60
    assert long.folder.parent == home / "runs"


def test_what_a_killed_process_left_unfinished_is_deleted_after_an_hour(home: Path) -> None:
    old, new = (home / "runs" / f".20200101-000000-{name}.new" for name in ("aaaa", "bbbb"))
    for draft in (old, new):
        (draft / "checkpoints").mkdir(parents=True)
    os.utime(old, (0, 0))
    create_run(TrainConfig())
    assert not old.exists()
    assert new.exists()


def test_weights_of_an_epoch_cut_short_are_the_newest(trained_run: RunRecord, small_splits: tuple[Split, Split]) -> None:
    step = next(event for event in train(TrainConfig(), *small_splits) if isinstance(event, StepDone))
    prepare_resume(trained_run.id, 1)
    writer = RunWriter(trained_run.id)
    assert not writer.keep_unfinished_epoch()
    before = kept_stamp(trained_run)
    writer.write_event(step)
    assert writer.keep_unfinished_epoch()
    newest = load_model(load_run(trained_run.id)).state_dict()
    np.testing.assert_array_equal(newest["fc.weight"].numpy(), step.weights["fc.weight"])
    of_epoch = load_model(trained_run, epoch=1).state_dict()
    assert not torch.equal(of_epoch["fc.weight"], newest["fc.weight"])
    assert kept_stamp(trained_run) != before


def test_a_home_folder_that_cannot_be_written_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("FMNIST_HOME", str(blocked))
    with pytest.raises(RunError, match=r"Cannot write to .* set FMNIST_HOME"):
        create_run(TrainConfig())
    assert list_runs() == []


def test_a_home_folder_with_a_name_that_is_too_long_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_HOME", "/" + "a/" * 3_000)
    with pytest.raises(RunError, match=r"Cannot write to /a/a.*….*a/runs \(File name too long\): set FMNIST_HOME") as raised:
        create_run(TrainConfig())
    assert len(str(raised.value)) < 350


def test_the_writer_claims_the_run_for_its_process() -> None:
    run_id = create_run(TrainConfig())
    writer = RunWriter(run_id)
    assert json.loads((run_folder(run_id) / "status.json").read_text())["pid"] == os.getpid()
    assert is_claimed(run_folder(run_id))
    writer.end("stopped")
    assert not is_claimed(run_folder(run_id))


def read_status(run_id: str) -> Any:
    return json.loads((run_folder(run_id) / "status.json").read_text())


def put_status(run_id: str, **fields: Any) -> None:
    (run_folder(run_id) / "status.json").write_text(json.dumps(read_status(run_id) | fields))


def checkpoint_at(step: int, epoch_images: int = 0) -> Checkpoint:
    """A checkpoint of a network that has kernels alone, each weight of which is the number of the step."""
    counters = Counters(step, 0, 0.0, 0, epoch_images, None, 0.0, 0.0, 0.0, 1.0, 0.001, 0)
    return Checkpoint({"trained.layer1.0.weight": np.full((16, 1, 5, 5), step, np.float32)}, counters)


def saved_step(run_id: str) -> int | None:
    """The step of the checkpoint on the disk."""
    checkpoint = load_checkpoint(load_run(run_id))
    return None if checkpoint is None else checkpoint.step


def weight_in(file: Path) -> float:
    return float(safetensors.numpy.load_file(file)["layer1.0.weight"].max())


EVALUATION = Evaluation(np.array([3, 3, 3, 3], np.uint8), np.eye(10, dtype=np.float32)[[3, 5, 3, 3]], 0.5)


# Creating a run


def test_a_new_run_is_written_in_full(home: Path) -> None:
    config = TrainConfig(epochs=3, seed=9)
    run_id = create_run(config, "Blue")
    folder = home / "runs" / run_id
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", run_id)
    about = json.loads((folder / "config.json").read_text())
    assert (about["name"], about["config"]) == ("Blue", config.to_json())
    created = datetime.fromisoformat(about["created_at"])
    assert (created.utcoffset(), f"{created:%Y%m%d-%H%M%S}") == (timedelta(0), run_id[:15])
    assert read_status(run_id) == {
        "state": "waiting",
        "epoch": 0,
        "test_accuracy": None,
        "message": "",
        "epochs": None,
        "best_epoch": None,
        "pid": os.getpid(),
        "is_queued": False,
    }
    assert (folder / "reserve").read_bytes() == bytes(65_536)
    assert list((folder / "checkpoints").iterdir()) == []
    assert [file.name for file in (home / "runs").iterdir()] == [run_id]
    assert is_claimed(folder)


def test_until_its_settings_are_written_a_run_is_seen_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, list[RunRecord], bool]] = []

    def look(file: Path, content: Any, *, durable: bool) -> None:
        seen.append((file.name, list_runs(), is_claimed(file.parent)))
        write_json(file, content, durable=durable)

    monkeypatch.setattr(writer, "write_json", look)
    run_id = create_run(TrainConfig())
    assert seen == [("status.json", [], True), ("config.json", [], True)]
    assert [run.id for run in list_runs()] == [run_id]


def test_two_runs_of_one_second_never_share_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    endings = ["0000", "0000", "0001"]
    monkeypatch.setattr(writer, "datetime", SimpleNamespace(now=lambda zone: datetime(2026, 1, 1, tzinfo=zone)))
    monkeypatch.setattr("secrets.token_hex", lambda size: endings.pop(0) if size == 2 else "temporary")
    first = create_run(TrainConfig(), "first")
    second = create_run(TrainConfig(), "second")
    assert [first, second] == ["20260101-000000-0000", "20260101-000000-0001"]
    assert load_run(first).name == "first"


def test_without_a_free_id_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "datetime", SimpleNamespace(now=lambda zone: datetime(2026, 1, 1, tzinfo=zone)))
    monkeypatch.setattr("secrets.token_hex", lambda size: "0" * 2 * size)
    create_run(TrainConfig(), "first")
    with pytest.raises(RunError, match="File exists"):
        create_run(TrainConfig(), "second")
    assert [run.name for run in list_runs()] == ["first"]


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_run_that_cannot_be_created_leaves_nothing(written: int, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [written]

    def fail(*arguments: Any, **options: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        write_json(*arguments, **options)

    def reserve(_folder: Path) -> None:
        if written == 2:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "write_json", fail)
    monkeypatch.setattr(writer, "_reserve_space", reserve)
    with pytest.raises(RunError, match="No space left on device"):
        create_run(TrainConfig())
    assert list((home / "runs").iterdir()) == []


def test_runs_without_a_name_are_numbered() -> None:
    names = [load_run(create_run(TrainConfig(), name)).name for name in ("", "Blue", " \n", "\x00")]
    assert names == ["Run 1", "Blue", "Run 3", "Run 4"]


@pytest.mark.parametrize("name", [".20200101-000000-aaaa.new", "20200101-000000-aaaa"])
@pytest.mark.parametrize(("age_s", "stays"), [(0, True), (3_600, True), (3_601, False)])
def test_a_draft_is_deleted_when_it_is_older_than_an_hour(
    name: str, age_s: int, stays: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = home / "runs" / name
    (draft / "checkpoints").mkdir(parents=True)
    os.utime(draft, (5_000, 5_000))
    monkeypatch.setattr(writer, "time", SimpleNamespace(time=lambda: 5_000 + age_s))
    create_run(TrainConfig())
    assert draft.exists() is stays


@pytest.mark.parametrize("name", ["archive", "20200101-000000-aaaa", ".20200101-000000-aaaa.new"])
def test_a_persons_own_folder_is_never_deleted(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = home / "runs" / name / "notes" / "run.txt"
    own.parent.mkdir(parents=True)
    own.touch()
    monkeypatch.setattr(writer, "time", SimpleNamespace(time=lambda: 1e12))
    create_run(TrainConfig())
    assert own.exists()


@pytest.mark.parametrize("left", ["events.jsonl", "config.json", "checkpoints/epoch-001.safetensors", "checkpoints/last.safetensors"])
def test_a_run_that_lost_its_settings_is_never_mistaken_for_a_draft(left: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home / "runs" / "20200101-000000-aaaa"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / left).touch()
    monkeypatch.setattr(writer, "time", SimpleNamespace(time=lambda: 1e12))
    create_run(TrainConfig())
    assert (folder / left).exists()


def test_a_draft_that_is_being_written_stays_whatever_the_clock_says(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = home / "runs" / "20200101-000000-aaaa"
    draft.mkdir(parents=True)
    assert claim_start(draft)
    monkeypatch.setattr(writer, "time", SimpleNamespace(time=lambda: 1e12))
    create_run(TrainConfig())
    assert draft.exists()
    release_start(draft)


def test_a_draft_that_another_process_deletes_first_is_ignored(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("aaaa", "bbbb"):
        (home / "runs" / f".20200101-000000-{name}.new").mkdir(parents=True)
    monkeypatch.setattr(writer, "time", SimpleNamespace(time=lambda: 1e12))
    monkeypatch.setattr(writer, "shutil", SimpleNamespace(rmtree=lambda draft: draft.rmdir() or draft.rmdir()))
    create_run(TrainConfig())
    assert list((home / "runs").glob(".*.new")) == []


# Continuing a run


def refusal(run_id: str, more_epochs: int = 0) -> str:
    before = read_status(run_id)
    with pytest.raises(RunError) as raised:
        prepare_resume(run_id, more_epochs)
    assert read_status(run_id) == before
    assert not (run_folder(run_id) / "commands.jsonl").exists()
    return str(raised.value)


ALREADY = "This run is already training or waiting."
COMPLETE = "This run has completed all its epochs: add more epochs to continue it."
NO_CHECKPOINT = "This run has no checkpoint to resume from: start a new one."


def test_what_cannot_be_continued_says_why() -> None:
    assert refusal(STARTER_ID) == refusal(STARTER_ID, 1) == NO_CHECKPOINT
    run_id = create_run(TrainConfig())
    assert refusal(run_id) == refusal(run_id, 1) == ALREADY
    release_start(run_folder(run_id))
    put_status(run_id, state="finished", epoch=5)
    assert refusal(run_id) == refusal(run_id, 1) == NO_CHECKPOINT
    put_status(run_id, state="stopped", epoch=1)
    assert refusal(run_id) == refusal(run_id, 1) == NO_CHECKPOINT
    save_checkpoint(checkpoint_at(5), run_folder(run_id))
    put_status(run_id, state="diverged")
    assert refusal(run_id) == refusal(run_id, 1) == NO_CHECKPOINT
    put_status(run_id, state="finished", epoch=5)
    assert refusal(run_id) == COMPLETE


@pytest.mark.parametrize(
    ("state", "epoch", "has_checkpoint", "more_epochs", "epochs"),
    [("stopped", 2, True, 0, 7), ("failed", 2, True, 3, 10), ("interrupted", 0, False, 0, 7), ("finished", 7, True, 2, 9)],
)
def test_a_continued_run_waits_again_and_keeps_its_figures(
    state: State, epoch: int, has_checkpoint: bool, more_epochs: int, epochs: int
) -> None:
    run_id = create_run(TrainConfig(epochs=4))
    if has_checkpoint:
        save_checkpoint(checkpoint_at(5), run_folder(run_id))
    release_start(run_folder(run_id))
    put_status(run_id, state=state, epoch=epoch, test_accuracy=0.5, message="It ended.", epochs=7, best_epoch=1, pid=1)
    prepare_resume(run_id, more_epochs)
    assert read_status(run_id) == {
        "state": "waiting",
        "epoch": epoch,
        "test_accuracy": 0.5,
        "message": "",
        "epochs": epochs,
        "best_epoch": 1,
        "pid": os.getpid(),
        "is_queued": False,
    }
    (command,) = (json.loads(line) for line in (run_folder(run_id) / "commands.jsonl").read_text().splitlines())
    assert (command["command"], command["more_epochs"]) == ("resume", more_epochs)


def test_a_run_that_cannot_be_written_is_not_continued() -> None:
    run_id = create_run(TrainConfig())
    release_start(run_folder(run_id))
    put_status(run_id, state="stopped")
    (run_folder(run_id) / "commands.jsonl").mkdir()
    with pytest.raises(RunError) as raised:
        prepare_resume(run_id)
    assert str(raised.value) == f"Cannot write to {run_folder(run_id)} (Is a directory): free some space and try again."


def test_of_two_that_continue_a_run_at_once_one_does() -> None:
    """The second looked before the first had written, and is refused when it comes to writing."""
    run_id = create_run(TrainConfig())
    folder = run_folder(run_id)
    save_checkpoint(checkpoint_at(5), folder)
    RunWriter(run_id).end("stopped")
    seen: list[str] = []

    def be_second(record: RunRecord, _more_epochs: int) -> None:
        seen.append(record.state)
        if len(seen) == 1:
            prepare_resume(run_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "_check_resumable", be_second)
        with pytest.raises(RunError, match=ALREADY):
            prepare_resume(run_id)
    assert seen == ["stopped", "stopped", "stopped"]
    assert load_run(run_id).state == "waiting"
    assert (folder / "commands.jsonl").read_text().count("resume") == 1


def test_a_run_that_was_continued_and_ended_meanwhile_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig())
    save_checkpoint(checkpoint_at(5), run_folder(run_id))
    RunWriter(run_id).end("stopped")

    def finish_first(folder: Path) -> bool:
        write_json(folder / "status.json", read_status(run_id) | {"state": "waiting"})
        RunWriter(run_id).end("finished")
        return claim_start(folder)

    monkeypatch.setattr(writer, "claim_start", finish_first)
    with pytest.raises(RunError, match=COMPLETE):
        prepare_resume(run_id)
    assert load_run(run_id).state == "finished"
    assert not is_claimed(run_folder(run_id)), "whoever is refused keeps no claim"


def test_a_run_that_is_just_ending_can_be_continued_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever reads its last status may come before the trainer has given up its claim."""
    run_id = create_run(TrainConfig())
    folder = run_folder(run_id)
    save_checkpoint(checkpoint_at(5), folder)
    running = RunWriter(run_id)
    put_status(run_id, state="stopped")
    monkeypatch.setattr(time, "sleep", lambda _s: running._claim.release())
    prepare_resume(run_id)
    assert load_run(run_id).state == "waiting"


def test_a_run_has_at_most_two_hundred_epochs() -> None:
    run_id = create_run(TrainConfig(epochs=150))
    save_checkpoint(checkpoint_at(5), run_folder(run_id))
    RunWriter(run_id).end("finished")
    assert refusal(run_id, 51) == "A run has at most 200 epochs in total."
    prepare_resume(run_id, 50)


@pytest.mark.parametrize("state", ["waiting", "training", "paused", "interrupted", "finished", "stopped", "diverged", "failed"])
def test_only_a_run_that_has_not_ended_is_marked_as_ended(state: State) -> None:
    run_id = create_run(TrainConfig(epochs=4))
    put_status(run_id, state=state, epoch=2, test_accuracy=0.5, message="Before.", epochs=6, best_epoch=1, pid=77)
    before = read_status(run_id)
    mark_ended(run_id, "failed", "It died.")
    ended = before | {"state": "failed", "message": "It died.", "is_queued": False}
    assert read_status(run_id) == (ended if state in ("waiting", "training", "paused") else before)


def test_a_run_that_a_process_trains_is_neither_ended_nor_put_back_for_it() -> None:
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)
    running.change_state("training")
    before = read_status(run_id)
    mark_ended(run_id, "failed", "It died.")
    put_back_to_wait(run_id)
    assert read_status(run_id) == before
    running.end("stopped")


def test_a_run_whose_process_died_waits_again_with_what_it_has_learned() -> None:
    run_id = create_run(TrainConfig(epochs=4))
    put_status(run_id, state="training", epoch=2, test_accuracy=0.5, message="Before.", epochs=6, best_epoch=1, pid=77)
    release_start(run_folder(run_id))
    assert load_run(run_id).state == "interrupted"
    put_back_to_wait(run_id)
    run = load_run(run_id)
    assert (run.state, run.is_queued, run.epoch, run.epochs, run.message) == ("waiting", True, 2, 6, "")
    mark_ended(run_id, "stopped", "Enough.")
    put_back_to_wait(run_id)
    assert load_run(run_id).state == "stopped", "it has ended"


def test_a_queued_run_is_live_without_a_claim_until_a_process_has_taken_it() -> None:
    run_id = create_run(TrainConfig(), queued=True)
    assert not is_claimed(run_folder(run_id))
    assert (load_run(run_id).state, load_run(run_id).is_queued) == ("waiting", True)
    running = RunWriter(run_id)
    assert (load_run(run_id).state, load_run(run_id).is_queued) == ("waiting", False)
    save_checkpoint(checkpoint_at(5), run_folder(run_id))
    running.end("stopped")
    prepare_resume(run_id, queued=True)
    assert not is_claimed(run_folder(run_id))
    assert (load_run(run_id).state, load_run(run_id).is_queued) == ("waiting", True)


# Writing a run


def test_a_writer_takes_over_a_run_as_it_is() -> None:
    run_id = create_run(TrainConfig(epochs=4))
    put_status(run_id, epoch=2, test_accuracy=0.5, message="Before.", epochs=6, best_epoch=1)
    folder = run_folder(run_id)
    (folder / "reserve").unlink()
    running = RunWriter(run_id)
    assert (running.run_id, running.folder, running.epochs, running.is_evaluated) == (run_id, folder, 6, False)
    run = load_run(run_id)
    assert (run.state, run.epoch, run.test_accuracy, run.message, run.epochs, run.best_epoch) == ("waiting", 2, 0.5, "", 6, 1)
    assert claim_training(folder, 0) is None
    assert (folder / "reserve").stat().st_size == 65_536


def test_a_run_that_another_process_trains_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig())
    monkeypatch.setattr(writer, "claim_training", lambda _folder: None)
    with pytest.raises(RunError) as raised:
        RunWriter(run_id)
    assert str(raised.value) == f'The run "{run_id}" is being trained by another process.'


def test_events_before_a_checkpoint_are_kept_and_without_one_are_not() -> None:
    run_id = create_run(TrainConfig())
    events = run_folder(run_id) / "events.jsonl"
    events.write_bytes(b'{"whole": 1}\n{"ha')
    RunWriter(run_id)
    assert not events.exists()
    events.write_bytes(b'{"whole": 1}\n{"ha')
    save_checkpoint(checkpoint_at(5), run_folder(run_id))
    RunWriter(run_id)
    assert events.read_bytes() == b'{"whole": 1}\n'


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders")
def test_a_reserve_that_is_not_a_file_is_replaced_and_not_opened() -> None:
    """Opening a named pipe that nobody reads from would wait for ever."""
    run_id = create_run(TrainConfig())
    reserve = run_folder(run_id) / "reserve"
    reserve.unlink()
    os.mkfifo(reserve)
    RunWriter(run_id)
    assert reserve.read_bytes() == bytes(65_536)


def test_a_full_disk_has_no_room_for_the_reserve_and_the_run_continues() -> None:
    run_id = create_run(TrainConfig())
    (run_folder(run_id) / "reserve").unlink()
    (run_folder(run_id) / "reserve").mkdir()
    running = RunWriter(run_id)
    running.change_state("training")
    assert load_run(run_id).state == "training"


@pytest.mark.parametrize("event", [started(), Resumed(epoch=1, step=3, steps_per_epoch=4, elapsed_s=1.0)])
def test_a_run_that_starts_or_resumes_is_training(event: Event) -> None:
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)
    running.write_event(event)
    assert load_run(run_id).state == "training"
    assert [type(written) for written in read_events(run_folder(run_id))[0]] == [type(event)]


def test_reports_save_the_kernels_and_every_thirty_seconds_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(writer, "time", SimpleNamespace(monotonic=lambda: now, time=time.time))
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)
    saved = []
    for step, now in ((1, 0.0), (2, 29.9), (3, 30.0), (4, 59.9), (5, 60.5), (6, 90.4), (7, 90.5)):  # `now` is read above
        running.write_event(step_done(step, [1.0], now, checkpoint=checkpoint_at(step)))
        kernels = read_live_kernels(run_folder(run_id))
        assert kernels is not None
        assert (kernels.shape, kernels.max()) == ((16, 5, 5), step)
        saved.append(saved_step(run_id))
    assert saved == [1, 1, 3, 3, 5, 5, 7]
    assert json.loads((run_folder(run_id) / "live.json").read_text())["step"] == 7
    assert len(read_events(run_folder(run_id))[0]) == 7


def test_events_without_a_checkpoint_are_only_written() -> None:
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)
    before = sorted(file.name for file in run_folder(run_id).iterdir())
    for event in (step_done(1, [1.0], 1.0), RateChanged(epoch=1, step=1, learning_rate=0.1), epoch_done(1, 4, 2.0)):
        running.write_event(event)
    running.save_checkpoint()
    assert not running.keep_unfinished_epoch()
    assert sorted(file.name for file in run_folder(run_id).iterdir()) == sorted([*before, "events.jsonl"])
    assert load_run(run_id).epoch == 0


def test_the_checkpoint_after_an_epoch_is_the_last_that_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run killed before it resumes with the epoch unreported, one killed after it has all that was reported."""
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)
    seen: list[tuple[int, int | None]] = []
    monkeypatch.setattr(writer, "save_checkpoint", lambda *_: seen.append((load_run(run_id).epoch, load_run(run_id).best_epoch)))
    running.write_event(epoch_done(1, 4, 2.0, is_best=True, validation_accuracy=0.5, checkpoint=checkpoint_at(4)))
    assert seen == [(1, 1)]


def test_a_changed_rate_saves_a_checkpoint_at_once() -> None:
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)
    running.write_event(step_done(1, [1.0], 1.0, checkpoint=checkpoint_at(1)))
    running.write_event(RateChanged(epoch=1, step=2, learning_rate=0.1, checkpoint=checkpoint_at(2)))
    assert saved_step(run_id) == 2


def test_a_checkpoint_is_saved_once_and_after_the_events_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig())
    running, done = RunWriter(run_id), []
    monkeypatch.setattr(writer, "os", SimpleNamespace(fsync=lambda file: done.append(os.fstat(file).st_size)))
    monkeypatch.setattr(writer, "save_checkpoint", lambda checkpoint, _folder: done.append(-checkpoint.step))
    running.save_checkpoint()
    assert done == []
    running.write_event(step_done(1, [1.0], 1.0, checkpoint=checkpoint_at(1)))
    size = (run_folder(run_id) / "events.jsonl").stat().st_size
    assert done == [size, -1]
    running.save_checkpoint()
    assert done == [size, -1]
    running.write_event(step_done(2, [1.0], 1.0, checkpoint=checkpoint_at(2)))
    assert done == [size, -1], "it is too early for another"
    running.save_checkpoint()
    assert done == [size, -1, (run_folder(run_id) / "events.jsonl").stat().st_size, -2]


def test_an_epoch_saves_its_weights_its_figures_and_a_checkpoint() -> None:
    run_id = create_run(TrainConfig())
    folder, running = run_folder(run_id), RunWriter(run_id)
    last_file(folder).touch()
    running.write_event(epoch_done(1, 4, 1.0, 0.6, checkpoint=checkpoint_at(4), evaluation=EVALUATION))
    assert (weight_in(epoch_file(folder, 1)), saved_step(run_id), last_file(folder).exists()) == (4, 4, False)
    run = load_run(run_id)
    assert (run.epoch, run.best_epoch, run.test_accuracy, running.is_evaluated) == (1, None, 0.6, True)
    assert read_json(folder / "evaluation.json") == EVALUATION.to_json()
    running.write_event(epoch_done(2, 8, 2.0, 0.7, checkpoint=checkpoint_at(8)))
    run = load_run(run_id)
    assert (run.epoch, run.best_epoch, run.test_accuracy, running.is_evaluated) == (2, None, 0.7, False)
    assert (weight_in(epoch_file(folder, 1)), weight_in(epoch_file(folder, 2))) == (4, 8)


def test_with_validation_images_the_best_epoch_is_in_use() -> None:
    run_id = create_run(TrainConfig(validation_images=40))
    folder, running = run_folder(run_id), RunWriter(run_id)
    figures = []
    for epoch, is_best in ((1, True), (2, False), (3, True), (4, False)):
        running.write_event(
            epoch_done(
                epoch,
                4 * epoch,
                1.0,
                epoch / 10,
                validation_accuracy=0.5,
                is_best=is_best,
                checkpoint=checkpoint_at(4 * epoch),
                evaluation=EVALUATION,
            )
        )
        run = load_run(run_id)
        figures.append((run.epoch, run.best_epoch, run.test_accuracy, running.is_evaluated))
        (folder / "evaluation.json").unlink(missing_ok=not is_best)
    assert figures == [(1, 1, 0.1, True), (2, 1, 0.1, True), (3, 3, 0.3, True), (4, 3, 0.3, True)]
    assert not (folder / "evaluation.json").exists(), "only that of a best epoch is written"


def test_an_epoch_seen_in_one_view_is_no_evaluation_of_several() -> None:
    run_id = create_run(TrainConfig(test_views="mirrored"))
    running = RunWriter(run_id)
    running.write_event(epoch_done(1, 4, 1.0, 0.6, checkpoint=checkpoint_at(4), evaluation=EVALUATION))
    assert not running.is_evaluated
    assert not (run_folder(run_id) / "evaluation.json").exists()
    assert load_run(run_id).test_accuracy == 0.6


@pytest.mark.parametrize("is_best", [True, False])
def test_weights_of_an_unfinished_epoch_are_not_evaluated_yet_unless_others_are_in_use(is_best: bool) -> None:
    run_id = create_run(TrainConfig(validation_images=40 if is_best else 0))
    folder, running = run_folder(run_id), RunWriter(run_id)
    accuracy = 0.5 if is_best else None
    running.write_event(
        epoch_done(1, 4, 1.0, validation_accuracy=accuracy, is_best=is_best, checkpoint=checkpoint_at(4), evaluation=EVALUATION)
    )
    assert not running.keep_unfinished_epoch()
    assert not last_file(folder).exists()
    assert running.is_evaluated
    running.write_event(step_done(5, [1.0], 1.0, checkpoint=checkpoint_at(5, epoch_images=100)))
    assert saved_step(run_id) == 4
    assert running.keep_unfinished_epoch()
    assert (saved_step(run_id), weight_in(last_file(folder))) == (5, 5)
    assert running.is_evaluated is is_best


def test_an_evaluation_at_the_end_is_in_the_status() -> None:
    run_id = create_run(TrainConfig())
    RunWriter(run_id).write_evaluation(EVALUATION)
    assert load_run(run_id).test_accuracy == 0.75
    assert read_json(run_folder(run_id) / "evaluation.json") == EVALUATION.to_json()


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_run_that_ends_gives_up_its_claim_and_its_reserve(is_lost: bool) -> None:
    run_id = create_run(TrainConfig())
    folder, running = run_folder(run_id), RunWriter(run_id)
    if is_lost:
        (folder / "trainer.lock").unlink()
        (folder / "reserve").unlink()
    running.end("diverged", "It grew.")
    assert not (folder / "reserve").exists()
    assert not is_claimed(folder)
    assert (load_run(run_id).state, load_run(run_id).message) == ("diverged", "It grew.")


def test_the_last_status_is_written_before_the_claim_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)
    seen: list[bool] = []
    monkeypatch.setattr(writer, "write_json", lambda file, _content, **_: seen.append(is_claimed(file.parent)))
    running.end("stopped")
    assert seen == [True]
    assert not is_claimed(run_folder(run_id))


def test_a_run_whose_last_status_cannot_be_written_gives_up_its_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "write_json", fail)
    with pytest.raises(OSError, match="No space left"):
        running.end("stopped")
    assert not is_claimed(run_folder(run_id))
    assert load_run(run_id).state == "interrupted"


def test_a_failed_run_keeps_its_unfinished_epoch_and_says_why() -> None:
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)
    running.write_event(step_done(1, [1.0], 1.0, checkpoint=checkpoint_at(1, epoch_images=100)))
    running.fail("The disk is full.")
    run = load_run(run_id)
    assert (run.state, run.message, run.has_weights, run.has_checkpoint) == ("failed", "The disk is full.", True, True)
    assert not (run.folder / "reserve").exists()


def test_a_failed_run_is_marked_even_if_nothing_else_can_be_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig())
    running, tried = RunWriter(run_id), []

    def fail(*_: object, **__: object) -> None:
        tried.append((run_folder(run_id) / "reserve").exists())
        raise OSError("full")

    monkeypatch.setattr(writer, "save_weights", fail)
    running.write_event(step_done(1, [1.0], 1.0, checkpoint=checkpoint_at(1, epoch_images=100)))
    running.fail("The disk is full.")
    assert tried == [False], "the reserve was given up first"
    assert load_run(run_id).state == "failed"
    monkeypatch.setattr(writer, "write_json", fail)
    running.fail("Again.")
    assert load_run(run_id).message == "The disk is full."
