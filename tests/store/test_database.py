"""The database: transactions, migrations, and files that are damaged, too new or replaced."""

import contextlib
import errno
import sqlite3
import sys
import threading
from pathlib import Path

import pytest

from fmnist_core.store import database as module
from fmnist_core.store.database import Connection, Database, DatabaseError, network_type

TABLE = "CREATE TABLE numbers (n INTEGER PRIMARY KEY)"


def fill(connection: Connection) -> None:
    connection.execute("INSERT INTO numbers VALUES (7)")


def make(file: Path, *more: str) -> Database:
    return Database(file, (TABLE, *more), fill)


def numbers(database: Database) -> list[int]:
    with database.read() as connection:
        return [row[0] for row in connection.execute("SELECT n FROM numbers ORDER BY n")]


def test_a_new_file_is_filled_once_and_kept(tmp_path: Path) -> None:
    first = make(tmp_path / "home" / "some.sqlite3")
    with first.write() as connection:
        connection.execute("INSERT INTO numbers VALUES (8)")
    first.close()
    assert numbers(make(tmp_path / "home" / "some.sqlite3")) == [7, 8]


def test_a_block_that_raises_changes_nothing(tmp_path: Path) -> None:
    database = make(tmp_path / "some.sqlite3")

    def fail() -> None:
        with database.write() as connection:
            connection.execute("INSERT INTO numbers VALUES (8)")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert numbers(database) == [7]


def test_an_outer_transaction_includes_an_inner_one(tmp_path: Path) -> None:
    database = make(tmp_path / "some.sqlite3")

    def fail() -> None:
        with database.write():
            with database.write() as connection:
                connection.execute("INSERT INTO numbers VALUES (8)")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert numbers(database) == [7]


def test_later_migrations_run_once_on_an_older_file(tmp_path: Path) -> None:
    file = tmp_path / "some.sqlite3"
    assert numbers(make(file)) == [7]
    for _ in range(2):
        newer = make(file, "INSERT INTO numbers VALUES (9)")
        assert numbers(newer) == [7, 9]
        newer.close()


def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "some.sqlite3"
    numbers(make(file, "INSERT INTO numbers VALUES (9)"))
    with pytest.raises(DatabaseError, match="newer version"):
        numbers(make(file))


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\x00" + bytes(5000)])
def test_a_damaged_file_is_set_aside_and_begun_again(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "some.sqlite3"
    file.write_bytes(content)
    assert numbers(make(file)) == [7]
    (aside,) = tmp_path.glob("some.sqlite3.damaged-*")
    assert aside.read_bytes() == content


def test_a_file_that_is_deleted_or_damaged_while_open_is_begun_again(tmp_path: Path) -> None:
    database = make(tmp_path / "some.sqlite3")
    with database.write() as connection:
        connection.execute("INSERT INTO numbers VALUES (8)")
    database.file.unlink()
    assert numbers(database) == [7]


def test_a_file_that_is_deleted_without_its_log_does_not_come_back_as_a_mixture(tmp_path: Path) -> None:
    """The log is of a file with other pages; SQLite would take it for that of the new one."""
    database = make(tmp_path / "some.sqlite3")
    with database.write() as connection:
        connection.executemany("INSERT INTO numbers VALUES (?)", [(number,) for number in range(8, 2_000)])
    database.file.unlink()
    assert (tmp_path / "some.sqlite3-wal").stat().st_size > 0
    assert numbers(make(tmp_path / "some.sqlite3")) == [7]
    assert not list(tmp_path.glob("*.damaged-*"))


@pytest.mark.parametrize(
    "change",
    [
        "DROP TABLE numbers",
        "ALTER TABLE numbers ADD COLUMN other TEXT; ALTER TABLE numbers RENAME COLUMN n TO m",
        "PRAGMA user_version = -5",
        "PRAGMA user_version = 0",
    ],
)
def test_a_file_with_other_tables_is_set_aside(tmp_path: Path, change: str) -> None:
    """It was damaged, or is another program's; otherwise every query would fail for ever."""
    database = make(tmp_path / "some.sqlite3")
    numbers(database)
    database.close()
    with contextlib.closing(sqlite3.connect(database.file)) as other:
        other.executescript(f"INSERT INTO numbers VALUES (8); {change}")
    assert numbers(database) == [7]
    assert len(list(tmp_path.glob("some.sqlite3.damaged-*"))) == 1


def test_rows_with_values_that_their_columns_cannot_have_are_deleted(tmp_path: Path) -> None:
    tables = "CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL, at REAL)"
    database = Database(tmp_path / "some.sqlite3", (tables,), lambda _connection: None)
    with database.write() as connection:
        connection.execute("INSERT INTO names (name, at) VALUES ('good', 1), ('good', NULL), (x'00ff', 1), ('x', 'never')")
    database.close()
    with database.read() as connection:
        assert connection.execute("SELECT * FROM names").fetchall() == [(1, "good", 1.0), (2, "good", None)]


def test_a_text_with_damaged_bytes_can_be_read(tmp_path: Path) -> None:
    database = Database(tmp_path / "some.sqlite3", ("CREATE TABLE names (name TEXT)",), lambda _connection: None)
    with database.write() as connection:
        connection.execute("INSERT INTO names VALUES (CAST(x'41ff42' AS TEXT))")
    with database.read() as connection:
        assert connection.execute("SELECT name FROM names").fetchall() == [("A\ufffdB",)]


def test_a_file_that_is_opened_again_is_counted(tmp_path: Path) -> None:
    database = make(tmp_path / "some.sqlite3")
    numbers(database)
    numbers(database)
    assert database.openings == 1
    database.file.unlink()
    numbers(database)
    assert database.openings == 2


def test_only_a_few_damaged_files_are_kept(tmp_path: Path) -> None:
    for _ in range(6):
        (tmp_path / "some.sqlite3").write_bytes(b"no database at all, but long enough to be looked at" * 20)
        database = make(tmp_path / "some.sqlite3")
        numbers(database)
        database.close()  # otherwise its log would repair the next one
    assert len(list(tmp_path.glob("some.sqlite3.damaged-*"))) == 3


def test_whoever_finds_the_file_busy_is_told_to_try_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BUSY_S", 0.05)
    database = make(tmp_path / "some.sqlite3")
    numbers(database)
    other = sqlite3.connect(database.file)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(DatabaseError, match="very busy"), database.write():
            pass
    finally:
        other.close()


def test_whoever_reads_does_not_wait_for_whoever_waits_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program that holds the file would otherwise stop every page of the server."""
    monkeypatch.setattr(module, "_BUSY_S", 60.0)
    database = make(tmp_path / "some.sqlite3")
    numbers(database)
    other = sqlite3.connect(database.file, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    written = threading.Event()

    def write() -> None:
        with database.write() as connection:
            connection.execute("INSERT INTO numbers VALUES (8)")
        written.set()

    writer = threading.Thread(target=write)
    writer.start()
    while database._writer.connection is None:
        pass
    assert numbers(database) == [7]
    assert not written.is_set()
    other.close()
    writer.join()
    assert numbers(database) == [7, 8]


def test_within_a_transaction_its_own_changes_are_read_and_nobody_else_sees_them(tmp_path: Path) -> None:
    database = make(tmp_path / "some.sqlite3")
    seen: list[list[int]] = []
    with database.write() as connection:
        connection.execute("INSERT INTO numbers VALUES (8)")
        other = threading.Thread(target=lambda: seen.append(numbers(database)))
        other.start()
        other.join()
        assert numbers(database) == [7, 8]
    assert seen == [[7]]


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file, not a folder")
    with pytest.raises(DatabaseError, match="set FMNIST_HOME"):
        numbers(make(tmp_path / "home" / "some.sqlite3"))


def test_a_file_system_without_locks_is_refused_with_advice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(*_arguments: object, **_options: object) -> Connection:
        raise sqlite3.OperationalError("locking protocol")

    monkeypatch.setattr(sqlite3, "connect", connect)
    with pytest.raises(DatabaseError, match="SQLite needs a local disk"):
        numbers(make(tmp_path / "some.sqlite3"))


@pytest.mark.skipif(sys.platform == "win32", reason="locks of Unix")
def test_locks_that_are_refused_or_exclude_nobody_are_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Network file systems do either."""

    def refuse(*_arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    for flock, why in ((refuse, "No locks available"), (lambda *_arguments: None, "locks do not exclude")):
        monkeypatch.setattr("fcntl.flock", flock)
        with pytest.raises(DatabaseError, match=f"SQLite needs a local disk, .*{why}.*set FMNIST_HOME to a folder on a local disk"):
            numbers(make(tmp_path / "some.sqlite3"))
    assert not (tmp_path / "some.sqlite3").exists()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux says how a folder is mounted")
def test_the_type_of_a_network_drive_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert network_type(tmp_path) == ""
    real, lines = Path.read_text, ["/dev/root / ext4 rw 0 0"]

    def read_text(self: Path, *arguments: object, **options: object) -> str:
        if str(self) == "/proc/self/mounts":
            return "".join(f"{line}\n" for line in lines)
        return real(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "read_text", read_text)
    lines += [f"server:/export {tmp_path} nfs4 rw 0 0", f"//server/class {tmp_path}/the\\040class cifs rw 0 0"]
    assert network_type(tmp_path / "home") == "nfs4"
    assert network_type(tmp_path / "the class" / "home") == "cifs", "a space is written as its code"
    assert network_type(Path("/")) == ""
    lines += [f"auto.direct {tmp_path}/direct autofs rw 0 0", f"server:/direct {tmp_path}/direct nfs rw 0 0"]
    assert network_type(tmp_path / "direct" / "home") == "nfs", "what mounts the drive when it is needed stands at the same place"
    lines += [f"/dev/sdb {tmp_path} ext4 rw 0 0"]
    assert network_type(tmp_path / "home") == "", "a local disk was mounted over it"


def test_many_threads_write_one_after_the_other(tmp_path: Path) -> None:
    database = make(tmp_path / "some.sqlite3")

    def add() -> None:
        for _ in range(20):
            with database.write() as connection:
                highest = connection.execute("SELECT max(n) FROM numbers").fetchone()[0]
                connection.execute("INSERT INTO numbers VALUES (?)", (highest + 1,))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(database) == list(range(7, 88))
