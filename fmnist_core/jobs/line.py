"""The line of waiting runs as people see it: the place of each, what is ahead of it, and about when it starts."""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fmnist_core.jobs import estimates, queue
from fmnist_core.jobs.queue import Row, training_slots
from fmnist_core.runs.folders import RunError, home_folder
from fmnist_core.runs.record import RunRecord, load_run

_FRESH_S = 1.0  # thirty pages that show their place ask for the same


@dataclass(frozen=True)
class Waiting:
    """A run that waits for its turn.

    Attributes:
        person: id of its owner; "" if nobody owns it.
        place: 1 for the run that is next.
        ahead: the ids of the runs that are training now and of those that come before it.
        starts_in_s: about when it starts; None if no run has shown yet how fast this machine is.
    """

    run_id: str
    person: str
    place: int
    ahead: tuple[str, ...]
    starts_in_s: float | None


_lock = threading.Lock()
_latest: tuple[float, Path, list[Waiting]] | None = None


def line() -> list[Waiting]:
    """The waiting runs, the next one first, as they were at most a second ago.

    Raises:
        DatabaseError: if the database cannot be used.
    """
    global _latest
    with _lock:
        home = home_folder()
        if _latest is None or _latest[1] != home or time.monotonic() - _latest[0] > _FRESH_S:
            _latest = (time.monotonic(), home, _read_line())
        return _latest[2]


def place_of(run_id: str) -> Waiting | None:
    """A run's place in line; None if it does not wait."""
    return next((waiting for waiting in line() if waiting.run_id == run_id), None)


def _read_line() -> list[Waiting]:
    rows = queue.rows()
    if all(row.is_placed for row in rows):
        return []
    placed = _load(row for row in rows if row.is_placed)
    training = [run for _, run in placed if run.state != "paused"]
    waiting = _load(queue.order((row for row in rows if not row.is_placed), queue.served()))
    pace = estimates.usual_pace()
    starts: Sequence[float | None] = [None] * len(waiting)
    if pace is not None:
        needed = [estimates.needed_s(run, pace) for _, run in waiting]
        starts = estimates.starts_in_s([estimates.needed_s(run, pace) for run in training], needed, training_slots())
    ahead = [run.id for run in training]
    found = []
    for index, ((row, run), start) in enumerate(zip(waiting, starts, strict=True)):
        found.append(Waiting(run.id, row.person, index + 1, tuple(ahead), start))
        ahead.append(run.id)
    return found


def _load(rows: Iterable[Row]) -> list[tuple[Row, RunRecord]]:
    found = []
    for row in rows:
        try:
            found.append((row, load_run(row.run)))
        except RunError:  # its folder is being written, or was deleted
            continue
    return found
