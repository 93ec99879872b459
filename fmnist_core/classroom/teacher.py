"""The teacher: whoever has typed the PIN in this browser. Without a PIN the machine is one person's own, and everybody may do everything.

The PIN is the environment variable FMNIST_TEACHER_PIN, or the line `FMNIST_TEACHER_PIN = "…"` of a `.streamlit/secrets.toml`, where
Streamlit looks for that file: in the folder in which the server was started, then in the user's home folder.
"""

import functools
import hashlib
import hmac
import math
import os
import secrets
import time
import tomllib
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from fmnist_core.classroom.attempts import Attempts
from fmnist_core.classroom.records import records
from fmnist_core.store.files import read_whole
from fmnist_core.store.text import shorten_path, visible_line

NAME = "FMNIST_TEACHER_PIN"
SIGNED_IN_H = 12  # a school day
TRIES_EACH, TRIES_TOGETHER, TRIES_WINDOW_S = 5, 30, 60.0
_SHORTEST = 4
_LONGEST = 100
_MAX_SECRETS_BYTES = 100_000
_tries = Attempts(TRIES_EACH, TRIES_TOGETHER, TRIES_WINDOW_S)  # of this server


class PinError(ValueError):
    """The PIN is refused; the message says why, and when to try again."""


@dataclass(frozen=True)
class Pin:
    """What is known of the PIN.

    Attributes:
        text: what has to be typed; "" if there is none, or it cannot be read.
        is_set: whether there is one, even if it cannot be read: then nobody is the teacher.
        problem: "", or in a sentence what is wrong with it.
    """

    text: str = ""
    is_set: bool = False
    problem: str = ""


def read_pin() -> Pin:
    """The PIN of the environment, else that of the first secrets.toml that has one."""
    chosen = os.environ.get(NAME)
    if chosen is not None and chosen.strip():
        return _checked(chosen)
    for file in secret_files():
        pin = _pin_in(file)
        if pin.is_set:
            return pin
    if chosen is not None:
        return Pin(problem=f"{NAME} is empty, so no PIN is set, and everybody may do everything.")
    return Pin()


def has_pin() -> bool:
    """Whether a PIN is set, so that people may only change what is theirs."""
    return read_pin().is_set


def is_teacher(person_id: str) -> bool:
    """Whether this person may do everything: they have typed the PIN that is set now, or none is."""
    pin = read_pin()
    if not pin.is_set:
        return True
    with records().read() as connection:
        row = connection.execute("SELECT salt, seal, until FROM teachers WHERE person = ?", (person_id,)).fetchone()
    if not pin.text or row is None or time.time() >= row[2]:
        return False
    return hmac.compare_digest(_seal(pin.text, row[0]), row[1])


def signed_in_until(person_id: str) -> float:
    """Until when this person need not type the PIN again, in seconds since 1970; 0 if they have not typed any."""
    with records().read() as connection:
        row = connection.execute("SELECT until FROM teachers WHERE person = ?", (person_id,)).fetchone()
    return float(row[0]) if row else 0.0


def has_typed_pin(person_id: str) -> bool:
    """Whether this person has typed a PIN in the last twelve hours; unlike `is_teacher`, a process that does not know the PIN can ask."""
    return time.time() < signed_in_until(person_id)


def sign_in(person_id: str, typed: str) -> None:
    """Makes this person the teacher for twelve hours, and forgets everybody who typed another PIN than the one that is set now.

    Raises:
        PinError: if that is not the PIN, or there have been five tries of this person or thirty in all within a minute. Then the right
            PIN is refused too.
    """
    pin = read_pin()
    if not pin.text:
        raise PinError(pin.problem or "No PIN is set.")
    wait_s = _tries.take(person_id)
    if wait_s > 0:
        raise PinError(f"Too many tries: try again in {math.ceil(wait_s)} s.")
    if not hmac.compare_digest(_digest(typed), _digest(pin.text)):
        raise PinError("That is not the PIN.")
    salt = secrets.token_bytes(16)
    with records().read() as connection:
        signed_in = connection.execute("SELECT person, salt, seal FROM teachers").fetchall()
    gone = [(person,) for person, other, seal in signed_in if not hmac.compare_digest(_seal(pin.text, other), seal)]
    with records().write() as connection:
        connection.execute("DELETE FROM teachers WHERE until <= ?", (time.time(),))
        connection.executemany("DELETE FROM teachers WHERE person = ?", gone)  # a process that does not know the PIN believes them
        connection.execute(
            "INSERT OR REPLACE INTO teachers (person, salt, seal, until) VALUES (?, ?, ?, ?)",
            (person_id, salt, _seal(pin.text, salt), time.time() + 3600 * SIGNED_IN_H),
        )


def sign_out(person_id: str) -> None:
    """From now on this person has to type the PIN again."""
    with records().write() as connection:
        connection.execute("DELETE FROM teachers WHERE person = ?", (person_id,))


def secret_files() -> tuple[Path, ...]:
    """Where a secrets.toml may be, the one that counts first."""
    return tuple(folder / ".streamlit" / "secrets.toml" for folder in (Path.cwd(), Path.home()))


def _pin_in(file: Path) -> Pin:
    try:
        found = file.stat()
    except OSError:
        return Pin()
    return _read(file, found.st_mtime_ns, found.st_size)


@functools.lru_cache(maxsize=8)
def _read(file: Path, time_ns: int, size: int) -> Pin:  # noqa: ARG001  # a file that has changed is read again
    """The PIN in a file; of one that cannot be read, a PIN that nobody can type, because there may be one."""
    try:
        value = tomllib.loads(read_whole(file, _MAX_SECRETS_BYTES).decode()).get(NAME)
    except (OSError, ValueError, RecursionError) as error:
        reason = visible_line(str(error))[:200].rstrip(".")
        return Pin(is_set=True, problem=f"{shorten_path(file)} cannot be read ({reason}), so no PIN is accepted: correct that file.")
    if value is None:
        return Pin()
    if isinstance(value, bool) or not isinstance(value, str | int) or not str(value).strip():
        problem = f'{NAME} in {shorten_path(file)} is not text, so no PIN is accepted: write it as {NAME} = "…".'
        return Pin(is_set=True, problem=problem)
    return _checked(str(value))


def _checked(text: str) -> Pin:
    """The PIN, and what is odd about it."""
    text = text.strip()
    problem = ""
    if len(text) < _SHORTEST or len(set(text)) == 1:
        problem = "The teacher's PIN is too easy to guess: choose six digits or more, or a word."
    elif len(text) > _LONGEST or text != visible_line(text):
        problem = "The teacher's PIN is hard to type: choose at most 100 letters and digits."
    return Pin(text, is_set=True, problem=problem)


def _digest(text: str) -> bytes:
    """32 bytes, however long the text, so that comparing them takes the same time for any."""
    composed = unicodedata.normalize("NFC", text[:1_000]).strip()  # systems differ in whether a letter and its accent are one character
    return hashlib.sha256(composed.encode("utf-8", "replace")).digest()


@functools.lru_cache(maxsize=64)
def _seal(pin: str, salt: bytes) -> bytes:
    """What the database keeps in place of the PIN: another PIN has another one, and guessing the PIN from it costs 40 ms a guess."""
    return hashlib.scrypt(pin.encode("utf-8", "replace"), salt=salt, n=2**14, r=8, p=1)
