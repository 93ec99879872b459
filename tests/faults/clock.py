"""Part `clock`: the clock of a trainer and its dispatcher steps; the run stays live for all readers, others get their turn beside it."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from fmnist_core.classroom.people import LOCAL
from fmnist_core.jobs.control import stop
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import run_folder, runs_folder
from fmnist_core.runs.record import RunRecord, list_runs, load_run
from tests.conftest import ROOT
from tests.faults.isolation import attempt, explain, isolate
from tests.faults.report import Report
from tests.faults.surroundings import surroundings, use_home, why_no_forks
from tests.jobs.trained import LONG, steps_of

_YEAR_S = 31_536_000
_STEPS = {
    "5 s forward": 5,
    "5 s back": -5,
    "an hour forward": 3_600,
    "an hour back": -3_600,
    "a year forward": _YEAR_S,
    "a year back": -_YEAR_S,
}
_WAIT_S = 120.0
# Under faketime, the system call behind Python's `sleep` fails.
_SLEEP = "import select, time; time.sleep = lambda seconds: select.select([], [], [], seconds) and None"
_LIBRARIES = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
)


def run(report: Report, seed: int, *, small: bool) -> None:
    """Steps the clock of a trainer, of those who read its run, of those who would train it too, and of those who create others."""
    del seed
    if why_no_forks():
        report.skip("clock", why_no_forks())
        return
    library = next((file for file in _LIBRARIES if Path(file).exists()), None)
    with surroundings() as folder:
        use_home(folder / "home")
        os.environ["FMNIST_SLOTS"] = "4"
        _try_cleaning(report, folder)
        if library is None:
            report.skip("a clock that steps while a run trains", "needs faketime")
        else:
            for words, seconds in list(_STEPS.items())[:: 4 if small else 1]:
                use_home(folder / f"home{seconds}")
                _step(report, folder, library, words, seconds)
        if shutil.which("unshare") is None or isolate(lambda: _unshared_time(["true"]).returncode).problem:
            report.skip("a reader whose boot time has moved", "needs root and unshare --time")
        elif not small:
            use_home(folder / "home-boot")
            _move_boot_time(report)


# A trainer whose clock steps


@contextmanager
def _trainer(environment: dict[str, str]) -> Iterator[RunRecord]:
    """A live run, trained by a process of its own with these environment variables; it is stopped afterwards."""
    before = {run.id for run in list_runs()}
    settings = ["--name", "Clock", "--epochs", "200", "--batch-size", str(LONG.batch_size)]
    command = [sys.executable, "-m", "fmnist_core", "train", *settings, "--json"]
    with subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            run = _wait(lambda: next((run for run in list_runs() if run.id not in before and run.epoch >= 1), None))
            yield run
            stop(run.id, by=LOCAL)
            assert process.wait(_WAIT_S) == 0, process.stderr.read()[-300:] if process.stderr else ""
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGKILL)


def _wait(find: Callable[[], RunRecord | None]) -> RunRecord:
    deadline = time.monotonic() + _WAIT_S
    while (found := find()) is None:
        assert time.monotonic() < deadline, "no such run came"
        time.sleep(0.1)
    return found


def _step(report: Report, folder: Path, library: str, words: str, seconds: int) -> None:
    stepping, standing = folder / "stepping", folder / "standing"
    stepping.write_text("+0\n")
    standing.write_text(f"{seconds:+d}\n")
    (folder / "site").mkdir(exist_ok=True)
    (folder / "site" / "sitecustomize.py").write_text(_SLEEP)
    fake = {"LD_PRELOAD": library, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
    fake["PYTHONPATH"] = str(folder / "site")
    fake_now, fake_moved = (fake | {"FAKETIME_TIMESTAMP_FILE": str(file)} for file in (stepping, standing))
    try:
        with _trainer(fake_now) as run:
            stepping.write_text(f"{seconds:+d}\n")
            for who, environment in {"a reader": {}, "a reader whose clock stepped too": fake_moved}.items():
                report.record(f"{words}, {who}", attempt(partial(_check_live, run.id, environment)))
                report.record(f"{words}, {who} resumes", attempt(partial(_check_refused, run.id, environment)))
            seen = max(steps_of(load_run(run.id)), default=0)
            _wait(lambda: load_run(run.id) if max(steps_of(load_run(run.id))) > seen else None)
            beside = _run(["train", "--epochs", "1", "--batch-size", "100"], fake_moved)
            report.record(f"{words}, another run beside it", "" if beside.returncode == 0 else beside.stderr[-300:])
            report.record(f"{words}, after that", attempt(partial(_check_live, run.id, {})))
        ended = load_run(run.id)
        report.record(f"{words}, the end", "" if ended.state == "stopped" else f"{ended.state}: {ended.message}")
    except Exception as error:
        report.record(f"{words}, the run itself", explain(error))


def _run(arguments: list[str], environment: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "fmnist_core", *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, check=False, capture_output=True, text=True, timeout=_WAIT_S)


def _check_live(run_id: str, environment: dict[str, str]) -> None:
    listed = _run(["runs"], environment)
    (line,) = [line for line in listed.stdout.splitlines() if run_id in line]
    assert "training" in line, line
    assert load_run(run_id).state == "training"


def _check_refused(run_id: str, environment: dict[str, str]) -> None:
    second = _run(["train", "--resume", run_id], environment)
    assert second.returncode == 1, f"a second trainer ended with {second.returncode}: {second.stdout[-200:]}"
    assert "already training" in second.stderr, second.stderr


# A reader whose table of processes starts at another time


def _unshared_time(command: list[str]) -> "subprocess.CompletedProcess[str]":
    unshared = ["unshare", "--time", "--boottime", "100000", "--monotonic", "100000", "--fork", *command]
    return subprocess.run(unshared, cwd=ROOT, check=True, capture_output=True, text=True, timeout=_WAIT_S)


def _move_boot_time(report: Report) -> None:
    try:
        with _trainer({}) as run:
            listed = _unshared_time([sys.executable, "-m", "fmnist_core", "runs"]).stdout
            (line,) = [line for line in listed.splitlines() if run.id in line]
            report.record("boot time moved, a reader", "" if "training" in line else line)
            code = f"from tests.faults.clock import _check_refused; _check_refused({run.id!r}, {{}})"
            problem = ""
            try:
                _unshared_time([sys.executable, "-c", code])
            except subprocess.CalledProcessError as error:
                problem = str(error.stderr)[-300:]
            report.record("boot time moved, a reader resumes", problem)
    except Exception as error:
        report.record("boot time moved, the run itself", explain(error))


# What is cleaned up by its age


def _try_cleaning(report: Report, folder: Path) -> None:
    """`create_run` removes what it takes for an old draft; a clock that is wrong, or a folder that is no run, must not lose anything."""
    for words, seconds in _STEPS.items():
        use_home(folder / f"cleaning{seconds}")
        report.record(f"{words}, a run that is being created meanwhile", isolate(partial(_create_meanwhile, seconds)).problem)
    keepers: dict[str, Callable[[Path], None]] = {
        "a folder of runs that somebody moved aside": _move_runs_aside,
        "a folder of somebody's notes": _write_notes,
        "an empty folder": lambda runs: (runs / "empty").mkdir(),
        "a run that has lost everything but its status": _lose_all_but_status,
    }
    for words, make in keepers.items():
        use_home(folder / f"cleaning-{words.replace(' ', '-')}")
        report.record(f"{words}, a year old, beside a new run", isolate(partial(_create_beside, make)).problem)


def _create_meanwhile(seconds: int) -> None:
    """Another process, with another clock, creates a run at every file operation of the one that is created here."""
    is_inside = False
    count = 0
    real = time.time

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal is_inside, count
        if event not in ("open", "os.rename", "os.mkdir") or is_inside:
            return
        file = str(arguments[0])
        if str(runs_folder()) in file and not file.endswith(".lock"):  # while a lock is taken, this process keeps itself out
            is_inside, count = True, count + 1
            time.time = lambda: real() + seconds
            try:
                create_run(LONG)
            finally:
                time.time = real
                is_inside = False

    sys.addaudithook(watch)
    run_id = create_run(LONG)
    is_inside = True
    assert count >= 3, count
    assert run_id in {run.id for run in list_runs()}
    assert len(list_runs()) == count + 1, f"{len(list_runs())} of {count + 1} runs are left"


def _create_beside(make: Callable[[Path], None]) -> None:
    runs_folder().mkdir(parents=True)
    make(runs_folder())
    old = time.time() - _YEAR_S
    for file in (runs_folder(), *runs_folder().rglob("*")):
        os.utime(file, (old, old))
    before = {str(file) for file in runs_folder().rglob("*")}
    create_run(LONG)
    lost = before - {str(file) for file in runs_folder().rglob("*")}
    assert not {name for name in lost if Path(name).suffix or "/archive" in name}, f"lost: {sorted(lost)}"


def _move_runs_aside(runs: Path) -> None:
    run_id = create_run(replace(LONG, epochs=3))
    (runs / "archive").mkdir()
    run_folder(run_id).rename(runs / "archive" / run_id)


def _write_notes(runs: Path) -> None:
    (runs / "notes").mkdir()
    (runs / "notes" / "lesson.txt").write_text("what we found out")


def _lose_all_but_status(_runs: Path) -> None:
    folder = run_folder(create_run(LONG))
    (folder / "config.json").unlink()
    (folder / "trainer.log").write_text("what happened")
