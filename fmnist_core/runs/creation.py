"""Creates a run's folder, and gives a run another name."""

import contextlib
import errno
import os
import re
import secrets
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

from fmnist_core.runs.claim import claim_start, is_claimed, release_start
from fmnist_core.runs.folders import RunError, runs_folder
from fmnist_core.runs.names import clean_name
from fmnist_core.runs.record import Status, list_runs, load_run
from fmnist_core.runs.writer import reserve_space, write_status
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.files import read_whole, write_json
from fmnist_core.store.records import parse_json
from fmnist_core.store.text import shorten_path

_DRAFT_IS_STALE_S = 3600
_DRAFT = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}|\.\d{8}-\d{6}-[0-9a-f]{4}\.new")
_DRAFT_FILES = ("starting.lock", "status.json", "reserve")
_TRIES = 100  # to find a free id


def reserve_run() -> str:
    """Creates an empty folder for a run, whose name is an id that no other run has, and returns that.

    Nobody lists it before `create_run` has filled it. If that never happens, it is removed after an hour.

    Raises:
        RunError: if it cannot be created; the message names the folder.
    """
    try:
        return _create_folder(datetime.now(UTC)).name
    except OSError as error:
        raise _explain_unwritable(error) from error


def discard_reserved(run_id: str) -> None:
    """Removes a folder that was reserved, if nothing has been written into it."""
    with contextlib.suppress(OSError):
        (runs_folder() / run_id).rmdir()


def create_run(
    config: TrainConfig, name: str = "", *, run_id: str = "", owner: str = "", owner_name: str = "", queued: bool = False
) -> str:
    """Creates a run in the state "waiting" and returns its id.

    Args:
        run_id: from `reserve_run`, which is called if none is given.
        owner: id of the person who starts it, and `owner_name` what they are called.
        queued: whether it waits for the dispatcher; otherwise this process has claimed it and is going to train it.
    Raises:
        RunError: if its folder cannot be written; the message names the folder.
    """
    now = datetime.now(UTC)
    name = clean_name(name) or f"Run {1 + len(list_runs())}"
    about = {"name": name, "config": config.to_json(), "created_at": now.isoformat()}
    if owner:
        about |= {"owner": owner, "owner_name": owner_name}
    folder = runs_folder()
    try:
        _delete_stale_drafts()
        folder = runs_folder() / run_id if run_id else _create_folder(now)
        claim_start(folder)
        (folder / "checkpoints").mkdir()
        write_status(folder, Status("waiting", 0, None, "", is_queued=queued))
        reserve_space(folder)
        write_json(folder / "config.json", about, durable=True)  # last, because from here on it is a run that others list
    except OSError as error:
        if folder != runs_folder():
            release_start(folder)
            shutil.rmtree(folder, ignore_errors=True)
        raise _explain_unwritable(error) from error
    if queued:
        release_start(folder)
    return folder.name


def rename_run(run_id: str, name: str) -> str:
    """Gives a run another name and returns it, cleaned; whoever dies meanwhile leaves the old name or the new one.

    Raises:
        RunError: if there is no such run, nothing of the name can be seen, or it cannot be written.
    """
    run, cleaned = load_run(run_id), clean_name(name)
    if not cleaned:
        raise RunError("A run needs a name: type one.")
    try:
        about = parse_json(read_whole(run.folder / "config.json"))  # whole, with what a newer version may have written into it
        write_json(run.folder / "config.json", about | {"name": cleaned}, durable=True)
    except OSError as error:
        raise RunError(f"Cannot write to {shorten_path(run.folder)} ({error.strerror}), so the run keeps its name.") from error
    return cleaned


def _explain_unwritable(error: OSError) -> RunError:
    return RunError(f"Cannot write to {shorten_path(runs_folder())} ({error.strerror}): set FMNIST_HOME to a folder you can write to.")


def _create_folder(now: datetime) -> Path:
    """Creates a folder with a name of its own: of sixty runs started in one second, two would now and then share it."""
    for _ in range(_TRIES):
        folder = runs_folder() / f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        with contextlib.suppress(FileExistsError):
            folder.mkdir(parents=True)
            return folder
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(runs_folder()))


def _delete_stale_drafts() -> None:
    """Removes the incomplete folders of `create_run` calls that were killed more than an hour ago, also those of earlier versions."""
    for draft in [folder for folder in runs_folder().glob("*") if _DRAFT.fullmatch(folder.name)]:
        with contextlib.suppress(OSError):  # another process was faster
            is_stale = time.time() - draft.stat().st_mtime > _DRAFT_IS_STALE_S and not is_claimed(draft)
            if is_stale and all(_is_of_a_draft(draft, file) for file in draft.iterdir()):
                shutil.rmtree(draft)


def _is_of_a_draft(draft: Path, file: Path) -> bool:
    """Whether `create_run` may have written this before it ended; a person's own files are never deleted."""
    if file.name == "checkpoints":
        return not any(file.iterdir())
    is_hidden = draft.name.startswith(".")  # the drafts of earlier versions were hidden, whole or not
    return file.name in _DRAFT_FILES or (is_hidden and file.name == "config.json") or file.suffix == ".tmp"
