"""A small SQLite database for what people do: opened, migrated and, if it is lost or damaged, begun again.

It is one file on a local disk, in WAL mode, so that readers and the one writer do not wait for each other. Transactions are short, and
whoever finds the file busy waits for up to ten seconds. `user_version` holds how many migrations it has seen.
"""

import contextlib
import errno
import os
import re
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from fmnist_core.store.locks import FileLock, is_locked
from fmnist_core.store.tables import check_tables, run_migrations
from fmnist_core.store.text import shorten_path

Connection = sqlite3.Connection
_IS_BUSY = "The server is very busy at this moment: try again."
_BUSY_S = 10.0
_OPENING_S = 20.0
_SIDE_FILES = ("-wal", "-shm")
_MAX_DAMAGED = 3  # damaged files that are kept for somebody to look at
_NETWORK_TYPES = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "glusterfs", "lustre", "fuse.glusterfs"}
_OCTAL = re.compile(r"\\([0-7]{3})")  # how a space and the like stand in the list of mounts
_NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS)


class DatabaseError(ValueError):
    """The database cannot be used; the message is a sentence that says what to do."""


class _Handle:
    """A connection, for one thread at a time, and which file it is to."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.connection: Connection | None = None
        self.identity: tuple[int, int] | None = None

    def close(self) -> None:
        with self.lock:
            if self.connection is not None:
                self.connection.close()
            self.connection = None


class Database:
    """One file, which all threads of a process share.

    Attributes:
        openings: how often this process has opened it; another number says that it may be another file, or has been begun again.

    Args:
        migrations: SQL scripts, the oldest first; those that the file has not seen yet are run when it is opened.
        fill: called in the transaction that begins a new file, to recover what other files say; a damaged file is set aside first.
    """

    def __init__(self, file: Path, migrations: Sequence[str], fill: Callable[[Connection], None]) -> None:
        self.file = file
        self.openings = 0
        self._migrations = migrations
        self._fill = fill
        self._reader, self._writer = _Handle(), _Handle()
        self._writing: int | None = None  # the thread that is in a transaction

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for a few short queries, within this thread's transaction if it is in one; nobody's writing delays them.

        Raises:
            DatabaseError: if the file cannot be used.
        """
        handle = self._writer if self._writing == threading.get_ident() else self._reader
        with handle.lock, self._explained(handle):
            yield self._open(handle)

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A connection in a transaction, which is committed if the block succeeds and rolled back if it raises.

        Nobody else writes meanwhile, so that what the block reads is still true when it writes.

        Raises:
            DatabaseError: if the file cannot be used.
        """
        with self._writer.lock, self._explained(self._writer):
            connection = self._open(self._writer)
            if self._writing is not None:  # an outer block of this thread
                yield connection
                return
            connection.execute("BEGIN IMMEDIATE")
            self._writing = threading.get_ident()
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            finally:
                self._writing = None
            connection.commit()

    def version(self) -> int:
        """A number that changes whenever somebody has written; raises DatabaseError if the file cannot be used."""
        with self.read() as connection:
            return int(connection.execute("PRAGMA data_version").fetchone()[0])

    def close(self) -> None:
        """Closes the file; it is opened again when it is used again."""
        for handle in (self._reader, self._writer):
            handle.close()

    @contextlib.contextmanager
    def _explained(self, handle: _Handle) -> Iterator[None]:
        """SQLite's errors as sentences. A file that turns out to be damaged is begun again when it is next opened."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise DatabaseError(self._explain(error)) from error
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            handle.close()
            raise DatabaseError(f"{shorten_path(self.file)} is damaged ({error}) and is being rebuilt: try again.") from error
        except OSError as error:
            if error.errno in _NO_LOCKS:
                raise DatabaseError(_wants_local_disk(self.file.parent, error.strerror or "")) from error
            raise DatabaseError(
                f"Cannot write to {shorten_path(self.file.parent)} ({error.strerror}): set FMNIST_HOME to a folder you can write to."
            ) from error

    def _explain(self, error: sqlite3.OperationalError) -> str:
        text, where = str(error), shorten_path(self.file.parent)
        if "busy" in text or ("locked" in text and "protocol" not in text):
            return _IS_BUSY
        if "full" in text:
            return f"The disk is full: free some space on the disk of {where}."
        if network_type(self.file.parent) or "locking protocol" in text or "disk I/O" in text:
            return _wants_local_disk(self.file.parent, text)
        return f"Cannot use {shorten_path(self.file)} ({text}): set FMNIST_HOME to a folder you can write to."

    def _open(self, handle: _Handle) -> Connection:
        """The connection, opened if it is not yet, or if the file has been replaced or deleted."""
        if handle.connection is not None and (handle.connection.in_transaction or _identity(self.file) == handle.identity):
            return handle.connection
        handle.close()
        self.file.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(self.file.with_suffix(".lock"))
        if not lock.take(_OPENING_S):
            raise DatabaseError(_IS_BUSY)
        try:
            if not is_locked(lock.file):
                raise sqlite3.OperationalError("locking protocol: locks do not exclude")
            if not self.file.exists():
                _delete_side_files(self.file)  # a file that was deleted without them must not come back as a mixture
            try:
                handle.connection = self._connect()
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError:
                _set_aside(self.file)
                handle.connection = self._connect()
            handle.identity = _identity(self.file)
            self.openings += 1
        finally:
            lock.release()
        return handle.connection

    def _connect(self) -> Connection:
        """Opens the file, checks it, and runs the migrations it has not seen."""
        connection = sqlite3.connect(self.file, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                raise sqlite3.OperationalError(f"locking protocol: journal mode {mode}")
            connection.text_factory = lambda text: text.decode(errors="replace")  # damaged bytes in a text are no reason to fail
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
                raise sqlite3.DatabaseError("its pages are damaged")
            self._migrate(connection)
            check_tables(connection, self._migrations)
        except BaseException:
            connection.close()
            raise
        return connection

    def _migrate(self, connection: Connection) -> None:
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version < 0:
            raise sqlite3.DatabaseError(f"version {version}")
        if version > len(self._migrations):
            written = f"{shorten_path(self.file)} was written by a newer version of this project"
            raise DatabaseError(f"{written}: install that, or set FMNIST_HOME to another folder.")
        if version == len(self._migrations):
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            run_migrations(connection, self._migrations[version:])
            if version == 0:
                self._fill(connection)
            connection.execute(f"PRAGMA user_version = {len(self._migrations)}")
        except BaseException:
            connection.rollback()
            raise
        connection.commit()


def network_type(folder: Path) -> str:
    """The type of the network file system that holds a folder, such as "nfs4"; "" if it is a local disk, or the system does not say."""
    if not sys.platform.startswith("linux"):
        return ""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()]
        where = folder.resolve()
    except (OSError, RuntimeError):  # the latter for links that lead in a circle
        return ""
    mounted = [(Path(_OCTAL.sub(lambda code: chr(int(code[1], 8)), mount[1])), mount[2]) for mount in mounts if len(mount) > 2]
    holding = [(len(point.parts), number, kind) for number, (point, kind) in enumerate(mounted) if where.is_relative_to(point)]
    kind = max(holding)[2] if holding else ""  # the last of several at one place hides the others, such as an automounter
    return kind if kind in _NETWORK_TYPES else ""


def _wants_local_disk(folder: Path, why: str) -> str:
    where = shorten_path(folder)
    return f"SQLite needs a local disk, and {where} has no working locks ({why}): set FMNIST_HOME to a folder on a local disk."


def _identity(file: Path) -> tuple[int, int] | None:
    """Which file has this name now."""
    try:
        found = os.stat(file)  # noqa: PTH116  # as fast as can be: it precedes every query
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _set_aside(file: Path) -> None:
    """Renames a damaged file, so that a new one can be begun; only the latest few of them are kept."""
    os.replace(file, file.with_name(f"{file.name}.damaged-{time.time_ns()}"))  # noqa: PTH105
    _delete_side_files(file)
    for old in sorted(file.parent.glob(f"{file.name}.damaged-*"))[:-_MAX_DAMAGED]:
        with contextlib.suppress(OSError):
            old.unlink()


def _delete_side_files(file: Path) -> None:
    for suffix in _SIDE_FILES:
        with contextlib.suppress(OSError):
            file.with_name(file.name + suffix).unlink()
