import os

import pytest

from fmnist_core.jobs.control import pause, resume, start_run, stop
from fmnist_core.jobs.queue import has_turn, runs_ahead, threads_per_run, training_slots
from fmnist_core.runs.record import load_run
from fmnist_core.runs.writer import create_run
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.files import read_json
from tests.jobs.trained import LONG, start_and_wait_for_a_step, steps_of, wait_until


def test_runs_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_SLOTS", "1")
    first = start_and_wait_for_a_step(LONG)
    second = start_run(TrainConfig(epochs=1))
    assert runs_ahead(load_run(second)) == 1
    # The second one's process is up, and would train by now if it took no turns: the first one takes a second's worth of steps.
    wait_until(second, lambda run: read_json(run.folder / "status.json")["process"]["pid"] != os.getpid())
    before = len(steps_of(load_run(first)))
    wait_until(first, lambda run: len(steps_of(run)) >= before + 4)
    assert load_run(second).state == "waiting"
    stop(first)
    assert wait_until(second, lambda run: not run.is_live).state == "finished"


def test_a_waiting_run_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_SLOTS", "1")
    first, second = start_run(LONG), start_run(LONG)
    stop(second)
    run = wait_until(second, lambda run: not run.is_live)
    assert (run.state, run.message) == ("stopped", "It was stopped before its turn to train.")
    assert load_run(first).is_live


def test_a_paused_run_lets_others_train(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_SLOTS", "1")
    first = start_and_wait_for_a_step(LONG)
    pause(first)
    wait_until(first, lambda run: run.state == "paused")
    second = start_and_wait_for_a_step(LONG)
    resume(first)
    wait_until(first, lambda run: run.state == "waiting")
    stop(second)
    wait_until(second, lambda run: not run.is_live)
    wait_until(first, lambda run: run.state == "training")


def test_the_run_that_has_waited_longest_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_SLOTS", "2")
    ids = sorted((create_run(LONG) for _ in range(4)), key=lambda run_id: (load_run(run_id).created_at, run_id))
    assert [runs_ahead(load_run(run_id)) for run_id in ids] == [0, 1, 2, 3]
    assert [has_turn(run_id) for run_id in ids] == [True, True, False, False]


def test_slots_and_threads_fill_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.delenv("FMNIST_SLOTS", raising=False)
    assert (training_slots(), threads_per_run()) == (4, 2)
    monkeypatch.setenv("FMNIST_SLOTS", "2")
    assert (training_slots(), threads_per_run()) == (2, 4)
    monkeypatch.setenv("FMNIST_SLOTS", "0")
    assert (training_slots(), threads_per_run()) == (1, 8)
    monkeypatch.setenv("FMNIST_SLOTS", "none")
    assert training_slots() == 4
    monkeypatch.setenv("FMNIST_SLOTS", "16")
    assert threads_per_run() == 1
