"""Imports the runs of an archive: each is unpacked into a folder of its own, read once, and only then moved among the runs."""

import contextlib
import os
import secrets
import shutil
import struct
import zipfile
import zlib
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

from fmnist_core.classroom.notes import write_note
from fmnist_core.classroom.people import Person
from fmnist_core.classroom.permission import check_teacher
from fmnist_core.classroom.records import records
from fmnist_core.exports.archive import RUN_FOLDERS, ArchivedRun, Progress
from fmnist_core.exports.archive_check import ArchiveError, check_entries, check_size_of_list, read_manifest
from fmnist_core.runs.folders import RunError, home_folder, runs_folder
from fmnist_core.runs.record import load_folder, read_status
from fmnist_core.store.database import DatabaseError
from fmnist_core.store.files import open_regular, read_whole, write_json
from fmnist_core.store.locks import FileLock
from fmnist_core.store.records import RecordError, parse_json
from fmnist_core.store.text import visible_line

_BLOCK_BYTES = 2**20
_LOCK_NAME = "lock"
# Whatever damaged bytes make of the library that reads them; RecordError and RunError are ValueErrors.
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OverflowError, NotImplementedError, struct.error)
_MAX_OWNER_NAME = 200


def import_archive(file: Path | BinaryIO, *, by: Person) -> Generator[Progress, None, None]:
    """Imports all runs of an archive, and yields after each; closing the generator early keeps those imported so far.

    A run whose id is here already, or that cannot be read, is left out, and the progress says so. Imported runs are nobody's: what their
    owners were called is kept, but not who they are. So only the teacher can change them.

    Raises:
        NotAllowedError: if this person is not the teacher.
        ArchiveError: if it is not an archive, or holds anything that does not belong in one; then nothing is imported.
        RunError: if the archive cannot be read, the home folder cannot be written, or the disk is full.
    """
    check_teacher(by)
    try:
        with open_regular(file) if isinstance(file, Path) else contextlib.nullcontext(file) as opened:
            archive_bytes = check_size_of_list(opened)
            with zipfile.ZipFile(opened) as archive, _staging() as staging:
                about = {run.id: run for run in read_manifest(archive).runs}
                found = check_entries(archive, archive_bytes)
                for done, (run_id, entries) in enumerate(found.items(), start=1):
                    described = about.get(run_id, ArchivedRun(run_id, run_id))
                    problem = _import_run(archive, entries, staging / run_id, described, by)
                    yield Progress(done, len(found), run_id, visible_line(described.name), problem)
    except (RunError, DatabaseError):
        raise
    except _DAMAGES as error:
        raise ArchiveError(f"This zip file is damaged ({visible_line(str(error))[:200].rstrip('.')}).") from error
    except OSError as error:
        raise RunError(f"The archive was not imported to its end ({error.strerror or error}).") from error


def _import_run(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], staged: Path, described: ArchivedRun, by: Person) -> str:
    """Imports one run; returns why it was left out, in a sentence, or ""."""
    target = runs_folder() / staged.name
    if os.path.lexists(target):
        return "It is here already."
    try:
        for name in RUN_FOLDERS:
            (staged / name).mkdir(parents=True)
        for entry in entries:
            with archive.open(entry) as source, (staged / entry.filename.split("/", 2)[2]).open("xb") as file:
                shutil.copyfileobj(source, file, _BLOCK_BYTES)  # never more than the size that has been checked
        _forget_owner(staged / "config.json", described.owner_name)
        _leave_queue(staged)
        load_folder(staged)
    except _DAMAGES as error:
        shutil.rmtree(staged, ignore_errors=True)
        reason = "its settings cannot be read" if isinstance(error, RunError) else visible_line(str(error))[:200].rstrip(".")
        return f"It is damaged in the archive: {reason}."
    target.parent.mkdir(parents=True, exist_ok=True)
    staged.rename(target)
    with records().write() as connection:  # on this machine somebody may have owned it, and deleted it
        connection.execute("DELETE FROM owners WHERE run = ?", (staged.name,))
    if described.note:
        write_note(staged.name, described.note, by=by)
    return ""


def _forget_owner(file: Path, owner_name: str) -> None:
    """Keeps of a run's owner what they are called."""
    try:
        about = parse_json(read_whole(file))
    except OSError:
        raise RecordError("it has no config.json") from None
    if not isinstance(about, dict):
        raise RecordError("config.json holds no settings")
    about.pop("owner", None)
    about["owner_name"] = visible_line(owner_name)[:_MAX_OWNER_NAME]
    write_json(file, about)


def _leave_queue(folder: Path) -> None:
    """A run that waited where it comes from is not trained here unless somebody continues it."""
    with contextlib.suppress(RecordError):  # a status that is lost says nothing
        status = read_status(folder)
        if status.is_queued:
            write_json(folder / "status.json", vars(replace(status, state="interrupted", is_queued=False)))


@contextlib.contextmanager
def _staging() -> Iterator[Path]:
    """An empty folder on the disk of the runs, which is deleted afterwards; those of imports that were killed are deleted first."""
    parent = home_folder() / "importing"
    for old in parent.glob("*") if parent.is_dir() else ():
        lock = FileLock(old / _LOCK_NAME)
        with contextlib.suppress(OSError):
            if lock.take(0.0):
                shutil.rmtree(old, ignore_errors=True)
    folder = parent / secrets.token_hex(8)
    folder.mkdir(parents=True)
    lock = FileLock(folder / _LOCK_NAME)
    lock.take()
    try:
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            parent.rmdir()  # if it is empty
