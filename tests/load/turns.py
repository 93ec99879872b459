"""Who was given a slot when, read from the queue while it is worked off, and whether that was the order in which it should have been."""

import contextlib
import threading
import time
from collections.abc import Collection, Sequence
from dataclasses import replace

from fmnist_core.jobs import queue
from fmnist_core.jobs.queue import Row
from fmnist_core.store.database import DatabaseError

_LOOK_EVERY_S = 0.02
_READY_S = 3.0  # a run has its place before its folder says that it waits; on a busy machine, so long before


class QueueWatch:
    """Reads the queue again and again in a thread of its own.

    Attributes:
        rows: each row that was ever seen, by its place, as it was when it was first given its slot.
    """

    def __init__(self) -> None:
        self.rows: dict[int, Row] = {}
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Looks no longer."""
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.is_set():
            with contextlib.suppress(DatabaseError):
                for row in queue.rows():
                    known = self.rows.get(row.place)
                    if known is None or not known.is_placed:
                        self.rows[row.place] = row
            time.sleep(_LOOK_EVERY_S)


def placements(rows: Collection[Row]) -> list[Row]:
    """The rows that were given a slot, the first to get one first."""
    return sorted((row for row in rows if row.placed_at is not None), key=lambda row: row.placed_at or 0.0)


def out_of_turn(rows: Collection[Row], unsteady: Collection[str] = ()) -> list[str]:
    """Each time that a run was given a slot although it was another's turn, in words.

    Args:
        rows: see `QueueWatch.rows`.
        unsteady: the ids of runs that may not be ready although they wait, because their own process had been killed.
    """
    problems = []
    served: dict[str, int] = {}
    placed: set[int] = set()
    for row in placements(rows):
        assert row.placed_at is not None
        waiting = [replace(row, is_placed=False, starts=0)]
        for other in rows:
            is_ready = other.asked_at < row.placed_at - _READY_S and other.run not in unsteady
            if is_ready and other.place != row.place and other.place not in placed:
                waiting.append(replace(other, is_placed=False, starts=0))
        first = queue.order(waiting, served)[0]
        if first.place != row.place:
            problems.append(f"{row.run} of {row.person[-4:]} was placed before {first.run} of {first.person[-4:]}")
        placed.add(row.place)
        served[row.person] = len(placed)
    return problems


def overtaken(rows: Sequence[Row], unsteady: Collection[str] = ()) -> list[str]:
    """Each run that was given its slot before one that the same person had asked for earlier."""
    problems = []
    latest: dict[str, Row] = {}
    for row in placements(rows):
        before = latest.get(row.person)
        if row.run in unsteady:
            continue
        if before is not None and before.place > row.place:
            problems.append(f"{before.run} overtook {row.run}")
        latest[row.person] = row
    return problems
