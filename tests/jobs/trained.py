"""Starting training processes and waiting for what they do."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from fmnist_core.classroom.people import LOCAL
from fmnist_core.jobs.control import start_run
from fmnist_core.jobs.worker import train_run
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.event_log import read_events
from fmnist_core.runs.mailbox import is_pending
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.weights import load_checkpoint
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.files import read_json
from fmnist_core.training.events import Event, Resumed, StepDone

Kind = TypeVar("Kind", bound=Event)
LONG = TrainConfig(epochs=200, batch_size=10)
EXACT = TrainConfig(epochs=30, batch_size=50, seed=4, schedule="one-cycle", learning_rate=0.005, validation_images=40, precision="float32")


def wait_until(run_id: str, is_so: Callable[[RunRecord], bool]) -> RunRecord:
    """Waits for a state that must come; two minutes are for a machine that has other work."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        run = load_run(run_id)
        if is_so(run):
            return run
        time.sleep(0.02)
    raise AssertionError(f"still {load_run(run_id)}")


def wait_for_answer(run_id: str, command_id: str) -> RunRecord:
    """Waits until the trainer has written that it carried a command out; returns the run as it is then.

    The run that was read before its answers may be older than they are, so it is read again.
    """
    wait_until(run_id, lambda run: not is_pending(run.folder, command_id))
    return load_run(run_id)


def start_and_wait_for_a_step(config: TrainConfig) -> str:
    run_id = start_run(config, by=LOCAL)
    wait_until(run_id, lambda run: bool(steps_of(run)))
    return run_id


def events_of(run: RunRecord, kind: type[Kind]) -> list[Kind]:
    return [event for event in read_events(run.folder)[0] if isinstance(event, kind)]


def steps_of(run: RunRecord) -> list[int]:
    return [event.step for event in events_of(run, StepDone)]


def losses_of(run: RunRecord) -> list[float]:
    """One per step, as somebody who reads the events sees them: what comes after `Resumed` takes the place of what was there."""
    losses: list[float] = []
    for event in read_events(run.folder)[0]:
        if isinstance(event, Resumed):
            del losses[event.step :]
        if isinstance(event, StepDone):
            losses += event.losses
    return losses


@dataclass(frozen=True)
class Result:
    """What must be the same to the bit, whatever happened on the way."""

    losses: list[float]
    tensors: Mapping[str, np.ndarray]
    best_epoch: int | None
    evaluation: dict[str, Any]


def result_of(run_id: str) -> Result:
    run = load_run(run_id)
    assert run.state == "finished", run.message
    checkpoint = load_checkpoint(run)
    assert checkpoint is not None
    return Result(losses_of(run), checkpoint.tensors, run.best_epoch, read_json(run.folder / "evaluation.json"))


def unbroken(config: TrainConfig) -> Result:
    run_id = create_run(config)
    train_run(run_id, lambda _event: None)
    return result_of(run_id)


def assert_same_result(one: Result, two: Result) -> None:
    assert one.losses == two.losses
    assert one.tensors.keys() == two.tensors.keys()
    assert all(np.array_equal(array, two.tensors[name]) for name, array in one.tensors.items())
    assert (one.best_epoch, one.evaluation) == (two.best_epoch, two.evaluation)
