"""Creates a run's folder, and writes to it while the run is training."""

import contextlib
import errno
import os
import re
import secrets
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fmnist_core.evaluation.answers import Answers
from fmnist_core.runs import event_log, mailbox
from fmnist_core.runs.claim import claim_start, claim_training, is_claimed, release_start
from fmnist_core.runs.folders import RunError, epoch_file, last_file, run_folder, runs_folder
from fmnist_core.runs.kept import drop_answers, write_answers
from fmnist_core.runs.names import clean_name
from fmnist_core.runs.record import LIVE_STATES, RunRecord, State, Status, list_runs, load_claimed_run, load_run, read_status
from fmnist_core.runs.results import write_evaluation, write_live
from fmnist_core.runs.weights import save_checkpoint, save_weights, weights_in_use
from fmnist_core.settings.config import MAX_EPOCHS, TestViews, TrainConfig
from fmnist_core.store.files import drop_unfinished_line, open_to_append, read_whole, write_json, write_whole
from fmnist_core.store.records import RecordError, parse_json
from fmnist_core.store.text import shorten_path
from fmnist_core.training.events import EpochDone, Event, RateChanged, Resumed, Started, StepDone

if TYPE_CHECKING:
    from fmnist_core.evaluation.evaluation import Evaluation
    from fmnist_core.training.checkpoint import Checkpoint

_CHECKPOINT_EVERY_S = 30.0  # within an epoch; saving took 1.3 ms, and takes longer on a slow disk
_RESERVE_BYTES = 64 * 1024
_DRAFT_IS_STALE_S = 3600
_DRAFT = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}|\.\d{8}-\d{6}-[0-9a-f]{4}\.new")
_DRAFT_FILES = ("starting.lock", "status.json", "reserve")
_TRIES = 100  # to find a free id
_ENDING_S = 2.0  # a training process that has written its last status gives its claim up within milliseconds
_ALREADY_LIVE = "This run is already training or waiting."


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
        _write_status(folder, Status("waiting", 0, None, "", is_queued=queued))
        _reserve_space(folder)
        write_json(folder / "config.json", about, durable=True)  # last, because from here on it is a run that others list
    except OSError as error:
        if folder != runs_folder():
            release_start(folder)
            shutil.rmtree(folder, ignore_errors=True)
        raise _explain_unwritable(error) from error
    if queued:
        release_start(folder)
    return folder.name


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
            raise RunError(_ALREADY_LIVE)
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
        raise RunError(_ALREADY_LIVE)
    if run.state == "finished" and run.has_checkpoint and more_epochs == 0:
        raise RunError("This run has completed all its epochs: add more epochs to continue it.")
    if run.is_starter or not (run.is_resumable or (run.state == "finished" and run.has_checkpoint)):
        raise RunError("This run has no checkpoint to resume from: start a new one.")
    if run.epochs + more_epochs > MAX_EPOCHS:
        raise RunError(f"A run has at most {MAX_EPOCHS} epochs in total.")


def _resume_claimed(run: RunRecord, more_epochs: int, *, queued: bool) -> None:
    """Writes that the run waits; nobody else can write to it meanwhile."""
    training = claim_training(run.folder, _ENDING_S)
    if training is None:
        raise RunError(_ALREADY_LIVE)
    try:
        run = load_claimed_run(run.id)  # it may have been continued, and have ended again, since it was first read
        _check_resumable(run, more_epochs)
        mailbox.send(run.folder, "resume", more_epochs=more_epochs)
        epochs = run.epochs + more_epochs
        _write_status(run.folder, Status("waiting", run.epoch, run.test_accuracy, "", epochs, run.best_epoch, is_queued=queued))
    finally:
        training.release()


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
            _write_status(folder, change(status))
    finally:
        training.release()


class RunWriter:
    """The only writer of an existing run. It claims the run for this process.

    Attributes:
        inbox: the commands to the training process.
        batch_size: that of its settings.
        is_evaluated: whether evaluation.json is known to belong to the weights in use.

    Raises:
        RunError: if another process is training it, or has done so.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.folder = run_folder(run_id)
        claim = claim_training(self.folder)  # before anything is read or written
        if claim is None:
            raise RunError(f'The run "{run_id}" is being trained by another process.')
        self._claim = claim
        release_start(self.folder)
        _check_waits(self.folder)
        _delete_half_files(self.folder)
        run = load_claimed_run(run_id)
        self._status = Status("waiting", run.epoch, run.test_accuracy, "", run.epochs, run.best_epoch)
        self._views, self.batch_size = run.config.test_views, run.config.batch_size
        self._newest: Checkpoint | None = None
        self._is_saved = True
        self._saved_s = -_CHECKPOINT_EVERY_S
        self.is_evaluated = False
        self.inbox = mailbox.Inbox(self.folder)
        if run.has_checkpoint:
            drop_unfinished_line(self.folder / "events.jsonl")
        else:  # it starts from the beginning
            (self.folder / "events.jsonl").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            _reserve_space(self.folder)
        self._save_status()

    @property
    def epochs(self) -> int:
        """How many epochs the run should complete in total."""
        assert self._status.epochs is not None
        return self._status.epochs

    def write_event(self, event: Event) -> None:
        """Appends the event and writes what follows from it: status, kernels, weights after an epoch, sometimes a checkpoint."""
        event_log.write_event(self.folder, event)
        if isinstance(event, StepDone | EpochDone | RateChanged) and event.checkpoint is not None:
            self._newest, self._is_saved = event.checkpoint, False
        match event:
            case Started() | Resumed():
                self.change_state("training")
            case StepDone(checkpoint=checkpoint) if checkpoint is not None:
                write_live(self.folder, event.step, checkpoint.first_kernels, event.remaining_s)
                if time.monotonic() - self._saved_s >= _CHECKPOINT_EVERY_S:
                    self.save_checkpoint()
            case RateChanged():
                self.save_checkpoint()
            case EpochDone(checkpoint=checkpoint) if checkpoint is not None:
                save_weights(checkpoint.weights, epoch_file(self.folder, event.epoch))
                if event.evaluation is not None:
                    self._keep_answers(event.evaluation, epoch_file(self.folder, event.epoch))
                last_file(self.folder).unlink(missing_ok=True)
                self._status.epoch = event.epoch
                if event.is_best or event.validation_accuracy is None:
                    self._use_weights_of(event)
                self._save_status()
                self.save_checkpoint()  # last: whoever is killed before it trains the epoch again, and reports it again

    def save_checkpoint(self) -> None:
        """Saves the latest checkpoint if it has not been saved yet."""
        if self._newest is None or self._is_saved:
            return
        with open_to_append(self.folder / "events.jsonl") as events:
            os.fsync(events.fileno())  # a checkpoint on the disk must not be newer than the reported events there
        save_checkpoint(self._newest, self.folder)
        self._is_saved, self._saved_s = True, time.monotonic()

    def keep_unfinished_epoch(self) -> bool:
        """Saves a checkpoint, and the weights of an unfinished epoch; returns False if no epoch is unfinished."""
        self.save_checkpoint()
        if self._newest is None or self._newest.counters.epoch_images == 0:
            return False
        save_weights(self._newest.weights, last_file(self.folder))
        self.is_evaluated = self.is_evaluated and self._status.best_epoch is not None
        return True

    def write_evaluation(self, evaluation: "Evaluation") -> None:
        """Writes the figures of the weights in use and keeps their answers, with the run's views; their accuracy goes into the status."""
        write_evaluation(self.folder, evaluation)
        weights = weights_in_use(self.folder, self._status.best_epoch)
        if weights is not None:
            self._keep_answers(evaluation, weights, self._views)
        self._status.test_accuracy = evaluation.accuracy
        self._save_status()

    def change_state(self, state: State) -> None:
        """Writes what the run is doing now."""
        self._status.state = state
        self._save_status()

    def end(self, state: State, message: str = "", *, keep_claim: bool = False) -> None:
        """Writes the final status and releases the claim.

        Args:
            keep_claim: for a process that has more to write; it calls `release` afterwards.
        """
        with contextlib.suppress(OSError):
            (self.folder / "reserve").unlink(missing_ok=True)
        self._status.state, self._status.message = state, message
        try:
            self._save_status()
        except OSError:
            self.release()
            raise
        if not keep_claim:
            self.release()

    def release(self) -> None:
        """Releases the claim."""
        self._claim.release()

    def fail(self, message: str) -> None:
        """Ends a run after an error, and saves what can be saved, even on a full disk."""
        with contextlib.suppress(OSError):
            (self.folder / "reserve").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.keep_unfinished_epoch()
        with contextlib.suppress(OSError):
            self.end("failed", message)

    def _keep_answers(self, evaluation: "Evaluation", weights: Path, views: TestViews = "one") -> None:
        """Keeps answers if that is possible; a run does not depend on it, and what is missing can be computed later."""
        with contextlib.suppress(OSError):
            write_answers(self.folder, weights, Answers.of(evaluation, views))
            if weights != last_file(self.folder):
                drop_answers(self.folder, last_file(self.folder))

    def _use_weights_of(self, event: EpochDone) -> None:
        self._status.test_accuracy = event.test_accuracy
        self._status.best_epoch = event.epoch if event.is_best else None
        self.is_evaluated = self._views == "one" and event.evaluation is not None
        if self.is_evaluated and event.evaluation is not None:
            write_evaluation(self.folder, event.evaluation)

    def _save_status(self) -> None:
        _write_status(self.folder, self._status)


def _check_waits(folder: Path) -> None:
    """Raises RunError if the run has ended; of two processes that were to train it, the second comes too late."""
    with contextlib.suppress(RecordError):  # a status that is lost says nothing
        if read_status(folder).state not in LIVE_STATES:
            raise RunError(f'The run "{folder.name}" has ended: continue it first.')


def _write_status(folder: Path, status: Status) -> None:
    write_json(folder / "status.json", vars(status), durable=True)


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


def _delete_half_files(folder: Path) -> None:
    """Removes the temporary files of processes that died while writing; whoever holds the claim is the only one who writes any."""
    for file in (*folder.glob(".*.tmp"), *folder.glob("checkpoints/.*.tmp")):
        with contextlib.suppress(OSError):
            file.unlink()


def _reserve_space(folder: Path) -> None:
    """Writes a file that is deleted when the disk is full, so that the final status can still be written."""
    write_whole(folder / "reserve", bytes(_RESERVE_BYTES))  # whatever had that name, such as a named pipe, is not opened
