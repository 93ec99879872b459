"""Starting, queueing, steering and stopping training processes."""

import contextlib
import errno
import functools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from fmnist_core import runs
from fmnist_core.config import MAX_EPOCHS, TrainConfig, check_learning_rate
from fmnist_core.runs import RunRecord, RunWriter, State

if TYPE_CHECKING:  # a process that waits for its turn has not imported PyTorch
    from fmnist_core.data import Split
    from fmnist_core.events import Event, Request

LOG_NAME = "trainer.log"
AWAIT_RUN = "-"  # in place of a run's id: it comes as a line on standard input
PAUSE_LIMIT_S = 600  # a paused process holds half a gigabyte, and thirty students pause
_POLL_S = 0.2
_POLL_PAUSED_S = 0.05
_PUT_AWAY = "It was paused for ten minutes and was put away to free its memory; it can go on where it was."
_OUT_OF_MEMORY = ("can't allocate memory", "not enough memory", "out of memory")


def training_slots() -> int:
    """How many runs train at once: the environment variable FMNIST_SLOTS, or one for every two cores."""
    chosen = os.environ.get("FMNIST_SLOTS", "").strip()
    return max(1, int(chosen)) if chosen.isdigit() else max(1, (os.cpu_count() or 1) // 2)


def threads_per_run() -> int:
    """Threads of one training process, so that all slots together fill the machine."""
    return max(1, (os.cpu_count() or 1) // training_slots())


def start(config: TrainConfig, name: str = "") -> str:
    """Starts a training process of its own and returns the id of its run at once.

    The process is the command a person can type, `python -m fmnist_core train`; it outlives the one that started it.

    Raises:
        RunError: if the run's folder cannot be made.
    """
    run_id = runs.create_run(config, name)
    _start_process(run_id)
    return run_id


def resume(run_id: str) -> None:
    """Lets a run that ended before its last epoch go on from its last checkpoint, as if it had never stopped.

    Raises:
        RunError: if it cannot go on; the sentence says why.
    """
    runs.prepare_resume(run_id)
    _start_process(run_id)


def train_more(run_id: str, epochs: int) -> None:
    """Gives a run that ended some more epochs and lets it go on.

    Raises:
        RunError: if it cannot go on; the sentence says why.
        ValueError: if it would have too many epochs.
    """
    planned = runs.load_run(run_id).epochs
    if epochs < 1 or planned + epochs > MAX_EPOCHS:
        raise ValueError(f"{epochs} more epochs cannot be added: a run has at most {MAX_EPOCHS} in all, and this one has {planned}.")
    runs.prepare_resume(run_id, epochs)
    _start_process(run_id)


def _start_process(run_id: str) -> None:
    process = _take_spare()
    if process is not None and process.stdin is not None:
        with contextlib.suppress(OSError), process.stdin:  # one that died just now is reported by `_watch`
            process.stdin.write(f"{run_id}\n".encode())
    else:
        with (runs.run_folder(run_id) / LOG_NAME).open("ab") as log:
            process = _launch(run_id, stdin=subprocess.DEVNULL, stderr=log)
    _trainers[run_id] = process
    threading.Thread(target=_watch, args=(process, run_id), daemon=True).start()


def keep_spare() -> None:
    """Sees to it that a process waits that has imported PyTorch and read the data, so that the next run starts at once.

    The first step came 2.7 s after a cold start, and 0.07 s after it with a spare (two cores, otherwise idle).
    The spare ends when this process does.
    """
    global _spare
    with _spare_lock:
        if _spare is None or _spare.process.poll() is not None or _spare.settings != _environment_settings():
            _discard(_spare)
            _spare = _Spare(_launch(AWAIT_RUN, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL), _environment_settings())


# What a page may ask of a run that is going on; each raises RunError if there is no such run.


def stop(run_id: str) -> None:
    """Asks a run to stop; what it learned is kept, and it can go on later."""
    runs.send_command(run_id, "stop")


def stop_requested(run: RunRecord) -> bool:
    """Whether somebody asked the run to stop since it last began or went on."""
    asked = [command.get("command") for command in runs.read_commands(run.folder)]
    return next((name == "stop" for name in reversed(asked) if name in ("stop", "resume")), False)


def pause(run_id: str) -> None:
    """Asks a run to wait after the step it is in; another run may train meanwhile."""
    runs.send_command(run_id, "pause")


def go_on(run_id: str) -> None:
    """Lets a paused run train on."""
    runs.send_command(run_id, "go-on")


def do_step(run_id: str) -> None:
    """One step, and then pause."""
    runs.send_command(run_id, "step")


def do_epoch(run_id: str) -> None:
    """To the end of the epoch, and then pause."""
    runs.send_command(run_id, "epoch")


def change_rate(run_id: str, rate: float) -> None:
    """From the next report on another learning rate; raises ValueError, with a sentence, if it is out of range."""
    check_learning_rate(rate)
    runs.send_command(run_id, "rate", learning_rate=rate)


# The training process itself


def runs_ahead(run: RunRecord) -> int:
    """How many runs train now or wait longer than this one; it trains once these are fewer than `training_slots()`."""
    others = [other for other in runs.list_runs() if other.id != run.id]
    return sum(
        other.state == "training" or (other.state == "waiting" and (other.created_at, other.id) < (run.created_at, run.id))
        for other in others
    )


def has_turn(run_id: str) -> bool:
    """Whether the run may train now."""
    return runs_ahead(runs.load_run(run_id)) < training_slots()


def preload() -> None:
    """Imports and reads what a training run needs, and trains for one step, since the first of a process takes longer.

    Data that cannot be read is reported by the run itself.
    """
    import torch

    from fmnist_core.data import DataError
    from fmnist_core.sampling import pick
    from fmnist_core.training import train

    torch.set_num_threads(threads_per_run())
    with contextlib.suppress(DataError, OSError):
        import numpy as np

        few, test_split = (pick(split, np.arange(min(200, len(split)))) for split in _load_splits())
        with contextlib.closing(train(TrainConfig(), few, test_split)) as events:
            next(events)
            next(events)


def carry_out(run_id: str, listen: Callable[["Event"], None]) -> State:
    """Trains the run in this process: waits for its turn, does as it is told, writes every event, keeps and evaluates the weights.

    Args:
        listen: called with each event after it is written.
    Returns:
        How the run ended: "finished", "stopped" or "diverged".
    Raises:
        RunError: if another process trains it.
        DataError, OSError, RuntimeError: if the data cannot be read, the run not be written, or memory runs out; the run says
            "failed" and why.
    """
    writer = RunWriter(run_id)
    try:
        controls = _Controls(writer)
        while not has_turn(run_id):
            controls.heed_commands()
            if controls.is_stopped:
                writer.end("stopped", "It was stopped before its turn came.")
                return "stopped"
            time.sleep(_POLL_S)
        return _train_into(writer, controls, listen)
    except Exception as error:
        writer.fail(_explain(error, runs.load_run(run_id)))
        raise


def _train_into(writer: RunWriter, controls: "_Controls", listen: Callable[["Event"], None]) -> State:
    import torch

    from fmnist_core.events import Diverged, Finished
    from fmnist_core.prediction import evaluate
    from fmnist_core.training import train

    torch.set_num_threads(threads_per_run())
    train_split, test_split = _load_splits()
    run = runs.load_run(writer.run_id)
    state: State = "stopped"
    message = ""
    training = train(run.config, train_split, test_split, epochs=writer.epochs, checkpoint=runs.load_checkpoint(run))
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
            request = controls.answer(event)
            if controls.is_stopped:
                writer.keep_unfinished_epoch()
                message = controls.message
                break
            event = next(events) if request is None else events.send(request)
    run = runs.load_run(writer.run_id)
    if run.has_weights and not writer.is_evaluated:
        writer.write_evaluation(evaluate(runs.load_model(run), test_split, views=run.config.test_views))
    writer.end(state, message)
    return state


class _Controls:
    """What has been asked of the run: to wait, to do one step or epoch, to change its learning rate, to stop."""

    def __init__(self, writer: RunWriter) -> None:
        self._writer = writer
        self._is_paused = False
        self._until: str | None = None  # the type of the event that pauses
        self._reports_every_step = False
        self._rate: float | None = None
        self.is_stopped = False
        self.message = ""

    def heed_commands(self) -> None:
        for command in self._writer.take_commands():
            match command.get("command"):
                case "pause":
                    self._is_paused, self._until = True, None
                case "go-on":
                    self._is_paused, self._until = False, None
                case "step":
                    self._is_paused, self._until = False, "StepDone"
                case "epoch":
                    self._is_paused, self._until = False, "EpochDone"
                case "rate":
                    self._rate = float(command["learning_rate"])
                case "stop":
                    self.is_stopped = True

    def answer(self, event: "Event") -> "Request | None":
        """What to send to the generator after an event; does not return while the run is paused."""
        from fmnist_core.events import Request

        self.heed_commands()
        if type(event).__name__ == self._until:
            self._is_paused, self._until = True, None
        self._wait()
        rate, self._rate = self._rate, None
        every_step = self._until == "StepDone"
        if rate is None and every_step == self._reports_every_step:
            return None
        self._reports_every_step = every_step
        return Request(rate, every_step)

    def _wait(self) -> None:
        """Until the run may train, or is stopped, or there is a learning rate to pass on."""
        state: State = "training"
        paused_s = 0.0
        while not self.is_stopped and self._rate is None:
            if self._is_paused:
                wanted: State = "paused"
            elif state != "training" and self._until != "StepDone" and not has_turn(self._writer.run_id):
                wanted = "waiting"  # somebody else trains meanwhile
            else:
                break
            if wanted != state:
                self._writer.save_checkpoint()
                self._writer.change_state(wanted)
                state = wanted
            paused_s += _POLL_PAUSED_S if self._is_paused else 0
            if paused_s > PAUSE_LIMIT_S:
                self.is_stopped, self.message = True, _PUT_AWAY
            time.sleep(_POLL_PAUSED_S if self._is_paused else _POLL_S)
            self.heed_commands()
        if state != "training" and not self.is_stopped and not self._is_paused:
            self._writer.change_state("training")


def _explain(error: Exception, run: RunRecord) -> str:
    """Why a run failed, in a sentence that says what to do."""
    kept = " What it had learned is kept; let it go on afterwards." if run.has_checkpoint else ""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: free some space where {run.folder} is.{kept}"
    if isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"Nothing can be written to {run.folder} any more ({error.strerror}): see to its permissions.{kept}"
    if isinstance(error, MemoryError) or any(words in str(error) for words in _OUT_OF_MEMORY):
        return f"There was not enough memory for batches of {run.config.batch_size:,}: start a new run with smaller ones.{kept}"
    return str(error) or type(error).__name__


@functools.lru_cache(maxsize=1)
def _load_splits() -> tuple["Split", "Split"]:
    from fmnist_core.data import load_split

    return load_split("train"), load_split("test")


# Processes


@dataclass(frozen=True)
class _Spare:
    process: "subprocess.Popen[bytes]"
    settings: tuple[str | None, ...]


_trainers: dict[str, "subprocess.Popen[bytes]"] = {}  # the newest process of each run that this process started
_spare: _Spare | None = None
_spare_lock = threading.Lock()


def _take_spare() -> "subprocess.Popen[bytes] | None":
    """The waiting process, if there is one that is alive and reads and writes where this process does."""
    global _spare
    with _spare_lock:
        taken, _spare = _spare, None
    if taken is not None and taken.process.poll() is None and taken.settings == _environment_settings():
        return taken.process
    _discard(taken)
    return None


def _discard(spare: _Spare | None) -> None:
    if spare is not None and spare.process.stdin is not None:
        spare.process.kill()
        spare.process.stdin.close()
        spare.process.wait()


def _environment_settings() -> tuple[str | None, ...]:
    return tuple(os.environ.get(name) for name in ("FMNIST_HOME", "FMNIST_DATA", "FMNIST_SLOTS"))


def _launch(run_id: str, stdin: int, stderr: "int | BinaryIO") -> "subprocess.Popen[bytes]":
    """The command line's `train` on a run that exists; not ended by a Ctrl-C meant for this process."""
    command = [sys.executable, "-m", "fmnist_core", "train", "--continue-run", run_id]
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        detached = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return subprocess.Popen(command, env=environment, stdin=stdin, stdout=subprocess.DEVNULL, stderr=stderr, **detached)


def _watch(process: "subprocess.Popen[bytes]", run_id: str) -> None:
    """Waits for the process, so that no zombie stays, and speaks for one that died without a word."""
    code = process.wait()
    if _trainers.get(run_id) is not process:
        return  # the run was let go on meanwhile
    del _trainers[run_id]
    try:
        run = runs.load_run(run_id)
        if run.state == "waiting":
            log = run.folder / LOG_NAME
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
            runs.mark_ended(run_id, "failed", lines[-1] if lines else f"The training process ended with code {code} before it began.")
        elif run.state == "interrupted" and code == -9:
            runs.mark_ended(run_id, "interrupted", "It was killed from outside (signal 9), as systems do when memory runs out.")
    except (runs.RunError, OSError):
        return
