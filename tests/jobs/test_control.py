"""A run in the learner's hand: pausing, stepping, another learning rate, stopping, continuing."""

import json
import subprocess
from dataclasses import replace

import pytest

from fmnist_core.classroom.people import LOCAL
from fmnist_core.jobs import control
from fmnist_core.jobs.control import change_rate, continue_run, do_epoch, do_step, pause, resume, stop, train_more
from fmnist_core.jobs.launch import launch
from fmnist_core.runs.claim import release_start
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import STARTER_ID, RunError, run_folder
from fmnist_core.runs.mailbox import is_pending, stop_requested
from fmnist_core.runs.record import list_runs, load_run
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.events import RateChanged, Resumed, StepDone
from tests.jobs.trained import (
    EXACT,
    LONG,
    Result,
    assert_same_result,
    events_of,
    result_of,
    start_and_wait_for_a_step,
    steps_of,
    unbroken,
    wait_for_answer,
    wait_until,
)


def test_pausing_stepping_and_resuming_gives_the_same_bits_as_not(exact: Result) -> None:
    """Every command is answered when what it asks for has been done and written down."""
    run_id = start_and_wait_for_a_step(EXACT)
    run = wait_for_answer(run_id, pause(run_id, by=LOCAL))
    assert run.state == "paused"
    before = steps_of(run)[-1]
    assert before < 300, "30 epochs of 10 steps were over before the pause came"
    run = wait_for_answer(run_id, pause(run_id, by=LOCAL))  # it carries out another command meanwhile, but takes no step
    assert steps_of(run)[-1] == before

    run = wait_for_answer(run_id, do_step(run_id, by=LOCAL))
    assert run.state == "paused"
    assert steps_of(run)[-2:] == [before, before + 1]

    run = wait_for_answer(run_id, do_epoch(run_id, by=LOCAL))
    assert run.state == "paused"
    assert steps_of(run)[-1] % 10 == 0
    assert run.epoch == steps_of(run)[-1] // 10 > before // 10

    run = wait_for_answer(run_id, resume(run_id, by=LOCAL))
    assert run.state != "paused"
    wait_until(run_id, lambda run: not run.is_live)
    assert_same_result(result_of(run_id), exact)


def test_one_step_of_a_run_that_trains_does_a_step_and_pauses() -> None:
    run_id = start_and_wait_for_a_step(LONG)
    before = steps_of(load_run(run_id))[-1]
    run = wait_for_answer(run_id, do_step(run_id, by=LOCAL))
    assert run.state == "paused"
    after = steps_of(run)
    assert after[-1] > before
    assert after[-1] - after[-2] == 1


def test_a_command_that_another_replaces_is_answered_too() -> None:
    run_id = start_and_wait_for_a_step(LONG)
    wait_for_answer(run_id, pause(run_id, by=LOCAL))
    epoch, paused = do_epoch(run_id, by=LOCAL), pause(run_id, by=LOCAL)
    run = wait_for_answer(run_id, epoch)
    wait_for_answer(run_id, paused)
    assert load_run(run_id).state == "paused"
    assert run.epoch == load_run(run_id).epoch


def test_a_changed_rate_comes_into_force_also_while_paused() -> None:
    run_id = start_and_wait_for_a_step(LONG)
    wait_for_answer(run_id, pause(run_id, by=LOCAL))
    run = wait_for_answer(run_id, change_rate(run_id, 0.02, by=LOCAL))
    (change,) = events_of(run, RateChanged)
    assert change.learning_rate == 0.02
    assert wait_until(run_id, lambda run: run.state == "paused").state == "paused"
    run = wait_for_answer(run_id, do_step(run_id, by=LOCAL))
    assert steps_of(run)[-1] == change.step + 1
    assert events_of(run, StepDone)[-1].learning_rate == pytest.approx(0.02)
    with pytest.raises(ValueError, match="far too high"):
        change_rate(run_id, 1000, by=LOCAL)


def test_stop_is_answered_and_seen_by_everybody() -> None:
    run_id = start_and_wait_for_a_step(LONG)
    command = stop(run_id, by=LOCAL)
    assert stop_requested(run_folder(run_id))
    run = wait_until(run_id, lambda run: not run.is_live)
    assert run.state == "stopped"
    assert not is_pending(run.folder, command)


def test_a_killed_run_continues_to_exactly_the_result_of_an_unbroken_one(exact: Result) -> None:
    run_id = create_run(EXACT)
    process = launch(["train", "--await-runs"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    with process.stdin:
        process.stdin.write(f"{run_id}\n".encode())
    wait_until(run_id, lambda run: run.epoch >= 2)
    process.kill()
    process.wait()
    release_start(run_folder(run_id))
    run = load_run(run_id)
    assert run.state == "interrupted"
    assert run.is_resumable
    with (run.folder / "events.jsonl").open("ab") as events:
        events.write(b'{"type": "StepDone", "los')  # what a power cut leaves
    continue_run(run_id, by=LOCAL)
    run = wait_until(run_id, lambda run: not run.is_live)
    assert events_of(run, Resumed)
    assert_same_result(result_of(run_id), exact)


def test_a_stopped_run_continues_where_it_was(exact: Result) -> None:
    run_id = start_and_wait_for_a_step(EXACT)
    stop(run_id, by=LOCAL)
    run = wait_until(run_id, lambda run: not run.is_live)
    assert run.state == "stopped"
    stopped_at = steps_of(run)[-1]
    continue_run(run_id, by=LOCAL)
    run = wait_until(run_id, lambda run: not run.is_live)
    assert events_of(run, Resumed)[0].step == stopped_at
    assert_same_result(result_of(run_id), exact)


def test_a_finished_run_gets_more_epochs() -> None:
    config = TrainConfig(epochs=2, batch_size=50, seed=4, precision="float32")
    unbroken(config)
    run_id = list_runs()[0].id
    with pytest.raises(RunError, match="add more epochs to continue it"):
        continue_run(run_id, by=LOCAL)
    for epochs in (0, 199):
        with pytest.raises(ValueError, match="at most 200 epochs in total, and this one has 2: choose from 1 to 198"):
            train_more(run_id, epochs, by=LOCAL)
    train_more(run_id, 3, by=LOCAL)
    run = wait_until(run_id, lambda run: not run.is_live)
    assert (run.state, run.epoch, run.epochs) == ("finished", 5, 5)
    assert_same_result(result_of(run_id), unbroken(replace(config, epochs=5)))


def test_what_cannot_be_continued_says_why() -> None:
    with pytest.raises(RunError, match="The starter model comes with the dashboard and stays as it is"):
        continue_run(STARTER_ID, by=LOCAL)
    waiting = create_run(LONG)
    with pytest.raises(RunError, match="already training or waiting"):
        continue_run(waiting, by=LOCAL)
    RunWriter(waiting).end("diverged", "It grew and grew.")
    with pytest.raises(RunError, match="has no checkpoint to resume from"):
        continue_run(waiting, by=LOCAL)


def test_two_processes_cannot_train_one_run() -> None:
    run_id = start_and_wait_for_a_step(LONG)
    with pytest.raises(RunError, match="already training or waiting"):
        continue_run(run_id, by=LOCAL)
    with pytest.raises(RunError, match="is being trained by another process"):
        RunWriter(run_id)
    assert load_run(run_id).state == "training"


def test_a_folder_that_cannot_be_written_is_reported() -> None:
    run_id = create_run(LONG)
    in_the_way = run_folder(run_id) / "commands.jsonl"
    in_the_way.mkdir()
    with pytest.raises(RunError, match=r"Cannot write to .*, so the command was not sent\."):
        pause(run_id, by=LOCAL)
    in_the_way.rmdir()


@pytest.fixture
def asked_for(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What the functions ask for, in place of doing it."""
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(control, "prepare_resume", lambda *arguments, queued: asked.append(("prepare", *arguments, queued)))
    monkeypatch.setattr(control, "ensure_dispatcher", lambda: asked.append(("dispatch",)))
    return asked


def test_one_more_epoch_can_be_added_and_as_many_as_two_hundred_in_total(asked_for: list[tuple[object, ...]]) -> None:
    run_id = create_run(TrainConfig(epochs=40))
    RunWriter(run_id).end("finished")
    for epochs in (1, 160):
        train_more(run_id, epochs, by=LOCAL)
        assert asked_for == [("prepare", run_id, epochs, True), ("dispatch",)]
        asked_for.clear()
    for epochs in (-1, 0, 161):
        with pytest.raises(ValueError, match="epochs in total") as raised:
            train_more(run_id, epochs, by=LOCAL)
        assert str(raised.value) == "A run has at most 200 epochs in total, and this one has 40: choose from 1 to 160."
    assert asked_for == []


def test_each_command_is_sent_under_its_name() -> None:
    run_id = create_run(LONG)
    sent = [
        stop(run_id, by=LOCAL),
        pause(run_id, by=LOCAL),
        resume(run_id, by=LOCAL),
        do_step(run_id, by=LOCAL),
        do_epoch(run_id, by=LOCAL),
        change_rate(run_id, 0.5, by=LOCAL),
    ]
    commands = [json.loads(line) for line in (run_folder(run_id) / "commands.jsonl").read_text().splitlines()]
    assert [command["id"] for command in commands] == sent
    assert [command["command"] for command in commands] == ["stop", "pause", "go-on", "step", "epoch", "rate"]
    assert [command.get("learning_rate") for command in commands] == [None] * 5 + [0.5]
    with pytest.raises(RunError, match="There is no run"):
        stop("no-run", by=LOCAL)
