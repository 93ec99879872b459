"""Small files written so that a reader never sees half of one, even after a crash, and read whatever stands in them."""

import contextlib
import json
import os
import secrets
import stat
import time
from pathlib import Path
from typing import Any, BinaryIO

from fmnist_core.store.records import RecordError, parse_json

Stamp = tuple[str, int, int, int]
CLOCK_TICK_NS = 2_000_000_000  # the coarsest clock of a file system, that of FAT: two changes within it may bear the same time
MAX_JSON_BYTES = 1_000_000  # the largest that is written, the kernels of a live run, has 5 KB
_TAIL_BYTES = 65_536
_NEVER_WAIT = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # opening a named pipe would wait for its other end


def open_regular(file: Path) -> BinaryIO:
    """Opens a file for reading; raises OSError if there is none, or it is a folder, a device or a named pipe."""
    return open(file, "rb", opener=_open_descriptor)  # Path.open has no opener


def open_to_append(file: Path) -> BinaryIO:
    """Opens a file, which is created if there is none, for writing at its end; raises OSError as `open_regular` does."""
    return open(file, "ab", opener=_open_descriptor)


def _open_descriptor(file: str, flags: int) -> int:
    descriptor = os.open(file, flags | _NEVER_WAIT, 0o666)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is not a regular file", file)
    return descriptor


def stamp_of(file: Path) -> Stamp:
    """What changes whenever the file is replaced or written to: a key for what was computed from it."""
    try:
        facts = file.stat()
    except (OSError, ValueError):
        return (str(file), 0, 0, 0)
    return (str(file), facts.st_ino, facts.st_mtime_ns, facts.st_size)


def read_whole(file: Path, max_bytes: int = MAX_JSON_BYTES) -> bytes:
    """The content of a regular file; raises OSError if it cannot be read or is larger."""
    with open_regular(file) as opened:
        content = opened.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise OSError(0, f"it is larger than {max_bytes:,} bytes", str(file))
    return content


def read_json(file: Path) -> Any:
    """The content of a JSON file; an empty dictionary if it is missing or unreadable."""
    try:
        return parse_json(read_whole(file))
    except (OSError, RecordError):
        return {}


def write_json(file: Path, content: Any, *, durable: bool = False) -> None:
    """Replaces the whole file; raises OSError, and leaves the old file as it was, if it cannot be written.

    Args:
        durable: as in `write_whole`.
    """
    write_whole(file, (json.dumps(content, indent=1) + "\n").encode(), durable=durable)


def write_whole(file: Path, content: bytes, *, durable: bool = False) -> None:
    """Writes a temporary file beside it and renames that, so that a reader finds either the old file or the new one.

    Args:
        durable: flush to disk before renaming, so that a power failure cannot lose both.
    """
    beside = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    try:
        with beside.open("wb") as opened:
            opened.write(content)
            if durable:
                opened.flush()
                os.fsync(opened.fileno())
        for seconds in (0.01, 0.02, 0.05, 0.1, 0.2):
            try:
                beside.replace(file)
                return
            except PermissionError:  # Windows, while a reader has the file open
                time.sleep(seconds)
        beside.replace(file)
    except OSError:
        beside.unlink(missing_ok=True)  # useless now, and the disk may be full
        raise


def delete_half_files(folder: Path) -> None:
    """Removes the temporary files of processes that died while writing; to be called by the only one who writes there."""
    for file in (*folder.glob(".*.tmp"), *folder.glob("*/.*.tmp")):
        with contextlib.suppress(OSError):
            file.unlink()


def append_line(file: Path, content: Any) -> None:
    """Appends a JSON value as a line, in a single write, so that the lines of two processes never mix.

    A half line at the end, which a process left that died or a disk that was full, becomes a line of its own.
    """
    line = (json.dumps(content) + "\n").encode()
    with file.open("a+b", buffering=0) as appended:
        if appended.seek(0, os.SEEK_END) > 0:
            appended.seek(-1, os.SEEK_END)
            line = line if appended.read(1) == b"\n" else b"\n" + line
        written = appended.write(line)
        if written < len(line):
            raise OSError(28, "No space left on device", str(file))


def read_lines(file: Path, offset: int = 0) -> tuple[list[bytes], int]:
    """Complete lines from `offset` on, and the offset for the next call; an unfinished last line is left for that call.

    At most a megabyte is read per call. Without a regular file there are no lines, and the next call starts at its beginning.
    """
    try:
        with open_regular(file) as opened:
            opened.seek(offset)
            new = opened.read(MAX_JSON_BYTES)
    except OSError:
        return [], 0
    end = new.rfind(b"\n") + 1
    if end == 0 and len(new) == MAX_JSON_BYTES:
        return [], offset + len(new)  # no line is that long, so it is passed over
    return new[:end].splitlines(), offset + end


def read_last_lines(file: Path) -> tuple[list[bytes], int]:
    """The complete lines in the last 64 KB of a file, and the offset after them; ([], 0) without a regular file."""
    try:
        with open_regular(file) as opened:
            start = max(0, opened.seek(0, os.SEEK_END) - _TAIL_BYTES)
            opened.seek(start)
            new = opened.read(_TAIL_BYTES)
    except OSError:
        return [], 0
    end = new.rfind(b"\n") + 1
    lines = new[:end].splitlines()
    return lines[1:] if start else lines, start + end


def drop_unfinished_line(file: Path) -> None:
    """Cuts off the half line that a process which died while writing left at the end of a file."""
    try:
        with file.open("r+b") as opened:
            end = opened.seek(0, os.SEEK_END)
            while end > 0:
                start = max(0, end - _TAIL_BYTES)
                opened.seek(start)
                found = opened.read(end - start).rfind(b"\n")
                if found >= 0:
                    end = start + found + 1
                    break
                end = start
            opened.truncate(end)
    except FileNotFoundError:
        return
