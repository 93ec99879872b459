"""Runs whose events are written by hand, so that a test knows every number in them."""

import json
import shutil
from collections.abc import Sequence
from typing import Any

import numpy as np

from fmnist_core.classroom.permission import note_owner
from fmnist_core.runs.claim import release_start
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.event_log import write_event
from fmnist_core.runs.folders import STARTER_FOLDER, run_folder
from fmnist_core.runs.record import LIVE_STATES, RunRecord, State, load_run
from fmnist_core.runs.results import write_live
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.events import EpochDone, Event, Started, StepDone

# Indices of packaged test images: two of each class, ordered by class.
PROBES = (19, 27, 2, 3, 1, 16, 13, 29, 6, 10, 8, 11, 4, 7, 9, 12, 18, 30, 0, 23)
LABELS = tuple(label for label in range(10) for _ in range(2))


def started(steps_per_epoch: int = 4, **more: Any) -> Started:
    figures: dict[str, Any] = {"train_images": 400, "validation_images": 0, "test_images": 10_000, "device": "CPU, 2 cores"}
    return Started(steps_per_epoch, **figures | {"precision": "float32", "probes": PROBES} | more)


def step_done(step: int, losses: Sequence[float], elapsed_s: float, *, right: Sequence[bool] | bool = True, **more: Any) -> StepDone:
    """A report in which each probe gets 90 % for its true class or, if it is not `right`, for the next class."""
    correct = [right] * len(PROBES) if isinstance(right, bool) else right
    probes = np.full((len(PROBES), 10), 0.011, np.float32)
    probes[np.arange(len(PROBES)), [(label + (not is_correct)) % 10 for label, is_correct in zip(LABELS, correct, strict=True)]] = 0.9
    figures: dict[str, Any] = {"epoch": 1, "images_per_s": 1_000.0, "remaining_s": 60.0, "learning_rate": 0.001, "probes": probes}
    return StepDone(step=step, losses=tuple(losses), elapsed_s=elapsed_s, **figures | more)


def epoch_done(epoch: int, step: int, elapsed_s: float, test_accuracy: float = 0.8, **more: Any) -> EpochDone:
    figures: dict[str, Any] = {"train_loss": 0.5, "train_accuracy": 0.85, "test_loss": 0.6, "learning_rate": 0.001}
    return EpochDone(epoch=epoch, step=step, elapsed_s=elapsed_s, test_accuracy=test_accuracy, **figures | more)


def write_run(events: Sequence[Event], state: State = "training", *, config: TrainConfig | None = None, **about: Any) -> RunRecord:
    """Writes a run with these events into the test's home, claimed by this process as long as it is live.

    Args:
        about: `name`; `owner`, a person; `has_weights`, whether it has weights and a checkpoint; and further fields of its status.
    """
    name, owner, has_weights = about.pop("name", "Written"), about.pop("owner", None), about.pop("has_weights", False)
    run_id = create_run(config or TrainConfig(epochs=2), name, owner=owner.id if owner else "")
    if owner:
        note_owner(run_id, owner.id)
    append_events(run_id, events)
    folder = run_folder(run_id)
    status = json.loads((folder / "status.json").read_text()) | {"state": state} | about
    (folder / "status.json").write_text(json.dumps(status))
    if has_weights:
        starter = next((STARTER_FOLDER / "checkpoints").glob("*.safetensors")).read_bytes()
        (folder / "checkpoints" / "epoch-001.safetensors").write_bytes(starter)
        (folder / "checkpoints" / "resume.safetensors").write_bytes(starter)
    if state not in LIVE_STATES:
        release_start(folder)
    return load_run(run_id)


def write_many(count: int) -> list[str]:
    """Writes copies of a finished run with other names, "Nr-1-" and so on, and returns their ids, all older than any other run."""
    template = write_run(
        [started(), step_done(4, [2.0, 1.5, 1.0, 0.5], 1.0), epoch_done(1, 4, 1.0)], "finished", epoch=1, test_accuracy=0.8
    )
    ids = []
    for number in range(1, count + 1):
        folder = template.folder.with_name(f"20260101-000000-{number:04x}")
        shutil.copytree(template.folder, folder)
        about = json.loads((folder / "config.json").read_text())
        changed = {
            "name": f"Nr-{number}-",
            "created_at": f"2026-01-01T{number // 3600:02d}:{number // 60 % 60:02d}:{number % 60:02d}+00:00",
        }
        (folder / "config.json").write_text(json.dumps(about | changed))
        ids.append(folder.name)
    shutil.rmtree(template.folder)
    return ids


def append_events(run_id: str, events: Sequence[Event]) -> None:
    """Appends events as the trainer does: one line per event, and the latest kernels."""
    folder = run_folder(run_id)
    for event in events:
        write_event(folder, event)
    steps = [event.step for event in events if isinstance(event, StepDone)]
    if steps:
        write_live(folder, steps[-1], np.full((16, 5, 5), 0.01 * steps[-1], np.float32), 3.0)
