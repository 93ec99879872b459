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
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fmnist_core.classroom.lesson import lesson, minutes_allowed
from fmnist_core.classroom.records import records
from fmnist_core.jobs import estimates, heartbeat, queue
from fmnist_core.jobs.engine import Engine, News
from fmnist_core.jobs.launch import launch
from fmnist_core.jobs.queue import Row, training_slots
from fmnist_core.runs.durations import trained_s
from fmnist_core.runs.folders import RunError, home_folder
from fmnist_core.runs.record import load_run
from fmnist_core.runs.transitions import mark_ended, put_back_to_wait
from fmnist_core.settings.number_words import count
from fmnist_core.store.database import DatabaseError
from fmnist_core.store.locks import FileLock, is_locked
from fmnist_core.store.records import RecordError

LOCK_NAME = "dispatcher.lock"
_POLL_S = 0.05
_ABANDONED_S = 60.0  # a place in the queue that nobody followed up by writing the run's folder
_SETTLED_S = 3.0  # a run that is being continued has its place before its folder says that it waits
_MOST_STARTS = 3  # a run whose process dies is started twice more; if it gets no further, whatever kills it is no accident
_STRAYS_EVERY_S = 10.0
_MOST_PAUSED = 6  # a paused run holds half a gigabyte
_LIMIT_REACHED = "The teacher's limit of {minutes} for a run was reached; its weights are kept."
_UNLOADED = "It was unloaded because many runs are paused and memory is short; you can continue it."
_ERRORS = (RunError, RecordError, DatabaseError, OSError)


@dataclass
class _Watch:
    """What a run with a slot has done since it was placed, for the teacher's limit, for estimates, and to unload it.

    Attributes:
        epoch: how many it had completed then.
        is_inherited: whether an earlier dispatcher placed it, so that this one has seen only what it did afterwards.
    """

    epoch: int
    is_inherited: bool = False
    trained_s: float = 0.0
    paused_s: float = 0.0
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
    _noticed_s: dict[int, float] = field(default_factory=dict)  # when each waiting row was first seen, by its place
    _looked_s: float | None = None
    _sought_s: float | None = None  # when it last looked for runs without a place,
    _openings: int = 0  # and how often the database had been opened then

    def step(self) -> bool:
        """Looks after all runs that have a slot, and fills the slots that are free; returns whether anything is left to do."""
        now_s = self.clock()
        passed_s = 0.0 if self._looked_s is None else now_s - self._looked_s
        self._looked_s = now_s
        self._seek_strays(now_s)
        rows = queue.rows()
        placed = [row for row in rows if row.is_placed]
        kept = {row.run for row in placed}
        self._watches = {run_id: watch for run_id, watch in self._watches.items() if run_id in kept}
        busy = sum([self._look_after(row, passed_s) for row in placed])
        self._unload_paused(placed)
        waiting = [row for row in rows if not row.is_placed]
        self._noticed_s = {row.place: self._noticed_s.get(row.place, now_s) for row in rows}
        if waiting and not lesson().paused:
            busy += self._fill(training_slots() - busy)
        if busy == 0:
            self.engine.keep_warm(bool(waiting) or heartbeat.is_warmth_wanted())
        return bool(rows)

    def _seek_strays(self, now_s: float) -> None:
        """Looks now and then for runs that wait without a place: a process was killed while it gave one up, or the database is another."""
        openings = records().openings
        if self._sought_s is None or now_s - self._sought_s >= _STRAYS_EVERY_S or openings != self._openings:
            queue.adopt_strays()
            self._sought_s, self._openings = now_s, records().openings

    def _look_after(self, row: Row, passed_s: float) -> bool:
        """Follows up on a run that has a slot; returns whether it needs it."""
        news = self.engine.news(row.run)
        watch = self._watches.get(row.run)
        if watch is None:
            watch = self._watches[row.run] = _Watch(_epoch_of(row.run), is_inherited=True)
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
                self._recover(row, watch, news)
        return False

    def _fill(self, free: int) -> int:
        """Places runs until no slot is free; returns how many."""
        placed = 0
        if free <= 0:  # as nearly always when many wait
            return placed
        waiting = [row for row in queue.rows() if not row.is_placed]  # with those that have just lost their process
        for row in queue.order(waiting, queue.served()):
            if placed >= free:
                break
            if self._is_ready(row) and queue.place(row):
                placed += self._start(row)
        return placed

    def _is_ready(self, row: Row) -> bool:
        """Whether the run's folder says that it waits; a place that nobody followed up is given up after a minute."""
        waited_s = self.clock() - self._noticed_s.get(row.place, self.clock())
        try:
            if load_run(row.run).state == "interrupted" and waited_s > _SETTLED_S:  # its process died while it waited after a pause
                put_back_to_wait(row.run)
            if load_run(row.run).state == "waiting":
                return True
        except _ERRORS:
            pass
        if waited_s > _ABANDONED_S:
            queue.leave(row)
        return False

    def _start(self, row: Row) -> bool:
        self._watches[row.run] = _Watch(_epoch_of(row.run))
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
        if minutes is not None and not watch.was_stopped and max(watch.trained_s, _trained_s(row.run)) > 60 * minutes:
            watch.was_stopped = True
            self.engine.send(row.run, "stop", reason=_LIMIT_REACHED.format(minutes=count(minutes, "minute")))

    def _unload_paused(self, placed: list[Row]) -> None:
        """If more runs are paused than there is memory for, stops one of whoever has paused most, the one that has been paused longest."""
        paused = {row.run: row.person for row in placed if self._is_paused(row.run)}
        for _ in range(len(paused) - _MOST_PAUSED):
            each = Counter(paused.values())
            run_id = max(paused, key=lambda run_id: (each[paused[run_id]], self._watches[run_id].paused_s))
            del paused[run_id]
            self._watches[run_id].was_stopped = True
            self.engine.send(run_id, "stop", reason=_UNLOADED)

    def _is_paused(self, run_id: str) -> bool:
        watch = self._watches.get(run_id)
        return watch is not None and watch.paused_s > 0 and not watch.was_stopped

    def _leave(self, row: Row, watch: _Watch) -> None:
        with contextlib.suppress(*_ERRORS):
            estimates.note_pace(load_run(row.run), since_epoch=watch.epoch, seconds=watch.trained_s)
        self._watches.pop(row.run, None)
        queue.leave(row)

    def _recover(self, row: Row, watch: _Watch, news: News) -> None:
        """Lets a run whose process was lost wait at its old place; if that happens too often, it is recorded as interrupted.

        A start does not count if the run has completed an epoch since, nor if the dispatcher that made it was killed as well.
        """
        self._watches.pop(row.run, None)
        starts = 1 if _epoch_of(row.run) > watch.epoch else max(1, row.starts - watch.is_inherited)
        try:
            if starts < _MOST_STARTS and not news.is_broken:
                put_back_to_wait(row.run)
                queue.put_back(row, starts)
                return
            mark_ended(row.run, "failed" if news.is_broken else "interrupted", news.reason)
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
    while lock.take():
        try:
            is_idle = _dispatch_until_idle(Dispatcher(engine), lock.file, idle_s)
        finally:
            engine.keep_warm(False)
            lock.release()
        if not (is_idle and _was_asked_meanwhile()):
            return True
    return False


def _dispatch_until_idle(dispatcher: Dispatcher, lock: Path, idle_s: float) -> bool:
    """Dispatches runs; returns True when nothing is left to do, False when somebody else shall dispatch, or the home folder is gone."""
    idle_since_s = time.monotonic()
    while is_locked(lock):  # otherwise the home folder was deleted
        try:
            if dispatcher.step() or heartbeat.is_server_there():
                idle_since_s = time.monotonic()
            if heartbeat.wanted_environment() not in ("", heartbeat.environment()):
                return False  # a server was started with other settings, and starts a dispatcher with those
        except _ERRORS as error:  # such as a disk that is full at this moment
            logging.getLogger(__name__).warning("%s", error)
            time.sleep(1)
        if time.monotonic() - idle_since_s > idle_s:
            return True
        time.sleep(_POLL_S)
    return False


def _was_asked_meanwhile() -> bool:
    """Whether a run was put into the queue by somebody who saw this dispatcher, just before it gave up its lock."""
    with contextlib.suppress(*_ERRORS):
        return bool(queue.rows())
    return False


def ensure_dispatcher() -> None:
    """Starts the dispatcher of this home folder if there is none; raises RunError if no process can be started."""
    if is_locked(home_folder() / LOCK_NAME):
        return
    try:
        process = launch(["dispatch"], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        threading.Thread(target=process.wait, daemon=True).start()  # otherwise it would stay as a zombie when it ends
    except OSError as error:
        raise RunError(f"No process could be started ({error.strerror}): try again, or free some memory and disk.") from error


def _trained_s(run_id: str) -> float:
    """Seconds that a run has trained, also before it was last paused or continued; 0 before its first report."""
    try:
        return trained_s(load_run(run_id)) or 0.0
    except RunError:
        return 0.0


def _epoch_of(run_id: str) -> int:
    try:
        return load_run(run_id).epoch
    except RunError:
        return 0
