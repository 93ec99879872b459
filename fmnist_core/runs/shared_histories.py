"""The histories of runs that all sessions of a server share, so that an event is read once, however many people look at the run."""

import threading
from dataclasses import dataclass, field
from pathlib import Path

from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.record import RunRecord

_MOST_RUNS = 32
_MOST_BYTES = 64_000_000  # the histories of the 18 longest runs there can be, or of 32 usual ones


@dataclass
class _Shelf:
    """The place of one run's history."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    history: RunHistory = field(default_factory=RunHistory)


class SharedHistories:
    """Histories of the runs looked at most recently. Any thread can ask for them.

    A history that was handed out does not change any more: when its run has written more, another takes its place.
    """

    def __init__(self, most_runs: int = _MOST_RUNS, most_bytes: int = _MOST_BYTES) -> None:
        self._most_runs, self._most_bytes = most_runs, most_bytes
        self._lock = threading.Lock()  # never held while a file is read
        self._shelves: dict[Path, _Shelf] = {}  # the most recent is last

    def read(self, run: RunRecord, max_bytes: int | None = None) -> RunHistory:
        """The run's events so far; the same object until there are more.

        One thread reads while others that ask for the same run wait for it; those that ask for other runs do not.

        Args:
            max_bytes: about how much to read at most, so that nobody waits long; further calls read the rest. None reads everything.
        """
        shelf = self._shelf(run)
        with shelf.lock:
            if shelf.history.has_news(run):
                newer = shelf.history.copy()
                newer.read_new(run, max_bytes)
                shelf.history = newer
            history = shelf.history
        self._drop_oldest()
        return history

    def unread_bytes(self, run: RunRecord) -> int:
        """How much `read` will read, or wait for."""
        return self._shelf(run).history.unread_bytes(run)

    def __len__(self) -> int:
        return len(self._shelves)

    def _shelf(self, run: RunRecord) -> _Shelf:
        with self._lock:
            shelf = self._shelves.pop(run.folder, None) or _Shelf()
            self._shelves[run.folder] = shelf
            return shelf

    def _drop_oldest(self) -> None:
        with self._lock:
            while len(self._shelves) > 1 and (len(self._shelves) > self._most_runs or self._nbytes() > self._most_bytes):
                del self._shelves[next(iter(self._shelves))]

    def _nbytes(self) -> int:
        return sum(shelf.history.nbytes for shelf in self._shelves.values())


SHARED_HISTORIES = SharedHistories()
