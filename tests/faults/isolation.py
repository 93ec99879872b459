"""Runs a function in a forked child with limits on time and memory, so that a crash or an endless read is an outcome like any other.

A fork has PyTorch, Streamlit and the data loaded already: a case takes milliseconds instead of the three seconds of a new process.
"""

import ctypes
import gc
import json
import os
import re
import resource
import select
import signal
import subprocess
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fmnist_core.classroom.records import records

MB = 1024 * 1024
_SPARE_ADDRESSES = 6_000 * MB  # a child may reserve this much more than it has: endless reading must end before the machine's memory does
_CLONE_NEWNS = 0x00020000


@dataclass(frozen=True)
class Outcome:
    """How a function ended in its child.

    Attributes:
        value: what it returned, of JSON's types; None if it did not return.
        problem: "" if it returned within its limits, else what happened.
        grown_mb: the most memory it held beyond what it started with.
    """

    value: Any
    problem: str
    grown_mb: float = 0.0


class Child:
    """A function that runs in a forked child.

    Args:
        own_mounts: whether what it mounts is seen by itself alone; needs root.
    """

    def __init__(self, work: Callable[[], object], *, own_mounts: bool = False) -> None:
        self._reads, writes = os.pipe()
        records().close()  # SQLite's connections must not be carried into a fork
        gc.freeze()  # collecting in the child would copy every page of the parent's objects
        self.pid = os.fork()
        if self.pid == 0:
            os.close(self._reads)
            _run_and_exit(work, writes, own_mounts)
        os.close(writes)
        self._outcome: Outcome | None = None

    def kill(self) -> None:
        """kill -9, as by the system when memory runs out; processes that the child has detached live on."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self, timeout_s: float = 60.0) -> Outcome:
        """Waits for the end; after the time-out, the child is killed and that is its problem."""
        if self._outcome is None:
            self._outcome = self._collect(time.monotonic() + timeout_s, timeout_s)
        return self._outcome

    def _collect(self, deadline: float, timeout_s: float) -> Outcome:
        received = b""
        while True:
            ready, _, _ = select.select([self._reads], [], [], max(0.0, deadline - time.monotonic()))
            part = os.read(self._reads, 65_536) if ready else b""
            received += part
            if not part:
                break
        os.close(self._reads)
        if not ready:
            self.kill()
        _, status = os.waitpid(self.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if not ready:
            return Outcome(None, f"still busy after {timeout_s:g} s")
        if code < 0:
            return Outcome(None, f"killed by {signal.Signals(-code).name}")
        if not received:
            return Outcome(None, f"ended with exit code {code} and no answer")
        return Outcome(**json.loads(received))


def isolate(work: Callable[[], object], *, timeout_s: float = 60.0, most_mb: float = 1_500.0, own_mounts: bool = False) -> Outcome:
    """Runs a function in a child and waits for it.

    Args:
        work: returns a value of JSON's types.
        most_mb: it is a problem if the child held more memory than this beyond what it started with.
    """
    outcome = Child(work, own_mounts=own_mounts).wait(timeout_s)
    if outcome.problem == "" and outcome.grown_mb > most_mb:
        return Outcome(outcome.value, f"held {outcome.grown_mb:,.0f} MB more than before", outcome.grown_mb)
    return outcome


def explain(error: BaseException) -> str:
    """An exception on one line, with the place in this project where it was raised."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if re.search(r"/(fmnist_core|pages|tests|dashboard)", frame.filename)
    ]
    where = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {str(error)[:200]!r}{where}"


def attempt(work: Callable[[], object]) -> str:
    """Calls a function; "" if it returns, else its exception, explained."""
    try:
        work()
    except Exception as error:
        return explain(error)
    return ""


def can_mount() -> bool:
    """Whether a child of this process may mount file systems."""
    return os.name == "posix" and os.geteuid() == 0 and isolate(lambda: None, own_mounts=True).problem == ""


def mount_tmpfs(folder: Path, size_kb: int) -> None:
    """Mounts an empty file system of this size; only in a child with `own_mounts`."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size_kb}k", "none", str(folder)], check=True)


def make_read_only(folder: Path) -> None:
    """Remounts a file system read-only; only in a child with `own_mounts`."""
    subprocess.run(["mount", "-o", "remount,ro", str(folder)], check=True)


def _run_and_exit(work: Callable[[], object], writes: int, own_mounts: bool) -> None:
    try:
        warnings.simplefilter("ignore")  # a page shows none either
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # some decoders write there about damaged files
        before = _memory_kb("VmRSS")
        addresses = _memory_kb("VmSize") * 1024 + _SPARE_ADDRESSES
        resource.setrlimit(resource.RLIMIT_AS, (addresses, addresses))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if own_mounts:
            _unshare_mounts()
        answer = {"value": work(), "problem": ""}
    except BaseException as error:  # whatever it is, it is the outcome
        answer = {"value": None, "problem": explain(error)}
    grown_mb = max(0.0, (_memory_kb("VmHWM") - before) / 1024)
    try:
        with os.fdopen(writes, "wb") as pipe:
            pipe.write(json.dumps(answer | {"grown_mb": grown_mb}).encode())
    finally:
        os._exit(0)


def _unshare_mounts() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)


def _memory_kb(name: str) -> int:
    """A figure of /proc/self/status, in KB; 0 where there is none."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)
