import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fmnist_core.store import locks
from fmnist_core.store.locks import FileLock, is_locked
from tests.conftest import ROOT

_HOLD = """
import sys
from pathlib import Path
from fmnist_core.store.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
print(lock.take(), flush=True)
input()
"""


@pytest.fixture
def hold() -> "Iterator[Callable[[Path], subprocess.Popen[str]]]":
    """Starts another process that holds the lock on a file until it is killed."""
    processes: list[subprocess.Popen[str]] = []

    def start(file: Path) -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", _HOLD, str(file)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def test_a_lock_is_held_by_one_and_seen_by_all(tmp_path: Path) -> None:
    file = tmp_path / "a.lock"
    one, two = FileLock(file), FileLock(file)
    assert not is_locked(file)
    assert not file.exists(), "looking creates nothing"
    assert one.take(0)
    assert (one.is_held, two.is_held, is_locked(file)) == (True, False, True)
    assert not two.take(0)
    assert one.take(0), "whoever holds it may ask again"
    one.release()
    assert (one.is_held, is_locked(file), file.exists()) == (False, False, True)
    assert two.take(0)
    one.release()
    assert is_locked(file), "releasing what one does not hold changes nothing"


def test_a_killed_process_holds_nothing(tmp_path: Path, hold: "Callable[[Path], subprocess.Popen[str]]") -> None:
    file = tmp_path / "a.lock"
    other = hold(file)
    assert is_locked(file)
    assert not FileLock(file).take(0)
    other.kill()
    other.wait()
    assert not is_locked(file)
    assert FileLock(file).take(0)


def test_a_lock_ends_with_its_object(tmp_path: Path) -> None:
    file = tmp_path / "a.lock"
    lock = FileLock(file)
    lock.take()
    del lock
    assert not is_locked(file)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has exclusive locks only")
def test_who_looks_does_not_keep_others_from_looking_nor_long_from_taking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import fcntl

    file = tmp_path / "a.lock"
    file.touch()
    with file.open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH | fcntl.LOCK_NB)  # as `is_locked` does for an instant
        assert not is_locked(file)
        lock = FileLock(file)
        assert not lock.take(0)
        monkeypatch.setattr(time, "sleep", lambda _s: fcntl.flock(looking, fcntl.LOCK_UN))
        assert lock.take(5)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not delete an open file")
def test_a_file_deleted_before_it_was_locked_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise two would hold the lock of one name: on the deleted file and on a new one."""
    file = tmp_path / "a.lock"
    taken: list[bool] = []
    lock_file = locks._lock

    def delete_first(descriptor: int, *, shared: bool) -> bool:
        if not taken:
            file.unlink()
        taken.append(lock_file(descriptor, shared=shared))
        return taken[-1]

    monkeypatch.setattr(locks, "_lock", delete_first)
    assert FileLock(file).take()
    assert taken == [True, True], "the first lock was on the deleted file"


def test_what_is_not_a_file_is_not_locked_and_cannot_be(tmp_path: Path) -> None:
    folder = tmp_path / "folder.lock"
    folder.mkdir()
    assert not is_locked(folder)
    with pytest.raises(OSError, match=r"folder\.lock"):
        FileLock(folder).take()
    pipe = tmp_path / "pipe.lock"
    os.mkfifo(pipe)
    assert not is_locked(pipe)
    with pytest.raises(OSError, match="it is not a regular file"):
        FileLock(pipe).take()
    (tmp_path / "link.lock").symlink_to("/dev/zero")
    assert not is_locked(tmp_path / "link.lock")
    with pytest.raises(OSError, match=r"link\.lock"):
        FileLock(tmp_path / "link.lock").take()
