"""Locks of the operating system on files: held by one process, and released with it, however it ends.

Unlike a process's number and time of creation, a lock does not depend on a clock and cannot be mistaken for another process's.
On Unix it is `flock`, on Windows `msvcrt.locking`. The file is left in place, because its content does not matter.
"""

import os
import stat
import sys
import time
from pathlib import Path

_RETRY_S = 0.01
_PROBES = 5  # on Windows, where looking at a lock holds it briefly


class FileLock:
    """A lock on a file, which is created if it does not exist. It is released with the object or its process at the latest."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._descriptor: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def take(self, patience_s: float = 0.5) -> bool:
        """Takes the lock; False if another holds it.

        Args:
            patience_s: how long to try, because whoever calls `is_locked` holds the lock for an instant.
        Raises:
            OSError: if the file cannot be created, is not a regular file, or its file system has no locks.
        """
        deadline = time.monotonic() + patience_s
        while self._descriptor is None:
            descriptor = _open(self.file)
            if _lock(descriptor, shared=False) and _is_still(self.file, descriptor):
                self._descriptor = descriptor
                return True
            os.close(descriptor)
            if time.monotonic() > deadline:
                return False
            time.sleep(_RETRY_S)
        return True

    def release(self) -> None:
        """Gives the lock up, if this object holds it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __del__(self) -> None:
        self.release()


def is_locked(file: Path) -> bool:
    """Whether anyone holds the lock on this file, in this process or another; False if there is no such file."""
    for _ in range(_PROBES if sys.platform == "win32" else 1):
        try:
            descriptor = os.open(file, (os.O_RDWR if sys.platform == "win32" else os.O_RDONLY) | _FLAGS)
        except OSError:
            return False
        try:
            if _lock(descriptor, shared=True):
                return False
        except OSError:
            return False
        finally:
            os.close(descriptor)
    return True


_FLAGS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def _open(file: Path) -> int:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | _FLAGS, 0o644)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(0, "it is not a regular file", str(file))
    return descriptor


def _is_still(file: Path, descriptor: int) -> bool:
    """Whether the locked file is the one with this name: between opening and locking, it may have been deleted."""
    try:
        return os.path.samestat(file.stat(), os.fstat(descriptor))
    except OSError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int, *, shared: bool) -> bool:  # noqa: ARG001  # Windows has exclusive locks only
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        return True

else:
    import fcntl

    def _lock(descriptor: int, *, shared: bool) -> bool:
        """Locks an open file without waiting; False if another has locked it. Shared locks do not exclude each other."""
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
