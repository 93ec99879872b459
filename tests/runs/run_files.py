"""What tests read from a run's files, and write into them."""

import json
from typing import Any

import numpy as np

from fmnist_core.runs.folders import run_folder
from fmnist_core.training.checkpoint import Checkpoint, Counters


def read_status(run_id: str) -> Any:
    return json.loads((run_folder(run_id) / "status.json").read_text())


def put_status(run_id: str, **fields: Any) -> None:
    (run_folder(run_id) / "status.json").write_text(json.dumps(read_status(run_id) | fields))


def checkpoint_at(step: int, epoch_images: int = 0) -> Checkpoint:
    """A checkpoint of a network that has kernels alone, each weight of which is the number of the step."""
    counters = Counters(step, 0, 0.0, 0, epoch_images, None, 0.0, 0.0, 0.0, 1.0, 0.001, 0)
    return Checkpoint({"trained.layer1.0.weight": np.full((16, 1, 5, 5), step, np.float32)}, counters)
