"""Renaming, deleting and restoring runs, each by a person who may. Deleting several at once leaves out those that cannot be deleted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from fmnist_core.classroom.notes import forget_runs
from fmnist_core.classroom.people import Person
from fmnist_core.classroom.permission import NotAllowedError, check_may_change, note_owner, owner_of
from fmnist_core.runs import creation, trash
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.trash import DeletedRun


@dataclass
class Outcome:
    """What became of several runs.

    Attributes:
        done: the ids of those with which it was done.
        refused: why not, in a sentence, by the ids of the others.
    """

    done: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)


def rename_run(run_id: str, name: str, *, by: Person) -> str:
    """Gives a run another name and returns it, cleaned; raises RunError if that cannot be, or this person may not."""
    check_may_change(by, run_id)
    return creation.rename_run(run_id, name)


def delete_runs(run_ids: Sequence[str], *, by: Person) -> Outcome:
    """Moves runs into the trash, where they are kept for thirty days. Raises nothing for a run that is refused."""
    now = datetime.now(UTC)

    def delete(run_id: str) -> None:
        check_may_change(by, run_id)
        trash.delete_run(run_id, by=by.id, by_name=by.name, at=now)

    return _for_each(run_ids, delete)


def restore_runs(run_ids: Sequence[str], *, by: Person) -> Outcome:
    """Moves runs out of the trash, as they were, with their notes and stars."""

    def restore(run_id: str) -> None:
        deleted = trash.load_deleted(run_id)
        _check_may_restore(by, deleted)
        trash.restore_run(run_id)
        note_owner(run_id, deleted.owner)  # which the database has lost if it was rebuilt meanwhile

    return _for_each(run_ids, restore)


def erase_runs(run_ids: Sequence[str], *, by: Person) -> Outcome:
    """Deletes runs in the trash for good."""

    def erase(run_id: str) -> None:
        _check_may_restore(by, trash.load_deleted(run_id))
        trash.erase_run(run_id)

    outcome = _for_each(run_ids, erase)
    forget_runs(outcome.done)
    return outcome


def erase_old_runs() -> list[str]:
    """Deletes for good what has been in the trash for more than thirty days, and returns the ids of these runs."""
    erased = trash.erase_old_runs()
    if erased:
        forget_runs(erased)
    return erased


def may_restore(person: Person, deleted: DeletedRun) -> bool:
    """Whether this person may restore a deleted run or delete it for good: the teacher, and its owner unless the teacher deleted it."""
    if person.is_teacher:
        return True
    return person.id != "" and deleted.by == person.id == (owner_of(deleted.id) or deleted.owner)


def _check_may_restore(person: Person, deleted: DeletedRun) -> None:
    if not may_restore(person, deleted):
        raise NotAllowedError("Only the person who deleted this run, and the teacher, can restore it.")


def _for_each(run_ids: Sequence[str], do: Callable[[str], None]) -> Outcome:
    outcome = Outcome()
    for run_id in dict.fromkeys(run_ids):
        try:
            do(run_id)
            outcome.done.append(run_id)
        except RunError as error:
            outcome.refused[run_id] = str(error)
    return outcome
