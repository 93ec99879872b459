"""Remembers the records of runs, so that listing a thousand of which none has changed takes milliseconds.

What a record says follows from two small files, from which weights there are, and, for a run that has not ended, from whether it is
claimed. A record is used again as long as all of that is as it was. Of a file, that is its inode, its size and its times; so a record
is not remembered until the latest of them is two seconds old: until then a file could change once more within the same tick of its
file system's clock, without a trace.
"""

import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fmnist_core.runs.claim import is_claimed
from fmnist_core.store.files import CLOCK_TICK_NS

if TYPE_CHECKING:
    from fmnist_core.runs.record import RunRecord

_READ_FROM = ("config.json", "status.json", "checkpoints")
_MAY_BE_LINKS = (*_READ_FROM, "checkpoints/last.safetensors", "checkpoints/resume.safetensors")
_MOST_RUNS = 20_000  # some 2 KB each

_Stamp = tuple[int, ...]
_NO_FILE: _Stamp = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class _Remembered:
    """A record, and what it followed from.

    Attributes:
        claimed: whether the run was claimed; None if that does not matter, because it has ended or waits in the queue.
    """

    run: "RunRecord"
    stamp: _Stamp
    claimed: bool | None


class RememberedRuns:
    """Records of the runs in one folder. Any thread can ask for them.

    Args:
        load: reads the record of the run with this id.
    """

    def __init__(self, load: Callable[[str], "RunRecord"]) -> None:
        self._load = load
        self._root = ""
        self._remembered: dict[str, _Remembered] = {}

    def read(self, root: str, run_id: str) -> "RunRecord":
        """The record as it is now, as `load` would give it; raises what that raises.

        Args:
            root: the folder with one subfolder per run; another one than before makes it forget everything.
        """
        if root != self._root:
            self._root, self._remembered = root, {}
        remembered, folder = self._remembered, f"{root}{os.sep}{run_id}"
        known = remembered.get(run_id)
        if known is not None:
            is_same = known.claimed is None or known.claimed == is_claimed(known.run.folder)  # first, because it is given up last
            if is_same and _stamp(folder) == known.stamp:
                return known.run
        now_ns, before = time.time_ns(), _stamp(folder)
        run = self._load(run_id)
        claimed = _claim_of(run)
        if before == _stamp(folder) and _is_settled(before, now_ns) and _is_consistent(run, claimed) and not _has_links(folder):
            if len(remembered) < _MOST_RUNS:
                remembered[run_id] = _Remembered(run, before, claimed)
        else:
            remembered.pop(run_id, None)
        return run

    def forget_all_but(self, run_ids: Collection[str]) -> None:
        """Drops the records of runs that no longer exist."""
        if len(self._remembered) > len(run_ids):
            for run_id in set(self._remembered) - set(run_ids):
                self._remembered.pop(run_id, None)

    def __len__(self) -> int:
        return len(self._remembered)


def _stamp(folder: str) -> _Stamp:
    """What changes with each file that a record is read from, and with each file of weights that comes or goes."""
    stamp: _Stamp = ()
    for name in _READ_FROM:
        try:
            found = os.stat(f"{folder}{os.sep}{name}")  # noqa: PTH116  # a thousand runs are three thousand of these
        except OSError:
            stamp += _NO_FILE
        else:
            stamp += (found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino)
    return stamp


def _is_settled(stamp: _Stamp, now_ns: int) -> bool:
    """Whether another change would show in the stamp."""
    return max(max(stamp[0::4]), max(stamp[1::4])) < now_ns - CLOCK_TICK_NS


def _claim_of(run: "RunRecord") -> bool | None:
    is_open = (run.is_live and not run.is_queued) or run.state == "interrupted"
    return is_claimed(run.folder) if is_open else None


def _is_consistent(run: "RunRecord", claimed: bool | None) -> bool:
    """Whether the record follows from the files in its stamp and from the claim alone.

    One that was rebuilt follows from other files too; and the claim may have changed while the record was read.
    """
    return run.damage == "" and (claimed is None or claimed == run.is_live)


def _has_links(folder: str) -> bool:
    """Whether something is a symbolic link: what that leads to can come and go without a trace here."""
    return any(os.path.islink(f"{folder}{os.sep}{name}") for name in _MAY_BE_LINKS)  # noqa: PTH114  # as above
