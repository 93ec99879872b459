"""Training processes: started, warm, used again, and dead."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from fmnist_core.classroom.people import LOCAL
from fmnist_core.jobs.control import start_run, stop
from fmnist_core.jobs.engine import News
from fmnist_core.jobs.processes import ProcessEngine, _Trainer
from fmnist_core.runs.claim import claim_training
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import run_folder
from fmnist_core.runs.record import load_run, read_status
from fmnist_core.runs.weights import load_model
from fmnist_core.settings.config import TrainConfig
from tests.conftest import ROOT
from tests.jobs.trained import LONG, wait_until

SHORT = TrainConfig(epochs=1, batch_size=100)


@pytest.fixture
def engine() -> ProcessEngine:
    return ProcessEngine()


def wait_for(engine: ProcessEngine, run_id: str, doing: str) -> News:
    """Waits for what must come."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        news = engine.news(run_id)
        if news.doing == doing:
            return news
        time.sleep(0.02)
    raise AssertionError(f"{engine.news(run_id)}, {load_run(run_id)}")


def test_a_process_of_its_own_trains_the_run() -> None:
    run_id = start_run(SHORT, "From a page", by=LOCAL)
    assert load_run(run_id).name == "From a page"
    run = wait_until(run_id, lambda run: not run.is_live)
    assert (run.state, run.epoch) == ("finished", 1)
    assert (run.folder / "evaluation.json").is_file()


def test_stopping_keeps_what_was_learned() -> None:
    run_id = start_run(LONG, by=LOCAL)
    wait_until(run_id, lambda run: run.epoch >= 1)
    stop(run_id, by=LOCAL)
    run = wait_until(run_id, lambda run: not run.is_live)
    assert run.state == "stopped"
    assert run.epoch < LONG.epochs
    assert run.test_accuracy is not None
    load_model(run)


def test_a_process_trains_one_run_after_the_other(engine: ProcessEngine) -> None:
    trained_by = []
    for _ in range(2):
        run_id = create_run(SHORT, queued=True)
        engine._created_s = time.monotonic()
        assert engine.news(run_id).doing == "starting", "an earlier dispatcher may have started it"
        engine.start(run_id)
        assert engine.news(run_id).doing in ("starting", "training")
        wait_for(engine, run_id, "ended")
        trained_by.append(read_status(run_folder(run_id)).pid)
        assert load_run(run_id).state == "finished"
    assert trained_by[0] == trained_by[1]
    engine.keep_warm(False)
    psutil_wait(trained_by[0])


def test_a_warm_process_takes_the_next_run(engine: ProcessEngine) -> None:
    engine.keep_warm(True)
    engine.keep_warm(True)
    (warm,) = engine._idle
    run_id = create_run(SHORT, queued=True)
    engine.start(run_id)
    wait_for(engine, run_id, "ended")
    assert read_status(run_folder(run_id)).pid == warm.process.pid
    engine.keep_warm(False)
    warm.process.wait(60)


def test_a_warm_process_ends_with_the_one_that_keeps_it() -> None:
    keeper = "from fmnist_core.jobs.processes import ProcessEngine; e = ProcessEngine(); e.keep_warm(True); print(e._idle[0].process.pid)"
    printed = subprocess.run([sys.executable, "-c", keeper], capture_output=True, text=True, check=True, cwd=ROOT)
    psutil_wait(int(printed.stdout))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_warm_process_that_has_died_is_replaced(engine: ProcessEngine) -> None:
    engine.keep_warm(True)
    (warm,) = engine._idle
    warm.process.kill()
    warm.process.wait()
    run_id = create_run(SHORT, queued=True)
    engine.start(run_id)
    wait_for(engine, run_id, "ended")
    assert load_run(run_id).state == "finished"
    engine.keep_warm(False)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL; os.kill there ends a process as TerminateProcess does")
def test_a_killed_process_is_gone_and_leaves_a_run_that_opens(engine: ProcessEngine) -> None:
    run_id = create_run(LONG, queued=True)
    engine.start(run_id)
    run = wait_until(run_id, lambda run: run.epoch >= 1)
    os.kill(read_status(run.folder).pid, signal.SIGKILL)
    assert wait_for(engine, run_id, "gone") == News("gone", "It was killed (signal 9), which systems do when memory runs out.")
    run = load_run(run_id)
    assert run.state == "interrupted"
    assert run.epoch >= 1
    load_model(run)


def test_a_process_that_cannot_train_is_broken_and_quotes_its_last_line(
    engine: ProcessEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run_id = create_run(SHORT, queued=True)
    for script, reason in (
        ("exit 3", "Its training process ended unexpectedly, with code 3."),
        ("echo first >&2; echo 'ImportError: no torch' >&2; exit 3", "ImportError: no torch"),
    ):
        program = tmp_path / "python"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(sys, "executable", str(program))
        engine.start(run_id)
        assert wait_for(engine, run_id, "gone") == News("gone", reason, is_broken=True)


def test_a_run_that_already_has_a_process_is_told_that_it_is_its_turn(engine: ProcessEngine) -> None:
    run_id = create_run(SHORT)
    folder = run_folder(run_id)
    claim = claim_training(folder)
    assert claim is not None
    engine.start(run_id)
    assert '"command": "turn"' in (folder / "commands.jsonl").read_text()
    assert engine._busy == {}
    claim.release()


def test_a_run_started_by_an_earlier_dispatcher_is_waited_for_a_while(engine: ProcessEngine) -> None:
    run_id = create_run(SHORT, queued=True)
    assert engine.news(run_id).doing == "starting"
    engine._created_s -= 11
    assert engine.news(run_id) == News("gone", "Its training process ended unexpectedly.")
    assert engine.news("20200101-000000-0000").doing == "gone", "it was deleted"


def test_a_process_whose_run_is_asked_for_again_before_anybody_looked_trains_it_again(engine: ProcessEngine) -> None:
    run_id = create_run(SHORT, queued=True)
    trainer = _Trainer(subprocess.Popen([sys.executable, "-c", "input(); input()"], stdin=subprocess.PIPE))
    engine._busy[run_id] = trainer  # it has trained the run and waits for the next one
    engine.start(run_id)
    assert engine._busy == {run_id: trainer}
    trainer.dismiss()


def test_a_run_that_an_earlier_dispatchers_process_trains_after_all_is_not_broken(engine: ProcessEngine) -> None:
    """That process was slow, so another was started, which found the run taken and ended."""
    run_id = create_run(SHORT, queued=True)
    late = _Trainer(subprocess.Popen([sys.executable, "-c", "raise SystemExit(1)"], stdin=subprocess.PIPE))
    engine._busy[run_id] = late
    claim = claim_training(run_folder(run_id))
    assert claim is not None
    late.process.wait(60)
    assert engine.news(run_id).doing == "starting"
    claim.release()
    engine._created_s -= 11
    assert engine.news(run_id) == News("gone", "Its training process ended unexpectedly.")


def psutil_wait(pid: int) -> None:
    """Waits until a process has ended."""
    deadline = time.monotonic() + 60
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)
