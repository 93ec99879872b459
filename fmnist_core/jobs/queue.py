"""The queue: which runs wait, whose turn is next, and how many may wait.

A row of the database is "waiting" until the dispatcher places the run, and "placed" until that run has ended. People take turns: next is
whoever has been served least recently, with the run of theirs that has waited longest. So ten runs of one person do not hold up others.
"""

import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from fmnist_core.classroom.people import Person
from fmnist_core.classroom.permission import note_owner, owner_of
from fmnist_core.classroom.records import records
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.record import list_runs
from fmnist_core.store.database import Connection

MAX_WAITING = 300  # a row each: a waiting run has no process
_NOT_SERVED = -1


@dataclass(frozen=True)
class Row:
    """One run in the queue.

    Attributes:
        place: the lower, the longer it has waited; unique.
        person: id of its owner; "" for all runs that nobody owns.
        is_placed: whether the dispatcher has given it a slot.
        starts: how often it was given one since it was last asked for, as far as it counts, see `put_back`.
        asked_at: when it began to wait, in seconds since 1970.
        placed_at: when it was last given a slot, likewise.
    """

    place: int
    run: str
    person: str
    is_placed: bool
    starts: int
    asked_at: float
    placed_at: float | None


def training_slots() -> int:
    """How many runs train at once: the environment variable FMNIST_SLOTS, or one for every core, because each computes on one thread."""
    chosen = os.environ.get("FMNIST_SLOTS", "").strip()
    is_number = re.fullmatch("[0-9]{1,4}", chosen) is not None
    return max(1, int(chosen)) if is_number else max(1, os.cpu_count() or 1)


def enqueue(run_id: str, person: Person, owner: str, *, most_per_person: int) -> None:
    """Puts a run at the end of its owner's line; its place is taken before its folder says that it waits, so that neither gets lost.

    Args:
        person: who asks for it; the teacher may fill the queue further than others.
        owner: id of the run's owner.
        most_per_person: how many runs of one owner may wait.
    Raises:
        RunError: if too many runs wait already, in all or of this owner.
        DatabaseError: if the database cannot be used.
    """
    with records().write() as connection:
        waiting = [row.person for row in _rows(connection) if not row.is_placed and row.run != run_id]
        own = waiting.count(owner)
        if len(waiting) >= MAX_WAITING:
            raise RunError(f"{len(waiting)} runs are waiting already, which is the limit: try again when some of them have trained.")
        if own >= most_per_person and not person.is_teacher:
            raise RunError(f"{own} of your runs {'is' if own == 1 else 'are'} waiting already: wait until one of them trains, or stop one.")
        _insert(connection, run_id, owner)
        note_owner(run_id, owner)


def ask_again(run_id: str) -> None:
    """Puts a run that a process is training already at the end of its owner's line, when a pause ends or it was typed by hand."""
    owner = owner_of(run_id)
    with records().write() as connection:
        _insert(connection, run_id, owner)


def rows() -> list[Row]:
    """All runs in the queue, those that wait and those that have a slot, by their place."""
    with records().read() as connection:
        return _rows(connection)


def row_of(run_id: str) -> Row | None:
    """A run's row; None if it is not in the queue."""
    with records().read() as connection:
        return next((row for row in _rows(connection) if row.run == run_id), None)


def adopt_strays() -> None:
    """Gives a place to every run that has none although its folder says that it waits: a process was killed, or the database is old."""
    waiting = [run for run in reversed(list_runs()) if run.is_queued]
    if not waiting:
        return
    with records().write() as connection:
        known, owners = {row.run for row in _rows(connection)}, dict(connection.execute("SELECT run, person FROM owners").fetchall())
        for run in waiting:
            if run.id not in known:
                _insert(connection, run.id, owners.get(run.id, run.owner))


def served() -> dict[str, int]:
    """When each person was last given a slot, as a number that grows with every placement."""
    with records().read() as connection:
        return dict(connection.execute("SELECT person, served FROM turns").fetchall())


def order(waiting: Iterable[Row], served: Mapping[str, int]) -> list[Row]:
    """The waiting runs in the order in which they will be placed: first those that lost their slot by an accident, then people in turns.

    Args:
        served: see `served`; whoever is not in it has not been served yet and comes first.
    """
    left = sorted(waiting, key=lambda row: row.place)
    returning = [row for row in left if row.starts]
    left = [row for row in left if not row.starts]
    last = dict(served)
    turn = max(last.values(), default=0)
    ordered = returning
    while left:
        heads = {row.person: row for row in reversed(left)}
        head = min(heads.values(), key=lambda row: (last.get(row.person, _NOT_SERVED), row.place))
        left.remove(head)
        ordered.append(head)
        turn += 1
        last[head.person] = turn
    return ordered


def place(row: Row) -> bool:
    """Gives a waiting run a slot; False if it has been withdrawn meanwhile."""
    with records().write() as connection:
        changed = connection.execute(
            "UPDATE queue SET state = 'placed', starts = starts + 1, placed_at = ? WHERE place = ? AND state = 'waiting'",
            (time.time(), row.place),
        ).rowcount
        if changed and row.starts == 0:  # one that is started again after an accident does not cost its owner a turn
            connection.execute(
                "INSERT OR REPLACE INTO turns (person, served) VALUES (?, (SELECT 1 + coalesce(max(served), 0) FROM turns))", (row.person,)
            )
    return bool(changed)


def put_back(row: Row, starts: int) -> None:
    """Lets a run whose process was lost wait at the place that it had.

    Args:
        starts: how many starts count from now on, at least one, because it has had its turn.
    """
    with records().write() as connection:
        connection.execute("UPDATE queue SET state = 'waiting', starts = ? WHERE place = ? AND state = 'placed'", (starts, row.place))


def leave(row: Row) -> None:
    """Removes a run that has ended; if it has been asked for again meanwhile, that place is kept."""
    with records().write() as connection:
        connection.execute("DELETE FROM queue WHERE place = ?", (row.place,))


def withdraw(run_id: str) -> bool:
    """Removes a run that waits; False if it does not wait, or has just been given a slot."""
    with records().write() as connection:
        return bool(connection.execute("DELETE FROM queue WHERE run = ? AND state = 'waiting'", (run_id,)).rowcount)


def _insert(connection: Connection, run_id: str, owner: str) -> None:
    connection.execute("DELETE FROM queue WHERE run = ?", (run_id,))
    connection.execute("INSERT INTO queue (run, person, state, asked_at) VALUES (?, ?, 'waiting', ?)", (run_id, owner, time.time()))


def _rows(connection: Connection) -> list[Row]:
    found = connection.execute("SELECT place, run, person, state, starts, asked_at, placed_at FROM queue ORDER BY place").fetchall()
    return [Row(place, run, person, state == "placed", starts, asked, placed) for place, run, person, state, starts, asked, placed in found]
