"""Clears the room after a lesson: stops and deletes the class's runs, and forgets names and stars."""

import contextlib
import time
from collections.abc import Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path

from fmnist_core.classroom.lesson import change_lesson, lesson
from fmnist_core.classroom.people import Person
from fmnist_core.classroom.permission import check_teacher, owners
from fmnist_core.classroom.records import records
from fmnist_core.classroom.teacher import has_pin, has_typed_pin
from fmnist_core.exports.archive import Progress, write_archive
from fmnist_core.jobs.control import stop
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.record import RunRecord, list_runs, load_run
from fmnist_core.runs.trash import delete_run

STOPPED = "The teacher cleared the room."
_ENDING_S = 30.0
_POLL_S = 0.1


def class_runs() -> list[RunRecord]:
    """The runs that people started on the pages, except for the teacher's own; those of the command line and of archives are nobody's."""
    whose = owners()
    teachers = {person for person in set(whose.values()) if has_pin() and has_typed_pin(person)}
    return [run for run in list_runs() if run.id in whose and whose[run.id] not in teachers]


def clear_room(*, by: Person, archive: Path | None) -> Generator[Progress, None, None]:
    """Stops the class's runs, archives all runs, deletes those of the class, and forgets names and stars.

    Nothing starts meanwhile. Whoever closes the generator early keeps what is not deleted yet; what is deleted is in the trash.

    Args:
        archive: the file of the archive; None for none.
    Raises:
        NotAllowedError: if this person is not the teacher.
        RunError: if the archive cannot be written; then nothing is deleted.
    """
    check_teacher(by)
    was_paused = lesson().paused
    change_lesson(by, paused=True, sent=None)
    try:
        runs = class_runs()
        yield from _stop(runs, by)
        if archive is not None:
            yield from write_archive([run.id for run in list_runs()], archive)
        yield from _delete(runs, by)
        _forget_people()
    finally:
        change_lesson(by, paused=was_paused)


def _stop(runs: list[RunRecord], by: Person) -> Iterator[Progress]:
    """Stops those that are live, the waiting ones first, and waits until they have ended."""
    live = [run for run in runs if run.is_live]
    for run in sorted(live, key=lambda run: run.state != "waiting"):
        with contextlib.suppress(RunError):  # it has just ended
            stop(run.id, by=by, reason=STOPPED)
    deadline = time.monotonic() + _ENDING_S
    for done, run in enumerate(live, start=1):
        while _is_live(run.id) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        yield Progress(done, len(live), run.id, run.name)


def _is_live(run_id: str) -> bool:
    try:
        return load_run(run_id).is_live
    except RunError:
        return False


def _delete(runs: list[RunRecord], by: Person) -> Iterator[Progress]:
    now = datetime.now(UTC)
    for done, run in enumerate(runs, start=1):
        problem = ""
        try:
            delete_run(run.id, by=by.id, by_name=by.name, at=now)
        except RunError as error:
            problem = str(error)
        yield Progress(done, len(runs), run.id, run.name, problem)


def _forget_people() -> None:
    """Names and stars; who a browser is stays, so that nobody becomes somebody else."""
    with records().write() as connection:
        connection.execute("UPDATE people SET name = '', was_asked = 0")
        connection.execute("DELETE FROM stars")
