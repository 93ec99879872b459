"""What the class board shows at one moment: who is here and where, each student's best, what trains, what waits, and what was tried."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from fmnist_core.classroom.people import NOBODY_NAME
from fmnist_core.runs.record import RunRecord, State
from fmnist_core.runs.setting_words import describe_preset
from fmnist_core.settings.presets import PRESETS

FAILED_STATES: tuple[State, ...] = ("diverged", "failed", "interrupted")
MOST_LISTED = 5  # of the best and of the newest
MOST_TRIED = 300  # of the newest runs; more would cover each other


@dataclass(frozen=True)
class BoardRun:
    """A run on the board.

    Attributes:
        owner: what its owner is called; "" if nobody owns it, as for runs from the command line.
        recipe: its preset, and what differs from it except for the seed.
        accuracy: on the test images, of the weights in use, 0 to 1; None before the first epoch has ended.
        seconds_left: while it trains, until its end; while it waits, until it starts; None if unknown.
    """

    id: str
    name: str
    owner: str
    recipe: str
    state: State
    epoch: int
    epochs: int
    accuracy: float | None
    learning_rate: float
    optimizer: str
    created_at: datetime
    seconds_left: float | None = None

    @property
    def has_failed(self) -> bool:
        return self.state in FAILED_STATES


@dataclass(frozen=True)
class Student:
    """Somebody who is here, or owns one of the runs.

    Attributes:
        name: their name; "somebody" if they have given none.
        page: the title of the page they have open; "" if they are not here.
        best: their run with the highest accuracy; None if none of theirs has one.
        runs: how many runs they own.
    """

    name: str
    page: str
    best: BoardRun | None
    runs: int


@dataclass(frozen=True)
class Board:
    """What the board shows. Every list of runs begins with the one that matters most.

    Attributes:
        here: how many people have a page open.
        students: everybody who has a name or a run, by name.
        others: how many more people are here, without a name and without a run.
        runs: how many runs there are.
        training: those that train or are paused, the newest first.
        waiting: those that wait, the next one first.
        newest: the newest runs that have ended.
        best: the best run of each person, and of those without an owner every one.
        tried: the newest runs that have begun to train.
    """

    here: int
    students: tuple[Student, ...]
    others: int
    runs: int
    training: tuple[BoardRun, ...]
    waiting: tuple[BoardRun, ...]
    newest: tuple[BoardRun, ...]
    best: tuple[BoardRun, ...]
    tried: tuple[BoardRun, ...]


def make_board(
    runs: Sequence[RunRecord],
    owners: Mapping[str, str],
    names: Mapping[str, str],
    pages: Mapping[str, str],
    *,
    line: Mapping[str, float | None] | None = None,
    seconds_left: Mapping[str, float | None] | None = None,
) -> Board:
    """The board of these runs and people.

    Args:
        runs: the newest first.
        owners: ids of people by ids of runs.
        names: of people, by their ids; without those who have given none.
        pages: titles of pages by the ids of the people who are here.
        line: in how many seconds each waiting run starts, by its id, the next one first; None where that is unknown.
        seconds_left: until the end of runs that train, by their ids.
    """
    starts, left = line or {}, seconds_left or {}

    def show(run: RunRecord) -> BoardRun:
        person = owners.get(run.id, "")
        owner = names.get(person, NOBODY_NAME) if person else ""
        soon = left.get(run.id) if run.state == "training" else starts.get(run.id)
        return _show(run, owner, soon)

    shown = {run.id: show(run) for run in runs}
    owned: dict[str, list[BoardRun]] = {}
    for run_id, run in shown.items():
        owned.setdefault(owners.get(run_id, ""), []).append(run)
    known = [person for person in {**pages, **owned} if person and (person in names or person in owned)]
    students = [_make_student(names.get(person, ""), pages.get(person, ""), owned.get(person, [])) for person in known]
    ended = [run for run in shown.values() if run.state not in ("training", "paused", "waiting")]
    best = [run for person, theirs in owned.items() for run in (theirs if person == "" else _best_of(theirs))]
    return Board(
        here=len(pages),
        students=tuple(sorted(students, key=lambda student: (student.name == NOBODY_NAME, student.name.casefold()))),
        others=sum(person not in names and person not in owned for person in pages),
        runs=len(shown),
        training=tuple(run for run in shown.values() if run.state in ("training", "paused")),
        waiting=tuple(_in_line(shown, starts)),
        newest=tuple(ended[:MOST_LISTED]),
        best=tuple(_rank(best)[:MOST_LISTED]),
        tried=tuple([run for run in shown.values() if run.accuracy is not None or run.has_failed][:MOST_TRIED]),
    )


def since(runs: Iterable[RunRecord], earliest: datetime) -> list[RunRecord]:
    """The runs that were started at this time or later, and those that are still live."""
    return [run for run in runs if run.created_at >= earliest or run.is_live]


def _show(run: RunRecord, owner: str, seconds_left: float | None) -> BoardRun:
    return BoardRun(
        id=run.id,
        name=run.name,
        owner=owner,
        recipe=describe_preset(replace(run.full_config, seed=PRESETS[0].config.seed)),
        state=run.state,
        epoch=run.epoch,
        epochs=run.epochs,
        accuracy=run.test_accuracy,
        learning_rate=run.config.learning_rate,
        optimizer=run.config.optimizer,
        created_at=run.created_at,
        seconds_left=seconds_left,
    )


def _make_student(name: str, page: str, runs: Collection[BoardRun]) -> Student:
    return Student(name or NOBODY_NAME, page, next(iter(_best_of(runs)), None), len(runs))


def _best_of(runs: Collection[BoardRun]) -> list[BoardRun]:
    """The run with the highest accuracy, the earliest of several; none if no run has one."""
    return _rank(runs)[:1]


def _rank(runs: Iterable[BoardRun]) -> list[BoardRun]:
    """Those with an accuracy, the best first, of equal ones the earliest."""
    return sorted((run for run in runs if run.accuracy is not None), key=lambda run: (-(run.accuracy or 0), run.created_at, run.id))


def _in_line(shown: Mapping[str, BoardRun], starts: Mapping[str, float | None]) -> list[BoardRun]:
    """The waiting runs in the order in which they will start; those that are in no line, because a process waits with them, come last."""
    waiting = {run_id: run for run_id, run in shown.items() if run.state == "waiting"}
    known = [waiting.pop(run_id) for run_id in starts if run_id in waiting]
    return known + sorted(waiting.values(), key=lambda run: (run.created_at, run.id))
