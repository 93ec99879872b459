"""Creates a run's folder, and writes to it while the run is training."""

import contextlib
import os
import secrets
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from fmnist_core.runs import event_log, mailbox
from fmnist_core.runs.claim import take_claim
from fmnist_core.runs.folders import RunError, epoch_file, last_file, run_folder, runs_folder
from fmnist_core.runs.names import clean_name
from fmnist_core.runs.record import LIVE_STATES, State, Status, list_runs, load_run
from fmnist_core.runs.results import write_evaluation, write_live_kernels
from fmnist_core.runs.weights import save_checkpoint, save_weights
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.files import drop_unfinished_line, write_json
from fmnist_core.training.events import EpochDone, Event, RateChanged, Resumed, Started, StepDone

if TYPE_CHECKING:
    from fmnist_core.evaluation.evaluation import Evaluation
    from fmnist_core.training.checkpoint import Checkpoint

_CHECKPOINT_EVERY_S = 30.0  # within an epoch; saving took 1.3 ms, and takes longer on a slow disk
_RESERVE_BYTES = 64 * 1024
_DRAFT_IS_STALE_S = 3600


def create_run(config: TrainConfig, name: str = "") -> str:
    """Creates a run in the state "waiting", owned by this process, and returns its id.

    Raises:
        RunError: if its folder cannot be written; the message names the folder.
    """
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    name = clean_name(name) or f"Run {1 + len(list_runs())}"
    about = {"name": name, "config": config.to_json(), "created_at": now.isoformat()}
    draft = runs_folder() / f".{run_id}.new"
    _delete_stale_drafts()
    try:
        (draft / "checkpoints").mkdir(parents=True)
        write_json(draft / "config.json", about)
        write_json(draft / "status.json", vars(Status("waiting", 0, None, "")))
        _reserve_space(draft)
        draft.rename(runs_folder() / run_id)
    except OSError as error:
        raise RunError(f"Cannot write to {runs_folder()} ({error.strerror}): set FMNIST_HOME to a folder you can write to.") from error
    return run_id


def prepare_resume(run_id: str, more_epochs: int = 0) -> None:
    """Puts an ended run back into the state "waiting", owned by this process, to continue from its checkpoint.

    Raises:
        RunError: if it is still live, has no checkpoint, or cannot be written.
    """
    run = load_run(run_id)
    if run.is_live:
        raise RunError("This run is already training or waiting.")
    if run.state == "finished" and run.has_checkpoint and more_epochs == 0:
        raise RunError("This run has completed all its epochs: add more epochs to continue it.")
    if run.is_starter or not (run.is_resumable or (run.state == "finished" and run.has_checkpoint)):
        raise RunError("This run has no checkpoint to resume from: start a new one.")
    status = Status("waiting", run.epoch, run.test_accuracy, "", run.epochs + more_epochs, run.best_epoch)
    try:
        mailbox.send(run.folder, "resume", more_epochs=more_epochs)
        write_json(run.folder / "status.json", vars(status))
    except OSError as error:
        raise RunError(f"Cannot write to {run.folder} ({error.strerror}): free some space and try again.") from error


def mark_ended(run_id: str, state: State, message: str) -> None:
    """Records how a run ended, in place of its training process; a run that has already ended is not changed."""
    run = load_run(run_id)
    if run.state in (*LIVE_STATES, "interrupted"):
        write_json(run.folder / "status.json", vars(Status(state, run.epoch, run.test_accuracy, message, run.epochs, run.best_epoch)))


class RunWriter:
    """The only writer of an existing run. It claims the run for this process.

    Attributes:
        inbox: the commands to the training process.
        is_evaluated: whether evaluation.json is known to belong to the weights in use.

    Raises:
        RunError: if another process is training it.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.folder = run_folder(run_id)
        run = load_run(run_id)
        claim = take_claim(self.folder)
        if claim is None:
            raise RunError(f'The run "{run_id}" is being trained by another process.')
        self._claim = claim
        self._status = Status("waiting", run.epoch, run.test_accuracy, "", run.epochs, run.best_epoch)
        self._views = run.config.test_views
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
                write_live_kernels(self.folder, event.step, checkpoint.first_kernels)
                if time.monotonic() - self._saved_s >= _CHECKPOINT_EVERY_S:
                    self.save_checkpoint()
            case RateChanged():
                self.save_checkpoint()
            case EpochDone(checkpoint=checkpoint) if checkpoint is not None:
                save_weights(checkpoint.weights, epoch_file(self.folder, event.epoch))
                last_file(self.folder).unlink(missing_ok=True)
                self.save_checkpoint()
                self._status.epoch = event.epoch
                if event.is_best or event.validation_accuracy is None:
                    self._use_weights_of(event)
                self._save_status()

    def save_checkpoint(self) -> None:
        """Saves the latest checkpoint if it has not been saved yet."""
        if self._newest is None or self._is_saved:
            return
        with (self.folder / "events.jsonl").open("ab") as events:
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
        """Writes the figures of the weights in use, and their accuracy into the status."""
        write_evaluation(self.folder, evaluation)
        self._status.test_accuracy = evaluation.accuracy
        self._save_status()

    def change_state(self, state: State) -> None:
        """Writes what the run is doing now."""
        self._status.state = state
        self._save_status()

    def end(self, state: State, message: str = "") -> None:
        """Writes the final status and releases the claim."""
        (self.folder / "reserve").unlink(missing_ok=True)
        self._claim.unlink(missing_ok=True)  # first, because whoever reads that the run has ended may continue it at once
        self._status.state, self._status.message = state, message
        self._save_status()

    def fail(self, message: str) -> None:
        """Ends a run after an error, and saves what can be saved, even on a full disk."""
        with contextlib.suppress(OSError):
            (self.folder / "reserve").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.keep_unfinished_epoch()
        with contextlib.suppress(OSError):
            self.end("failed", message)

    def _use_weights_of(self, event: EpochDone) -> None:
        self._status.test_accuracy = event.test_accuracy
        self._status.best_epoch = event.epoch if event.is_best else None
        self.is_evaluated = self._views == "one" and event.evaluation is not None
        if self.is_evaluated and event.evaluation is not None:
            write_evaluation(self.folder, event.evaluation)

    def _save_status(self) -> None:
        write_json(self.folder / "status.json", vars(self._status))


def _delete_stale_drafts() -> None:
    """Removes the incomplete folders of `create_run` calls that were killed more than an hour ago."""
    for draft in runs_folder().glob(".*.new"):
        with contextlib.suppress(OSError):  # another process was faster
            if time.time() - draft.stat().st_mtime > _DRAFT_IS_STALE_S:
                shutil.rmtree(draft)


def _reserve_space(folder: Path) -> None:
    """Writes a file that is deleted when the disk is full, so that the final status can still be written."""
    (folder / "reserve").write_bytes(bytes(_RESERVE_BYTES))
