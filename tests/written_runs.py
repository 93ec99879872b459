"""Runs whose events are written by hand, so that a test knows every number in them."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from fmnist_core import runs
from fmnist_core.config import TrainConfig
from fmnist_core.runs import RunRecord, State

Event = dict[str, Any]
# Of the packaged test images: two of each class, ordered by class.
PROBES = (19, 27, 2, 3, 1, 16, 13, 29, 6, 10, 8, 11, 4, 7, 9, 12, 18, 30, 0, 23)
LABELS = tuple(label for label in range(10) for _ in range(2))


def started(steps_per_epoch: int = 4, **more: Any) -> Event:
    facts = {"train_images": 400, "validation_images": 0, "test_images": 10_000, "device": "CPU, 2 threads", "precision": "float32"}
    return {"type": "Started", "steps_per_epoch": steps_per_epoch} | facts | {"probes": list(PROBES)} | more


def step_done(step: int, losses: Sequence[float], elapsed_s: float, *, right: Sequence[bool] | bool = True, **more: Any) -> Event:
    """A report in which the watched items are answered right, with 90 %, or taken for the next class."""
    answered = [right] * len(PROBES) if isinstance(right, bool) else right
    probes = np.full((len(PROBES), 10), 11)
    probes[np.arange(len(PROBES)), [(label + (not is_right)) % 10 for label, is_right in zip(LABELS, answered, strict=True)]] = 900
    facts = {"epoch": 1, "images_per_s": 1_000.0, "remaining_s": 60.0, "learning_rate": 0.001, "probes": probes.tolist()}
    return {"type": "StepDone", "step": step, "losses": list(losses), "elapsed_s": elapsed_s} | facts | more


def epoch_done(epoch: int, step: int, elapsed_s: float, test_accuracy: float = 0.8, **more: Any) -> Event:
    facts = {"train_loss": 0.5, "train_accuracy": 0.85, "validation_loss": None, "validation_accuracy": None, "test_loss": 0.6}
    facts |= {"learning_rate": 0.001, "is_best": False}
    return {"type": "EpochDone", "epoch": epoch, "step": step, "elapsed_s": elapsed_s, "test_accuracy": test_accuracy} | facts | more


def write_run(events: Sequence[Event], state: State = "training", *, config: TrainConfig | None = None, **about: Any) -> RunRecord:
    """A run in the test's home with these events, owned by this process.

    Args:
        about: `name`, whether it `has_weights` and a checkpoint, and what else its status says.
    """
    name, has_weights = about.pop("name", "Written"), about.pop("has_weights", False)
    run_id = runs.create_run(config or TrainConfig(epochs=2), name)
    folder = runs.run_folder(run_id)
    append_events(run_id, events)
    status = json.loads((folder / "status.json").read_text()) | {"state": state} | about
    (folder / "status.json").write_text(json.dumps(status))
    if has_weights:
        starter = next((runs.STARTER_FOLDER / "checkpoints").glob("*.safetensors")).read_bytes()
        (folder / "checkpoints" / "epoch-001.safetensors").write_bytes(starter)
        (folder / "checkpoints" / "resume.safetensors").write_bytes(starter)
    return runs.load_run(run_id)


def append_events(run_id: str, events: Sequence[Event]) -> None:
    """As the trainer does: a line an event, and the kernels as they are."""
    folder = runs.run_folder(run_id)
    with (folder / "events.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps(event) + "\n" for event in events)
    steps = [event["step"] for event in events if event["type"] == "StepDone"]
    if steps:
        kernels = np.full((16, 1, 5, 5), 0.01 * steps[-1]).tolist()
        (folder / "live.json").write_text(json.dumps({"step": steps[-1], "kernels": kernels}))
