"""RunWriter: writes a run's folder while the run is training."""

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from fmnist_core.evaluation.answers import Answers
from fmnist_core.runs import event_log, mailbox
from fmnist_core.runs.claim import claim_training, release_start
from fmnist_core.runs.folders import RunError, epoch_file, last_file, run_folder
from fmnist_core.runs.kept import drop_answers, write_answers
from fmnist_core.runs.record import LIVE_STATES, State, Status, load_claimed_run, read_status
from fmnist_core.runs.results import write_evaluation, write_live
from fmnist_core.runs.weights import save_checkpoint, save_weights, weights_in_use
from fmnist_core.settings.config import TestViews
from fmnist_core.store.files import delete_half_files, drop_unfinished_line, open_to_append, write_json, write_whole
from fmnist_core.store.records import RecordError
from fmnist_core.training.events import EpochDone, Event, RateChanged, Resumed, Started, StepDone

if TYPE_CHECKING:
    from fmnist_core.evaluation.evaluation import Evaluation
    from fmnist_core.training.checkpoint import Checkpoint

_CHECKPOINT_EVERY_S = 30.0  # within an epoch; saving took 1.3 ms, and takes longer on a slow disk
_RESERVE_BYTES = 64 * 1024


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
        delete_half_files(self.folder)
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
            reserve_space(self.folder)
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
        write_status(self.folder, self._status)


def _check_waits(folder: Path) -> None:
    """Raises RunError if the run has ended; of two processes that were to train it, the second comes too late."""
    with contextlib.suppress(RecordError):  # a status that is lost says nothing
        if read_status(folder).state not in LIVE_STATES:
            raise RunError(f'The run "{folder.name}" has ended: continue it first.')


def write_status(folder: Path, status: Status) -> None:
    write_json(folder / "status.json", vars(status), durable=True)


def reserve_space(folder: Path) -> None:
    """Writes a file that is deleted when the disk is full, so that the final status can still be written."""
    write_whole(folder / "reserve", bytes(_RESERVE_BYTES))  # whatever had that name, such as a named pipe, is not opened
