"""What the teacher has decided for the class: a pause, limits, hidden pages, and what was sent to every screen.

It binds everybody except for the teacher. The dispatcher reads `paused` and `max_minutes`, the queue `max_queued`; whoever starts or
continues a run calls `check_may_start`, and whoever shows a page `check_may_open`.
"""

import functools
import hashlib
import json
import secrets
import time
from dataclasses import asdict, dataclass, replace
from typing import Annotated, Literal

from msgspec import Meta

from fmnist_core.classroom.people import Person
from fmnist_core.classroom.permission import NotAllowedError, check_teacher
from fmnist_core.classroom.records import records
from fmnist_core.classroom.teacher import has_pin, has_typed_pin
from fmnist_core.settings.config import MAX_EPOCHS, TrainConfig
from fmnist_core.settings.number_words import count
from fmnist_core.settings.presets import find_preset
from fmnist_core.store.database import Connection
from fmnist_core.store.records import RecordError, from_fields, parse_json

TRAIN_PAGE = "training"
MAX_QUEUED = 40
MAX_MINUTES = 24 * 60
ALLOWED = "The epochs and the seed may be changed."  # of the settings of an allowed preset
_ITEMS = 60_000
_PageName = Annotated[str, Meta(pattern="^[a-z_]{1,40}$")]
Kind = Literal["preset", "item", "page"]


@dataclass(frozen=True)
class Sent:
    """What the teacher has sent to every screen.

    Attributes:
        value: a preset's key, the number of a test image, or the address of a page.
        id: another one for everything that is sent.
        by: id of the person who sent it, whose own screens do not show it.
        sent_at: seconds since 1970.
        opens: whether screens open it at once, rather than ask.
    """

    kind: Kind
    value: Annotated[str, Meta(max_length=100)]
    id: Annotated[str, Meta(max_length=32)]
    by: Annotated[str, Meta(max_length=64)]
    sent_at: float
    opens: bool = False


@dataclass(frozen=True)
class Lesson:
    """What holds for the class now.

    Attributes:
        paused: whether waiting runs stay in the queue; those that train continue.
        max_epochs: how many epochs a run may have.
        max_queued: how many runs of one person may wait.
        max_minutes: how long a run may train; None for any time.
        presets: keys of the presets whose settings are allowed; None for all settings.
        hidden_pages: addresses of pages, such as "training", that only the teacher can open.
        sent: the latest thing sent to every screen, if it was not taken back.
    """

    paused: bool = False
    max_epochs: Annotated[int, Meta(ge=1, le=MAX_EPOCHS)] = MAX_EPOCHS
    max_queued: Annotated[int, Meta(ge=1, le=MAX_QUEUED)] = 10
    max_minutes: Annotated[int, Meta(ge=1, le=MAX_MINUTES)] | None = None
    presets: tuple[str, ...] | None = None
    hidden_pages: tuple[_PageName, ...] = ()
    sent: Sent | None = None


def lesson() -> Lesson:
    """What holds now; as cheap as one short query, so that every page can ask on every run."""
    with records().read() as connection:
        return _load(connection)


def change_lesson(by: Person, **changes: object) -> Lesson:
    """Changes attributes of the lesson, by name, and returns the new one. Without a PIN, a limit of minutes is not kept.

    Raises:
        NotAllowedError: if this person is not the teacher.
        ValueError: if a value is out of range.
    """
    check_teacher(by)
    with records().write() as connection:
        changed = _checked(asdict(replace(_load(connection), **changes)))  # type: ignore[arg-type]  # checked there
        if not has_pin():  # then limits bind nobody, but the dispatcher, which follows this one, may not know whether there is a PIN
            changed = replace(changed, max_minutes=None)
        connection.execute("INSERT OR REPLACE INTO settings (name, value) VALUES ('lesson', ?)", (json.dumps(asdict(changed)),))
    return changed


def send(by: Person, kind: Kind, value: str, *, opens: bool = False) -> Lesson:
    """Sends a preset, a test image or a page to every screen; raises as `change_lesson` does."""
    return change_lesson(by, sent=Sent(kind, value, secrets.token_hex(8), by.id, time.time(), opens))


def lesson_version() -> str:
    """A few characters that change whenever the lesson does, and say nothing about it."""
    with records().read() as connection:
        row = connection.execute("SELECT value FROM settings WHERE name = 'lesson'").fetchone()
    return hashlib.sha256(row[0].encode()).hexdigest()[:16] if row else "0"


def lift_limits() -> None:
    """Without a PIN, what a teacher once decided binds nobody any longer; to be called when a server starts."""
    if not has_pin():
        with records().write() as connection:
            connection.execute("DELETE FROM settings WHERE name = 'lesson'")


def check_may_start(person: Person, config: TrainConfig) -> None:
    """Raises NotAllowedError, with a sentence, if this person may not train with these settings in this lesson.

    Args:
        config: the settings, with all epochs that the run will have.
    """
    now = lesson()
    if person.is_teacher:
        return
    if TRAIN_PAGE in now.hidden_pages:
        raise NotAllowedError("Your teacher has closed the Train page for this lesson, so no run can be started.")
    if config.epochs > now.max_epochs:
        raise NotAllowedError(f"A run may have at most {count(now.max_epochs, 'epoch')} in this lesson, not {config.epochs}.")
    if now.presets is not None and not any(is_like(config, find_preset(key).config) for key in now.presets):
        names = " or ".join(f'"{find_preset(key).name}"' for key in now.presets)
        if not names:
            raise NotAllowedError("Your teacher allows no settings in this lesson, so no run can be started.")
        raise NotAllowedError(f"In this lesson, runs have the settings of {names}. {ALLOWED}")


def check_may_change_rate(person: Person) -> None:
    """Raises NotAllowedError, with a sentence, if this person may not change the learning rate of a run that trains in this lesson."""
    if lesson().presets is not None and not person.is_teacher:
        raise NotAllowedError("In this lesson, runs keep the settings of their presets, and so their learning rates.")


def check_minutes_left(person: Person, trained_s: float) -> None:
    """Raises NotAllowedError, with a sentence, if a run that has trained for this time has reached the limit of this lesson."""
    most = lesson().max_minutes
    if most is not None and trained_s > 60 * most and not person.is_teacher:
        raise NotAllowedError(f"A run may train for at most {count(most, 'minute')} in this lesson, and this one has.")


def is_like(config: TrainConfig, preset: TrainConfig) -> bool:
    """Whether a config has the settings of a preset, whatever its number of epochs and its seed."""
    return replace(config, epochs=preset.epochs, seed=preset.seed) == preset


def may_open(person: Person, page: str) -> bool:
    """Whether this person can open the page with this address, such as "training", in this lesson."""
    return person.is_teacher or page not in lesson().hidden_pages


def check_may_open(person: Person, page: str) -> None:
    """Raises NotAllowedError, with a sentence, unless this person can open a page in this lesson."""
    if not may_open(person, page):
        raise NotAllowedError("Your teacher has closed this page for the lesson.")


def minutes_allowed(owner: str) -> int | None:
    """How many minutes a run of this person may train; None for any time, as for the teacher and the command line.

    Args:
        owner: the person's id; "" for the command line.
    """
    most = lesson().max_minutes
    return None if most is None or owner == "" or has_typed_pin(owner) else most


def _load(connection: Connection) -> Lesson:
    row = connection.execute("SELECT value FROM settings WHERE name = 'lesson'").fetchone()
    return _parse(row[0]) if row else Lesson()


@functools.lru_cache(maxsize=8)
def _parse(text: str) -> Lesson:
    """The lesson in the database; one that cannot be read, such as a newer version's, limits nothing."""
    try:
        return _checked(parse_json(text.encode()))
    except ValueError:
        return Lesson()


def _checked(fields: object) -> Lesson:
    """The lesson with these fields; raises ValueError if a value is none of those allowed."""
    try:
        checked = from_fields(Lesson, fields)
    except RecordError as error:
        raise ValueError(f"The lesson cannot be changed like that. {error}") from error
    for key in checked.presets or ():
        find_preset(key)
    sent = checked.sent
    if sent is not None and sent.kind == "preset":
        find_preset(sent.value)
    if sent is not None and sent.kind == "item" and not (sent.value.isascii() and sent.value.isdecimal() and int(sent.value) < _ITEMS):
        raise ValueError(f"There is no test image {sent.value!r}.")
    return checked
