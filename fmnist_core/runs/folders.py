"""Paths of a run's files. No name from a user becomes a path unchecked."""

import os
import re
from pathlib import Path

STARTER_ID = "starter"
STARTER_FOLDER = Path(__file__).parent.parent / "starter"
_ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")


class RunError(ValueError):
    """A run cannot be used; the message is one sentence for the person who wanted to use it."""


def home_folder() -> Path:
    """The folder for everything that is kept: the environment variable FMNIST_HOME, or `.fmnist-dashboard` in the user's home folder."""
    chosen = os.environ.get("FMNIST_HOME", "").strip()
    return Path(os.path.expanduser(chosen)) if chosen else Path.home() / ".fmnist-dashboard"  # noqa: PTH111  # Path's raises for ~nobody


def runs_folder() -> Path:
    """The folder with one subfolder per run."""
    return home_folder() / "runs"


def trash_folder() -> Path:
    """The folder with one subfolder per deleted run."""
    return home_folder() / "trash"


def archives_folder() -> Path:
    """The folder of the archives that were made on this machine."""
    return home_folder() / "archives"


def run_folder(run_id: str) -> Path:
    """The folder of a run.

    Raises:
        RunError: if this is not the form of an id (then it never becomes a path), or if there is no such run.
    """
    check_id(run_id)
    folder = STARTER_FOLDER if run_id == STARTER_ID else runs_folder() / run_id
    if not is_run(folder):
        raise RunError(f'There is no run "{run_id}": `python -m fmnist_core runs` lists all runs.')
    return folder


def check_id(run_id: str) -> None:
    """Raises RunError unless this has the form of an id; nothing else may become part of a path."""
    if not _ID_PATTERN.fullmatch(run_id):
        raise RunError(f"{run_id[:80]!r} is not the id of a run: ids are lower-case letters, digits and hyphens.")


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run, damaged or not, and not only what `create_run` writes before config.json, which comes last."""
    return any(os.path.lexists(folder / name) for name in ("config.json", "events.jsonl")) or has_weights(folder)


def list_run_ids(folder: Path | None = None) -> list[str]:
    """The ids of all subfolders that could hold a run, in no particular order.

    Args:
        folder: by default that of the runs.
    """
    try:
        names = os.listdir(folder or runs_folder())  # noqa: PTH208  # names are enough, and there may be many
    except OSError:
        return []
    return [name for name in names if _ID_PATTERN.fullmatch(name) and name != STARTER_ID]


def epoch_file(folder: Path, epoch: int) -> Path:
    """The file of the weights after an epoch, counted from 1."""
    return folder / "checkpoints" / f"epoch-{epoch:03d}.safetensors"


def last_file(folder: Path) -> Path:
    """The file of the weights of an unfinished epoch."""
    return folder / "checkpoints" / "last.safetensors"


def resume_file(folder: Path) -> Path:
    """The file with everything needed to continue the run."""
    return folder / "checkpoints" / "resume.safetensors"


def has_weights(folder: Path) -> bool:
    """Whether there are any weights, whether or not they can be read."""
    return newest_weights(folder) is not None


def epoch_files(folder: Path) -> dict[int, Path]:
    """The files of the weights after each epoch, by epoch; empty if the folder cannot be read."""
    try:
        names = [file.name for file in (folder / "checkpoints").iterdir()]
    except OSError:
        return {}
    found = [re.fullmatch(r"epoch-(\d{3})\.safetensors", name) for name in names]
    return {int(match[1]): epoch_file(folder, int(match[1])) for match in found if match is not None}


def newest_weights(folder: Path) -> Path | None:
    """The file of the latest weights: of an unfinished epoch if there is one, else of the last epoch; None if there are no weights."""
    last, epochs = last_file(folder), epoch_files(folder)
    return last if os.path.isfile(last) else epochs[max(epochs)] if epochs else None  # noqa: PTH113  # Path.is_file may raise
