import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from fmnist_core import jobs, runs
from fmnist_core.config import TrainConfig
from fmnist_core.data import DataError
from fmnist_core.files import read_json
from fmnist_core.runs import RunRecord, RunWriter

LONG = TrainConfig(epochs=200, batch_size=10)


@pytest.fixture(autouse=True)
def small_data_in_use(small_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(small_data))


@pytest.fixture(autouse=True)
def no_run_outlives_its_test() -> Iterator[None]:
    yield
    for run in runs.list_runs():
        if run.is_live:
            jobs.stop(run.id)
            wait_until(run.id, lambda run: not run.is_live)


def wait_until(run_id: str, is_so: Callable[[RunRecord], bool]) -> RunRecord:
    """Waits for a state that must come; two minutes are for a machine that has other work."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        run = runs.load_run(run_id)
        if is_so(run):
            return run
        time.sleep(0.05)
    raise AssertionError(f"still {runs.load_run(run_id)}")


def test_a_process_of_its_own_trains_the_run() -> None:
    run_id = jobs.start(TrainConfig(epochs=1, batch_size=100), "From a page")
    assert runs.load_run(run_id).name == "From a page"
    run = wait_until(run_id, lambda run: not run.is_live)
    assert (run.state, run.epoch) == ("finished", 1)
    assert (run.folder / "evaluation.json").is_file()


def test_stopping_keeps_what_was_learned() -> None:
    run_id = jobs.start(LONG)
    wait_until(run_id, lambda run: run.epoch >= 1)
    jobs.stop(run_id)
    run = wait_until(run_id, lambda run: not run.is_live)
    assert run.state == "stopped"
    assert run.epoch < LONG.epochs
    assert run.test_accuracy is not None
    runs.load_model(run)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL; os.kill there ends a process as TerminateProcess does")
def test_a_killed_trainer_leaves_an_interrupted_run_that_opens() -> None:
    run_id = jobs.start(LONG)
    run = wait_until(run_id, lambda run: run.epoch >= 1)
    status = read_json(run.folder / "status.json")
    os.kill(int(status["process"]["pid"]), signal.SIGKILL)
    run = wait_until(run_id, lambda run: not run.is_live)
    assert run.state == "interrupted"
    assert run.epoch >= 1
    runs.load_model(run)


def test_a_spare_process_takes_the_next_run() -> None:
    jobs.keep_spare()
    spare = jobs._spare
    jobs.keep_spare()
    assert spare is not None
    assert jobs._spare is spare
    run = wait_until(jobs.start(TrainConfig(epochs=1)), lambda run: not run.is_live)
    assert run.state == "finished"
    assert read_json(run.folder / "status.json")["process"]["pid"] == spare.process.pid
    assert jobs._spare is None


def test_a_spare_that_reads_elsewhere_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs.keep_spare()
    spare = jobs._spare
    assert spare is not None
    monkeypatch.setenv("FMNIST_HOME", str(tmp_path / "elsewhere"))
    run = wait_until(jobs.start(TrainConfig(epochs=1)), lambda run: not run.is_live)
    assert run.state == "finished"
    assert spare.process.poll() is not None


def test_a_spare_ends_with_the_one_that_keeps_it() -> None:
    keeper = "from fmnist_core import jobs; jobs.keep_spare(); print(jobs._spare.process.pid)"
    printed = subprocess.run(
        [sys.executable, "-c", keeper], capture_output=True, text=True, check=True, cwd=Path(jobs.__file__).parent.parent
    )
    deadline = time.monotonic() + 60
    while psutil.pid_exists(int(printed.stdout)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_runs_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_SLOTS", "1")
    first = jobs.start(LONG)
    wait_until(first, lambda run: run.state == "training")
    second = jobs.start(TrainConfig(epochs=1))
    assert jobs.runs_ahead(runs.load_run(second)) == 1
    time.sleep(1)
    assert runs.load_run(second).state == "waiting"
    jobs.stop(first)
    assert wait_until(second, lambda run: not run.is_live).state == "finished"


def test_a_waiting_run_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_SLOTS", "1")
    first, second = jobs.start(LONG), jobs.start(LONG)
    jobs.stop(second)
    run = wait_until(second, lambda run: not run.is_live)
    assert (run.state, run.message) == ("stopped", "It was stopped before its turn came.")
    assert runs.load_run(first).is_live


def test_slots_and_threads_fill_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.delenv("FMNIST_SLOTS", raising=False)
    assert (jobs.training_slots(), jobs.threads_per_run()) == (4, 2)
    monkeypatch.setenv("FMNIST_SLOTS", "2")
    assert (jobs.training_slots(), jobs.threads_per_run()) == (2, 4)
    monkeypatch.setenv("FMNIST_SLOTS", "none")
    assert jobs.training_slots() == 4


def test_bad_data_fails_the_run_with_its_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(tmp_path / "nowhere"))
    run_id = runs.create_run(TrainConfig())
    jobs._load_splits.cache_clear()
    with pytest.raises(DataError):
        jobs.carry_out(run_id, lambda _event: None)
    run = runs.load_run(run_id)
    assert run.state == "failed"
    assert "nowhere does not exist" in run.message


def test_a_process_that_dies_before_it_speaks_is_spoken_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    run = wait_until(jobs.start(TrainConfig()), lambda run: not run.is_live)
    assert run.state == "failed"
    assert "ended with code 1 before it began" in run.message


def test_the_writer_claims_the_run_for_its_process() -> None:
    run_id = runs.create_run(TrainConfig())
    writer = RunWriter(run_id)
    assert read_json(runs.run_folder(run_id) / "status.json")["process"]["pid"] == os.getpid()
    writer.end("stopped")
