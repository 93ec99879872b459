"""Making room on the disk: a plan of what would be deleted for good and how large it is, which is carried out only as it was shown."""

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fmnist_core.classroom.archives import delete_archive, list_abandoned, list_archives
from fmnist_core.classroom.notes import forget_runs, stars
from fmnist_core.classroom.people import Person
from fmnist_core.classroom.permission import NotAllowedError, check_may_change, may_change
from fmnist_core.classroom.run_changes import Outcome, erase_runs, may_restore
from fmnist_core.runs import trash
from fmnist_core.runs.claim import claim_training
from fmnist_core.runs.disk import DiskUse, disk_use
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.record import RunRecord, list_runs, load_run
from fmnist_core.runs.weights import spare_weights

Kind = Literal["deleted", "weights", "run", "archive"]
_COMFORTABLE = 0.7  # of the limit, to which a suggestion clears
_BUSY_S = 0.2


@dataclass(frozen=True)
class Part:
    """One thing to delete for good.

    Attributes:
        kind: a run in the trash; the weights of a run's epochs that are not in use; a whole run; or an archive.
        run_id: of an archive, the name of its file.
        name: of the run or the archive's file.
    """

    kind: Kind
    run_id: str
    name: str
    size: int


def plan_cleanup(by: Person, *, deleted: bool, weights: bool, oldest: int, archives: bool = False) -> list[Part]:
    """What would be deleted of what this person may delete; nothing that is starred by anybody, or live.

    Args:
        deleted: the runs in the trash.
        weights: the weights of epochs that are neither in use nor the latest.
        oldest: how many of the oldest runs.
        archives: all archives on this machine, if this is the teacher.
    """
    use, parts = disk_use(now=True), []
    if deleted:
        parts += [Part("deleted", run.id, run.name, use.by_deleted.get(run.id, 0)) for run in trash.list_deleted() if may_restore(by, run)]
    candidates = erasable_runs(by)
    gone = candidates[:oldest]
    parts += [Part("run", run.id, run.name, use.by_run.get(run.id, 0)) for run in gone]
    if weights:
        for run in candidates[oldest:]:
            files = spare_weights(run)
            if files:
                parts.append(Part("weights", run.id, run.name, sum(file.stat().st_size for file in files)))
    if archives:
        parts += [Part("archive", file.name, file.name, use.by_archive.get(file.name, 0)) for file in erasable_archives(by)]
    return parts


def erasable_archives(by: Person) -> list[Path]:
    """The files in the folder of archives that this person may delete: the teacher all but one that is being written, others none."""
    return [*list_archives(), *list_abandoned()] if by.is_teacher else []


def erasable_runs(by: Person) -> list[RunRecord]:
    """The ended runs that this person may change and that nobody has starred, the oldest first."""
    starred = stars()
    return [run for run in reversed(list_runs()) if not run.is_live and run.id not in starred and may_change(by, run.id)]


def suggest_oldest(use: DiskUse, candidates: list[RunRecord], freed: int) -> int:
    """How many of these runs, the oldest first, would have to go for the runs to use at most 70 % of the limit.

    Args:
        freed: bytes that are deleted already by other parts of the plan.
    """
    used, count = use.used - freed, 0
    while used > _COMFORTABLE * use.limit and count < len(candidates):
        used -= use.by_run.get(candidates[count].id, 0)
        count += 1
    return count


def carry_out(plan: list[Part], *, by: Person) -> Outcome:
    """Deletes for good what is in the plan, except for what has been starred, restored or continued since it was made."""
    outcome = erase_runs([part.run_id for part in plan if part.kind == "deleted"], by=by)
    starred = stars()
    for part in plan:
        if part.kind == "deleted":
            continue
        try:
            if part.kind == "archive":
                delete_archive(part.run_id, by=by)
            else:
                _erase_part(part, by, starred)
            outcome.done.append(part.run_id)
        except RunError as error:
            outcome.refused[part.run_id] = str(error)
    disk_use(now=True)
    return outcome


def _erase_part(part: Part, by: Person, starred: Collection[str]) -> None:
    check_may_change(by, part.run_id)
    if part.run_id in starred:
        raise NotAllowedError("Somebody has starred this run.")
    _erase_weights(part.run_id) if part.kind == "weights" else _erase_whole(part.run_id, by)


def _erase_whole(run_id: str, by: Person) -> None:
    trash.delete_run(run_id, by=by.id, by_name=by.name)
    trash.erase_run(run_id)
    forget_runs([run_id])


def _erase_weights(run_id: str) -> None:
    run = load_run(run_id)
    with _ended(run):
        for file in spare_weights(run):
            with contextlib.suppress(FileNotFoundError):
                file.unlink()


@contextlib.contextmanager
def _ended(run: RunRecord) -> Iterator[None]:
    """Makes sure that nobody trains the run until the block ends."""
    try:
        claim = None if run.is_live else claim_training(run.folder, _BUSY_S)
        if claim is None:
            raise RunError("This run is training again.")
        try:
            yield
        finally:
            claim.release()
    except OSError as error:
        raise RunError(f"Its files cannot be deleted ({error.strerror}).") from error
