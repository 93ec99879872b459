"""Training processes of the operating system: starting one, keeping one warm, noticing that one has died."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from fmnist_core.runs.claim import is_training_claimed, release_start
from fmnist_core.runs.folders import run_folder
from fmnist_core.runs.record import read_status
from fmnist_core.runs.writer import mark_ended
from fmnist_core.store.files import open_to_append, read_last_lines

LOG_NAME = "trainer.log"
_POLL_S = 0.05
AWAIT_RUN = "-"  # in place of a run's id, which follows as a line on standard input


@dataclass(frozen=True)
class _WarmWorker:
    process: "subprocess.Popen[bytes]"
    settings: tuple[str | None, ...]


_warm_worker: _WarmWorker | None = None
_warm_worker_lock = threading.Lock()


def start_process(run_id: str) -> None:
    """Gives a run that this process has claimed to the warm worker or starts a new process for it; either outlives this one.

    Raises:
        RunError, OSError: if the run has been deleted, its log cannot be written, or the system starts no more processes.
    """
    folder = run_folder(run_id)
    process = _take_warm_worker()
    is_warm = process is not None and process.stdin is not None
    if process is not None and process.stdin is not None:
        with contextlib.suppress(OSError), process.stdin:  # if it has just died, `_watch` starts another
            process.stdin.write(f"{run_id}\n".encode())
    else:
        try:
            process = _launch_trainer(run_id, folder)
        except OSError as error:
            with contextlib.suppress(ValueError, OSError):
                mark_ended(run_id, "failed", f"No training process could be started ({error.strerror}).", os.getpid())
            release_start(folder)
            raise
    threading.Thread(target=_watch, args=(process, run_id, folder, is_warm), daemon=True).start()


def _launch_trainer(run_id: str, folder: Path) -> "subprocess.Popen[bytes]":
    with open_to_append(folder / LOG_NAME) as log:
        return _launch(run_id, stdin=subprocess.DEVNULL, stderr=log)


def keep_warm_worker() -> None:
    """Keeps a process waiting that has imported PyTorch and read the data, so that the next run starts at once.

    The first step came 2.7 s after a cold start, and 0.07 s with a warm worker (two cores, otherwise idle).
    The worker ends when this process does. If none can be started, nothing happens: a run that is started says why.
    """
    global _warm_worker
    with _warm_worker_lock, contextlib.suppress(OSError):
        if _warm_worker is None or _warm_worker.process.poll() is not None or _warm_worker.settings != _environment_settings():
            _discard(_warm_worker)
            process = _launch(AWAIT_RUN, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
            _warm_worker = _WarmWorker(process, _environment_settings())


def _take_warm_worker() -> "subprocess.Popen[bytes] | None":
    """The warm worker, if there is one that is alive and has the same environment variables as this process."""
    global _warm_worker
    with _warm_worker_lock:
        taken, _warm_worker = _warm_worker, None
    if taken is not None and taken.process.poll() is None and taken.settings == _environment_settings():
        return taken.process
    _discard(taken)
    return None


def _discard(worker: _WarmWorker | None) -> None:
    if worker is not None and worker.process.stdin is not None:
        worker.process.kill()
        worker.process.stdin.close()
        worker.process.wait()


def _environment_settings() -> tuple[str | None, ...]:
    return tuple(os.environ.get(name) for name in ("FMNIST_HOME", "FMNIST_DATA", "FMNIST_SLOTS"))


def _launch(run_id: str, stdin: int, stderr: "int | BinaryIO") -> "subprocess.Popen[bytes]":
    """Starts the command `train` for an existing run, detached, so that Ctrl-C in this process does not end it."""
    command = [sys.executable, "-m", "fmnist_core", "train", "--continue-run", run_id]
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent.parent.parent), os.environ.get("PYTHONPATH", "")])
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        detached = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return subprocess.Popen(command, env=environment, stdin=stdin, stdout=subprocess.DEVNULL, stderr=stderr, **detached)


def _watch(process: "subprocess.Popen[bytes]", run_id: str, folder: Path, is_warm: bool) -> None:
    """Passes the claim on the run to its training process, waits for that, and records a silent death."""
    with contextlib.suppress(ValueError, OSError):  # the run was deleted, or cannot be written
        trainer = _pass_claim(process, run_id, folder, is_warm)
        if trainer is not None:
            mark_ended(run_id, "interrupted", _explain_death(trainer.wait()), trainer.pid)


def _pass_claim(process: "subprocess.Popen[bytes]", run_id: str, folder: Path, is_warm: bool) -> "subprocess.Popen[bytes] | None":
    """Keeps this process's claim until a training process has claimed the run, and returns that; None if none did, which is recorded."""
    try:
        if is_warm and not _claims(process, folder) and read_status(folder).pid == os.getpid():
            process.wait()
            process = _launch_trainer(run_id, folder)  # the warm worker died as it was given the run
        if _claims(process, folder):
            return process
        code = process.wait()
        reason = _last_line(folder) or f"The training process ended with code {code} before it started training."
        mark_ended(run_id, "failed", reason, os.getpid())
        return None
    finally:
        release_start(folder)


def _claims(process: "subprocess.Popen[bytes]", folder: Path) -> bool:
    """Waits until a training process claims the run; False if this one ended before."""
    while not is_training_claimed(folder):
        if process.poll() is not None:
            return is_training_claimed(folder)
        time.sleep(_POLL_S)
    return True


def _explain_death(code: int) -> str:
    if code == -signal.SIGKILL:
        return "It was killed (signal 9), which systems do when memory runs out."
    return f"Its training process ended unexpectedly, with code {code}."


def _last_line(folder: Path) -> str:
    """The last line of the training process's log; "" if it has none."""
    lines = [line for line in read_last_lines(folder / LOG_NAME)[0] if line.strip()]
    return lines[-1].decode(errors="replace").strip() if lines else ""
