"""A run's networks and checkpoints as safetensors files, which cannot run code when they are loaded."""

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from fmnist_core.runs.folders import RunError, epoch_file, epoch_files, newest_weights, resume_file
from fmnist_core.runs.record import RunRecord
from fmnist_core.runs.tensors import MAX_TENSOR_BYTES, read_tensors
from fmnist_core.store.files import read_whole, write_whole
from fmnist_core.store.records import from_fields, parse_json
from fmnist_core.training.checkpoint import check_arrays

if TYPE_CHECKING:  # PyTorch takes a second to import, and most work with runs does not need it
    from fmnist_core.network.model import FashionCNN
    from fmnist_core.training.checkpoint import Checkpoint, Weights


def load_model(run: RunRecord, epoch: int | Literal["last"] | None = None) -> "FashionCNN":
    """The run's network in evaluation mode, on the CPU.

    Args:
        epoch: the weights after this epoch, or the "last"; by default those in use, of the best epoch or else the last.
    Raises:
        RunError: if there are no such weights, or the file holds those of another network.
    """
    import torch

    from fmnist_core.network.model import FashionCNN

    file = find_weights(run, epoch)
    if file is None or not os.path.lexists(file):
        wanted = f"weights of epoch {epoch}" if isinstance(epoch, int) else "weights yet"
        raise RunError(f'The run "{run.id}" has no {wanted}: wait for its first epoch or choose another run.')
    model = FashionCNN(run.config.pixels)
    try:
        arrays, _ = read_tensors(file)
        check_arrays(arrays, model.state_dict())
    except ValueError as error:  # RecordError is one
        raise RunError(f"{file} does not hold this network's weights: choose another run.") from error
    model.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in arrays.items()})
    return model.eval()


def find_weights(run: RunRecord, epoch: int | Literal["last"] | None = None) -> Path | None:
    """The file of these weights, which may not exist; None if there are no weights. The argument is that of `load_model`."""
    if epoch is None:
        return weights_in_use(run.folder, run.best_epoch)
    return newest_weights(run.folder) if epoch == "last" else epoch_file(run.folder, epoch)


def weights_in_use(folder: Path, best_epoch: int | None) -> Path | None:
    """The weights of the best epoch if one was chosen, else the latest; None if there are none."""
    return newest_weights(folder) if best_epoch is None else epoch_file(folder, best_epoch)


def weights_digest(file: Path) -> str | None:
    """32 hexadecimal digits that other weights change; None if the file cannot be read."""
    with contextlib.suppress(OSError):
        return hashlib.sha256(read_whole(file, MAX_TENSOR_BYTES)).hexdigest()[:32]
    return None


def spare_weights(run: RunRecord) -> list[Path]:
    """The files of a run's weights that are neither in use nor its latest, and what else is kept of those epochs."""
    files = epoch_files(run.folder)
    spare = sorted(set(files) - {run.best_epoch, max(files, default=0)})
    beside = [run.folder / folder / files[epoch].name for epoch in spare for folder in ("checkpoints", "answers")]
    return [file for file in beside if file.is_file()]


def save_weights(weights: "Weights", file: Path) -> None:
    """Writes a network's weights; raises OSError, and leaves an older file as it was, if they cannot be written."""
    import safetensors.numpy

    write_whole(file, safetensors.numpy.save(dict(weights)), durable=True)


def load_checkpoint(run: RunRecord) -> "Checkpoint | None":
    """The checkpoint from which the run continues; None if it never reached its first step.

    Raises:
        RunError: if the file is damaged.
    """
    from fmnist_core.training.checkpoint import Checkpoint, Counters

    file = resume_file(run.folder)
    if not os.path.lexists(file):
        return None
    try:
        tensors, metadata = read_tensors(file)
        return Checkpoint(tensors, from_fields(Counters, parse_json(metadata["facts"].encode())))
    except (ValueError, KeyError, AttributeError) as error:
        raise RunError(f"{file} is damaged: it cannot be resumed. Start a new run.") from error


def save_checkpoint(checkpoint: "Checkpoint", folder: Path) -> None:
    """Writes the checkpoint of the run in this folder; the old file stays until the new one is complete."""
    import safetensors.numpy

    counters = json.dumps(vars(checkpoint.counters))
    write_whole(resume_file(folder), safetensors.numpy.save(dict(checkpoint.tensors), metadata={"facts": counters}), durable=True)
