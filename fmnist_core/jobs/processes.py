"""Training processes of the operating system: starting one, keeping one warm, noticing that one has died."""

import contextlib
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from fmnist_core.runs.folders import RunError, run_folder
from fmnist_core.runs.record import load_run
from fmnist_core.runs.writer import mark_ended

LOG_NAME = "trainer.log"
AWAIT_RUN = "-"  # in place of a run's id, which follows as a line on standard input


@dataclass(frozen=True)
class _WarmWorker:
    process: "subprocess.Popen[bytes]"
    settings: tuple[str | None, ...]


_trainers: dict[str, "subprocess.Popen[bytes]"] = {}  # the latest process of each run that this process started
_warm_worker: _WarmWorker | None = None
_warm_worker_lock = threading.Lock()


def start_process(run_id: str) -> None:
    """Gives the run to the warm worker or starts a new process for it; either outlives this one."""
    process = _take_warm_worker()
    if process is not None and process.stdin is not None:
        with contextlib.suppress(OSError), process.stdin:  # if it has just died, `_reap` reports it
            process.stdin.write(f"{run_id}\n".encode())
    else:
        with (run_folder(run_id) / LOG_NAME).open("ab") as log:
            process = _launch(run_id, stdin=subprocess.DEVNULL, stderr=log)
    _trainers[run_id] = process
    threading.Thread(target=_reap, args=(process, run_id), daemon=True).start()


def keep_warm_worker() -> None:
    """Keeps a process waiting that has imported PyTorch and read the data, so that the next run starts at once.

    The first step came 2.7 s after a cold start, and 0.07 s with a warm worker (two cores, otherwise idle).
    The worker ends when this process does.
    """
    global _warm_worker
    with _warm_worker_lock:
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


def _reap(process: "subprocess.Popen[bytes]", run_id: str) -> None:
    """Waits for the process, so that it does not become a zombie, and records a silent death."""
    code = process.wait()
    if _trainers.get(run_id) is not process:
        return  # the run was continued meanwhile
    del _trainers[run_id]
    try:
        run = load_run(run_id)
        if run.state == "waiting":
            log = run.folder / LOG_NAME
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
            mark_ended(run_id, "failed", lines[-1] if lines else f"The training process ended with code {code} before it started training.")
        elif run.state == "interrupted" and code == -9:
            mark_ended(run_id, "interrupted", "It was killed (signal 9), which systems do when memory runs out.")
    except (RunError, OSError):
        return
