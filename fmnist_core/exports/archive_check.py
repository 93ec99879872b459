"""Checks an archive that somebody gives, before anything of it is written: names, number, sizes and kinds of what it holds."""

import re
import stat
import struct
import zipfile
from pathlib import Path
from typing import BinaryIO

from fmnist_core.exports.archive import FORMAT, MANIFEST, RUN_FILE, Manifest
from fmnist_core.runs.disk import disk_use, format_bytes
from fmnist_core.runs.folders import STARTER_ID, RunError
from fmnist_core.store.records import RecordError, from_fields, parse_json
from fmnist_core.store.text import shorten, visible_line

# A thousand runs of 60 epochs have 126,000 files and 10 GB. Of a name of 60 bytes, the list of files has 106.
MAX_FILES = 150_000
_MAX_LIST_BYTES = 30_000_000
_MAX_MANIFEST_BYTES = 20_000_000
MAX_TOTAL_BYTES = 16_000_000_000
_MAX_BYTES = {".json": 1_000_000, ".jsonl": 400_000_000, ".safetensors": 16_000_000}
_MAX_RATIO = 50  # events of real runs shrink to a fifth, weights not at all; a megabyte of one letter to a thousandth
_ALWAYS_FINE_BYTES = 10_000_000
_FOLDER = re.compile(r"runs/(?:[a-z0-9][a-z0-9-]{0,63}/(?:(?:checkpoints|answers)/)?)?")
_FILE = re.compile(r"runs/([a-z0-9][a-z0-9-]{0,63})/(.+)")
_END, _END_64, _END_64_LOCATOR = b"PK\5\6", b"PK\6\6", b"PK\6\7"
_IS_ENCRYPTED = 0x1
_LONGEST_NAME_SHOWN = 80


class ArchiveError(RunError):
    """This is no archive of this dashboard, or one that nobody should open; the message says why."""


def check_size_of_list(opened: BinaryIO) -> int:
    """The size of a zip file in bytes.

    Raises:
        ArchiveError: if its list of files would fill the memory when it is read, or the file does not end as a zip file does.
    """
    size = opened.seek(0, 2)
    opened.seek(max(0, size - 98))
    tail = opened.read(98)
    if len(tail) < 22 or tail[-22:-18] != _END or tail[-2:] != b"\0\0":
        raise ArchiveError("This is not a zip file that this dashboard wrote: it does not end like one.")
    (list_bytes,) = struct.unpack("<L", tail[-10:-6])
    if tail[-42:-38] == _END_64_LOCATOR:  # a large archive has a second, larger record, just before the first
        if tail[-98:-94] != _END_64:
            raise ArchiveError("This zip file is damaged at its end.")
        (list_bytes,) = struct.unpack("<Q", tail[-58:-50])
    if list_bytes > _MAX_LIST_BYTES:
        raise ArchiveError(f"This archive has more than {MAX_FILES:,} files.")
    return size


def read_manifest(archive: zipfile.ZipFile) -> Manifest:
    """What the archive says of itself; raises ArchiveError if it says nothing, or something else."""
    try:
        entry = archive.getinfo(MANIFEST)
        _check_kind(entry)
        if entry.file_size > _MAX_MANIFEST_BYTES:
            raise RecordError("It is too large.")
        with archive.open(entry) as source:
            return from_fields(Manifest, parse_json(source.read(_MAX_MANIFEST_BYTES)))
    except KeyError:
        raise ArchiveError("This is not an archive of runs: it has no manifest.json.") from None
    except RecordError as error:
        raise ArchiveError(f"This is not an archive of runs ({FORMAT}, version 1): {error}") from error


def check_entries(archive: zipfile.ZipFile, archive_bytes: int) -> dict[str, list[zipfile.ZipInfo]]:
    """The files of each run, by its id; what follows the id in a name is the name of a file in a run's folder.

    Args:
        archive_bytes: the size of the archive itself.
    Raises:
        ArchiveError: if there is anything else in the archive, or too much.
    """
    entries = archive.infolist()
    if len(entries) > MAX_FILES:
        raise ArchiveError(f"This archive has more than {MAX_FILES:,} files.")
    runs: dict[str, list[zipfile.ZipInfo]] = {}
    seen: set[str] = set()
    for entry in entries:
        if entry.orig_filename != entry.filename or entry.filename in seen:
            raise ArchiveError(f"Nothing was imported: the archive holds {_name(entry)} twice, or under a name that hides another.")
        seen.add(entry.filename)
        _check_kind(entry)
        if entry.filename == MANIFEST or (_FOLDER.fullmatch(entry.filename) and entry.file_size == 0):
            continue
        match = _FILE.fullmatch(entry.filename)
        if match is None or match[1] == STARTER_ID or not RUN_FILE.fullmatch(match[2]):
            raise ArchiveError(f"Nothing was imported: the archive holds {_name(entry)}, which does not belong to a run.")
        most = _MAX_BYTES[Path(entry.filename).suffix]
        if entry.file_size > most:
            raise ArchiveError(f"Nothing was imported: {_name(entry)} has {format_bytes(entry.file_size)}, more than {format_bytes(most)}.")
        runs.setdefault(match[1], []).append(entry)
    _check_total(sum(entry.file_size for entry in entries), archive_bytes)
    return runs


def _check_total(total: int, archive_bytes: int) -> None:
    if total > MAX_TOTAL_BYTES:
        raise ArchiveError(
            f"Nothing was imported: unpacked, the archive has {format_bytes(total)}, more than {format_bytes(MAX_TOTAL_BYTES)}."
        )
    if total > max(_ALWAYS_FINE_BYTES, _MAX_RATIO * archive_bytes):
        raise ArchiveError(f"Nothing was imported: the archive would grow to {format_bytes(total)}, more than {_MAX_RATIO} times its size.")
    left = max(0, disk_use(now=True).left)
    if total > left:
        raise ArchiveError(f"Nothing was imported: {format_bytes(total)} are needed, and {format_bytes(left)} of the disk may be used.")


def _check_kind(entry: zipfile.ZipInfo) -> None:
    """Refuses links, devices, encrypted files, and ways to compress that this dashboard does not use."""
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR) or (kind == stat.S_IFDIR) > entry.filename.endswith("/"):
        raise ArchiveError(f"Nothing was imported: {_name(entry)} is a link or a device, not a file.")
    if entry.flag_bits & _IS_ENCRYPTED or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ArchiveError(f"Nothing was imported: {_name(entry)} is encrypted, or compressed in a way that is not used here.")


def _name(entry: zipfile.ZipInfo) -> str:
    return f'"{shorten(visible_line(entry.orig_filename[:1_000]), _LONGEST_NAME_SHOWN)}"'
