"""Which processes are started, kept, used and given up, with processes that only say so."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from fmnist_core.jobs import processes
from fmnist_core.jobs.control import start_run
from fmnist_core.jobs.processes import keep_warm_worker, start_process
from fmnist_core.runs.claim import claim_training, is_claimed
from fmnist_core.runs.folders import RunError, run_folder
from fmnist_core.runs.record import list_runs, load_run
from fmnist_core.runs.writer import RunWriter, create_run, prepare_resume
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.files import read_json, write_json
from tests.conftest import ROOT


class Process:
    """A process that does nothing; its standard input is itself."""

    pid = 1_000_001

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
        self.next_code: int | None = None

    def launch(self, run_id: str, stdin: int, stderr: Any) -> Process:
        self.launched.append((run_id, stdin, getattr(stderr, "name", stderr)))
        self.processes.append(Process(self.next_code))
        return self.processes[-1]

    def watch(self, target: Callable[..., None], args: tuple[Any, ...], daemon: bool) -> SimpleNamespace:
        assert daemon
        return SimpleNamespace(start=lambda: self.watchers.append(lambda: target(*args)))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    machine = Machine()
    monkeypatch.setattr(processes, "_launch", machine.launch)
    monkeypatch.setattr(processes, "_warm_worker", None)
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


def test_a_run_whose_warm_worker_dies_as_it_is_given_to_it_gets_another_process(machine: Machine) -> None:
    keep_warm_worker()
    run_id = create_run(TrainConfig())
    worker = machine.processes[0]
    start_process(run_id)
    assert worker.log == [f"{run_id}\n", "closed"]
    worker.code, machine.next_code = -9, 3
    machine.watchers[0]()
    assert [run for run, *_ in machine.launched] == ["-", run_id]
    assert load_run(run_id).message == "The training process ended with code 3 before it started training."


def test_a_run_that_its_warm_worker_has_begun_gets_no_other_process(machine: Machine) -> None:
    """The worker claimed the run, trained it to the end and died, all before its watcher looked."""
    keep_warm_worker()
    run_id = create_run(TrainConfig())
    start_process(run_id)
    RunWriter(run_id).end("finished")
    file = run_folder(run_id) / "status.json"
    write_json(file, read_json(file) | {"pid": 77})
    machine.processes[0].code = 0
    machine.watchers[0]()
    assert [run for run, *_ in machine.launched] == ["-"]
    assert load_run(run_id).state == "finished"


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
    """What is written about a run whose process ended with this code before it claimed the run."""
    start_process(run_id)
    machine.processes[-1].code = code
    machine.watchers[-1]()
    assert not is_claimed(run_folder(run_id))
    return load_run(run_id).state, load_run(run_id).message


def test_a_death_before_training_is_reported_with_the_last_line_of_the_log(machine: Machine) -> None:
    silent, loud = create_run(TrainConfig()), create_run(TrainConfig())
    assert outcome(machine, silent, 4) == ("failed", "The training process ended with code 4 before it started training.")
    (run_folder(loud) / "trainer.log").write_bytes(b"first\nsecond\nlast \xff\n\n")
    assert outcome(machine, loud, 4) == ("failed", "last \ufffd")


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (-9, "It was killed (signal 9), which systems do when memory runs out."),
        (9, "Its training process ended unexpectedly, with code 9."),
        (-11, "Its training process ended unexpectedly, with code -11."),
    ],
)
def test_a_killed_process_is_distinguished_from_one_that_ended_otherwise(code: int, message: str, machine: Machine) -> None:
    run_id = create_run(TrainConfig())
    start_process(run_id)
    trainer = RunWriter(run_id)
    trainer.change_state("training")
    file = run_folder(run_id) / "status.json"
    write_json(file, read_json(file) | {"pid": machine.processes[0].pid})

    def die() -> int:
        trainer._claim.release()
        return code

    machine.processes[0].wait = die  # type: ignore[method-assign]
    machine.watchers[0]()
    assert (load_run(run_id).state, load_run(run_id).message) == ("interrupted", message)


def test_a_machine_that_starts_no_more_processes_fails_the_run_with_a_sentence(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(processes, "_launch", refuse)
    with pytest.raises(RunError, match=r"No training process could be started \(Resource temporarily unavailable\)"):
        start_run(TrainConfig())
    (run,) = list_runs()
    assert (run.state, run.message) == ("failed", "No training process could be started (Resource temporarily unavailable).")
    assert run.is_resumable
    assert not is_claimed(run.folder)
    keep_warm_worker()  # only to save time, so it does not matter
    assert processes._warm_worker is None
    assert machine.watchers == []


def test_a_watcher_waits_until_the_run_is_claimed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig())
    start_process(run_id)
    trainers: list[RunWriter] = []

    def claim_late(_seconds: float) -> None:
        if claim_training(run_folder(run_id), 0) is not None:  # let go at once: the first look is in vain
            trainers.append(RunWriter(run_id))

    monkeypatch.setattr(processes, "time", SimpleNamespace(sleep=claim_late))
    machine.watchers[0]()
    assert len(trainers) == 1
    assert load_run(run_id).state == "waiting"
    trainers[0].end("stopped")


def test_a_run_that_another_process_trains_is_left_alone(machine: Machine) -> None:
    """Two were started for one run: the watcher of the one that was refused says nothing."""
    run_id = create_run(TrainConfig())
    start_process(run_id)
    trainer = RunWriter(run_id)
    trainer.change_state("training")
    machine.processes[0].code = 1
    machine.watchers[0]()
    assert load_run(run_id).state == "training"
    trainer.end("stopped", "Enough.")
    assert (load_run(run_id).state, load_run(run_id).message) == ("stopped", "Enough.")


def test_a_run_that_was_continued_meanwhile_is_left_alone(machine: Machine) -> None:
    run_id = create_run(TrainConfig())
    start_process(run_id)
    first = RunWriter(run_id)

    def be_continued() -> int:
        first.end("stopped")
        prepare_resume(run_id)
        return 0

    machine.processes[0].wait = be_continued  # type: ignore[method-assign]
    machine.watchers[0]()
    assert load_run(run_id).state == "waiting"


def test_a_run_that_was_deleted_meanwhile_is_ignored(machine: Machine) -> None:
    run_id = create_run(TrainConfig())
    folder = run_folder(run_id)
    start_process(run_id)
    machine.processes[0].code = 1
    shutil.rmtree(folder)
    machine.watchers[0]()
    assert not folder.exists()


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
