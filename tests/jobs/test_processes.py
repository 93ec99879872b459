import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fmnist_core.jobs import processes
from fmnist_core.jobs.control import start_run, stop
from fmnist_core.jobs.processes import keep_warm_worker
from fmnist_core.runs.record import load_run
from fmnist_core.runs.weights import load_model
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.files import read_json
from tests.conftest import ROOT
from tests.jobs.trained import LONG, wait_until


def test_a_process_of_its_own_trains_the_run() -> None:
    run_id = start_run(TrainConfig(epochs=1, batch_size=100), "From a page")
    assert load_run(run_id).name == "From a page"
    run = wait_until(run_id, lambda run: not run.is_live)
    assert (run.state, run.epoch) == ("finished", 1)
    assert (run.folder / "evaluation.json").is_file()


def test_stopping_keeps_what_was_learned() -> None:
    run_id = start_run(LONG)
    wait_until(run_id, lambda run: run.epoch >= 1)
    stop(run_id)
    run = wait_until(run_id, lambda run: not run.is_live)
    assert run.state == "stopped"
    assert run.epoch < LONG.epochs
    assert run.test_accuracy is not None
    load_model(run)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL; os.kill there ends a process as TerminateProcess does")
def test_a_killed_trainer_leaves_an_interrupted_run_that_opens() -> None:
    run_id = start_run(LONG)
    run = wait_until(run_id, lambda run: run.epoch >= 1)
    os.kill(int(read_json(run.folder / "status.json")["pid"]), signal.SIGKILL)
    run = wait_until(run_id, lambda run: not run.is_live and run.message != "")
    assert run.state == "interrupted"
    assert run.message == "It was killed (signal 9), which systems do when memory runs out."
    assert run.epoch >= 1
    load_model(run)


def test_a_warm_worker_takes_the_next_run() -> None:
    keep_warm_worker()
    worker = processes._warm_worker
    keep_warm_worker()
    assert worker is not None
    assert processes._warm_worker is worker
    run = wait_until(start_run(TrainConfig(epochs=1)), lambda run: not run.is_live)
    assert run.state == "finished"
    assert read_json(run.folder / "status.json")["pid"] == worker.process.pid
    assert processes._warm_worker is None


def test_a_warm_worker_that_reads_elsewhere_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_warm_worker()
    worker = processes._warm_worker
    assert worker is not None
    monkeypatch.setenv("FMNIST_HOME", str(tmp_path / "elsewhere"))
    run = wait_until(start_run(TrainConfig(epochs=1)), lambda run: not run.is_live)
    assert run.state == "finished"
    assert worker.process.poll() is not None


def test_a_warm_worker_ends_with_the_process_that_keeps_it() -> None:
    keeper = "from fmnist_core.jobs import processes as p; p.keep_warm_worker(); print(p._warm_worker.process.pid)"
    printed = subprocess.run([sys.executable, "-c", keeper], capture_output=True, text=True, check=True, cwd=ROOT)
    deadline = time.monotonic() + 60
    while psutil.pid_exists(int(printed.stdout)):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_silent_death_before_the_first_step_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    run = wait_until(start_run(TrainConfig()), lambda run: not run.is_live)
    assert run.state == "failed"
    assert run.message == "The training process ended with code 1 before it started training."


def test_the_last_line_of_its_log_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho first >&2\necho 'ImportError: no torch' >&2\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    run = wait_until(start_run(TrainConfig()), lambda run: not run.is_live)
    assert (run.state, run.message) == ("failed", "ImportError: no torch")
