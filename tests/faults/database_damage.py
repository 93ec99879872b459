"""What can be wrong with the file of the database: each a function that does it to a home."""

import os
import random
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

NAME = "classroom.sqlite3"
_SIDE_FILES = (f"{NAME}-wal", f"{NAME}-shm")
_PAGE = 4096


@dataclass(frozen=True)
class DatabaseDamage:
    """One way to damage the database.

    Attributes:
        words: what it is.
        apply: does it to this home.
        keeps: whether everything in the database is there afterwards.
        on_pages: whether all pages meet it in any case, not only in a sample of all forms.
        is_refused: whether nobody may use what stands there; otherwise it is used as it is, or begun again.
    """

    words: str
    apply: Callable[[Path], object]
    keeps: bool = False
    on_pages: bool = False
    is_refused: bool = False


def all_damage(chance: random.Random, *, small: bool) -> list[DatabaseDamage]:
    """Every form; those that are drawn at random are fewer in the small form."""
    forms = [
        DatabaseDamage("deleted", partial(_delete, names=(NAME, *_SIDE_FILES))),
        DatabaseDamage("deleted, its log left behind", partial(_delete, names=(NAME,))),
        DatabaseDamage("its log's index deleted", partial(_delete, names=(f"{NAME}-shm",)), keeps=True),
        DatabaseDamage("its log deleted", partial(_delete, names=_SIDE_FILES)),
        DatabaseDamage("empty", partial(_truncate, size=0)),
        *(DatabaseDamage(f"cut off after {size:,} bytes", partial(_truncate, size=size)) for size in (10, 100, 4_095, 4_096, 20_000)),
        DatabaseDamage("a text", partial(_write, content=b"this is no database\n" * 500)),
        DatabaseDamage("a header and nothing else", partial(_write, content=b"SQLite format 3\x00" + bytes(84))),
        DatabaseDamage("zeros", partial(_write, content=bytes(40_960))),
        DatabaseDamage("another program's database", _write_foreign),
        DatabaseDamage("another program's database that claims our version", partial(_write_foreign, version=True)),
        DatabaseDamage("a newer version's", partial(_set_version, version=1_000_000), is_refused=True),
        DatabaseDamage("a version below zero", partial(_set_version, version=-5)),
        DatabaseDamage("a folder", _make_folder, is_refused=True),
        DatabaseDamage("a link to nowhere", partial(_link, target="nowhere")),
        DatabaseDamage("a link to a device that is full", partial(_link, target="/dev/full"), is_refused=True),
        DatabaseDamage("a link to endless zeros", partial(_link, target="/dev/zero"), is_refused=True),
        DatabaseDamage("a pipe that nobody writes to", _make_pipe, is_refused=True),
        DatabaseDamage("a table is missing", partial(_execute, script="DROP TABLE queue")),
        DatabaseDamage("a column is missing", partial(_execute, script="ALTER TABLE people DROP COLUMN named_at")),
        DatabaseDamage("the queue is empty", partial(_execute, script="DELETE FROM queue")),
        DatabaseDamage("rows that nobody here has written", partial(_execute, script=_STRANGE_ROWS), on_pages=True),
        DatabaseDamage("version 0, with all tables", partial(_set_version, version=0)),
        DatabaseDamage("the lesson is no JSON", partial(_execute, script="INSERT OR REPLACE INTO settings VALUES ('lesson', 'x')")),
    ]
    for number in range(4 if small else 40):
        forms.append(DatabaseDamage(f"random bytes, {number}", partial(_scatter, seed=chance.random(), count=8)))
        forms.append(DatabaseDamage(f"a random page, {number}", partial(_overwrite_page, seed=chance.random())))
        forms.append(
            DatabaseDamage(f"random bytes in its log, {number}", partial(_scatter, seed=chance.random(), count=40, name=_SIDE_FILES[0]))
        )
    return forms


_STRANGE_ROWS = """
    INSERT INTO queue (run, person, state, asked_at) VALUES ('../../etc', 'x', 'waiting', 0), ('no-such-run', '', 'placed', 1e300);
    INSERT INTO queue (run, person, state, asked_at, starts) VALUES (x'00ff', x'00ff', 'waiting', 'never', 'often');
    INSERT INTO turns (person, served) VALUES ('x', 'first'), (x'00', 1), (7, 2);
    INSERT INTO people (id, name, seen_at) VALUES ('c', x'00ff', 'never'), (x'00', 'x', 0);
    INSERT INTO owners (run, person) VALUES ('no-such-run', x'00ff'), (7, 7);
    INSERT INTO notes (run, text) VALUES ('no-such-run', x'00ff'), (7, 7);
    INSERT INTO stars (run, person) VALUES ('no-such-run', x'00ff'), (7, 7);
    INSERT INTO paces (run, images, seconds) VALUES ('no-such-run', 'many', 0), ('another', 5, 'none');
"""


def _delete(home: Path, names: tuple[str, ...]) -> None:
    for name in names:
        (home / name).unlink(missing_ok=True)


def _truncate(home: Path, size: int) -> None:
    os.truncate(home / NAME, size)


def _write(home: Path, content: bytes) -> None:
    (home / NAME).write_bytes(content)


def _replace(home: Path, file: Path) -> None:
    os.replace(file, home / NAME)  # noqa: PTH105


def _write_foreign(home: Path, *, version: bool = False) -> None:
    ours = sqlite3.connect(home / NAME)
    number = ours.execute("PRAGMA user_version").fetchone()[0]
    ours.close()
    other = sqlite3.connect(home / "other.sqlite3")
    other.executescript(f"CREATE TABLE recipes (name TEXT); PRAGMA user_version = {number if version else 0}")
    other.close()
    _replace(home, home / "other.sqlite3")


def _set_version(home: Path, version: int) -> None:
    _execute(home, f"PRAGMA user_version = {version}")


def _execute(home: Path, script: str) -> None:
    database = sqlite3.connect(home / NAME)
    database.executescript(script)
    database.commit()
    database.close()


def _make_folder(home: Path) -> None:
    _delete(home, (NAME, *_SIDE_FILES))
    (home / NAME).mkdir()


def _link(home: Path, target: str) -> None:
    _delete(home, (NAME, *_SIDE_FILES))
    (home / NAME).symlink_to(target)


def _make_pipe(home: Path) -> None:
    _delete(home, (NAME, *_SIDE_FILES))
    os.mkfifo(home / NAME)


def _scatter(home: Path, seed: float, count: int, name: str = NAME) -> None:
    """Some bytes anywhere but in the first page's header, where they would be noticed at once."""
    chance = random.Random(seed)
    content = bytearray((home / name).read_bytes())
    for _ in range(count):
        content[chance.randrange(100, len(content))] = chance.randrange(256)
    (home / name).write_bytes(content)


def _overwrite_page(home: Path, seed: float) -> None:
    chance = random.Random(seed)
    content = bytearray((home / NAME).read_bytes())
    page = chance.randrange(len(content) // _PAGE)
    content[page * _PAGE : (page + 1) * _PAGE] = chance.randbytes(_PAGE)
    (home / NAME).write_bytes(content)
