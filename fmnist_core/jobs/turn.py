"""A training process's own turn in the queue, which it asks for when it was started by hand, and after a pause."""

import contextlib
import time

from fmnist_core.jobs import queue
from fmnist_core.jobs.dispatcher import ensure_dispatcher
from fmnist_core.runs.folders import RunError
from fmnist_core.store.database import DatabaseError

STOPPED_WAITING = "It was stopped before its turn to train."
_LOOK_EVERY_S = 2.0


class Turn:
    """Whether a run that already has a process may train.

    The dispatcher tells it so. But a dispatcher may be killed before it does, and a database that was lost may not know the run. So
    whoever waits looks after its own place.

    Attributes:
        has_come: whether it may train.
    """

    def __init__(self, run_id: str) -> None:
        self.has_come = True
        self._run_id = run_id
        self._has_place = False
        self._looked_s = 0.0

    def ask(self) -> None:
        """Waits from now on, at the end of its owner's line; raises RunError, DatabaseError if it cannot get a place now."""
        self.has_come, self._has_place, self._looked_s = False, False, time.monotonic()
        queue.ask_again(self._run_id)
        self._has_place = True
        ensure_dispatcher()

    def give_up(self) -> None:
        """Leaves the line, if it waits there; it may have asked again after somebody who stopped the run had taken its place away."""
        if not self.has_come:
            with contextlib.suppress(DatabaseError):  # the dispatcher gives up a place that nobody uses
                queue.withdraw(self._run_id)

    def look(self) -> None:
        """Every two seconds, makes sure that it has a place, that there is a dispatcher, and that its turn has not come unnoticed."""
        if self.has_come or time.monotonic() - self._looked_s < _LOOK_EVERY_S:
            return
        self._looked_s = time.monotonic()
        with contextlib.suppress(RunError, DatabaseError, OSError):  # another look follows
            row = queue.row_of(self._run_id) if self._has_place else None
            if row is None:
                self.ask()
            elif row.is_placed:
                self.has_come = True
            else:
                ensure_dispatcher()
