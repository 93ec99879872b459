"""State changes of a run that no process trains: it waits to continue, waits again after an accident, or has ended."""

import time
from collections.abc import Callable
from dataclasses import replace

from fmnist_core.runs import mailbox
from fmnist_core.runs.claim import claim_start, claim_training, release_start
from fmnist_core.runs.folders import RunError, run_folder
from fmnist_core.runs.record import LIVE_STATES, RunRecord, State, Status, load_claimed_run, load_run, read_status
from fmnist_core.runs.writer import write_status
from fmnist_core.settings.config import MAX_EPOCHS
from fmnist_core.store.locks import FileLock

ALREADY_LIVE = "This run is already training or waiting."
_STILL_ENDING = "This run has not quite ended: try again in a moment."
# A training process that has ended notices within milliseconds that somebody asks for the run, but its priority is lower than the server's:
# beside eight busy processes on two cores it held its claim for up to 9 s, measured while nobody asked.
_ENDING_S = 15.0


def prepare_resume(run_id: str, more_epochs: int = 0, *, queued: bool = False) -> None:
    """Puts an ended run back into the state "waiting", to continue from its checkpoint.

    Of several processes that do so at once, one succeeds; the run is read and written while no other can.

    Args:
        queued: as for `create_run`.
    Raises:
        RunError: if it is still live, has no checkpoint, or cannot be written.
    """
    run = load_run(run_id)
    _check_resumable(run, more_epochs)
    try:
        if not claim_start(run.folder):
            raise RunError(ALREADY_LIVE)
        try:
            _resume_claimed(run, more_epochs, queued=queued)
        except BaseException:
            release_start(run.folder)
            raise
        if queued:
            release_start(run.folder)
    except OSError as error:
        raise RunError(f"Cannot write to {run.folder} ({error.strerror}): free some space and try again.") from error


def _check_resumable(run: RunRecord, more_epochs: int) -> None:
    if run.is_live:
        raise RunError(ALREADY_LIVE)
    if run.state == "finished" and run.has_checkpoint and more_epochs == 0:
        raise RunError("This run has completed all its epochs: add more epochs to continue it.")
    if run.is_starter or not (run.is_resumable or (run.state == "finished" and run.has_checkpoint)):
        raise RunError("This run has no checkpoint to resume from: start a new one.")
    if run.epochs + more_epochs > MAX_EPOCHS:
        raise RunError(f"A run has at most {MAX_EPOCHS} epochs in total.")


def _resume_claimed(run: RunRecord, more_epochs: int, *, queued: bool) -> None:
    """Writes that the run waits; nobody else can write to it meanwhile."""
    training = _claim_from_ending(run)
    try:
        run = load_claimed_run(run.id)  # it may have been continued, and have ended again, since it was first read
        _check_resumable(run, more_epochs)
        mailbox.send(run.folder, "resume", more_epochs=more_epochs)
        epochs = run.epochs + more_epochs
        write_status(run.folder, Status("waiting", run.epoch, run.test_accuracy, "", epochs, run.best_epoch, is_queued=queued))
    finally:
        training.release()


def _claim_from_ending(run: RunRecord) -> FileLock:
    """Claims a run that has ended for training, as soon as the process that trained it has given it up."""
    deadline = time.monotonic() + _ENDING_S
    while (training := claim_training(run.folder)) is None:
        if load_run(run.id).is_live:  # somebody else was faster
            raise RunError(ALREADY_LIVE)
        if time.monotonic() > deadline:
            raise RunError(_STILL_ENDING)
    return training


def mark_ended(run_id: str, state: State, message: str) -> None:
    """Records how a live run ended that has no process. Nothing is changed if it has ended, or if a process trains it.

    Raises:
        RunError, RecordError, OSError: if the run or its status cannot be read or written.
    """
    _settle(run_id, lambda status: replace(status, state=state, message=message, is_queued=False))


def put_back_to_wait(run_id: str) -> None:
    """Lets a run whose process died wait in the queue, to continue from its last checkpoint; nothing is changed as for `mark_ended`.

    Raises:
        RunError, RecordError, OSError: if the run or its status cannot be read or written.
    """
    _settle(run_id, lambda status: replace(status, state="waiting", message="", is_queued=True))


def _settle(run_id: str, change: Callable[[Status], Status]) -> None:
    folder = run_folder(run_id)
    training = claim_training(folder)
    if training is None:
        return
    try:
        status = read_status(folder)
        if status.state in LIVE_STATES:
            write_status(folder, change(status))
    finally:
        training.release()
