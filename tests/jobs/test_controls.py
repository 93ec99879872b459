"""How a training process follows commands, one look at its inbox after the other, without training."""

import errno
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from fmnist_core.dataset.split import Split
from fmnist_core.jobs import queue, turn, worker
from fmnist_core.jobs.worker import Controls, train_run, warm_up
from fmnist_core.runs import mailbox
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import resume_file, run_folder
from fmnist_core.runs.mailbox import Command, is_pending
from fmnist_core.runs.record import load_run
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training import loop
from fmnist_core.training.events import EpochDone, RateChanged, Request, StepDone
from tests.written_runs import epoch_done, step_done

PAUSE, RESUME, STEP, EPOCH, STOP, TURN = (Command(name, name) for name in ("pause", "go-on", "step", "epoch", "stop", "turn"))
A_STEP: StepDone = step_done(3, [1.0], 1.0)
AN_EPOCH: EpochDone = epoch_done(1, 4, 1.0)


class Desk:
    """What the controls look at and write to: an inbox that is filled look by look, and a log of all that is done."""

    def __init__(self) -> None:
        self.run_id = "a-run"
        self.inbox = self
        self.looks: list[list[Command]] = []
        self.log: list[str] = []
        self.turn_after = 1  # looks from when it asks for a turn

    def take_new(self) -> list[Command]:
        return self.looks.pop(0) if self.looks else []

    def answer(self, command: Command) -> None:
        self.log.append(f"answer {command.id}")

    def save_checkpoint(self) -> None:
        self.log.append("save")

    def change_state(self, state: str) -> None:
        self.log.append(state)

    def end(self, state: str, message: str, *, keep_claim: bool = False) -> None:  # noqa: ARG002
        self.log.append(f"end {state}: {message}")

    def ask_again(self, run_id: str) -> None:
        assert run_id == self.run_id
        self.looks += [[] for _ in range(self.turn_after - len(self.looks))]
        self.looks[self.turn_after - 1].append(TURN)

    def sleep(self, seconds: float) -> None:
        assert len(self.log) < 200, "it waits for ever"
        self.log.append(f"{seconds} s")

    def take_log(self) -> list[str]:
        done, self.log = self.log, []
        return done


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk()
    monkeypatch.setattr(queue, "ask_again", desk.ask_again)
    monkeypatch.setattr(turn, "ensure_dispatcher", lambda: None)
    monkeypatch.setattr(worker, "time", SimpleNamespace(sleep=desk.sleep))
    return desk


@pytest.fixture
def controls(desk: Desk) -> Controls:
    return Controls(desk)  # type: ignore[arg-type]


def rate(number: float, name: str) -> Command:
    return Command("rate", name, number)


def test_without_commands_a_run_just_trains(desk: Desk, controls: Controls) -> None:
    assert [controls.next_request(event) for event in (A_STEP, AN_EPOCH, A_STEP)] == [None, None, None]
    assert desk.log == []
    assert (controls.is_stopped, controls.message) == (False, "")


def test_a_pause_lasts_until_the_run_is_resumed(desk: Desk, controls: Controls) -> None:
    desk.looks = [[PAUSE], [], [RESUME]]
    assert controls.next_request(A_STEP) is None
    assert desk.log == ["save", "paused", "answer pause", "0.05 s", "0.05 s", "save", "waiting", "answer go-on", "0.2 s", "training"]
    assert not controls.is_stopped


def test_a_step_reports_and_pauses_again(desk: Desk, controls: Controls) -> None:
    desk.looks = [[PAUSE], [STEP]]
    desk.turn_after = 9  # a single step is not worth waiting for
    assert controls.next_request(A_STEP) == Request(None, True)
    assert desk.take_log() == ["save", "paused", "answer pause", "0.05 s", "training"]
    desk.looks = [[], [STEP]]
    assert controls.next_request(A_STEP) is None, "it reports every step already"
    assert desk.take_log() == ["save", "paused", "answer step", "0.05 s", "training"]
    desk.looks, desk.turn_after = [[], [RESUME]], 1
    assert controls.next_request(A_STEP) == Request(None, False)
    assert desk.take_log() == ["save", "paused", "answer step", "0.05 s", "save", "waiting", "answer go-on", "0.2 s", "training"]
    assert controls.next_request(A_STEP) is None
    assert desk.log == []


def test_an_epoch_ends_with_its_evaluation_and_not_with_a_step(desk: Desk, controls: Controls) -> None:
    desk.looks = [[EPOCH]]
    assert [controls.next_request(event) for event in (A_STEP, A_STEP)] == [None, None]
    assert desk.log == []
    desk.looks = [[], [RESUME]]
    assert controls.next_request(AN_EPOCH) is None
    assert desk.log == ["save", "paused", "answer epoch", "0.05 s", "save", "waiting", "answer go-on", "0.2 s", "training"]


def test_a_single_step_does_not_end_with_an_epoch(desk: Desk, controls: Controls) -> None:
    desk.looks = [[STEP]]
    assert controls.next_request(A_STEP) == Request(None, True)
    assert controls.next_request(AN_EPOCH) is None
    assert desk.log == []


def test_after_a_pause_it_waits_for_its_turn(desk: Desk, controls: Controls) -> None:
    desk.looks, desk.turn_after = [[PAUSE], [RESUME]], 2
    assert controls.next_request(A_STEP) is None
    paused, waiting = ["save", "paused", "answer pause", "0.05 s"], ["save", "waiting", "answer go-on", "0.2 s", "0.2 s"]
    assert desk.log == [*paused, *waiting, "training"]


def test_an_epoch_that_waits_for_its_turn_is_not_done_yet(desk: Desk, controls: Controls) -> None:
    desk.looks = [[PAUSE], [EPOCH]]
    assert controls.next_request(A_STEP) is None
    assert desk.take_log() == ["save", "paused", "answer pause", "0.05 s", "save", "waiting", "0.2 s", "training"]
    desk.looks = [[], [STOP]]
    controls.next_request(AN_EPOCH)
    assert desk.log == ["save", "paused", "answer epoch", "0.05 s"]


def test_a_goal_that_another_replaces_is_answered(desk: Desk, controls: Controls) -> None:
    desk.looks = [[STEP, EPOCH]]
    assert controls.next_request(A_STEP) is None
    assert desk.log == ["answer step"]


def test_a_new_rate_is_passed_on_and_answered_when_it_has_changed(desk: Desk, controls: Controls) -> None:
    desk.looks = [[rate(0.02, "a")]]
    assert controls.next_request(A_STEP) == Request(0.02, False)
    assert desk.log == []
    assert controls.next_request(RateChanged(epoch=1, step=3, learning_rate=0.02)) is None
    assert desk.log == ["answer a"]
    assert controls.next_request(A_STEP) is None
    assert desk.log == ["answer a"]


def test_a_new_rate_ends_no_pause(desk: Desk, controls: Controls) -> None:
    desk.looks = [[PAUSE], [rate(0.02, "a")]]
    assert controls.next_request(A_STEP) == Request(0.02, False)
    assert desk.take_log() == ["save", "paused", "answer pause", "0.05 s"]
    desk.looks = [[], [RESUME]]
    assert controls.next_request(RateChanged(epoch=1, step=3, learning_rate=0.02)) is None
    assert desk.log == ["answer a", "save", "paused", "0.05 s", "save", "waiting", "answer go-on", "0.2 s", "training"]


def test_of_two_rates_the_later_one_counts_and_both_are_answered(desk: Desk, controls: Controls) -> None:
    desk.looks = [[rate(0.02, "a"), rate(0.03, "b")]]
    assert controls.next_request(A_STEP) == Request(0.03, False)
    assert desk.log == ["answer a"]


@pytest.mark.parametrize("before", [[], [EPOCH], [STEP], [PAUSE], [RESUME]], ids=lambda before: before[0].id if before else "nothing")
def test_a_stop_is_answered_when_the_run_has_ended(before: list[Command], desk: Desk, controls: Controls) -> None:
    """Until then pages know that it is being stopped: the weights are still to be saved and tested."""
    desk.looks = [[*before, STOP]]
    controls.next_request(A_STEP)
    assert (controls.is_stopped, controls.message) == (True, "")
    assert desk.log == [f"answer {command.id}" for command in before]
    controls.end("stopped", "Enough.")
    assert desk.log[len(before) :] == ["answer stop", "end stopped: Enough."]


def test_what_is_still_open_at_the_end_is_answered_before_it(desk: Desk, controls: Controls) -> None:
    desk.looks = [[EPOCH, rate(0.02, "a")]]
    controls.next_request(A_STEP)
    controls.end("finished", "")
    assert desk.log == ["answer epoch", "answer a", "end finished: "]


def test_a_stop_ends_a_pause_and_the_run_does_not_train_again(desk: Desk, controls: Controls) -> None:
    desk.looks = [[PAUSE], [STOP]]
    controls.next_request(A_STEP)
    assert desk.log == ["save", "paused", "answer pause", "0.05 s"]
    assert controls.is_stopped


def test_a_stop_ends_the_wait_for_a_turn(desk: Desk, controls: Controls) -> None:
    desk.looks, desk.turn_after = [[PAUSE], [RESUME], [STOP]], 9
    controls.next_request(A_STEP)
    assert controls.is_stopped
    assert [entry for entry in desk.log if not entry.startswith("answer")] == ["save", "paused", "0.05 s", "save", "waiting", "0.2 s"]


@pytest.mark.parametrize(("limit_s", "looks"), [(0.1, 3), (0.16, 4)])
def test_a_pause_longer_than_the_limit_unloads_the_run(
    limit_s: float, looks: int, desk: Desk, controls: Controls, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looks are 0.05 s apart, so that a limit of 0.1 s is reached with the second and passed with the third."""
    assert worker.PAUSE_LIMIT_S == 600
    monkeypatch.setattr(worker, "PAUSE_LIMIT_S", limit_s)
    desk.looks = [[PAUSE]]
    controls.next_request(A_STEP)
    assert desk.log == ["save", "paused", "answer pause", *["0.05 s"] * looks]
    unloaded = "It was paused for ten minutes and was unloaded to free memory; you can continue it."
    assert (controls.is_stopped, controls.message) == (True, unloaded)


def test_waiting_for_a_turn_is_no_pause(desk: Desk, controls: Controls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PAUSE_LIMIT_S", 0.11)
    desk.looks, desk.turn_after = [[PAUSE], [RESUME]], 9
    controls.next_request(A_STEP)
    assert not controls.is_stopped
    assert desk.log.count("0.2 s") == 9


# Before a run trains


def ignore(_event: object) -> None:
    """Listens to nothing."""


def test_a_run_stopped_before_its_turn_has_not_trained(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig())
    sleeps: list[float] = []
    commands: list[str] = []

    def sleep(seconds: float) -> None:
        sleeps.append(seconds)
        if len(sleeps) == 3:
            commands.append(mailbox.send(run_folder(run_id), "stop"))

    monkeypatch.setattr(turn, "ensure_dispatcher", lambda: None)
    monkeypatch.setattr(worker, "time", SimpleNamespace(sleep=sleep))
    assert train_run(run_id, ignore, takes_turns=True) == "stopped"
    run = load_run(run_id)
    assert (run.state, run.message, run.has_weights) == ("stopped", "It was stopped before its turn to train.", False)
    assert sleeps == [0.2, 0.2, 0.2]
    assert not is_pending(run.folder, commands[0])
    assert queue.rows() == [], "it leaves no place behind"


def test_whoever_stops_another_persons_run_says_why(desk: Desk, controls: Controls) -> None:
    desk.looks = [[Command("stop", "stop", reason="The lesson is over.")]]
    controls.next_request(A_STEP)
    assert (controls.is_stopped, controls.message) == (True, "The lesson is over.")


TOO_LITTLE_MEMORY = "There was not enough memory for batches of 1,234: start a new run with smaller ones.{saved}"
SAVED = " Its progress is saved; continue it afterwards."


@pytest.mark.parametrize("has_checkpoint", [False, True])
@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OSError(errno.ENOSPC, "No space"), "The disk is full: free some space on the disk of {folder}.{saved}"),
        (OSError(errno.EDQUOT, "No quota"), "The disk is full: free some space on the disk of {folder}.{saved}"),
        (PermissionError(errno.EACCES, "Denied"), "Can no longer write to {folder} (Denied): check its permissions.{saved}"),
        (PermissionError(errno.EPERM, "Not allowed"), "Can no longer write to {folder} (Not allowed): check its permissions.{saved}"),
        (OSError(errno.EROFS, "Read-only"), "Can no longer write to {folder} (Read-only): check its permissions.{saved}"),
        (OSError(errno.EIO, "Broken"), "[Errno 5] Broken"),
        (MemoryError(), TOO_LITTLE_MEMORY),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"), TOO_LITTLE_MEMORY),
        (RuntimeError("not enough memory: 9 bytes"), TOO_LITTLE_MEMORY),
        (RuntimeError("CUDA out of memory."), TOO_LITTLE_MEMORY),
        (RuntimeError("Something else."), "Something else."),
        (RuntimeError(), "RuntimeError"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_a_run_that_fails_says_why_and_what_to_do(
    error: Exception, told: str, has_checkpoint: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_run_id: str) -> None:
        raise error

    monkeypatch.setattr(queue, "ask_again", fail)
    run_id = create_run(TrainConfig(batch_size=1_234))
    folder = run_folder(run_id)
    if has_checkpoint:
        resume_file(folder).touch()
    with pytest.raises(type(error)):
        train_run(run_id, ignore, takes_turns=True)
    run = load_run(run_id)
    assert (run.state, run.message) == ("failed", told.format(folder=folder, saved=SAVED if has_checkpoint else ""))


# Warming up


@pytest.fixture
def warmed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """What warming up trains: threads, the numbers of images, and the reports it asks for."""
    seen: list[Any] = []

    def train(config: TrainConfig, train_split: Split, test_split: Split) -> Iterator[str]:
        seen.extend([config, len(train_split), len(test_split)])
        try:
            for event in ("Started", "StepDone", "too much"):
                seen.append(event)
                yield event
        finally:
            seen.append("closed")

    monkeypatch.setattr(loop, "train", train)
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: seen.append(("threads", threads)))
    worker._load_splits.cache_clear()
    yield seen
    worker._load_splits.cache_clear()


def test_warming_up_trains_one_step_on_two_hundred_images(warmed: list[Any]) -> None:
    warm_up()
    assert warmed == [("threads", 1), TrainConfig(), 200, 200, "Started", "StepDone", "closed"]
    assert [len(split) for split in worker._load_splits()] == [500, 200]
    assert worker._load_splits.cache_info().misses == 1, "the data are read once"


def test_warming_up_leaves_errors_in_the_data_to_the_run(warmed: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(tmp_path / "nowhere"))
    warm_up()
    assert warmed == [("threads", 1)]
