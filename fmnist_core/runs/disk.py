"""How much of the disk runs and archives use, and whether there is room for more.

The sizes of runs are remembered until their folders change, and added up again at most every few seconds.
"""

import contextlib
import math
import os
import shutil
import stat
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from fmnist_core.runs.folders import RunError, archives_folder, home_folder, list_run_ids, runs_folder, trash_folder
from fmnist_core.store.text import shorten_path

LIMIT = "FMNIST_DISK_LIMIT_GB"
GB = 10**9
_DEFAULT_LIMIT_GB = 20.0  # a thousand runs of sixty epochs, each with its weights and its answers to the test images
_SPARE_BYTES = 200_000_000  # of the disk, so that what trains now can be saved
_WARN_SHARE = 0.8
_WARN_SPARE_BYTES = 5 * _SPARE_BYTES
_FRESH_S = 10.0
_BLOCK_BYTES = 512  # in which `st_blocks` counts, whatever the file system's own blocks

_Stamp = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class DiskUse:
    """What runs and archives use, in bytes.

    Attributes:
        by_run: the size of each run's folder, by its id.
        by_deleted: that of each run in the trash.
        by_archive: that of each file in the folder of archives, by its name.
        limit: how much all of these may use; infinite if there is no limit.
        free: what is left on the disk; infinite if that cannot be found out.
    """

    by_run: dict[str, int]
    by_deleted: dict[str, int]
    by_archive: dict[str, int]
    limit: float
    free: float

    @property
    def used(self) -> int:
        return sum(self.by_run.values()) + sum(self.by_deleted.values()) + sum(self.by_archive.values())

    @property
    def left(self) -> float:
        """How much more the runs may use; negative beyond the limit."""
        return min(self.limit - self.used, self.free - _SPARE_BYTES)

    @property
    def is_nearly_full(self) -> bool:
        """Whether it is time to clean up."""
        return self.used >= _WARN_SHARE * self.limit or self.free < _WARN_SPARE_BYTES


class _Sizes:
    """The sizes of the folders in one folder."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[_Stamp, int]] = {}

    def measure(self, root: Path) -> dict[str, int]:
        """The size of each run's folder, by its id."""
        ids = list_run_ids(root)
        known = {run_id: self._known.get(run_id) for run_id in ids}
        self._known = {run_id: _measure(f"{root}{os.sep}{run_id}", known[run_id]) for run_id in ids}
        return {run_id: size for run_id, (_, size) in self._known.items()}


_lock = threading.Lock()
_sizes: dict[Path, _Sizes] = {}
_latest: dict[Path, tuple[float, DiskUse]] = {}  # when it was measured, by the home folder


def disk_use(*, now: bool = False) -> DiskUse:
    """What the runs use, as it was at most ten seconds ago; one thread measures while others wait.

    Args:
        now: measure again, whenever it was last done.
    """
    home = home_folder()
    with _lock:
        known = _latest.get(home)
        if known is not None and not now and time.monotonic() - known[0] < _FRESH_S:
            return known[1]
        folders = (runs_folder(), trash_folder())
        for other in set(_sizes) - set(folders):  # only tests change the home folder
            del _sizes[other]
        by_run, deleted = (_sizes.setdefault(folder, _Sizes()).measure(folder) for folder in folders)
        use = DiskUse(by_run, deleted, _measure_files(archives_folder()), limit_bytes(), _free_bytes(home))
        _latest.clear()
        _latest[home] = (time.monotonic(), use)
        return use


def check_room_on_disk() -> None:
    """Raises RunError, with a sentence that says what to do, if the runs use as much of the disk as they may."""
    use = disk_use()
    if use.used >= use.limit:
        what = "Runs and archives" if use.by_archive else "The runs"
        reason = f"{what} use {format_bytes(use.used)}, and {format_bytes(use.limit)} are allowed"
        raise RunError(f"{reason}: clean up on the page Runs, or start the dashboard with a larger {LIMIT}.")
    if use.left <= 0:
        where = shorten_path(home_folder())
        raise RunError(f"Only {format_bytes(use.free)} are left on the disk of {where}: free some space, for example on the page Runs.")


def check_room_for_copy(run_ids: Iterable[str]) -> None:
    """Raises RunError if a copy of these runs would not leave enough of the disk free for what trains now."""
    use = disk_use(now=True)
    size = sum(use.by_run.get(run_id, 0) for run_id in run_ids)
    if size > use.free - _SPARE_BYTES:
        where = shorten_path(home_folder())
        raise RunError(f"An archive of {format_bytes(size)} is too large: {format_bytes(use.free)} are left on the disk of {where}.")


def limit_bytes() -> float:
    """How much runs, trash and archives may use: FMNIST_DISK_LIMIT_GB, or 20 GB; infinite if that is 0."""
    try:
        limit_gb = float(os.environ.get(LIMIT, "").strip() or _DEFAULT_LIMIT_GB)
    except ValueError:
        limit_gb = _DEFAULT_LIMIT_GB
    if not 0 <= limit_gb < math.inf:
        limit_gb = _DEFAULT_LIMIT_GB
    return limit_gb * GB if limit_gb else math.inf


def format_bytes(size: float) -> str:
    """A size such as "1.5 GB", "20 MB" or "3 KB"."""
    for unit, name in ((GB, "GB"), (10**6, "MB")):
        if size >= unit:
            return f"{size / unit:.1f}".removesuffix(".0") + f" {name}"
    return f"{math.ceil(size / 1_000)} KB"


def _measure(folder: str, known: tuple[_Stamp, int] | None) -> tuple[_Stamp, int]:
    """The size of a folder with all that is in it, and by what to see that it has changed; `known` if it has not."""
    if known is not None and all(_changed_ns(each) == changed_ns for each, changed_ns in known[0]):
        return known
    folders, size = [folder], 0
    stamp = []
    for each in folders:  # grows while it is read
        stamp.append((each, _changed_ns(each)))
        try:
            with os.scandir(each) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        folders.append(entry.path)
                    else:
                        with contextlib.suppress(OSError):
                            size += _size(entry.stat(follow_symlinks=False))
        except OSError:  # it has just been moved or deleted
            continue
    return tuple(stamp), size


def _measure_files(folder: Path) -> dict[str, int]:
    """The sizes of the files in a folder, by their names."""
    sizes = {}
    with contextlib.suppress(OSError):  # there is no such folder, or a file has just gone
        for file in folder.iterdir():
            found = file.lstat()
            if not stat.S_ISDIR(found.st_mode):
                sizes[file.name] = _size(found)
    return sizes


def _changed_ns(folder: str) -> int:
    """When a file in this folder was last created, replaced or deleted."""
    try:
        return os.stat(folder).st_mtime_ns  # noqa: PTH116  # there may be thousands
    except OSError:
        return 0


def _size(found: os.stat_result) -> int:
    blocks = getattr(found, "st_blocks", None)
    return found.st_size if blocks is None else blocks * _BLOCK_BYTES


def _free_bytes(home: Path) -> float:
    """What is left on the disk of the home folder, or of the folder in which that will be created."""
    for folder in (home, *home.parents):
        try:
            return shutil.disk_usage(folder).free
        except OSError:
            continue
    return math.inf
