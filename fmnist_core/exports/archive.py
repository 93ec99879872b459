"""An archive of runs: a zip of their folders with a manifest, which can be unpacked anywhere or imported by another dashboard.

    manifest.json                       names, owners and notes of the runs
    runs/ID/config.json, …              the files of each run, as they are

What belongs to a process, such as locks, logs and the mailbox, is left out.
"""

import contextlib
import json
import os
import re
import shutil
import zipfile
from collections.abc import Generator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from fmnist_core.classroom.archives import unfinished_file
from fmnist_core.classroom.notes import notes
from fmnist_core.classroom.people import names_of
from fmnist_core.classroom.permission import owner_of
from fmnist_core.runs.disk import check_room_for_copy
from fmnist_core.runs.folders import RunError, archives_folder
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.store.files import open_regular
from fmnist_core.store.text import shorten_path

MANIFEST = "manifest.json"
FORMAT: Literal["fashion-mnist-dashboard-runs"] = "fashion-mnist-dashboard-runs"
# Of a run's folder, these are its result; the others belong to the process that trains it.
RUN_FILE = re.compile(
    r"(?:config|status|live|evaluation)\.json|events\.jsonl|likeness\.safetensors|"
    r"(?:checkpoints/(?:epoch-\d{3}|last|resume)|answers/(?:epoch-\d{3}|last))\.safetensors"
)
RUN_FOLDERS = ("checkpoints", "answers")
IS_TEXT = re.compile(r".*\.jsonl?")
_BLOCK_BYTES = 2**20
_LARGE_BYTES = 2**30
_FIRST_TIME = 400_000_000.0  # a zip file knows no time before 1980


@dataclass(frozen=True)
class ArchivedRun:
    """What the manifest says of a run.

    Attributes:
        owner_name: what its owner was called; "" if nobody knows.
        note: what was noted about it.
    """

    id: Annotated[str, Meta(max_length=64)]
    name: Annotated[str, Meta(max_length=1_000)]
    owner_name: Annotated[str, Meta(max_length=1_000)] = ""
    note: Annotated[str, Meta(max_length=100_000)] = ""


@dataclass(frozen=True)
class Manifest:
    """What an archive says of itself."""

    format: Literal["fashion-mnist-dashboard-runs"]
    version: Literal[1]
    created_at: datetime
    runs: tuple[ArchivedRun, ...]


@dataclass(frozen=True)
class Progress:
    """How far an archive has been written or read.

    Attributes:
        done: runs that are finished with, of `total`.
        run_id: the latest of them.
        name: what it is called.
        problem: why it was left out, in a sentence; "" if it was not.
    """

    done: int
    total: int
    run_id: str
    name: str
    problem: str = ""


def write_archive(run_ids: Sequence[str], file: Path) -> Generator[Progress, None, None]:
    """Writes the runs to a new zip file, and yields after each; closing the generator early leaves no file.

    A run that is being trained is written as it is at that moment. One whose settings are lost is left out.

    Raises:
        RunError: if the file cannot be written, a file of a run cannot be read, or there is no room for it beside the runs.
    """
    if file.parent == archives_folder():
        check_room_for_copy(run_ids)
    beside = unfinished_file(file)
    manifest = []
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        noted = notes()
        with zipfile.ZipFile(beside, "w") as archive:
            for done, run_id in enumerate(run_ids, start=1):
                try:
                    run = load_run(run_id)
                except RunError as error:
                    yield Progress(done, len(run_ids), run_id, run_id, str(error))
                    continue
                _write_run(archive, run)
                manifest.append(_describe(run, noted.get(run.id, "")))
                yield Progress(done, len(run_ids), run_id, run.name)
            _write_manifest(archive, manifest)
        beside.replace(file)
    except OSError as error:
        raise RunError(f"The archive {shorten_path(file)} was not written ({error.strerror or error}).") from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)


def _write_run(archive: zipfile.ZipFile, run: RunRecord) -> None:
    for folder, prefix in ((run.folder, ""), *((run.folder / name, f"{name}/") for name in RUN_FOLDERS)):
        for name in sorted(os.listdir(folder)) if folder.is_dir() else []:  # noqa: PTH208
            if RUN_FILE.fullmatch(prefix + name):
                with contextlib.suppress(FileNotFoundError):  # the weights of an unfinished epoch, which has been finished meanwhile
                    _write_file(archive, folder / name, f"runs/{run.id}/{prefix}{name}")


def _write_file(archive: zipfile.ZipFile, file: Path, name: str) -> None:
    with open_regular(file) as source:
        found = os.fstat(source.fileno())
        entry = zipfile.ZipInfo(name, datetime.fromtimestamp(max(found.st_mtime, _FIRST_TIME)).timetuple()[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED if IS_TEXT.fullmatch(name) else zipfile.ZIP_STORED
        entry.external_attr = 0o644 << 16
        with archive.open(entry, "w", force_zip64=found.st_size > _LARGE_BYTES) as target:
            shutil.copyfileobj(source, target, _BLOCK_BYTES)


def _write_manifest(archive: zipfile.ZipFile, runs: list[ArchivedRun]) -> None:
    manifest = asdict(Manifest(FORMAT, 1, datetime.now(UTC), tuple(runs)))
    text = json.dumps(manifest | {"created_at": manifest["created_at"].isoformat()}, indent=1, ensure_ascii=False)
    archive.writestr(MANIFEST, text.encode("utf-8", "replace"), zipfile.ZIP_DEFLATED)


def _describe(run: RunRecord, note: str) -> ArchivedRun:
    owner = owner_of(run.id)
    return ArchivedRun(run.id, run.name, names_of([owner]).get(owner, "") if owner else run.owner_name, note)
