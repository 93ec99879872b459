"""The database of people, owners, the queue, notes, stars and the teacher's settings; what was learned is in the runs' folders.

If its file is lost or damaged, owners and the queue are rebuilt from those folders. Names of people come back as each of them returns;
notes, stars and the teacher's settings are lost, and the teacher has to type the PIN again.
"""

import threading
from pathlib import Path

from fmnist_core.runs.folders import home_folder
from fmnist_core.runs.record import list_runs
from fmnist_core.store.database import Connection, Database, network_type
from fmnist_core.store.text import shorten_path

MIGRATIONS = (
    """
    CREATE TABLE people (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL DEFAULT '',
        was_asked INTEGER NOT NULL DEFAULT 0,
        seen_at REAL NOT NULL
    );
    CREATE TABLE owners (
        run TEXT PRIMARY KEY,
        person TEXT NOT NULL
    );
    CREATE INDEX owners_by_person ON owners (person);
    CREATE TABLE queue (
        place INTEGER PRIMARY KEY AUTOINCREMENT,
        run TEXT NOT NULL UNIQUE,
        person TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN ('waiting', 'placed')),
        starts INTEGER NOT NULL DEFAULT 0,
        asked_at REAL NOT NULL DEFAULT 0,
        placed_at REAL
    );
    CREATE TABLE turns (
        person TEXT PRIMARY KEY,
        served INTEGER NOT NULL
    );
    CREATE TABLE notes (
        run TEXT PRIMARY KEY,
        text TEXT NOT NULL
    );
    CREATE TABLE stars (
        run TEXT NOT NULL,
        person TEXT NOT NULL,
        PRIMARY KEY (run, person)
    );
    CREATE TABLE settings (
        name TEXT PRIMARY KEY,
        value TEXT NOT NULL
    );
    CREATE TABLE paces (
        run TEXT PRIMARY KEY,
        images INTEGER NOT NULL,
        seconds REAL NOT NULL
    )
    """,
    """
    CREATE TABLE teachers (
        person TEXT PRIMARY KEY,
        salt BLOB NOT NULL,
        seal BLOB NOT NULL,
        until REAL NOT NULL
    )
    """,
    "ALTER TABLE people ADD COLUMN named_at REAL NOT NULL DEFAULT 0",
)

_HAVE_SLOTS = ("training", "paused")
_lock = threading.Lock()
_open: dict[Path, Database] = {}


def records() -> Database:
    """The database of the home folder in use, which all threads of this process share."""
    file = home_folder() / "classroom.sqlite3"
    with _lock:
        database = _open.get(file)
        if database is None:
            for other in _open.values():  # only tests change the home folder
                other.close()
            _open.clear()
            database = _open[file] = Database(file, MIGRATIONS, _rebuild)
        return database


def network_warning() -> str:
    """That the home folder is on a network drive, in a sentence that says what to do; "" if it is not, or the system does not say."""
    kind = network_type(home_folder())
    if not kind:
        return ""
    where = f"{shorten_path(home_folder())} is on a network drive ({kind})"
    return f"{where}, where the database of the queue can be damaged: SQLite needs a local disk, so set FMNIST_HOME to a folder on one."


def _rebuild(connection: Connection) -> None:
    """Fills a new database with what the runs' folders say: who started each run, and which wait or train, in the order of creation.

    A run that waits with a process of its own asks for its place itself.
    """
    runs = sorted(list_runs(), key=lambda run: (run.created_at, run.id))
    connection.executemany(
        "INSERT INTO people (id, name, was_asked, seen_at) VALUES (?, ?, 1, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name",
        [(run.owner, run.owner_name, run.created_at.timestamp()) for run in runs if run.owner and run.owner_name],
    )
    connection.executemany("INSERT INTO owners (run, person) VALUES (?, ?)", [(run.id, run.owner) for run in runs if run.owner])
    waiting = [(run.id, run.owner, "waiting", 0) for run in runs if run.is_queued]
    placed = [(run.id, run.owner, "placed", 1) for run in runs if run.state in _HAVE_SLOTS]
    connection.executemany("INSERT INTO queue (run, person, state, starts) VALUES (?, ?, ?, ?)", [*placed, *waiting])
