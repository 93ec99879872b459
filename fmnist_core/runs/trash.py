"""Deleted runs: each is moved into the trash as a whole, and can be restored from there for thirty days.

    <FMNIST_HOME>/trash/<id>/       the run's folder, with deleted.json in it: when it was deleted, and by whom

Moving a folder is one operation of the file system, so whoever is killed leaves the run in one place or in the other. What is deleted
for good is first renamed, so that half of a run is never offered to be restored.
"""

import contextlib
import os
import secrets
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from fmnist_core.runs.claim import claim_start, claim_training, is_claimed, release_start
from fmnist_core.runs.folders import STARTER_ID, RunError, check_id, list_run_ids, run_folder, runs_folder, trash_folder
from fmnist_core.runs.record import YEARS, RunRecord, Status, load_folder, load_run, read_status
from fmnist_core.runs.setting_words import describe_briefly
from fmnist_core.store.files import CLOCK_TICK_NS, read_whole, write_json
from fmnist_core.store.records import RecordError, from_fields, parse_json
from fmnist_core.store.text import shorten_path, visible_line

KEPT_DAYS = 30
_ABOUT = "deleted.json"
_DOOMED = ".gone-"  # folders that are being deleted for good
_BUSY_S = 0.2


@dataclass(frozen=True)
class _About:
    """The content of deleted.json."""

    deleted_at: datetime
    by: Annotated[str, Meta(max_length=64)] = ""
    by_name: Annotated[str, Meta(max_length=200)] = ""

    def __post_init__(self) -> None:
        if self.deleted_at.year not in YEARS:
            raise ValueError(f"the year {self.deleted_at.year}")


@dataclass(frozen=True)
class DeletedRun:
    """A run in the trash.

    Attributes:
        name: what it was called; its id if its settings are lost.
        settings: its preset and what differs from it; "" if its settings are lost.
        owner: the owner's id according to its folder; "" if nobody owns it.
        deleted_at: UTC.
        by: the id of the person who deleted it; "" for the command line, or if that is lost.
        by_name: what that person was called.
    """

    id: str
    name: str
    settings: str
    owner: str
    deleted_at: datetime
    by: str
    by_name: str

    @property
    def kept_until(self) -> datetime:
        return self.deleted_at + timedelta(days=KEPT_DAYS)


_listed: dict[Path, tuple[int, list[DeletedRun]]] = {}  # the trash as it was last read, and when it had changed


def delete_run(run_id: str, *, by: str = "", by_name: str = "", at: datetime | None = None) -> None:
    """Moves an ended run into the trash.

    Args:
        by: id of the person who deletes it, and `by_name` what they are called.
        at: when; the same for all runs that are deleted together.
    Raises:
        RunError: if there is no such run, it is live, it is the starter, or it cannot be moved.
    """
    _check_not_deleted(run_id)
    folder = run_folder(run_id)
    if run_id == STARTER_ID:
        raise RunError("The starter model is part of the dashboard and cannot be deleted.")
    try:
        with _held(run_id, folder):
            about = {"deleted_at": (at or datetime.now(UTC)).isoformat(), "by": by, "by_name": by_name}
            write_json(folder / _ABOUT, about)
            trash_folder().mkdir(exist_ok=True)
            if os.path.lexists(trash_folder() / run_id):  # it was deleted before, and came back from an archive
                erase_run(run_id)
            if sys.platform == "win32":  # where a folder with an open file cannot be moved, nor can one that was claimed meanwhile
                release_start(folder)
            folder.rename(trash_folder() / run_id)
    except OSError as error:
        _check_not_deleted(run_id)
        raise RunError(f"The run cannot be deleted ({error.strerror}): check the permissions of {shorten_path(folder)}.") from error


def restore_run(run_id: str) -> None:
    """Moves a run out of the trash, as it was.

    Raises:
        RunError: if it is not in the trash, or cannot be moved.
    """
    folder = _folder_in_trash(run_id)
    if os.path.lexists(runs_folder() / run_id):  # `rename` would replace an empty folder
        raise RunError(f'There is a run "{run_id}" already: delete that first.')
    try:
        runs_folder().mkdir(parents=True, exist_ok=True)
        folder.rename(runs_folder() / run_id)
        with contextlib.suppress(OSError):
            (runs_folder() / run_id / _ABOUT).unlink()
    except OSError as error:
        raise RunError(f"The run cannot be restored ({error.strerror}): check the permissions of {shorten_path(folder)}.") from error


def list_deleted() -> list[DeletedRun]:
    """All runs in the trash, those deleted last first; they are read again when a run has come or gone."""
    folder, now_ns = trash_folder(), time.time_ns()
    try:
        changed_ns = folder.stat().st_mtime_ns
    except OSError:
        return []
    known = _listed.get(folder)
    if known is not None and known[0] == changed_ns:
        return list(known[1])
    found = [_load(folder / run_id) for run_id in list_run_ids(folder)]
    found.sort(key=lambda run: (run.deleted_at, run.id), reverse=True)
    _listed.clear()
    if changed_ns < now_ns - CLOCK_TICK_NS:  # another change would show
        _listed[folder] = (changed_ns, found)
    return list(found)


def load_deleted(run_id: str) -> DeletedRun:
    """A run in the trash; raises RunError if it is not there."""
    return _load(_folder_in_trash(run_id))


def erase_run(run_id: str) -> None:
    """Deletes a run in the trash for good; raises RunError if it is not there or cannot be deleted."""
    folder = _folder_in_trash(run_id)
    doomed = folder.with_name(f"{_DOOMED}{run_id}-{secrets.token_hex(4)}")
    try:
        folder.rename(doomed)
        with contextlib.suppress(FileNotFoundError):  # somebody who cleans up deletes it at the same moment
            shutil.rmtree(doomed)
    except OSError as error:
        raise RunError(f"The run cannot be deleted ({error.strerror}): check the permissions of {shorten_path(folder)}.") from error


def erase_old_runs() -> list[str]:
    """Deletes for good what was put into the trash more than thirty days ago, and returns the ids of these runs; never raises."""
    erased = []
    for run in list_deleted():
        if run.kept_until < datetime.now(UTC):
            with contextlib.suppress(RunError):
                erase_run(run.id)
                erased.append(run.id)
    for doomed in trash_folder().glob(f"{_DOOMED}*"):  # of whoever was killed while deleting it
        shutil.rmtree(doomed, ignore_errors=True)
    return erased


@contextlib.contextmanager
def _held(run_id: str, folder: Path) -> Iterator[None]:
    """Makes sure that the run has ended, and that nobody continues it until the block ends."""
    before = _status(folder)
    _check_ended(run_id, folder)
    if not claim_start(folder):
        raise RunError("This run is being started right now: stop it first.")
    try:
        training = claim_training(folder, _BUSY_S)
        if training is None:
            raise RunError("Another process is still working on this run: try again in a moment.")
        try:
            if _status(folder) != before:  # it was continued since then
                raise RunError("This run has just changed: try again.")
            if sys.platform == "win32":
                training.release()
            yield
        finally:
            training.release()
    finally:
        release_start(folder)


def _check_ended(run_id: str, folder: Path) -> None:
    try:
        is_live = load_run(run_id).is_live
    except RunError:  # its settings are lost
        is_live = is_claimed(folder)
    if is_live:
        raise RunError("This run is still training or waiting: stop it first.")


def _check_not_deleted(run_id: str) -> None:
    """Raises RunError if somebody else was faster."""
    check_id(run_id)
    if not os.path.lexists(runs_folder() / run_id) and os.path.lexists(trash_folder() / run_id):
        raise RunError("This run has been deleted already.")


def _status(folder: Path) -> Status | None:
    try:
        return read_status(folder)
    except RecordError:
        return None


def _folder_in_trash(run_id: str) -> Path:
    check_id(run_id)
    folder = trash_folder() / run_id
    if not folder.is_dir():
        raise RunError(f'There is no deleted run "{run_id}": it was restored, or deleted for good.')
    return folder


def _load(folder: Path) -> DeletedRun:
    run: RunRecord | None = None
    with contextlib.suppress(RunError):
        run = load_folder(folder)
    try:
        about = from_fields(_About, parse_json(read_whole(folder / _ABOUT)))
    except (RecordError, OSError):
        about = _About(_moved_at(folder))
    deleted_at = about.deleted_at if about.deleted_at.tzinfo is not None else about.deleted_at.replace(tzinfo=UTC)
    name, settings, owner = (run.name, describe_briefly(run.full_config), run.owner) if run is not None else (folder.name, "", "")
    return DeletedRun(folder.name, name, settings, owner, min(deleted_at, datetime.now(UTC)), about.by, visible_line(about.by_name))


def _moved_at(folder: Path) -> datetime:
    """When the folder was moved, as far as the file system knows; now if it does not say."""
    try:
        found = folder.stat()
        return datetime.fromtimestamp(max(found.st_mtime, found.st_ctime), UTC)
    except (OSError, ValueError, OverflowError):
        return datetime.now(UTC)
