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
    return Path(chosen).expanduser() if chosen else Path.home() / ".fmnist-dashboard"


def runs_folder() -> Path:
    """The folder with one subfolder per run."""
    return home_folder() / "runs"


def run_folder(run_id: str) -> Path:
    """The folder of a run.

    Raises:
        RunError: if this is not the form of an id (then it never becomes a path), or if there is no such run.
    """
    if not _ID_PATTERN.fullmatch(run_id):
        raise RunError(f"{run_id[:80]!r} is not the id of a run: ids are lower-case letters, digits and hyphens.")
    folder = STARTER_FOLDER if run_id == STARTER_ID else runs_folder() / run_id
    if not (folder / "config.json").is_file():
        raise RunError(f'There is no run "{run_id}": `python -m fmnist_core runs` lists all runs.')
    return folder


def list_run_ids() -> list[str]:
    """The ids of all folders that could hold a run, in no particular order."""
    try:
        return [folder.name for folder in runs_folder().iterdir() if _ID_PATTERN.fullmatch(folder.name)]
    except OSError:
        return []


def epoch_file(folder: Path, epoch: int) -> Path:
    """The file of the weights after an epoch, counted from 1."""
    return folder / "checkpoints" / f"epoch-{epoch:03d}.safetensors"


def last_file(folder: Path) -> Path:
    """The file of the weights of an unfinished epoch."""
    return folder / "checkpoints" / "last.safetensors"


def resume_file(folder: Path) -> Path:
    """The file with everything needed to continue the run."""
    return folder / "checkpoints" / "resume.safetensors"


def newest_weights(folder: Path) -> Path | None:
    """The file of the latest weights: of an unfinished epoch if there is one, else of the last epoch; None if there are no weights."""
    last = last_file(folder)
    return last if last.is_file() else max((folder / "checkpoints").glob("epoch-*.safetensors"), default=None)
