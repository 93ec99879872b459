"""What a page or a person can do with runs: start or continue one, and send commands to one that is training."""

from collections.abc import Collection

from fmnist_core.jobs.processes import start_process
from fmnist_core.jobs.queue import room_to_wait
from fmnist_core.runs import mailbox
from fmnist_core.runs.folders import RunError, run_folder
from fmnist_core.runs.record import load_run
from fmnist_core.runs.writer import create_run, prepare_resume
from fmnist_core.settings.config import MAX_EPOCHS, TrainConfig, check_learning_rate


def start_run(config: TrainConfig, name: str = "", *, mine: Collection[str] = ()) -> str:
    """Starts a training process for a new run and returns the run's id at once.

    The process is the same command that a person can type, `python -m fmnist_core train`; it outlives the one that started it.

    Args:
        mine: the ids of the runs that the same person started; only a few of them may wait at a time.
    Raises:
        RunError: if the run's folder cannot be created, or too many runs are waiting.
    """
    with room_to_wait(mine):
        run_id = create_run(config, name)
    _start_process(run_id)
    return run_id


def continue_run(run_id: str, *, mine: Collection[str] = ()) -> None:
    """Continues a run that ended before its last epoch from its last checkpoint, as if it had never stopped.

    Args:
        mine: as for `start_run`.
    Raises:
        RunError: if it cannot be continued; the message says why.
    """
    with room_to_wait(mine):
        prepare_resume(run_id)
    _start_process(run_id)


def train_more(run_id: str, epochs: int, *, mine: Collection[str] = ()) -> None:
    """Adds epochs to a run that has ended and continues it.

    Args:
        mine: as for `start_run`.
    Raises:
        RunError: if it cannot be continued; the message says why.
        ValueError: if it would have too many epochs.
    """
    planned = load_run(run_id).epochs
    if epochs < 1 or planned + epochs > MAX_EPOCHS:
        raise ValueError(f"{epochs} more epochs cannot be added: a run has at most {MAX_EPOCHS} in total, and this one has {planned}.")
    with room_to_wait(mine):
        prepare_resume(run_id, epochs)
    _start_process(run_id)


def _start_process(run_id: str) -> None:
    try:
        start_process(run_id)
    except OSError as error:
        raise RunError(f"No training process could be started ({error.strerror}): try again, or free some memory and disk.") from error


# Commands to a live run. Each function returns the command's id, see `mailbox.is_pending`, and raises RunError if there is no such run or
# its folder cannot be written. The training process checks for commands every 0.3 s, and more often while it is paused.


def stop(run_id: str) -> str:
    """Stops a run; its weights are kept, and it can be continued later."""
    return _send(run_id, "stop")


def pause(run_id: str) -> str:
    """Pauses a run after its current step; another run can train meanwhile."""
    return _send(run_id, "pause")


def resume(run_id: str) -> str:
    """Ends a pause."""
    return _send(run_id, "go-on")


def do_step(run_id: str) -> str:
    """Trains for one step, then pauses."""
    return _send(run_id, "step")


def do_epoch(run_id: str) -> str:
    """Trains to the end of the epoch, then pauses."""
    return _send(run_id, "epoch")


def change_rate(run_id: str, rate: float) -> str:
    """Changes the learning rate from the next report on; raises ValueError, with a sentence, if it is out of range."""
    check_learning_rate(rate)
    return _send(run_id, "rate", rate)


def _send(run_id: str, command: mailbox.Name, learning_rate: float | None = None) -> str:
    folder = run_folder(run_id)
    try:
        return mailbox.send(folder, command, learning_rate=learning_rate)
    except OSError as error:
        raise RunError(f"Cannot write to {folder} ({error.strerror}), so the command was not sent.") from error
