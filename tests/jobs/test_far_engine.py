"""An engine whose trainer has nothing of the home folder, as one on another machine would: it is sent settings and sends events.

Here they travel through a pipe, and a thread beside the dispatcher writes them into the run's folder and reads the commands there.
"""

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest

from fmnist_core.classroom.people import LOCAL
from fmnist_core.dataset.split import load_split
from fmnist_core.evaluation.prediction import evaluate
from fmnist_core.jobs import control, dispatcher, turn
from fmnist_core.jobs.control import start_run
from fmnist_core.jobs.dispatcher import Dispatcher
from fmnist_core.jobs.engine import Doing, News
from fmnist_core.jobs.keeping import keep_likeness
from fmnist_core.jobs.worker import Controls
from fmnist_core.runs import mailbox
from fmnist_core.runs.folders import run_folder
from fmnist_core.runs.record import RunRecord, State, load_run, read_status
from fmnist_core.runs.weights import load_checkpoint, load_model
from fmnist_core.runs.writer import RunWriter
from fmnist_core.training.events import Event, Finished
from tests.jobs.trained import EXACT, LONG, Result, assert_same_result, result_of, steps_of, wait_until

_DOING: dict[State, Doing] = {"waiting": "starting", "training": "training", "paused": "paused"}


def train_far_away(pipe: Connection, data: str, home: str) -> None:
    """The other machine: it has the data, and a home of its own that stays empty."""
    os.environ |= {"FMNIST_DATA": data, "FMNIST_HOME": home}
    from fmnist_core.training.loop import train

    config, epochs, checkpoint = pipe.recv()
    events = train(config, load_split("train"), load_split("test"), epochs=epochs, checkpoint=checkpoint)
    event = next(events)
    while not isinstance(event, Finished):
        pipe.send(event)
        may_continue, request = pipe.recv()
        if not may_continue:
            return
        event = next(events) if request is None else events.send(request)
    pipe.send(event)


class FarEngine:
    """Trains each run in a process that never sees its folder.

    Attributes:
        trainers: those processes, by the runs' ids.
    """

    def __init__(self, home: Path) -> None:
        self.trainers: dict[str, SpawnProcess] = {}
        self._receivers: dict[str, threading.Thread] = {}
        self._home = home

    def start(self, run_id: str) -> None:
        receiver = self._receivers.get(run_id)
        if receiver is not None and receiver.is_alive():
            mailbox.send(run_folder(run_id), "turn")
            return
        here, there = multiprocessing.Pipe()
        context = multiprocessing.get_context("spawn")
        self.trainers[run_id] = context.Process(target=train_far_away, args=(there, os.environ["FMNIST_DATA"], str(self._home)))
        self.trainers[run_id].start()
        there.close()
        self._receivers[run_id] = threading.Thread(target=self._receive, args=(run_id, here))
        self._receivers[run_id].start()

    def send(self, run_id: str, command: mailbox.Name, *, reason: str = "") -> None:
        mailbox.send(run_folder(run_id), command, reason=reason)

    def news(self, run_id: str) -> News:
        is_alive = run_id in self._receivers and self._receivers[run_id].is_alive()
        doing = _DOING.get(read_status(run_folder(run_id)).state, "ended")
        return News(doing) if is_alive or doing == "ended" else News("gone", "The other machine does not answer.")

    def keep_warm(self, wanted: bool) -> None:
        """Nothing is."""

    def end(self) -> None:
        for run_id, trainer in self.trainers.items():
            trainer.kill()
            trainer.join()
            self._receivers[run_id].join()

    def _receive(self, run_id: str, pipe: Connection) -> None:
        """Writes what the trainer sends, and sends it what people command."""
        writer = RunWriter(run_id)
        try:
            self._follow(writer, Controls(writer), pipe)
        except (EOFError, OSError):
            writer.release()  # it is gone; what has been written is all there is

    def _follow(self, writer: RunWriter, controls: Controls, pipe: Connection) -> None:
        run = load_run(writer.run_id)
        pipe.send((run.config, writer.epochs, load_checkpoint(run)))
        event: Event = pipe.recv()
        while True:
            writer.write_event(event)
            if isinstance(event, Finished):
                break
            request = controls.next_request(event)
            pipe.send((not controls.is_stopped, request))
            if controls.is_stopped:
                writer.keep_unfinished_epoch()
                controls.end("stopped", controls.message)
                return
            event = pipe.recv()
        run, test_split = load_run(writer.run_id), load_split("test")
        writer.write_evaluation(evaluate(load_model(run), test_split, views=run.config.test_views))
        controls.end("finished", "", keep_claim=True)
        keep_likeness(writer, load_split("train"), test_split)


@pytest.fixture
def far_home(tmp_path: Path) -> Path:
    return tmp_path / "home-far-away"


@pytest.fixture
def engine(far_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FarEngine]:
    """The engine, for which a thread dispatches; one run has a slot."""
    for module in (control, turn):
        monkeypatch.setattr(module, "ensure_dispatcher", lambda: None)
    monkeypatch.setenv("FMNIST_SLOTS", "1")
    far = FarEngine(far_home)
    is_over = threading.Event()

    def run_dispatcher() -> None:
        dispatching = Dispatcher(far)
        while not is_over.wait(0.02):
            with contextlib.suppress(*dispatcher._ERRORS):
                dispatching.step()

    thread = threading.Thread(target=run_dispatcher)
    thread.start()
    yield far
    is_over.set()
    thread.join()
    far.end()


def is_training(run: RunRecord) -> bool:
    return run.state == "training" and bool(steps_of(run))


def test_runs_wait_pause_continue_and_end_with_the_same_bits(engine: FarEngine, exact: Result, far_home: Path) -> None:
    first = start_run(EXACT, by=LOCAL)
    wait_until(first, is_training)
    second = start_run(LONG, by=LOCAL)
    assert load_run(second).state == "waiting"
    control.pause(first, by=LOCAL)
    wait_until(first, lambda run: run.state == "paused")
    wait_until(second, is_training)
    control.resume(first, by=LOCAL)
    wait_until(first, lambda run: run.state == "waiting")
    control.stop(second, by=LOCAL, reason="It is Ben's turn.")
    assert wait_until(second, lambda run: not run.is_live).message == "It is Ben's turn."
    wait_until(first, lambda run: not run.is_live)
    assert_same_result(result_of(first), exact)
    assert len(engine.trainers) == 2
    assert not far_home.exists(), "the trainer writes no file"


def test_a_trainer_that_vanishes_is_replaced_and_its_run_ends_with_the_same_bits(engine: FarEngine, exact: Result) -> None:
    run_id = start_run(EXACT, by=LOCAL)
    wait_until(run_id, lambda run: is_training(run) and run.epoch >= 2)
    lost = engine.trainers[run_id]
    lost.kill()
    wait_until(run_id, lambda run: run.state == "finished")  # it is read as interrupted until the dispatcher has looked
    assert engine.trainers[run_id] is not lost
    assert_same_result(result_of(run_id), exact)
