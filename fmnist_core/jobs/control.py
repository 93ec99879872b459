"""What a person can do with runs: start or continue one, and send commands to one that is live. What they may not do is refused here."""

from dataclasses import replace

from fmnist_core.classroom.lesson import check_may_change_rate, check_may_start, check_minutes_left, lesson
from fmnist_core.classroom.people import Person
from fmnist_core.classroom.permission import check_may_change, owner_of
from fmnist_core.jobs import queue
from fmnist_core.jobs.dispatcher import ensure_dispatcher
from fmnist_core.jobs.turn import STOPPED_WAITING
from fmnist_core.runs import mailbox
from fmnist_core.runs.claim import is_training_claimed
from fmnist_core.runs.creation import create_run, discard_reserved, reserve_run
from fmnist_core.runs.disk import check_room_on_disk
from fmnist_core.runs.durations import trained_s
from fmnist_core.runs.folders import RunError, run_folder
from fmnist_core.runs.record import load_run
from fmnist_core.runs.transitions import ALREADY_LIVE, mark_ended, prepare_resume
from fmnist_core.settings.config import MAX_EPOCHS, TrainConfig, check_learning_rate
from fmnist_core.store.records import RecordError


def start_run(config: TrainConfig, name: str = "", *, by: Person) -> str:
    """Puts a new run into the queue and returns its id at once; a process of its own trains it when its turn comes.

    Args:
        by: whose run it becomes.
    Raises:
        NotAllowedError: if the teacher does not allow such a run now.
        RunError, DatabaseError: if too many runs wait, or the disk is full or cannot be written.
    """
    check_may_start(by, config)
    check_room_on_disk()
    run_id = reserve_run()
    try:
        _enqueue(run_id, by, by.id)
        create_run(config, name, run_id=run_id, owner=by.id, owner_name=by.name, queued=True)
    except BaseException:
        queue.withdraw(run_id)
        discard_reserved(run_id)
        raise
    ensure_dispatcher()
    return run_id


def continue_run(run_id: str, *, by: Person) -> None:
    """Puts a run that ended before its last epoch into the queue again; it continues from its last checkpoint as if it had never stopped.

    Raises:
        NotAllowedError: if it is not this person's, or the teacher does not allow it now.
        RunError, DatabaseError: if it cannot be continued; the message says why.
    """
    _resume(run_id, 0, by)


def train_more(run_id: str, epochs: int, *, by: Person) -> None:
    """Adds epochs to a run that has ended and continues it.

    Raises:
        NotAllowedError, RunError, DatabaseError: as `continue_run` does.
        ValueError: if it would have too many epochs.
    """
    planned = load_run(run_id).epochs
    if epochs < 1 or planned + epochs > MAX_EPOCHS:
        raise ValueError(
            f"A run has at most {MAX_EPOCHS} epochs in total, and this one has {planned}: choose from 1 to {MAX_EPOCHS - planned}."
        )
    _resume(run_id, epochs, by)


def _resume(run_id: str, more_epochs: int, by: Person) -> None:
    run = load_run(run_id)
    check_may_change(by, run_id)
    check_may_start(by, replace(run.config, epochs=run.epochs + more_epochs))
    check_minutes_left(by, trained_s(run) or 0.0)
    if run.is_live:
        raise RunError(ALREADY_LIVE)
    check_room_on_disk()
    _enqueue(run_id, by, owner_of(run_id))
    try:
        prepare_resume(run_id, more_epochs, queued=True)
    except BaseException:
        if not load_run(run_id).is_live:  # otherwise somebody else was faster, and the place is theirs
            queue.withdraw(run_id)
        raise
    ensure_dispatcher()


def _enqueue(run_id: str, by: Person, owner: str) -> None:
    queue.enqueue(run_id, by, owner, most_per_person=lesson().max_queued)


# Commands to a live run. Each function returns the command's id, see `mailbox.is_pending`, and raises NotAllowedError if the run is not
# this person's, RunError if there is no such run or its folder cannot be written. The training process checks for commands every 0.3 s,
# and more often while it is paused.


def stop(run_id: str, *, by: Person, reason: str = "") -> str:
    """Stops a run; its weights are kept, and it can be continued later.

    Args:
        reason: why, in a sentence for its owner, if somebody else stops it.
    """
    check_may_change(by, run_id)
    if queue.withdraw(run_id) and not is_training_claimed(run_folder(run_id)):
        try:
            mark_ended(run_id, "stopped", reason or STOPPED_WAITING)
        except (RecordError, OSError) as error:
            raise RunError(f"Cannot write to {run_folder(run_id)} ({error}), so the run was not stopped.") from error
        return ""
    return _send(run_id, "stop", by, reason=reason)


def pause(run_id: str, *, by: Person) -> str:
    """Pauses a run after its current step; another run can train meanwhile."""
    return _send(run_id, "pause", by)


def resume(run_id: str, *, by: Person) -> str:
    """Ends a pause; the run waits for its turn again."""
    return _send(run_id, "go-on", by)


def do_step(run_id: str, *, by: Person) -> str:
    """Trains for one step, then pauses."""
    return _send(run_id, "step", by)


def do_epoch(run_id: str, *, by: Person) -> str:
    """Trains to the end of the epoch, then pauses."""
    return _send(run_id, "epoch", by)


def change_rate(run_id: str, rate: float, *, by: Person) -> str:
    """Changes the learning rate from the next report on; raises ValueError, with a sentence, if it is out of range."""
    check_learning_rate(rate)
    check_may_change_rate(by)
    return _send(run_id, "rate", by, learning_rate=rate)


def _send(run_id: str, command: mailbox.Name, by: Person, *, learning_rate: float | None = None, reason: str = "") -> str:
    check_may_change(by, run_id)
    folder = run_folder(run_id)
    try:
        return mailbox.send(folder, command, learning_rate=learning_rate, reason=reason)
    except OSError as error:
        raise RunError(f"Cannot write to {folder} ({error.strerror}), so the command was not sent.") from error
