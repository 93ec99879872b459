"""The database is damaged, replaced or locked while a server, a dispatcher and trainers use it: each run ends once, none is lost."""

import asyncio
import contextlib
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from fmnist_core.classroom.people import Person
from fmnist_core.jobs import queue
from fmnist_core.jobs.control import start_run
from fmnist_core.runs.event_log import read_events
from fmnist_core.runs.record import load_run
from fmnist_core.store.database import DatabaseError
from fmnist_core.training.events import Resumed, Started
from tests.faults.database_damage import NAME
from tests.faults.isolation import attempt
from tests.faults.report import Report
from tests.faults.surroundings import use_home
from tests.faults.visits import check_sentence
from tests.jobs.trained import EXACT, Result, assert_same_result, result_of, unbroken
from tests.load.browser import Browser
from tests.load.dashboard import Dashboard
from tests.load.figures import Tally

_CONFIG = replace(EXACT, epochs=8)
_PEOPLE = 4
_WAIT_S = 120.0
_IN_SMALL = ("deleted", "overwritten")


@dataclass(frozen=True)
class _Trouble:
    """Something that happens to the database of a home for a while."""

    words: str
    happen: Callable[[Path], contextlib.AbstractContextManager[None]]


def run_in_use(report: Report, folder: Path, *, small: bool) -> None:
    """One server and dispatcher; for each trouble, some runs, of which the first has begun to train when it happens."""
    use_home(folder / "unbroken")
    expected = unbroken(_CONFIG)
    home = folder / "in-use" / "home"
    use_home(home)
    os.environ["FMNIST_SLOTS"] = "2"
    dashboard = Dashboard(home)
    try:
        dashboard.start()
        _back_up(home, folder / "old")
        for trouble in _troubles(folder / "old"):
            if not small or trouble.words in _IN_SMALL:
                report.record(f"{trouble.words} while runs are trained", attempt(partial(_train_through, trouble, dashboard, expected)))
    finally:
        dashboard.kill_all()


def _train_through(trouble: _Trouble, dashboard: Dashboard, expected: Result) -> None:
    ids = [_start(number) for number in range(_PEOPLE)]
    _wait(lambda: any(load_run(run_id).state == "training" for run_id in ids))
    with trouble.happen(dashboard.home):
        asyncio.run(_look(dashboard))
    _wait(lambda: all(load_run(run_id).state == "finished" for run_id in ids))
    for run_id in ids:
        begun = sum(isinstance(event, Started | Resumed) for event in read_events(load_run(run_id).folder)[0])
        assert begun == 1, f"{run_id} was begun {begun} times"
        assert_same_result(result_of(run_id), expected)
    _wait(lambda: not _rows())


def _start(number: int) -> str:
    """The id of a new run; whoever is told to try again does."""
    deadline = time.monotonic() + _WAIT_S
    while True:
        try:
            return start_run(_CONFIG, by=Person(f"{number:032x}"))
        except DatabaseError as error:
            check_sentence(error)
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _rows() -> list[queue.Row]:
    with contextlib.suppress(DatabaseError):
        return queue.rows()
    return []


def _wait(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WAIT_S
    while not is_so():
        assert time.monotonic() < deadline, f"nothing after {_WAIT_S:.0f} s; {_rows()}"
        time.sleep(0.05)


async def _look(dashboard: Dashboard) -> None:
    """Somebody opens two pages meanwhile; whatever is wrong, they show no exception."""
    tally = Tally()
    browser = Browser(dashboard.port, tally, "a page")
    for page in ("", "training"):
        await browser.open(page)
    await browser.close()
    assert not tally.problems, dict(tally.problems)


def _back_up(home: Path, folder: Path) -> None:
    """A whole copy, as SQLite makes it of a database in use."""
    folder.mkdir()
    with contextlib.closing(sqlite3.connect(home / NAME)) as source, contextlib.closing(sqlite3.connect(folder / NAME)) as copy:
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


# Troubles


def _troubles(old: Path) -> list[_Trouble]:
    return [
        _Trouble("deleted", partial(_at_once, lambda home: _delete(home, ("", "-wal", "-shm")))),
        _Trouble("deleted, its log left behind", partial(_at_once, lambda home: _delete(home, ("",)))),
        _Trouble("overwritten", partial(_at_once, lambda home: (home / NAME).write_bytes(b"this is no database\n" * 3_000))),
        _Trouble("cut off", partial(_at_once, lambda home: os.truncate(home / NAME, 5_000))),
        _Trouble("its log overwritten", partial(_at_once, lambda home: (home / f"{NAME}-wal").write_bytes(b"\xff" * 50_000))),
        _Trouble("overwritten by an old copy", partial(_at_once, lambda home: shutil.copyfile(old / NAME, home / NAME))),
        _Trouble("replaced by an old copy", partial(_at_once, lambda home: _replace(old, home))),
        _Trouble("locked by another program for 13 s", partial(_locked, seconds=13.0)),
        _Trouble("of a newer version for a while", _newer),
    ]


@contextlib.contextmanager
def _at_once(damage: Callable[[Path], object], home: Path) -> Iterator[None]:
    damage(home)
    yield


def _delete(home: Path, suffixes: tuple[str, ...]) -> None:
    for suffix in suffixes:
        (home / f"{NAME}{suffix}").unlink(missing_ok=True)


def _replace(old: Path, home: Path) -> None:
    shutil.copyfile(old / NAME, home / "copy")
    (home / "copy").rename(home / NAME)


@contextlib.contextmanager
def _locked(home: Path, seconds: float) -> Iterator[None]:
    """Longer than SQLite waits; pages are looked at meanwhile."""
    other = sqlite3.connect(home / NAME, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(seconds, other.close)
    timer.start()
    yield
    timer.join()


@contextlib.contextmanager
def _newer(home: Path) -> Iterator[None]:
    """As if a newer version had been installed beside it, and removed again."""
    number = _exchange_version(home, 1_000_000)
    try:
        yield
    finally:
        _exchange_version(home, number)


def _exchange_version(home: Path, number: int) -> int:
    database = sqlite3.connect(home / NAME, timeout=30)
    before = int(database.execute("PRAGMA user_version").fetchone()[0])
    database.execute(f"PRAGMA user_version = {number}")
    database.close()
    return before
