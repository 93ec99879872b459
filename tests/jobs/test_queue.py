import os
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fmnist_core.jobs import control, queue
from fmnist_core.jobs.control import continue_run, pause, resume, start_run, stop, train_more
from fmnist_core.jobs.queue import has_turn, runs_ahead, threads_per_run, training_slots
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.record import State, list_runs, load_run
from fmnist_core.runs.writer import RunWriter, create_run
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.files import read_json
from tests.jobs.trained import LONG, start_and_wait_for_a_step, steps_of, wait_until


def test_runs_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_SLOTS", "1")
    first = start_and_wait_for_a_step(LONG)
    second = start_run(TrainConfig(epochs=1))
    assert runs_ahead(load_run(second)) == 1
    # The second one's process is up, and would train by now if it took no turns: the first one takes a second's worth of steps.
    wait_until(second, lambda run: read_json(run.folder / "status.json")["pid"] != os.getpid())
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


@pytest.mark.parametrize(("cores", "slots", "threads"), [(None, 1, 1), (1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 2, 2), (5, 2, 2), (7, 3, 2)])
def test_there_is_a_slot_for_every_two_cores(cores: int | None, slots: int, threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.delenv("FMNIST_SLOTS", raising=False)
    assert (training_slots(), threads_per_run()) == (slots, threads)


def test_a_number_of_slots_may_have_spaces_around_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    monkeypatch.setenv("FMNIST_SLOTS", " 3\n")
    assert (training_slots(), threads_per_run()) == (3, 1)


def test_who_trains_is_ahead_whenever_it_was_made_and_who_does_anything_else_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs made in the same instant wait in the order of their ids."""
    monkeypatch.setenv("FMNIST_SLOTS", "2")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    me = replace(load_run(create_run(LONG)), id="m", created_at=at, state="waiting")
    later, earlier = at + timedelta(seconds=1), at - timedelta(seconds=1)

    def count(*others: tuple[str, datetime, State]) -> int:
        runs = [replace(me, id=run_id, created_at=created, state=state) for run_id, created, state in others]
        monkeypatch.setattr(queue, "list_runs", lambda: [me, *runs])
        monkeypatch.setattr(queue, "load_run", lambda _run_id: me)
        ahead = runs_ahead(me)
        assert has_turn("m") is (ahead < 2)
        return ahead

    assert count() == 0
    assert count(("z", later, "training")) == 1
    assert count(("a", earlier, "training"), ("b", earlier, "waiting")) == 2
    assert count(("a", earlier, "waiting"), ("b", earlier, "waiting"), ("c", earlier, "waiting")) == 3
    assert count(("a", later, "waiting"), ("n", at, "waiting")) == 0
    assert count(("a", at, "waiting")) == 1
    ended: tuple[State, ...] = ("paused", "finished", "stopped", "diverged", "failed", "interrupted")
    assert count(*[(state, earlier, state) for state in ended]) == 0


@pytest.mark.parametrize("slots", ["²", "٣", "1.5", "-2", "9" * 5000, "2 3"])
def test_what_is_not_a_number_of_slots_is_ignored(slots: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setenv("FMNIST_SLOTS", slots)
    assert training_slots() == 4


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of runs that would have got a process; none does."""
    ids: list[str] = []
    monkeypatch.setattr(control, "start_process", ids.append)
    return ids


def test_a_person_may_have_three_runs_waiting(started: list[str]) -> None:
    """Twenty presses on Train used to start twenty processes."""
    refusals = []
    for _ in range(20):
        try:
            start_run(LONG, mine=started)
        except RunError as error:
            refusals.append(str(error))
    assert len(started) == 3
    assert refusals == ["3 of your runs are waiting already: wait until one of them trains, or stop one."] * 17
    other = start_run(LONG, mine=["20200101-000000-abcd"])
    RunWriter(started[0]).change_state("training")  # and it dies at once, so it no longer waits
    start_run(LONG, mine=[run_id for run_id in started if run_id != other])
    assert len(list_runs()) == 5


def test_forty_runs_may_wait_in_all(started: list[str]) -> None:
    for _ in range(40):
        start_run(TrainConfig())
    with pytest.raises(RunError) as raised:
        start_run(TrainConfig())
    assert str(raised.value) == "40 runs are waiting already, as many as may wait: try again when some of them have trained."
    RunWriter(started[0]).end("stopped")
    continue_run(started[0])
    RunWriter(started[1]).end("stopped")
    start_run(TrainConfig())
    for ended in (continue_run, lambda run_id: train_more(run_id, 1)):
        with pytest.raises(RunError, match="40 runs are waiting already"):
            ended(started[1])


def test_runs_started_at_the_same_moment_are_counted_too(started: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a lock both would find room for one, and both take it."""
    monkeypatch.setattr(queue, "MAX_WAITING", 1)
    both_ask, refusals = threading.Barrier(2), []

    def start() -> None:
        both_ask.wait()
        try:
            start_run(LONG)
        except RunError as error:
            refusals.append(str(error))

    for _ in range(5):
        threads = [threading.Thread(target=start) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(started), len(refusals)) == (1, 1)
        RunWriter(started.pop()).end("stopped")
        refusals.clear()


def test_a_home_that_cannot_be_written_is_reported(started: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("FMNIST_HOME", str(tmp_path / "file"))
    with pytest.raises(RunError, match=r"Cannot write to .*file \(.*\): set FMNIST_HOME to a folder you can write to"):
        start_run(LONG)
    assert started == []
