"""The dispatcher: the one process of a home folder that gives runs their slots.

It is started by whoever puts a run into the queue, and by every server. If it is killed, the next one finds everything in the database
and in the runs' folders, and the runs that were training have continued meanwhile. It ends when no server has been there for a while
and nothing is left to do.
"""

import contextlib
import logging
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from fmnist_core.classroom.lesson import lesson, minutes_allowed
from fmnist_core.jobs import estimates, heartbeat, queue
from fmnist_core.jobs.engine import Engine
from fmnist_core.jobs.launch import launch
from fmnist_core.jobs.queue import Row, training_slots
from fmnist_core.runs.folders import RunError, home_folder
from fmnist_core.runs.record import load_run
from fmnist_core.runs.writer import mark_ended, put_back_to_wait
from fmnist_core.store.database import DatabaseError
from fmnist_core.store.locks import FileLock, is_locked
from fmnist_core.store.records import RecordError

LOCK_NAME = "dispatcher.lock"
_POLL_S = 0.05
_ABANDONED_S = 60.0  # a place in the queue that nobody followed up by writing the run's folder
_SETTLED_S = 3.0  # a run that is being continued has its place before its folder says that it waits
_MOST_STARTS = 3  # a run whose process dies is started twice more; whatever kills that too is no accident
_MOST_PAUSED = 6  # a paused run holds half a gigabyte
_LIMIT_REACHED = "The teacher's limit of {minutes} minutes for a run was reached; its weights are kept."
_UNLOADED = "It was unloaded because many runs are paused and memory is short; you can continue it."
_ERRORS = (RunError, RecordError, DatabaseError, OSError)


@dataclass
class _Watch:
    """What a run with a slot has done since it was placed, for the teacher's limit, for estimates, and to unload it."""

    trained_s: float = 0.0
    paused_s: float = 0.0
    epoch: int = 0
    was_stopped: bool = False


@dataclass
class Dispatcher:
    """Gives runs their slots, one decision after the other.

    Attributes:
        engine: what trains them.
        clock: seconds, from any origin.
    """

    engine: Engine
    clock: Callable[[], float] = time.monotonic
    _watches: dict[str, _Watch] = field(default_factory=dict)
    _looked_s: float | None = None

    def step(self) -> bool:
        """Looks after all runs that have a slot, and fills the slots that are free; returns whether anything is left to do."""
        now_s = self.clock()
        passed_s = 0.0 if self._looked_s is None else now_s - self._looked_s
        self._looked_s = now_s
        rows = queue.rows()
        placed = [row for row in rows if row.is_placed]
        busy = sum([self._look_after(row, passed_s) for row in placed])
        self._unload_paused()
        waiting = [row for row in rows if not row.is_placed]
        if waiting and not lesson().paused:
            busy += self._fill(waiting, training_slots() - busy)
        if busy == 0:
            self.engine.keep_warm(bool(waiting) or heartbeat.is_warmth_wanted())
        return bool(rows)

    def _look_after(self, row: Row, passed_s: float) -> bool:
        """Follows up on a run that has a slot; returns whether it needs it."""
        news = self.engine.news(row.run)
        watch = self._watches.setdefault(row.run, _Watch())
        match news.doing:
            case "starting":
                return True
            case "training":
                watch.trained_s, watch.paused_s = watch.trained_s + passed_s, 0.0
                self._limit(row, watch)
                return True
            case "paused":
                watch.paused_s += passed_s
            case "ended":
                self._leave(row, watch)
            case "gone":
                self._recover(row, news.reason, is_broken=news.is_broken)
        return False

    def _fill(self, waiting: list[Row], free: int) -> int:
        """Places runs until no slot is free; returns how many."""
        placed = 0
        for row in queue.order(waiting, queue.served()):
            if placed >= free:
                break
            if self._is_ready(row) and queue.place(row):
                placed += self._start(row)
        return placed

    def _is_ready(self, row: Row) -> bool:
        """Whether the run's folder says that it waits; a place that nobody followed up is given up after a minute."""
        waited_s = abs(time.time() - row.asked_at)
        try:
            state = load_run(row.run).state
            if state == "waiting":
                return True
            if state == "interrupted" and waited_s > _SETTLED_S:  # its process died while it waited after a pause
                put_back_to_wait(row.run)
                return True
        except _ERRORS:
            pass
        if waited_s > _ABANDONED_S:
            queue.leave(row)
        return False

    def _start(self, row: Row) -> bool:
        self._watches[row.run] = _Watch(epoch=_epoch_of(row.run))
        try:
            self.engine.start(row.run)
        except _ERRORS as error:
            with contextlib.suppress(*_ERRORS):
                mark_ended(row.run, "failed", f"Training could not be started: {error}")
            queue.leave(row)
            return False
        return True

    def _limit(self, row: Row, watch: _Watch) -> None:
        minutes = minutes_allowed(row.person)
        if minutes is not None and watch.trained_s > 60 * minutes and not watch.was_stopped:
            watch.was_stopped = True
            self.engine.send(row.run, "stop", reason=_LIMIT_REACHED.format(minutes=minutes))

    def _unload_paused(self) -> None:
        """Stops the runs that have been paused longest, if more are paused than there is memory for."""
        paused = [run_id for run_id, watch in self._watches.items() if watch.paused_s > 0 and not watch.was_stopped]
        for run_id in sorted(paused, key=lambda run_id: -self._watches[run_id].paused_s)[: max(0, len(paused) - _MOST_PAUSED)]:
            self._watches[run_id].was_stopped = True
            self.engine.send(run_id, "stop", reason=_UNLOADED)

    def _leave(self, row: Row, watch: _Watch) -> None:
        with contextlib.suppress(*_ERRORS):
            estimates.note_pace(load_run(row.run), since_epoch=watch.epoch, seconds=watch.trained_s)
        self._watches.pop(row.run, None)
        queue.leave(row)

    def _recover(self, row: Row, reason: str, *, is_broken: bool) -> None:
        """Lets a run whose process was lost wait at its old place; if that happens too often, it is recorded as interrupted."""
        self._watches.pop(row.run, None)
        try:
            if row.starts < _MOST_STARTS and not is_broken:
                put_back_to_wait(row.run)
                queue.put_back(row)
                return
            mark_ended(row.run, "failed" if is_broken else "interrupted", reason)
        except _ERRORS:
            pass  # the run was deleted, or its folder cannot be written; readers call it interrupted
        queue.leave(row)


def dispatch(engine: Engine, idle_s: float = 20.0) -> bool:
    """Dispatches runs until nothing is left to do and no server has been there for a while; False if another process does so already.

    Args:
        idle_s: how long to stay without anything to do.
    """
    home = home_folder()
    lock = FileLock(home / LOCK_NAME)
    home.mkdir(parents=True, exist_ok=True)
    if not lock.take(0.0):
        return False
    dispatcher, idle_since_s = Dispatcher(engine), time.monotonic()
    try:
        while is_locked(home / LOCK_NAME):  # otherwise the home folder was deleted
            try:
                if dispatcher.step() or heartbeat.is_server_there():
                    idle_since_s = time.monotonic()
                if heartbeat.wanted_environment() not in ("", heartbeat.environment()):
                    break  # a server was started with other settings, and starts a dispatcher with those
            except _ERRORS as error:  # such as a disk that is full at this moment
                logging.getLogger(__name__).warning("%s", error)
                time.sleep(1)
            if time.monotonic() - idle_since_s > idle_s:
                break
            time.sleep(_POLL_S)
    finally:
        engine.keep_warm(False)
        lock.release()
    return True


def ensure_dispatcher() -> None:
    """Starts the dispatcher of this home folder if there is none; raises RunError if no process can be started."""
    if is_locked(home_folder() / LOCK_NAME):
        return
    try:
        process = launch(["dispatch"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        threading.Thread(target=process.wait, daemon=True).start()  # otherwise it would stay as a zombie when it ends
    except OSError as error:
        raise RunError(f"No process could be started ({error.strerror}): try again, or free some memory and disk.") from error


def _epoch_of(run_id: str) -> int:
    try:
        return load_run(run_id).epoch
    except RunError:
        return 0
