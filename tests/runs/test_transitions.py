import json
import os
import time
from pathlib import Path

import pytest

from fmnist_core.runs import transitions
from fmnist_core.runs.claim import claim_start, claim_training, is_claimed, release_start
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import STARTER_ID, RunError, run_folder
from fmnist_core.runs.record import RunRecord, State, load_run
from fmnist_core.runs.transitions import mark_ended, prepare_resume, put_back_to_wait
from fmnist_core.runs.weights import save_checkpoint
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.files import write_json
from fmnist_core.store.locks import FileLock
from tests.runs.run_files import checkpoint_at, put_status, read_status


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
        patch.setattr(transitions, "_check_resumable", be_second)
        with pytest.raises(RunError, match=ALREADY):
            prepare_resume(run_id)
    assert seen == ["stopped", "stopped", "stopped"]
    assert load_run(run_id).state == "waiting"
    assert (folder / "commands.jsonl").read_text().count("resume") == 1


def test_who_continues_a_run_waits_until_its_process_has_given_it_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It computes for a while after the run has ended, on a busy machine for seconds."""
    run_id = create_run(TrainConfig())
    folder = run_folder(run_id)
    save_checkpoint(checkpoint_at(5), folder)
    writer = RunWriter(run_id)
    writer.end("stopped", keep_claim=True)
    tries: list[Path] = []

    def claim_in_vain(folder: Path) -> FileLock | None:
        tries.append(folder)
        if len(tries) == 3:
            writer.release()
        return claim_training(folder, 0)

    monkeypatch.setattr(transitions, "claim_training", claim_in_vain)
    with monkeypatch.context() as patch:
        patch.setattr(transitions, "_ENDING_S", -1.0)
        assert refusal(run_id) == "This run has not quite ended: try again in a moment."
    prepare_resume(run_id)
    assert len(tries) == 3
    assert load_run(run_id).state == "waiting"


def test_who_continues_a_run_that_another_process_trains_meanwhile_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig())
    save_checkpoint(checkpoint_at(5), run_folder(run_id))
    RunWriter(run_id).end("stopped")

    def be_slower(_folder: Path) -> None:
        put_status(run_id, state="training")

    monkeypatch.setattr(transitions, "claim_training", be_slower)
    with pytest.raises(RunError, match=ALREADY):
        prepare_resume(run_id)


def test_a_run_that_was_continued_and_ended_meanwhile_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig())
    save_checkpoint(checkpoint_at(5), run_folder(run_id))
    RunWriter(run_id).end("stopped")

    def finish_first(folder: Path) -> bool:
        write_json(folder / "status.json", read_status(run_id) | {"state": "waiting"})
        RunWriter(run_id).end("finished")
        return claim_start(folder)

    monkeypatch.setattr(transitions, "claim_start", finish_first)
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
