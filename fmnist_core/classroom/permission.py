"""Who may do what with a run: its owner and the teacher. Pages hide what is not allowed, and the core refuses it."""

from fmnist_core.classroom.people import Person
from fmnist_core.classroom.records import records
from fmnist_core.runs.folders import STARTER_ID, RunError


class NotAllowedError(RunError):
    """This person may not do that; the message says who may."""


def note_owner(run_id: str, owner: str) -> None:
    """Remembers the id of a run's owner, unless one is known already; "" is nobody."""
    if owner:
        with records().write() as connection:
            connection.execute("INSERT OR IGNORE INTO owners (run, person) VALUES (?, ?)", (run_id, owner))


def owner_of(run_id: str) -> str:
    """The id of the person who owns a run; "" if nobody does, as for runs from the command line."""
    with records().read() as connection:
        row = connection.execute("SELECT person FROM owners WHERE run = ?", (run_id,)).fetchone()
    return row[0] if row else ""


def owners() -> dict[str, str]:
    """The owner's id of every run that has one, by the run's id."""
    with records().read() as connection:
        return dict(connection.execute("SELECT run, person FROM owners").fetchall())


def may_change(person: Person, run_id: str) -> bool:
    """Whether this person may pause, stop, change, rename or delete the run."""
    if run_id == STARTER_ID:
        return False
    return person.is_teacher or (person.id != "" and owner_of(run_id) == person.id)


def check_may_change(person: Person, run_id: str) -> None:
    """Raises NotAllowedError, with a sentence, unless this person may pause, stop, change, rename or delete the run."""
    if run_id == STARTER_ID:
        raise NotAllowedError("The starter model comes with the dashboard and stays as it is: train a network of your own.")
    if not may_change(person, run_id):
        raise NotAllowedError("Only the person who started this run, and the teacher, can change it.")


def check_teacher(person: Person) -> None:
    """Raises NotAllowedError, with a sentence, unless this person may do everything."""
    if not person.is_teacher:
        raise NotAllowedError("Only the teacher can do this.")
