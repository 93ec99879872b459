"""Results that the training process saves with the run: the current kernels, and the evaluation."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.evaluation.evaluation import Evaluation
from fmnist_core.store.files import read_json, write_json
from fmnist_core.store.records import RecordError, from_fields


@dataclass(frozen=True, eq=False)
class SavedEvaluation:
    """The figures in evaluation.json, for the weights in use.

    Attributes:
        accuracy: 0 to 1.
        confusion: (10, 10) counts; rows are true classes, columns predicted ones.
        class_names: in the order of the rows.
    """

    accuracy: float
    confusion: NDArray[np.int64]
    class_names: tuple[str, ...]


@dataclass(frozen=True)
class _EvaluationFile:
    accuracy: Annotated[float, Meta(ge=0, le=1)]
    confusion: tuple[tuple[Annotated[int, Meta(ge=0, le=10**9)], ...], ...]
    per_class: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class _LiveFile:
    kernels: tuple[tuple[tuple[tuple[float, ...], ...], ...], ...]
    remaining_s: Annotated[float, Meta(ge=0, le=1e18)] | None = None


_KERNELS = (16, 1, 5, 5)


def write_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Saves the figures of the weights in use."""
    write_json(folder / "evaluation.json", evaluation.to_json())


def read_evaluation(folder: Path) -> SavedEvaluation | None:
    """The saved figures; None if they are missing or unreadable."""
    try:
        saved = from_fields(_EvaluationFile, read_json(folder / "evaluation.json"))
        names = tuple(str(row["class"]) for row in saved.per_class)
        confusion = np.array(saved.confusion, np.int64)
    except (RecordError, ValueError, KeyError):
        return None
    return SavedEvaluation(saved.accuracy, confusion, names) if names == CLASS_NAMES and confusion.shape == (len(names),) * 2 else None


def write_live(folder: Path, step: int, kernels: NDArray[np.float32], remaining_s: float | None) -> None:
    """Saves what changes with every report: the first layer's kernels, (16, 5, 5), with four decimals, and the time left in seconds."""
    rounded = kernels[:, np.newaxis].astype(float).round(4).tolist()
    write_json(folder / "live.json", {"step": step, "kernels": rounded, "remaining_s": remaining_s})


def read_remaining_s(folder: Path) -> float | None:
    """How many seconds the run needed to its end at its latest report; None if it did not say."""
    try:
        return from_fields(_LiveFile, read_json(folder / "live.json")).remaining_s
    except (RecordError, ValueError):
        return None


def read_live_kernels(folder: Path) -> NDArray[np.float32] | None:
    """The first layer's kernels in the latest report, (16, 5, 5); None before the first."""
    try:
        kernels = np.array(from_fields(_LiveFile, read_json(folder / "live.json")).kernels, np.float32)
    except (RecordError, ValueError):
        return None
    return kernels.reshape(-1, 5, 5) if kernels.shape == _KERNELS and np.isfinite(kernels).all() else None
