"""A home with two runs that were really trained, on data small enough that training takes a fraction of a second."""

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import psutil

from fmnist_core.classroom.people import LOCAL
from fmnist_core.dataset.idx import PACKAGED_FOLDER
from fmnist_core.dataset.split import load_split
from fmnist_core.jobs.control import change_rate, stop
from fmnist_core.jobs.worker import _load_splits, train_run
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import run_folder
from fmnist_core.runs.record import load_run
from fmnist_core.runs.transitions import prepare_resume
from fmnist_core.training.events import EpochDone, Event, RateChanged, StepDone
from tests.conftest import write_idx
from tests.jobs.trained import EXACT, Result, result_of

# A minute's work in 2 s: ten steps per epoch.
SHORT = replace(EXACT, epochs=3)
_TRAIN_IMAGES, _TEST_IMAGES = 500, 200


@dataclass(frozen=True)
class TrainedHome:
    """A home with two runs.

    Attributes:
        folder: the home.
        healthy: id of a finished run, which nothing is done to.
        victim: id of a run stopped in its second epoch of three, after it was stopped and resumed once before and its learning rate
            changed by hand; so it has every file and nearly every event that a run can have.
        result: what the victim ends with if it is resumed without any damage.
    """

    folder: Path
    healthy: str
    victim: str
    result: Result


@contextlib.contextmanager
def surroundings() -> Iterator[Path]:
    """A temporary folder, in which `home` is FMNIST_HOME and `data` FMNIST_DATA.

    Afterwards the environment is put back and no process works for a home in it; a dispatcher would stay for a while.
    """
    kept = {name: os.environ.get(name) for name in ("FMNIST_HOME", "FMNIST_DATA", "FMNIST_SLOTS", "OMP_NUM_THREADS")}
    folder = Path(tempfile.mkdtemp(prefix="faults-"))
    try:
        write_small_data(folder / "data")
        use_home(folder / "home")
        os.environ |= {"FMNIST_DATA": str(folder / "data"), "OMP_NUM_THREADS": "1"}
        os.environ.pop("FMNIST_SLOTS", None)
        _load_splits.cache_clear()
        yield folder
    finally:
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        _load_splits.cache_clear()
        end_processes(folder)
        shutil.rmtree(folder, ignore_errors=True)


def use_home(folder: Path) -> None:
    """Makes this folder FMNIST_HOME."""
    os.environ["FMNIST_HOME"] = str(folder)


def processes_in(folder: Path) -> list[psutil.Process]:
    """The living processes that were started for a home in this folder."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            home = process.environ().get("FMNIST_HOME", "")
            if home and Path(home).is_relative_to(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def end_processes(folder: Path) -> None:
    """Kills all that work for a home in this folder, also those that a dispatcher starts meanwhile."""
    while found := processes_in(folder):
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(found, timeout=10)


def write_small_data(folder: Path) -> None:
    """The first images of the packaged data, as raw IDX files."""
    folder.mkdir(parents=True)
    for name, stem, count in (("train", "train", _TRAIN_IMAGES), ("test", "t10k", _TEST_IMAGES)):
        split = load_split(name, PACKAGED_FOLDER)  # type: ignore[arg-type]
        write_idx(folder / f"{stem}-images-idx3-ubyte", split.images[:count])
        write_idx(folder / f"{stem}-labels-idx1-ubyte", split.labels[:count])


def train_home(folder: Path) -> TrainedHome:
    """Trains the two runs in this folder, and the victim to its end in a copy."""
    use_home(folder)
    healthy = create_run(replace(SHORT, epochs=1), "Healthy run")
    train_run(healthy, ignore)
    victim = create_run(SHORT, "Victim")
    (run_folder(victim) / "trainer.log").write_text("started\n")

    def stop_in_the_first_epoch(event: Event) -> None:
        if isinstance(event, StepDone):
            change_rate(victim, 0.004, by=LOCAL)
        if isinstance(event, RateChanged):
            stop(victim, by=LOCAL)

    train_run(victim, stop_in_the_first_epoch)
    prepare_resume(victim)
    was_tested = False

    def stop_in_the_second_epoch(event: Event) -> None:
        nonlocal was_tested
        was_tested = was_tested or isinstance(event, EpochDone)
        if was_tested:
            stop(victim, by=LOCAL)

    train_run(victim, stop_in_the_second_epoch)
    assert load_run(victim).state == "stopped"
    whole = folder.with_name(f"{folder.name}-resumed")
    shutil.copytree(folder, whole)
    use_home(whole)
    prepare_resume(victim)
    assert train_run(victim, ignore) == "finished"
    result = result_of(victim)
    use_home(folder)
    return TrainedHome(folder, healthy, victim, result)


def ignore(_event: Event) -> None:
    """A listener that does nothing."""


def digest(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file in a folder, by its path in it; locks, whose content does not matter, are left out."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.suffix != ".lock"
    }


def difference(before: dict[str, str], after: dict[str, str]) -> str:
    """The files that differ, as text; "" if none do."""
    return ", ".join(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))


@cache
def why_no_forks() -> str:
    """Why cases cannot run in forked children on this machine; "" if they can."""
    return "" if sys.platform == "linux" else "needs Linux: forked children and /proc"
