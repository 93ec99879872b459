"""The training process: it trains, follows commands, and writes everything to the run's folder."""

import contextlib
import errno
import functools
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from fmnist_core.jobs.keeping import keep_likeness
from fmnist_core.jobs.threads import TrainingThreads, use_threads
from fmnist_core.jobs.turn import STOPPED_WAITING, Turn
from fmnist_core.runs.folders import RunError, resume_file
from fmnist_core.runs.mailbox import Command
from fmnist_core.runs.record import State, load_run
from fmnist_core.runs.weights import load_checkpoint, load_model
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.database import DatabaseError
from fmnist_core.training.events import Diverged, EpochDone, Event, Finished, RateChanged, Request, StepDone

if TYPE_CHECKING:  # a process that waits for its turn has not imported PyTorch
    from fmnist_core.dataset.split import Split

PAUSE_LIMIT_S = 600  # a paused process holds half a gigabyte, and thirty students may pause at once
_POLL_S = 0.2
_POLL_PAUSED_S = 0.05
_UNLOADED = "It was paused for ten minutes and was unloaded to free memory; you can continue it."
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


def warm_up() -> None:
    """Imports and reads what a run needs, and trains for one step, because the first step of a process takes longer.

    Errors in the data are ignored here; the run itself will report them.
    """
    from fmnist_core.dataset.classes import DataError
    from fmnist_core.training.loop import train

    use_threads(1)
    with contextlib.suppress(DataError, OSError):
        import numpy as np

        from fmnist_core.dataset.split import pick

        few, test_split = (pick(split, np.arange(min(200, len(split)))) for split in _load_splits())
        with contextlib.closing(train(TrainConfig(), few, test_split)) as events:
            next(events)
            next(events)


def train_run(run_id: str, listen: Callable[[Event], None], *, takes_turns: bool = False) -> State:
    """Trains the run in this process: follows commands, writes every event, saves and evaluates the weights.

    Args:
        listen: called with each event after it has been written.
        takes_turns: whether to wait in the queue first; a run that the dispatcher starts has done so already.
    Returns:
        How the run ended: "finished", "stopped" or "diverged".
    Raises:
        RunError: if another process is training it.
        DataError, OSError, RuntimeError: if the data cannot be read, the run cannot be written, or memory runs out; the run's state is
            then "failed", and its message says why.
    """
    writer = RunWriter(run_id)
    try:
        controls = Controls(writer)
        if takes_turns and not controls.await_turn():
            controls.end("stopped", controls.message or STOPPED_WAITING)
            return "stopped"
        return _train_into(writer, controls, listen)
    except Exception as error:
        writer.fail(_explain(error, writer))
        raise


def _train_into(writer: RunWriter, controls: "Controls", listen: Callable[[Event], None]) -> State:
    from fmnist_core.evaluation.prediction import evaluate
    from fmnist_core.training.loop import train

    train_split, test_split = _load_splits()
    run = load_run(writer.run_id)
    threads = TrainingThreads(run)
    state: State = "stopped"
    message = ""
    training = train(run.config, train_split, test_split, epochs=writer.epochs, checkpoint=load_checkpoint(run))
    with contextlib.closing(training) as events:
        event = next(events)
        while True:
            writer.write_event(event)
            listen(event)
            if isinstance(event, Finished):
                state = "finished"
                break
            if isinstance(event, Diverged):
                state, message = "diverged", event.message
                break
            request = controls.next_request(event)
            if controls.is_stopped:
                writer.keep_unfinished_epoch()
                message = controls.message
                break
            threads.follow(event)
            event = next(events) if request is None else events.send(request)
    threads.settle()
    run = load_run(writer.run_id)
    if run.has_weights and not writer.is_evaluated:
        writer.write_evaluation(evaluate(load_model(run), test_split, views=run.config.test_views))
    controls.end(state, message, keep_claim=True)  # first, because whoever waits for the result should not wait for the rest
    keep_likeness(writer, train_split, test_split)
    return state


class Controls:
    """Follows the commands to a run: pause, train one step or one epoch, change the learning rate, stop.

    At any time the run has one goal, set by the latest "pause", "go-on", "step" or "epoch". A command is answered when its goal is
    reached or replaced by another.
    """

    def __init__(self, writer: RunWriter) -> None:
        self._writer = writer
        self._is_paused = False
        self._until: type[StepDone | EpochDone] | None = None  # an event of this type pauses
        self._goal: Command | None = None
        self._rate: Command | None = None
        self._reports_every_step = False
        self._turn = Turn(writer.run_id)
        self.is_stopped = False
        self.message = ""

    def apply_commands(self) -> None:
        """Reads the commands sent since the last call."""
        for command in self._writer.inbox.take_new():
            match command.command:
                case "pause":
                    self._pursue(command, is_paused=True)
                case "go-on":
                    self._pursue(command, is_paused=False)
                case "step":
                    self._pursue(command, is_paused=False, until=StepDone)
                case "epoch":
                    self._pursue(command, is_paused=False, until=EpochDone)
                case "rate":
                    self._take_rate(command)
                case "turn":
                    self._turn.has_come = True
                case "stop":
                    self._answer(self._goal)
                    self._goal, self.is_stopped, self.message = command, True, command.reason

    def await_turn(self) -> bool:
        """Waits in the queue until it is this run's turn; False if it is stopped before."""
        self._turn.ask()
        while not self._turn.has_come and not self.is_stopped:
            time.sleep(_POLL_S)
            self.apply_commands()
            self._turn.look()
        return not self.is_stopped

    def next_request(self, event: Event) -> Request | None:
        """The request to send to the generator after an event; blocks while the run is paused."""
        if isinstance(event, RateChanged):
            self._answer(self._rate)
            self._rate = None
        if self._until is not None and isinstance(event, self._until):
            self._is_paused, self._until = True, None
        self.apply_commands()
        self._wait()
        rate = None if self._rate is None else self._rate.learning_rate
        every_step = self._until is StepDone
        if rate is None and every_step == self._reports_every_step:
            return None
        self._reports_every_step = every_step
        return Request(rate, every_step)

    def end(self, state: State, message: str, *, keep_claim: bool = False) -> None:
        """Ends the run and answers the commands that are still open; the arguments are those of `RunWriter.end`."""
        for command in (self._goal, self._rate):
            self._answer(command)
        self._turn.give_up()
        self._writer.end(state, message, keep_claim=keep_claim)

    def _pursue(self, command: Command, *, is_paused: bool, until: type[StepDone | EpochDone] | None = None) -> None:
        self._answer(self._goal)
        self._goal, self._is_paused, self._until = command, is_paused, until

    def _take_rate(self, command: Command) -> None:
        self._answer(self._rate)
        self._rate = command

    def _answer(self, command: Command | None) -> None:
        if command is not None:
            self._writer.inbox.answer(command)

    def _reach_goal(self) -> None:
        self._answer(self._goal)
        self._goal = None

    def _wait(self) -> None:
        """Blocks until the run may train or is stopped, or there is a learning rate to pass on."""
        state: State = "training"
        paused_s = 0.0
        while not self.is_stopped and self._rate is None:
            if self._is_paused:
                wanted: State = "paused"
            elif state == "paused" and self._until is not StepDone:
                with contextlib.suppress(RunError, DatabaseError):  # then it asks again
                    self._turn.ask()
                wanted = "waiting"
            elif not self._turn.has_come:
                self._turn.look()
                wanted = "waiting"
            else:
                break
            if wanted != state:
                self._writer.save_checkpoint()
                self._writer.change_state(wanted)
                state = wanted
            if self._is_paused or self._until is None:
                self._reach_goal()
            paused_s += _POLL_PAUSED_S if self._is_paused else 0
            if paused_s > PAUSE_LIMIT_S:
                self.is_stopped, self.message = True, _UNLOADED
            time.sleep(_POLL_PAUSED_S if self._is_paused else _POLL_S)
            self.apply_commands()
        if self.is_stopped or self._is_paused:
            return
        if state != "training":
            self._writer.change_state("training")
        if self._until is None:
            self._reach_goal()


def _explain(error: Exception, writer: RunWriter) -> str:
    """Why a run failed, in a sentence that says what to do."""
    saved = " Its progress is saved; continue it afterwards." if resume_file(writer.folder).is_file() else ""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: free some space on the disk of {writer.folder}.{saved}"
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"Can no longer write to {writer.folder} ({error.strerror}): check its permissions.{saved}"
    if isinstance(error, MemoryError) or any(words in str(error) for words in _OUT_OF_MEMORY):
        return f"There was not enough memory for batches of {writer.batch_size:,}: start a new run with smaller ones.{saved}"
    return str(error) or type(error).__name__


@functools.lru_cache(maxsize=1)
def _load_splits() -> tuple["Split", "Split"]:
    from fmnist_core.dataset.split import load_split

    return load_split("train"), load_split("test")
