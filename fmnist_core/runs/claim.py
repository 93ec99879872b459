"""Claims: which process trains a run. Locks on two files of the run say so; a process number or a time is never asked.

    starting.lock   held by the process that created or continued the run, until its training process has claimed it
    trainer.lock    held by the training process for its whole life

What trains may be on another machine; then "the training process" is the one here that writes what it sends into the run's folder.

The second is taken before the first is released, so a live run is claimed at every moment. Only a process that holds one of them
writes the run's status.
"""

from pathlib import Path

from fmnist_core.store.locks import FileLock, is_locked

_STARTING, _TRAINING = "starting.lock", "trainer.lock"
_starting: dict[Path, FileLock] = {}  # those that this process holds, by the run's folder


def is_claimed(folder: Path) -> bool:
    """Whether a process trains the run in this folder, or is about to."""
    return is_locked(folder / _STARTING) or is_locked(folder / _TRAINING)  # in this order, in which claims pass from one to the other


def is_start_claimed(folder: Path) -> bool:
    """Whether a process is about to start or to continue the run."""
    return is_locked(folder / _STARTING)


def is_training_claimed(folder: Path) -> bool:
    """Whether a training process has claimed the run."""
    return is_locked(folder / _TRAINING)


def claim_start(folder: Path) -> bool:
    """Claims a run for this process until `release_start`; False if another process, or this one, is about to start it already.

    It waits for half a second, because a run can be read as ended just before its claim is given up.

    Raises:
        OSError: if the lock cannot be written.
    """
    lock = FileLock(folder / _STARTING)
    if not lock.take():
        return False
    _starting[folder] = lock
    return True


def release_start(folder: Path) -> None:
    """Gives up what `claim_start` took, if this process has it."""
    lock = _starting.pop(folder, None)
    if lock is not None:
        lock.release()


def claim_training(folder: Path, patience_s: float = 0.5) -> FileLock | None:
    """Claims a run for training; None if another process trains it.

    Args:
        patience_s: how long to wait for a process that is just ending.
    Raises:
        OSError: if the lock cannot be written.
    """
    lock = FileLock(folder / _TRAINING)
    return lock if lock.take(patience_s) else None
