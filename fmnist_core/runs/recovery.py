"""What a run's checkpoints and events say about it, for a run whose status is lost."""

import contextlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fmnist_core.runs.event_log import event_from_json
from fmnist_core.runs.folders import epoch_files, resume_file
from fmnist_core.runs.mailbox import added_epochs
from fmnist_core.runs.results import read_evaluation
from fmnist_core.runs.tensors import read_tensors
from fmnist_core.settings.config import MAX_EPOCHS, TrainConfig
from fmnist_core.store.files import read_last_lines
from fmnist_core.store.records import RecordError, from_fields, parse_json
from fmnist_core.training.checkpoint import Counters
from fmnist_core.training.events import Diverged, Event, Finished


@dataclass(frozen=True)
class Recovered:
    """What is known about a run without its status; the attributes are those of `RunRecord`.

    Attributes:
        ended: how its last event says that it ended; None if that says nothing.
    """

    ended: Literal["finished", "diverged"] | None
    epoch: int
    epochs: int
    best_epoch: int | None
    test_accuracy: float | None
    message: str


def recover(folder: Path, config: TrainConfig) -> Recovered:
    """What the checkpoints and the last events of the run in this folder say; never raises."""
    files, counters, last = epoch_files(folder), read_counters(folder), _last_event(folder)
    epoch = max(files, default=0) if counters is None else min(counters.tested_epochs, MAX_EPOCHS)
    best_epoch = counters.best_epoch if counters is not None and counters.best_epoch in files else None
    evaluation = read_evaluation(folder)
    accuracy = None if evaluation is None else evaluation.accuracy
    if accuracy is None and counters is not None and epoch > 0:
        accuracy = counters.best_test_accuracy
    return Recovered(
        ended="finished" if isinstance(last, Finished) else "diverged" if isinstance(last, Diverged) else None,
        epoch=epoch,
        epochs=min(MAX_EPOCHS, config.epochs + added_epochs(folder)),
        best_epoch=best_epoch,
        test_accuracy=accuracy,
        message=last.message if isinstance(last, Diverged) else "",
    )


def read_counters(folder: Path) -> Counters | None:
    """The counters in the checkpoint; None if there is none, or it is damaged."""
    try:
        _, metadata = read_tensors(resume_file(folder))
        return from_fields(Counters, parse_json(metadata["facts"].encode()))
    except (RecordError, KeyError, AttributeError):
        return None


def _last_event(folder: Path) -> Event | None:
    lines, _ = read_last_lines(folder / "events.jsonl")
    for line in reversed(lines):
        with contextlib.suppress(Exception):
            return event_from_json(json.loads(line))
    return None
