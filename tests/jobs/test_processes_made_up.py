"""Which processes are started, kept, used and given up, with processes that only say so."""

import os
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from fmnist_core.jobs import processes
from fmnist_core.jobs.processes import keep_warm_worker, start_process
from fmnist_core.runs.folders import run_folder
from fmnist_core.runs.record import load_run
from fmnist_core.runs.writer import RunWriter, create_run
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.files import read_json, write_json
from tests.conftest import ROOT


class Process:
    """A process that does nothing; its standard input is itself."""

    def __init__(self, code: int | None = None) -> None:
        self.code = code
        self.log: list[str] = []
        self.stdin: Any = self

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self.close()

    def write(self, line: bytes) -> None:
        self.log.append(line.decode())
        if self.code is not None:
            raise BrokenPipeError

    def close(self) -> None:
        self.log.append("closed")

    def poll(self) -> int | None:
        return self.code

    def kill(self) -> None:
        self.log.append("killed")

    def wait(self) -> int | None:
        self.log.append("waited for")
        return self.code


class Machine:
    """What was launched, as a run's id, standard input and standard error; and the threads that watch it."""

    def __init__(self) -> None:
        self.launched: list[tuple[str, int, Any]] = []
        self.processes: list[Process] = []
        self.watchers: list[Callable[[], None]] = []

    def launch(self, run_id: str, stdin: int, stderr: Any) -> Process:
        self.launched.append((run_id, stdin, getattr(stderr, "name", stderr)))
        self.processes.append(Process())
        return self.processes[-1]

    def watch(self, target: Callable[..., None], args: tuple[Any, ...], daemon: bool) -> SimpleNamespace:
        assert daemon
        return SimpleNamespace(start=lambda: self.watchers.append(lambda: target(*args)))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(processes, "_launch", machine.launch)
    monkeypatch.setattr(processes, "_warm_worker", None)
    monkeypatch.setattr(processes, "_trainers", {})
    monkeypatch.setattr(processes, "threading", SimpleNamespace(Thread=machine.watch))
    return machine


WARM = ("-", subprocess.PIPE, subprocess.DEVNULL)


def test_one_warm_worker_is_kept(machine: Machine) -> None:
    keep_warm_worker()
    keep_warm_worker()
    assert machine.launched == [WARM]
    assert machine.processes[0].log == []


@pytest.mark.parametrize("value", ["!", "~"])
@pytest.mark.parametrize("variable", ["FMNIST_HOME", "FMNIST_DATA", "FMNIST_SLOTS"])
def test_a_warm_worker_with_other_settings_is_replaced(
    variable: str, value: str, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_warm_worker()
    monkeypatch.setenv(variable, value)
    keep_warm_worker()
    keep_warm_worker()
    assert machine.launched == [WARM, WARM]
    assert machine.processes[0].log == ["killed", "closed", "waited for"]
    assert machine.processes[1].log == []


@pytest.mark.parametrize("code", [0, 1])
def test_a_warm_worker_that_died_is_replaced(code: int, machine: Machine) -> None:
    keep_warm_worker()
    machine.processes[0].code = code
    keep_warm_worker()
    assert machine.launched == [WARM, WARM]
    assert machine.processes[0].log == ["killed", "closed", "waited for"]


def test_a_warm_worker_is_given_one_run(machine: Machine) -> None:
    keep_warm_worker()
    first, second = create_run(TrainConfig()), create_run(TrainConfig())
    start_process(first)
    assert machine.processes[0].log == [f"{first}\n", "closed"]
    start_process(second)
    assert machine.launched == [WARM, (second, subprocess.DEVNULL, str(run_folder(second) / "trainer.log"))]
    assert machine.processes[1].log == []
    trainers: dict[str, Any] = dict(processes._trainers)
    assert trainers == {first: machine.processes[0], second: machine.processes[1]}


def test_a_warm_worker_that_dies_as_it_is_given_a_run_is_noticed_by_its_watcher(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_warm_worker()
    run_id = create_run(TrainConfig())
    worker = machine.processes[0]
    worker.code = 3
    monkeypatch.setattr(worker, "poll", lambda: None)
    start_process(run_id)
    assert worker.log == [f"{run_id}\n", "closed"]
    machine.watchers[0]()
    assert load_run(run_id).message == "The training process ended with code 3 before it started training."


@pytest.mark.parametrize("data", [None, "!", "~"])
def test_a_warm_worker_that_is_dead_or_reads_elsewhere_is_abandoned(
    data: str | None, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_warm_worker()
    run_id = create_run(TrainConfig())
    if data is None:
        machine.processes[0].code = 0
    else:
        monkeypatch.setenv("FMNIST_DATA", data)
    start_process(run_id)
    assert machine.processes[0].log == ["killed", "closed", "waited for"]
    assert [run for run, *_ in machine.launched] == ["-", run_id]
    assert processes._warm_worker is None


def outcome(machine: Machine, run_id: str, code: int) -> tuple[str, str]:
    """What is written about a run whose process ended with this code."""
    start_process(run_id)
    machine.processes[-1].code = code
    machine.watchers[-1]()
    assert processes._trainers == {}
    return load_run(run_id).state, load_run(run_id).message


def test_a_death_before_training_is_reported_with_the_last_line_of_the_log(machine: Machine) -> None:
    silent, loud = create_run(TrainConfig()), create_run(TrainConfig())
    assert outcome(machine, silent, 4) == ("failed", "The training process ended with code 4 before it started training.")
    (run_folder(loud) / "trainer.log").write_bytes(b"first\nsecond\nlast \xff\n\n")
    assert outcome(machine, loud, 4) == ("failed", "last \ufffd")


@pytest.mark.parametrize(
    ("code", "message"), [(-9, "It was killed (signal 9), which systems do when memory runs out."), (9, ""), (-8, ""), (-10, ""), (1, "")]
)
def test_a_killed_process_is_distinguished_from_one_that_ended_otherwise(code: int, message: str, machine: Machine) -> None:
    run_id = create_run(TrainConfig())
    file = run_folder(run_id) / "status.json"
    write_json(file, read_json(file) | {"state": "training", "process": {"pid": 1, "create_time": 0.0}})
    assert outcome(machine, run_id, code) == ("interrupted", message)


def test_a_run_that_ended_by_itself_or_was_continued_meanwhile_is_left_alone(machine: Machine) -> None:
    run_id = create_run(TrainConfig())
    start_process(run_id)
    start_process(run_id)
    for process in machine.processes:
        process.code = 1
    machine.watchers[0]()
    assert load_run(run_id).state == "waiting"
    RunWriter(run_id).end("stopped", "Enough.")
    machine.watchers[1]()
    assert (load_run(run_id).state, load_run(run_id).message) == ("stopped", "Enough.")


def test_a_run_that_was_deleted_meanwhile_is_ignored(machine: Machine) -> None:
    run_id = create_run(TrainConfig())
    start_process(run_id)
    machine.processes[0].code = 1
    (run_folder(run_id) / "config.json").unlink()
    machine.watchers[0]()
    assert processes._trainers == {}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has process groups in place of sessions")
def test_a_process_is_the_command_that_a_person_can_type_in_a_session_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(subprocess, "Popen", lambda command, **options: asked.append((command, options)))
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    processes._launch("a-run", subprocess.DEVNULL, subprocess.PIPE)
    ((command, options),) = asked
    assert command == [sys.executable, "-m", "fmnist_core", "train", "--continue-run", "a-run"]
    assert options.pop("env") == dict(os.environ) | {"PYTHONPATH": os.pathsep.join([str(ROOT), "elsewhere"])}
    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    assert options == streams | {"start_new_session": True}
