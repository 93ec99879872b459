"""Small files written so that a reader never sees half of one, even after a crash."""

import json
import os
import secrets
import time
from pathlib import Path
from typing import Any


def read_json(file: Path) -> Any:
    """The content of a JSON file; an empty dictionary if it is missing or unreadable."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def write_json(file: Path, content: Any) -> None:
    """Replaces the whole file; raises OSError, and leaves the old file as it was, if it cannot be written."""
    write_whole(file, (json.dumps(content, indent=1) + "\n").encode())


def write_whole(file: Path, content: bytes, *, durable: bool = False) -> None:
    """Writes a temporary file beside it and renames that, so that a reader finds either the old file or the new one.

    Args:
        durable: flush to disk before renaming, so that a power failure cannot lose both.
    """
    beside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
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


def append_line(file: Path, content: Any) -> None:
    """Appends a JSON value as a line, in a single write, so that the lines of two processes never mix."""
    with file.open("ab") as appended:
        appended.write((json.dumps(content) + "\n").encode())


def read_lines(file: Path, offset: int = 0) -> tuple[list[bytes], int]:
    """Complete lines from `offset` on, and the offset for the next call; an unfinished last line is left for that call."""
    try:
        with file.open("rb") as opened:
            opened.seek(offset)
            new = opened.read()
    except FileNotFoundError:
        return [], 0
    whole = new[: new.rfind(b"\n") + 1]
    return whole.splitlines(), offset + len(whole)


def drop_unfinished_line(file: Path) -> None:
    """Cuts off the half line that a process which died while writing left at the end of a file."""
    try:
        with file.open("r+b") as opened:
            content = opened.read()
            opened.truncate(content.rfind(b"\n") + 1)
    except FileNotFoundError:
        return


def create_once(file: Path, content: Any) -> bool:
    """Writes a JSON file that must not exist yet; False if another process was first. A reader never sees half of it."""
    beside = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}.tmp")
    write_json(beside, content)
    try:
        os.link(beside, file)
    except FileExistsError:
        return False
    finally:
        beside.unlink()
    return True
