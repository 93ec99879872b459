"""Part `kills`: kill -9 of training processes, and of those that start them, at any moment; what is resumed ends the same to the bit."""

import contextlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import psutil

from fmnist_core.classroom.people import LOCAL
from fmnist_core.jobs import queue
from fmnist_core.jobs.completion import complete_run
from fmnist_core.jobs.control import start_run
from fmnist_core.jobs.dispatcher import ensure_dispatcher
from fmnist_core.jobs.heartbeat import want_warmth
from fmnist_core.jobs.worker import _load_splits, train_run
from fmnist_core.runs.claim import release_start
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import home_folder, run_folder
from fmnist_core.runs.kept import read_likeness
from fmnist_core.runs.record import list_runs, load_run
from fmnist_core.runs.transitions import prepare_resume
from fmnist_core.settings.config import TrainConfig
from tests.conftest import ROOT
from tests.faults.isolation import Child, attempt, isolate
from tests.faults.report import Report
from tests.faults.surroundings import SHORT, ignore, processes_in, surroundings, use_home, why_no_forks
from tests.jobs.trained import EXACT, Result, assert_same_result, result_of, unbroken

_KILLS_PER_RUN = 8
_WAIT_S = 120.0


def run(report: Report, seed: int, *, small: bool) -> None:
    """Kills trainers at random moments and before each of their file operations, and the processes that started them."""
    if why_no_forks():
        report.skip("kills", why_no_forks())
        return
    chance = random.Random(seed)
    with surroundings() as folder:
        config = replace(EXACT, epochs=4) if small else EXACT
        expected = _in_home(folder / "unbroken", partial(unbroken, config))
        operations = _list_operations(folder / "counted")
        places = set(range(len(operations)))
        if small:  # some, and between a checkpoint and the status that must agree with it
            evaluations = [place for place in places if operations[place] == "open evaluation.json"]
            places = {*chance.sample(sorted(places), 3), *evaluations[-2:]}
        short = _in_home(folder / "unbroken-short", partial(unbroken, SHORT))
        for place in sorted(places):
            use_home(folder / f"operation-{place}")
            name = f"killed before {operations[place]}, file operation {place} of {len(operations)}"
            report.record(name, attempt(partial(_kill_before_operation, place, short)))
        if small:
            return
        for number in range(5):
            use_home(folder / f"random-{number}")
            _kill_at_random(report, config, expected, chance, f"run {number}")
        for number, work in enumerate((_kill_the_starter, _kill_the_warm_worker, _kill_a_trainer_as_it_starts) * 2):
            use_home(folder / f"processes-{number}")
            report.record(f"{(work.__doc__ or '').strip('.')}, {number // 3}", attempt(partial(work, short)))


def _in_home(folder: Path, work: Callable[[], Result]) -> Result:
    use_home(folder)
    return work()


# Deterministic: before a file operation


def _list_operations(home: Path) -> list[str]:
    """The file operations of a whole short run that every such run makes in this order; how often it reports depends on its speed."""
    use_home(home)
    run_id = _new_run(SHORT)
    outcome = isolate(lambda: _train_until(run_id, sys.maxsize))
    assert outcome.problem == "", outcome.problem
    return list(map(str, outcome.value))


def _train_until(run_id: str, place: int) -> list[str]:
    """Trains in this process, which kills itself before this file operation in the run's folder; returns all that there were."""
    seen: list[str] = []

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        if event not in ("open", "os.rename", "os.remove", "os.truncate", "os.link") or run_id not in str(arguments[0]):
            return
        file = re.search(r"([\w-]+\.safetensors|evaluation\.json|status\.json)", str(arguments[0]))
        if file is None:
            return
        if len(seen) == place:
            os.kill(os.getpid(), signal.SIGKILL)
        seen.append(f"{event.removeprefix('os.')} {file[1]}")

    sys.addaudithook(watch)
    train_run(run_id, ignore)
    return seen


def _kill_before_operation(place: int, expected: Result) -> None:
    run_id = _new_run(SHORT)
    died = Child(lambda: _train_until(run_id, place)).wait()
    assert died.problem == "killed by SIGKILL", died.problem
    if load_run(run_id).state == "finished":  # it was killed while it kept what the network finds alike
        complete_run(run_id, lambda _completion: None)
    else:
        _check_interrupted(run_id)
        prepare_resume(run_id)
        train_run(run_id, ignore)
    assert read_likeness(load_run(run_id), *_load_splits()) is not None
    assert_same_result(result_of(run_id), expected)
    _check_left_overs(run_id)


# Not deterministic: at any time


def _kill_at_random(report: Report, config: TrainConfig, expected: Result, chance: random.Random, name: str) -> None:
    """Several kills of one run, each of which is a case, and its result, which is one too."""
    run_id = _new_run(config)
    for number in range(_KILLS_PER_RUN):
        trainer = Child(partial(_resume_and_train, run_id))
        time.sleep(chance.uniform(0.0, 0.9))
        trainer.kill()
        outcome = trainer.wait()
        report.record(f"{name}, kill {number}", attempt(partial(_check_after_kill, run_id, outcome.problem)))
    if load_run(run_id).state != "finished":
        report.record(f"{name}, trained to its end", isolate(partial(_resume_and_train, run_id), timeout_s=_WAIT_S).problem)
    if read_likeness(load_run(run_id), *_load_splits()) is None:  # the last kill came while that was kept
        complete_run(run_id, lambda _completion: None)
    report.record(f"{name}, the result", attempt(lambda: assert_same_result(result_of(run_id), expected)))
    report.record(f"{name}, what is left over", attempt(partial(_check_left_overs, run_id)))


def _new_run(config: TrainConfig) -> str:
    """A run that nobody has claimed: a forked child is to train it, and this process to know nothing of it."""
    run_id = create_run(config)
    release_start(run_folder(run_id))
    return run_id


def _resume_and_train(run_id: str) -> None:
    if load_run(run_id).state != "finished":
        prepare_resume(run_id)
        train_run(run_id, ignore)


def _check_after_kill(run_id: str, problem: str) -> None:
    assert problem in ("", "killed by SIGKILL"), problem
    if load_run(run_id).state != "finished":
        _check_interrupted(run_id)


def _check_interrupted(run_id: str) -> None:
    run = load_run(run_id)
    assert (run.state, run.damage) == ("interrupted", ""), (run.state, run.damage)
    assert run.is_resumable
    assert [listed.id for listed in list_runs()] == [run_id]


def _check_left_overs(run_id: str) -> None:
    """Nothing half made lies in the folder of a run that has finished after all."""
    folder = load_run(run_id).folder
    left = [file.name for file in folder.rglob("*") if file.name.endswith((".tmp", ".new")) or file.name == "reserve"]
    assert left == [], left


# The processes around it

STARTER = """
import os, signal
from fmnist_core.classroom.people import LOCAL
from fmnist_core.jobs.control import start_run
from tests.faults.surroundings import SHORT
"""


def _finish(run_id: str, expected: Result) -> None:
    """The run comes to its end by itself, and to the same result."""
    deadline = time.monotonic() + _WAIT_S
    while (run := load_run(run_id)).state != "finished":
        assert run.is_live or run.state == "interrupted", f"{run.state}: {run.message}"  # until the dispatcher notices
        assert time.monotonic() < deadline, f"still {run.state} after {_WAIT_S:.0f} s: {run.message}"
        time.sleep(0.05)
    assert_same_result(result_of(run_id), expected)


def _kill_the_starter(expected: Result) -> None:
    """The process that started a run was killed."""
    code = STARTER + "print(start_run(SHORT, by=LOCAL), flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    died = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL, died.stderr[-300:]
    _finish(died.stdout.strip(), expected)


def _kill_the_warm_worker(expected: Result) -> None:
    """A warm worker was killed just after it was given a run."""
    want_warmth()
    ensure_dispatcher()
    worker = _wait_for_trainer()
    worker.suspend()  # it cannot have read the run's id yet
    run_id = start_run(SHORT, by=LOCAL)
    _wait_for(lambda: any(row.is_placed for row in queue.rows()))
    worker.kill()
    _finish(run_id, expected)


def _kill_a_trainer_as_it_starts(expected: Result) -> None:
    """A training process was killed while it was still importing."""
    run_id = start_run(SHORT, by=LOCAL)
    _wait_for_trainer().kill()
    _finish(run_id, expected)


def _wait_for_trainer() -> psutil.Process:
    """The first process of this home that trains, or is going to."""
    found: list[psutil.Process] = []

    def find() -> bool:
        with contextlib.suppress(psutil.Error):
            found.extend(process for process in processes_in(home_folder()) if "--await-runs" in process.cmdline())
        return bool(found)

    _wait_for(find)
    return found[0]


def _wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not is_so():
        assert time.monotonic() < deadline, f"nothing after {_WAIT_S:.0f} s"
        time.sleep(0.02)
