"""The queue: how many runs train at once, which waiting run is next, and how many may wait."""

import contextlib
import os
import re
from collections.abc import Collection, Iterator

from fmnist_core.runs.folders import RunError, home_folder
from fmnist_core.runs.record import RunRecord, list_runs, load_run
from fmnist_core.store.locks import FileLock
from fmnist_core.store.text import shorten_path

# A waiting process holds 40 MB, so that all of them hold 1.6 GB at most. A class of thirty can wait at once, each with one run.
MAX_WAITING = 40
MAX_WAITING_PER_PERSON = 3
_PATIENCE_S = 10.0


def training_slots() -> int:
    """How many runs train at once: the environment variable FMNIST_SLOTS, or one for every two cores."""
    chosen = os.environ.get("FMNIST_SLOTS", "").strip()
    is_number = re.fullmatch("[0-9]{1,4}", chosen) is not None
    return max(1, int(chosen)) if is_number else max(1, (os.cpu_count() or 1) // 2)


def threads_per_run() -> int:
    """Threads per training process, so that all slots together use the whole machine."""
    return max(1, (os.cpu_count() or 1) // training_slots())


def runs_ahead(run: RunRecord) -> int:
    """How many runs are training or have waited longer than this one; it can train once these are fewer than `training_slots()`."""
    others = [other for other in list_runs() if other.id != run.id]
    return sum(
        other.state == "training" or (other.state == "waiting" and (other.created_at, other.id) < (run.created_at, run.id))
        for other in others
    )


def has_turn(run_id: str) -> bool:
    """Whether the run may train now."""
    return runs_ahead(load_run(run_id)) < training_slots()


@contextlib.contextmanager
def room_to_wait(mine: Collection[str]) -> Iterator[None]:
    """Makes sure that another run may wait; until the block ends, no other process can add one.

    Args:
        mine: the ids of the runs that the same person started.
    Raises:
        RunError: if too many runs wait already, in all or of this person, or the home folder cannot be written.
    """
    lock = FileLock(home_folder() / "queue.lock")
    try:
        home_folder().mkdir(parents=True, exist_ok=True)
        is_mine = lock.take(_PATIENCE_S)
    except OSError as error:
        raise RunError(
            f"Cannot write to {shorten_path(home_folder())} ({error.strerror}): set FMNIST_HOME to a folder you can write to."
        ) from error
    if not is_mine:
        raise RunError("Many runs are being started at this moment: try again.")
    try:
        waiting = [run.id for run in list_runs() if run.state == "waiting"]
        own = len(set(mine) & set(waiting))
        if own >= MAX_WAITING_PER_PERSON:
            raise RunError(f"{own} of your runs are waiting already: wait until one of them trains, or stop one.")
        if len(waiting) >= MAX_WAITING:
            raise RunError(f"{len(waiting)} runs are waiting already, as many as may wait: try again when some of them have trained.")
        yield
    finally:
        lock.release()
