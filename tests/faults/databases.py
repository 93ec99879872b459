"""Part `database`: its file is damaged, deleted, replaced, locked or of a newer version, while nobody uses it and while everybody does."""

import contextlib
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from fmnist_core.classroom.notes import notes, star, stars, write_note
from fmnist_core.classroom.people import LOCAL, Person, names_of, rename_person
from fmnist_core.classroom.permission import owners
from fmnist_core.classroom.records import records
from fmnist_core.jobs import control, queue
from fmnist_core.jobs.dispatcher import Dispatcher
from fmnist_core.jobs.engine import News
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import RunError, run_folder, runs_folder
from fmnist_core.runs.mailbox import Name
from fmnist_core.runs.record import list_runs
from fmnist_core.store.database import DatabaseError
from tests.faults.commands import run_command
from tests.faults.database_damage import DatabaseDamage, all_damage
from tests.faults.databases_in_use import run_in_use
from tests.faults.isolation import isolate
from tests.faults.report import Report
from tests.faults.surroundings import SHORT, digest, surroundings, train_home, use_home, why_no_forks
from tests.faults.visits import check_sentence, visit_pages, warm_pages

ANNA, BEN = Person("a" * 32, "Anna"), Person("b" * 32, "Ben")
_TRIES = 3  # whoever finds the file damaged says so once, while it is being rebuilt
_PAGES_EVERY = 6  # damages of which one is met by all pages


def run(report: Report, seed: int, *, small: bool) -> None:
    """Each damage is met by all that reads and writes the database; then some of it happens while runs are being trained."""
    if why_no_forks():
        report.skip("damaged databases", why_no_forks())
        return
    with surroundings() as folder:
        room = _prepare(folder / "home")
        warm_pages(report, room.trained)
        for number, damage in enumerate(all_damage(random.Random(seed), small=small)):
            with_pages = damage.on_pages or (not small and number % _PAGES_EVERY == 0)
            report.record(damage.words, _meet_in_copy(room, damage, with_pages=with_pages))
        run_in_use(report, folder, small=small)


@dataclass(frozen=True)
class _Room:
    """A home with a database that has something in each table, part of it only in its log.

    Attributes:
        trained: id of a finished run of Anna's, with a note and a star.
        waiting: ids of runs in the queue, in their order.
    """

    folder: Path
    trained: str
    waiting: list[str]


def _prepare(folder: Path) -> _Room:
    home = train_home(folder.with_name("being-prepared"))
    for person in (ANNA, BEN):
        rename_person(person, person.name)
    with _no_dispatcher():
        waiting = [control.start_run(SHORT, by=person) for person in (ANNA, BEN, ANNA)]
        waiting.append(create_run(SHORT, owner=BEN.id, owner_name=BEN.name, queued=True))
        queue.adopt_strays()
    write_note(home.healthy, "Look at this", by=LOCAL)
    star([home.healthy], True, by=ANNA)
    shutil.copytree(home.folder, folder)
    records().close()
    return _Room(folder, home.healthy, waiting)


@contextlib.contextmanager
def _no_dispatcher() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(control, "ensure_dispatcher", lambda: None)
        yield


@dataclass
class _MadeUpEngine:
    """Trains nothing, for ever."""

    started: list[str] = field(default_factory=list)

    def start(self, run_id: str) -> None:
        run_folder(run_id)
        self.started.append(run_id)

    def send(self, run_id: str, command: Name, *, reason: str = "") -> None:
        """Nobody listens."""

    def news(self, run_id: str) -> News:
        return News("training" if run_id in self.started else "gone")

    def keep_warm(self, wanted: bool) -> None:
        """Nothing is."""


def _meet_in_copy(room: _Room, damage: DatabaseDamage, *, with_pages: bool) -> str:
    copy = room.folder.with_name("copy")
    shutil.copytree(room.folder, copy)
    use_home(copy)
    try:
        return isolate(partial(_meet, room, damage, with_pages=with_pages), timeout_s=240).problem
    finally:
        use_home(room.folder)
        shutil.rmtree(copy)


def _meet(room: _Room, damage: DatabaseDamage, *, with_pages: bool) -> None:
    home = runs_folder().parent
    damage.apply(home)
    before = digest(runs_folder())
    if with_pages:
        problems = [problem for problem in visit_pages(room.trained) if problem]
        assert not problems, problems
    is_usable = _can_be_used()
    assert is_usable != damage.is_refused, "it is used" if is_usable else "it is refused for ever"
    assert run_command(["runs"])[0] == 0
    assert digest(runs_folder()) == before, "a run's folder was changed"
    if is_usable:
        _check_queue(room)
        if damage.keeps:
            assert (notes(), stars()) == ({room.trained: "Look at this"}, {room.trained: frozenset([ANNA.id])}), (notes(), stars())
    else:
        _check_refusals()


def _can_be_used() -> bool:
    """Whether the database can be read, if need be after it has been rebuilt; what is reported meanwhile is a sentence."""
    for _ in range(_TRIES):
        try:
            queue.rows(), queue.served(), owners(), names_of([ANNA.id, BEN.id]), notes(), stars()
            return True
        except DatabaseError as error:
            check_sentence(error)
    return False


def _check_queue(room: _Room) -> None:
    """All that waited still waits, the dispatcher places it, and more can be asked for."""
    engine = _MadeUpEngine()
    dispatcher = Dispatcher(engine)
    dispatcher.step()
    rows = queue.rows()
    assert {row.run for row in rows} >= set(room.waiting), f"lost: {set(room.waiting) - {row.run for row in rows}}"
    owner_of = {run.id: run.owner for run in list_runs()}
    dispatcher.step()
    assert engine.started, "nothing was placed"
    assert set(engine.started) <= set(room.waiting), engine.started
    with _no_dispatcher():
        another = control.start_run(SHORT, by=Person("c" * 32, "Cleo"))
    assert another in {row.run for row in queue.rows()}
    assert owner_of[room.waiting[0]] == ANNA.id


def _check_refusals() -> None:
    """Whoever starts a run is told why it cannot be, and nothing is left of it; the dispatcher tries again later."""
    before = sorted(runs_folder().iterdir())
    for work in (partial(control.start_run, SHORT, by=ANNA), Dispatcher(_MadeUpEngine()).step):
        try:
            work()
        except (DatabaseError, RunError) as error:
            check_sentence(error)
            continue
        raise AssertionError("it was done")
    assert sorted(runs_folder().iterdir()) == before, "half a run is left"
