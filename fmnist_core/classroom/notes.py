"""What people write about runs, and the stars they give them; both are in the database, not in the runs' folders."""

from collections.abc import Collection

from fmnist_core.classroom.people import Person
from fmnist_core.classroom.permission import check_may_change
from fmnist_core.classroom.records import records
from fmnist_core.runs.folders import RunError, is_run, run_folder, runs_folder
from fmnist_core.store.text import shorten, visible_line

MAX_NOTE_LENGTH = 300
_MAX_STARS = 10_000  # of one person, so that nobody fills the disk with them


def notes() -> dict[str, str]:
    """The note of every run that has one, by the run's id."""
    with records().read() as connection:
        return dict(connection.execute("SELECT run, text FROM notes").fetchall())


def write_note(run_id: str, text: str, *, by: Person) -> str:
    """Replaces the note of a run and returns it, on one visible line of at most 300 characters; "" removes it.

    Raises:
        RunError: if there is no such run, or this person may not change it.
    """
    run_folder(run_id)
    check_may_change(by, run_id)
    note = shorten(visible_line(text[:10_000]), MAX_NOTE_LENGTH)
    with records().write() as connection:
        if note:
            connection.execute("INSERT OR REPLACE INTO notes (run, text) VALUES (?, ?)", (run_id, note))
        else:
            connection.execute("DELETE FROM notes WHERE run = ?", (run_id,))
    return note


def stars() -> dict[str, frozenset[str]]:
    """The ids of the people who have starred each run, by the run's id."""
    found: dict[str, set[str]] = {}
    with records().read() as connection:
        for run_id, person in connection.execute("SELECT run, person FROM stars"):
            found.setdefault(run_id, set()).add(person)
    return {run_id: frozenset(people) for run_id, people in found.items()}


def star(run_ids: Collection[str], is_starred: bool, *, by: Person) -> None:
    """Gives runs this person's star, or takes it back; anybody may star any run.

    Raises:
        RunError: if one of them is not a run, or there would be too many stars; then nothing is changed.
    """
    if not is_starred:
        with records().write() as connection:
            connection.executemany("DELETE FROM stars WHERE run = ? AND person = ?", [(run_id, by.id) for run_id in run_ids])
        return
    for run_id in run_ids:
        run_folder(run_id)
    with records().write() as connection:
        connection.executemany("INSERT OR IGNORE INTO stars (run, person) VALUES (?, ?)", [(run_id, by.id) for run_id in run_ids])
        given = connection.execute("SELECT COUNT(*) FROM stars WHERE person = ?", (by.id,)).fetchone()[0]
        if given > _MAX_STARS:
            raise RunError(f"You can star at most {_MAX_STARS:,} runs: remove some of your stars first.")


def forget_runs(run_ids: Collection[str]) -> None:
    """Removes what the database has about runs that were deleted for good; one that exists again, from an archive, keeps it."""
    gone = [(run_id,) for run_id in run_ids if not is_run(runs_folder() / run_id)]
    with records().write() as connection:
        for table in ("notes", "stars", "owners", "paces"):
            connection.executemany(f"DELETE FROM {table} WHERE run = ?", gone)  # noqa: S608  # the names from above
