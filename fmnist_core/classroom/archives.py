"""The archives that were made on this machine: their names, listing them, and deleting them, which is the teacher's."""

import os
import re
import time
from datetime import datetime
from pathlib import Path

from fmnist_core.classroom.people import Person
from fmnist_core.classroom.permission import check_teacher
from fmnist_core.runs.folders import RunError, archives_folder

NAME_PATTERN = re.compile(r"fashion-mnist-runs-\d{8}-\d{6}\.zip")
_UNFINISHED = re.compile(rf"\.{NAME_PATTERN.pattern}\.part")
_ABANDONED_S = 3600.0  # whoever still writes an archive writes to it every few milliseconds


def new_archive_file() -> Path:
    """A file for an archive that is made now."""
    return archives_folder() / f"fashion-mnist-runs-{datetime.now():%Y%m%d-%H%M%S}.zip"  # local time: it is for people to read


def unfinished_file(file: Path) -> Path:
    """The file in which an archive is until it is complete."""
    return file.with_name(f".{file.name}.part")


def list_archives() -> list[Path]:
    """The archives on this machine, the newest first."""
    return [archives_folder() / name for name in sorted(_names(), reverse=True) if NAME_PATTERN.fullmatch(name)]


def list_abandoned() -> list[Path]:
    """Halves of archives, left by whoever was killed while writing one."""
    found = [archives_folder() / name for name in sorted(_names()) if _UNFINISHED.fullmatch(name)]
    return [file for file in found if _is_abandoned(file)]


def delete_archive(name: str, *, by: Person) -> None:
    """Deletes an archive on this machine, or half of one, for good.

    Raises:
        NotAllowedError: if this person is not the teacher.
        RunError: if there is no such archive, or it cannot be deleted.
    """
    check_teacher(by)
    file = archives_folder() / name
    try:
        if not NAME_PATTERN.fullmatch(name) and not (_UNFINISHED.fullmatch(name) and _is_abandoned(file)):
            raise FileNotFoundError(2, "there is no such archive")
        file.unlink()
    except OSError as error:
        raise RunError(f"The archive was not deleted ({error.strerror}).") from error


def _names() -> list[str]:
    try:
        return os.listdir(archives_folder())  # noqa: PTH208
    except OSError:
        return []


def _is_abandoned(file: Path) -> bool:
    try:
        return time.time() - file.stat().st_mtime > _ABANDONED_S
    except OSError:
        return False
