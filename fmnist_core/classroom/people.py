"""People: each is a browser that has visited, with the name that somebody typed there."""

import hashlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from fmnist_core.classroom.records import records
from fmnist_core.store.text import fold, shorten, visible_line

MAX_PERSON_NAME = 30
NOBODY_NAME = "somebody"


@dataclass(frozen=True)
class Person:
    """Whoever uses the dashboard.

    Attributes:
        id: 32 hexadecimal digits that follow from the secret which the browser keeps; "" for the command line.
        name: what they want to be called; "" if they have not said.
        was_asked: whether they have answered the question for their name, or skipped it.
        is_teacher: whether they may do everything.
    """

    id: str
    name: str = ""
    was_asked: bool = False
    is_teacher: bool = False


# The command line, and a server that nobody else uses: whoever can run commands here may do everything.
LOCAL = Person("", is_teacher=True)


def person_id(secret: str) -> str:
    """The id of the person whose browser keeps this secret; the secret does not follow from it."""
    return hashlib.sha256(secret.encode()).hexdigest()[:32]


def load_person(person_id: str) -> Person:
    """The person with this id, whose name is "" if they have never given one. `is_teacher` is False."""
    with records().read() as connection:
        row = connection.execute("SELECT name, was_asked FROM people WHERE id = ?", (person_id,)).fetchone()
    return Person(person_id, row[0], bool(row[1])) if row else Person(person_id)


def rename_person(person: Person, name: str) -> Person:
    """Remembers what a person wants to be called, "" for nothing, and that they were asked.

    Returns:
        The person with that name on one visible line, shortened to 30 characters.
    """
    name = _clean_name(name)
    if person.id:
        with records().write() as connection:
            connection.execute(
                "INSERT INTO people (id, name, was_asked, seen_at, named_at) VALUES (:id, :name, 1, :now, :now) "
                "ON CONFLICT (id) DO UPDATE SET name = :name, was_asked = 1, seen_at = :now, "
                "named_at = CASE WHEN name = :name THEN named_at ELSE :now END",
                {"id": person.id, "name": name, "now": time.time()},
            )
    return replace(person, name=name, was_asked=True)


def names_of(ids: Iterable[str]) -> dict[str, str]:
    """The names of those people who have given one, by id; of several with the same name, all but the first to take it get a number."""
    wanted = set(ids)
    with records().read() as connection:
        rows = connection.execute("SELECT id, name FROM people WHERE name != '' ORDER BY named_at, rowid").fetchall()
    return {person: name for person, name in tell_apart(rows).items() if person in wanted}


def tell_apart(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Names by id, each only once: the second Anna is "Anna (2)".

    Args:
        names: ids and names, the first to take a name first.
    """
    told: dict[str, str] = {}
    taken: set[str] = set()
    latest: dict[str, int] = {}
    for person, name in names:
        shown = name
        while fold(shown) in taken:
            latest[name] = latest.get(name, 1) + 1
            shown = f"{name} ({latest[name]})"
        taken.add(fold(shown))
        told[person] = shown
    return told


def _clean_name(name: str) -> str:
    """A name on one line, without what nobody can see, shortened to 30 characters."""
    return shorten(visible_line(name[:1_000]), MAX_PERSON_NAME)
