"""Runs that lack kept results, such as those of earlier versions, are completed in a process of low priority, one at a time on a machine.

completion.lock   in the run's folder, held by the process that completes it; another in the home folder, for the machine
completion.json   how far it has come, or why it could not be completed
completion.stop   asks it to stop
"""

import contextlib
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from fmnist_core.jobs.keeping import completion_steps
from fmnist_core.jobs.launch import launch
from fmnist_core.runs.claim import is_training_claimed
from fmnist_core.runs.folders import home_folder
from fmnist_core.runs.kept import kept_folder
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.weights import find_weights
from fmnist_core.store.files import read_json, stamp_of, write_json
from fmnist_core.store.locks import FileLock, is_locked
from fmnist_core.store.records import RecordError, from_fields
from fmnist_core.store.text import shorten_path, visible_line

_LOCK, _PROGRESS, _STOP = "completion.lock", "completion.json", "completion.stop"
_WRITE_EVERY_S = 0.3
_POLL_S = 0.2
_MAX_PROBLEM = 1_000


@dataclass(frozen=True)
class Completion:
    """How far the completion of a run has come.

    Attributes:
        share: 0 to 1.
        sentence: what is being done, or what is waited for.
        remaining_s: None if it is not known yet.
        problem: why it ended without results, in a sentence; else "".
        can_stop: whether there is a process that can be stopped.
    """

    share: Annotated[float, Meta(ge=0, le=1)] = 0.0
    sentence: Annotated[str, Meta(max_length=_MAX_PROBLEM)] = ""
    remaining_s: Annotated[float, Meta(ge=0, le=1e9)] | None = None
    problem: Annotated[str, Meta(max_length=_MAX_PROBLEM)] = ""
    can_stop: bool = False


@dataclass
class _Attempt:
    """A process that this one has started, and what it said when it failed."""

    process: "subprocess.Popen[bytes]"
    stamp: object
    said: str = ""


_attempts: dict[str, _Attempt] = {}
_attempts_lock = threading.Lock()


def ensure_kept(run_id: str, *, again: bool = False) -> Completion:
    """Makes sure that what a run lacks is being computed, and says how far that is; to be called again and again while it is missing.

    It starts a process if none is at work on this machine. A run that is training keeps its results itself. After a failure nothing is
    started, until `again` is true or the run has other weights.

    Raises:
        RunError: if there is no such run.
    """
    run = load_run(run_id)
    if run.is_live:
        return Completion(sentence="This run has not ended. Its answers are kept after each epoch, everything else at its end.")
    if not run.is_starter and is_training_claimed(run.folder):
        return Completion(sentence="The training process is keeping its last results.")
    with _attempts_lock:
        current = _current(run, again=again)
        return _start(run) if current is None else current


def stop_completion(run_id: str) -> None:
    """Asks the process that completes a run to stop, which it does within a second; raises OSError if the run cannot be written."""
    (kept_folder(load_run(run_id)) / _STOP).touch()


def complete_run(run_id: str, report: Callable[[Completion], None]) -> None:
    """Completes a run in this process; does nothing if another process is completing it.

    Args:
        report: called with what has been done, about three times a second, after it has been written to the run's folder.
    Raises:
        ValueError, OSError: if the run cannot be completed; the message is also written to the run's folder.
    """
    run = load_run(run_id)
    folder = kept_folder(run)
    folder.mkdir(parents=True, exist_ok=True)
    own, machine = FileLock(folder / _LOCK), FileLock(home_folder() / _LOCK)
    if not own.take(0):
        return
    try:
        (folder / _STOP).unlink(missing_ok=True)
        tell = _Teller(run, report)
        while not machine.take(0):
            tell(0.0, _waiting().sentence)
            time.sleep(_POLL_S)
        for share, what in completion_steps(run_id):
            tell(share, what)
        (folder / _PROGRESS).unlink(missing_ok=True)
    except Exception as error:
        with contextlib.suppress(OSError):
            _write(run, Completion(problem=_explain(error, folder)))
        raise
    finally:
        machine.release()
        own.release()


class _Stopped(ValueError):
    """Somebody asked the process to stop."""


class _Teller:
    """Writes progress to the run's folder, and raises _Stopped if somebody has asked for that."""

    def __init__(self, run: RunRecord, report: Callable[[Completion], None]) -> None:
        self._run, self._report = run, report
        self._began_s = time.monotonic()
        self._told_s = 0.0
        self._what = ""

    def __call__(self, share: float, what: str) -> None:
        now_s = time.monotonic()
        if (kept_folder(self._run) / _STOP).exists():
            raise _Stopped("It was stopped.")
        if what == self._what and now_s - self._told_s < _WRITE_EVERY_S:
            return
        if self._what != what and share == 0:
            self._began_s = now_s
        self._told_s, self._what = now_s, what
        remaining_s = (now_s - self._began_s) * (1 - share) / share if share > 0 else None
        completion = Completion(share, what, remaining_s, can_stop=True)
        _write(self._run, completion)
        self._report(completion)


def _current(run: RunRecord, *, again: bool) -> Completion | None:
    """What is known about the run's completion; None if a process should be started. Called with the lock on `_attempts`."""
    folder = kept_folder(run)
    if is_locked(folder / _LOCK):
        known = _read(run)
        return known if known is not None and not known.problem else Completion(sentence="Starting", can_stop=True)
    attempt = _attempts.get(run.id)
    if attempt is not None and attempt.process.poll() is None:
        return Completion(sentence="Starting")
    if again:
        _attempts.pop(run.id, None)
        with contextlib.suppress(OSError):
            (folder / _PROGRESS).unlink(missing_ok=True)
        return None
    known = _read(run)
    if known is not None and known.problem:
        return known
    if attempt is not None and attempt.stamp == _stamp(run):
        return Completion(problem=_explain_end(attempt))
    return _waiting() if is_locked(home_folder() / _LOCK) or _is_busy() else None


def _is_busy() -> bool:
    return any(attempt.process.poll() is None for attempt in _attempts.values())


def _waiting() -> Completion:
    return Completion(sentence="Waiting until another network's results have been computed")


def _start(run: RunRecord) -> Completion:
    """Starts a process that completes the run; says why if none can be started."""
    folder = kept_folder(run)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / _LOCK)  # so that a folder that cannot be written is noticed here
        lock.take(0)
        lock.release()
        process = _launch(run.id)
    except OSError as error:
        return Completion(problem=_explain(error, folder))
    attempt = _attempts[run.id] = _Attempt(process, _stamp(run))
    threading.Thread(target=_listen, args=(attempt,), daemon=True).start()
    return Completion(sentence="Starting")


def _launch(run_id: str) -> "subprocess.Popen[bytes]":
    return launch(["complete", run_id], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _listen(attempt: _Attempt) -> None:
    """Waits for the end of a process and remembers the last line it printed."""
    _, printed = attempt.process.communicate()
    lines = visible_line(printed.decode(errors="replace").strip().rpartition("\n")[2])
    attempt.said = lines[:_MAX_PROBLEM]


def _explain_end(attempt: _Attempt) -> str:
    if attempt.process.returncode == 0:
        return "The results were computed from different data from what this server has read: restart the server."
    return attempt.said or f"The process that computed the results ended unexpectedly, with code {attempt.process.returncode}."


def _explain(error: Exception, folder: Path) -> str:
    """Why a run was not completed, in a sentence."""
    if isinstance(error, OSError):
        return f"Cannot write to {shorten_path(folder)} ({error.strerror or error}): check its permissions and the space on its disk."
    return visible_line(str(error) or type(error).__name__)[:_MAX_PROBLEM]


def _write(run: RunRecord, completion: Completion) -> None:
    write_json(kept_folder(run) / _PROGRESS, asdict(completion) | {"stamp": list(_stamp(run))})


def _read(run: RunRecord) -> Completion | None:
    """What was written about the completion of the run with the weights it has now; None if nothing was."""
    content = read_json(kept_folder(run) / _PROGRESS)
    try:
        known = from_fields(Completion, content)
    except RecordError:
        return None
    return known if content and content.get("stamp") == list(_stamp(run)) else None


def _stamp(run: RunRecord) -> tuple[object, ...]:
    weights = find_weights(run)
    return () if weights is None else stamp_of(weights)
