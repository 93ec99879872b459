"""What a run keeps so that nobody computes it again: its answers to all test images, and what it finds alike.

    answers/epoch-NNN.safetensors   beside the weights checkpoints/epoch-NNN.safetensors, and so for `last`
    likeness.safetensors            of the weights in use, written when the run has ended

Each file names, by digests, the weights and the images it belongs to. One that belongs to others, is damaged or missing is passed over, and
can be computed again by `jobs.completion`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.dataset.split import Split
from fmnist_core.evaluation.answers import Answers
from fmnist_core.runs.folders import STARTER_ID, home_folder
from fmnist_core.runs.record import RunRecord
from fmnist_core.runs.tensors import read_tensors
from fmnist_core.runs.weights import find_weights, weights_digest
from fmnist_core.settings.config import TestViews
from fmnist_core.store.files import Stamp, stamp_of, write_whole
from fmnist_core.store.records import Record, RecordError, from_fields, parse_json

if TYPE_CHECKING:  # PyTorch takes a second to import, and most work with runs does not need it
    from fmnist_core.insight.likeness import Likeness

_LIKENESS = "likeness.safetensors"
_HEADER_BYTES = 65_536  # more than the names, shapes and digests take
_BYTES_PER_ANSWER = 21
_MOST_SEARCHED = 40_000  # of a split just too small to leave out every second image


@dataclass(frozen=True)
class _AboutAnswers:
    """Which answers these are."""

    weights: str
    split: str
    views: TestViews
    loss: Annotated[float, Meta(ge=0, lt=1e9)]


@dataclass(frozen=True)
class _AboutLikeness:
    """What it was computed from, and its four numbers."""

    weights: str
    train: str
    test: str
    every: Annotated[int, Meta(ge=1, le=10**9)]
    unusual: Annotated[float, Meta(ge=-1e30, le=1e30)]
    unlike: Annotated[float, Meta(ge=-1e30, le=1e30)]
    false_alarm_rate: Annotated[float, Meta(ge=0, le=1)]


def kept_folder(run: RunRecord) -> Path:
    """Where what is computed later is kept: the run's folder, and for the starter, which is part of the program, a folder in the home."""
    return home_folder() / STARTER_ID if run.is_starter else run.folder


def write_answers(folder: Path, weights: Path, answers: Answers) -> None:
    """Keeps the answers of the network in the file `weights`; raises OSError if they cannot be written."""
    about = _AboutAnswers(weights_digest(weights) or "", answers.split_digest, answers.views, answers.loss)
    file = _answers_file(folder, weights)
    file.parent.mkdir(exist_ok=True)
    _write(file, {"log_probabilities": answers.log_probabilities, "predictions": answers.predictions}, about)


def drop_answers(folder: Path, weights: Path) -> None:
    """Deletes the answers of weights that are no longer there."""
    _answers_file(folder, weights).unlink(missing_ok=True)


def read_answers(run: RunRecord, test_split: Split, epoch: int | Literal["last"] | None = None) -> Answers | None:
    """The kept answers to these test images; None if there are none that belong to them and to the weights.

    Args:
        epoch: as for `load_model`.
    """
    weights = find_weights(run, epoch)
    digest = None if weights is None else weights_digest(weights)
    if weights is None or digest is None:
        return None
    for folder in _folders(run):
        answers = _read_answers(_answers_file(folder, weights), digest, test_split)
        if answers is not None:
            return answers
    return None


def write_likeness(folder: Path, weights: Path, likeness: "Likeness", train_split: Split, test_split: Split) -> None:
    """Keeps what the network in the file `weights` finds alike; raises OSError if it cannot be written."""
    familiarity, neighbours = likeness.familiarity, likeness.neighbours
    about = _AboutLikeness(
        weights_digest(weights) or "",
        train_split.digest,
        test_split.digest,
        neighbours.every,
        familiarity.unusual,
        familiarity.unlike,
        familiarity.false_alarm_rate,
    )
    tensors: dict[str, NDArray[Any]] = {"mean": neighbours.mean, "axes": neighbours.axes, "directions": neighbours.directions}
    _write(folder / _LIKENESS, tensors, about)


def read_likeness(run: RunRecord, train_split: Split, test_split: Split) -> "Likeness | None":
    """What was kept of these images for the weights in use; None if there is nothing that belongs to them."""
    weights = find_weights(run)
    digest = None if weights is None else weights_digest(weights)
    if digest is None:
        return None
    for folder in _folders(run):
        likeness = _read_likeness(folder / _LIKENESS, digest, train_split, test_split)
        if likeness is not None:
            return likeness
    return None


def kept_stamp(run: RunRecord) -> tuple[Stamp, ...]:
    """A key for what `read_answers` and `read_likeness` return: it changes whenever the weights in use or the kept files do."""
    weights = find_weights(run)
    if weights is None:
        return ()
    kept = [file for folder in _folders(run) for file in (_answers_file(folder, weights), folder / _LIKENESS)]
    return tuple(map(stamp_of, (weights, *kept)))


def _folders(run: RunRecord) -> tuple[Path, ...]:
    return (run.folder, kept_folder(run)) if run.is_starter else (run.folder,)


def _answers_file(folder: Path, weights: Path) -> Path:
    return folder / "answers" / weights.name


def _read_answers(file: Path, weights: str, split: Split) -> Answers | None:
    images = len(split)
    shapes = {"log_probabilities": ("float16", (images, len(CLASS_NAMES))), "predictions": ("uint8", (images,))}
    try:
        tensors, about = _read(file, _AboutAnswers, shapes, _BYTES_PER_ANSWER * images)
    except RecordError:
        return None
    logs, predictions = tensors["log_probabilities"], tensors["predictions"]
    is_sound = np.isfinite(logs).all() and (logs <= 0.01).all() and (predictions < len(CLASS_NAMES)).all()
    if (about.weights, about.split) != (weights, split.digest) or not is_sound:
        return None
    return Answers(logs, predictions, about.loss, about.views, about.split)


def _read_likeness(file: Path, weights: str, train_split: Split, test_split: Split) -> "Likeness | None":
    from fmnist_core.insight.familiarity import Familiarity
    from fmnist_core.insight.likeness import Likeness
    from fmnist_core.insight.neighbours import DIMENSIONS, FEATURES, Neighbours

    shapes = {
        "mean": ("float32", (FEATURES,)),
        "axes": ("float16", (FEATURES, DIMENSIONS)),
        "directions": ("int8", (None, DIMENSIONS)),
    }
    try:
        most = _MOST_SEARCHED * DIMENSIONS + FEATURES * (4 + 2 * DIMENSIONS)
        tensors, about = _read(file, _AboutLikeness, shapes, most)
    except RecordError:
        return None
    mean, axes, directions = tensors["mean"], tensors["axes"], tensors["directions"]
    is_sound = np.isfinite(mean).all() and np.isfinite(axes).all() and len(directions) == -(-len(train_split) // about.every)
    if (about.weights, about.train, about.test) != (weights, train_split.digest, test_split.digest) or not is_sound:
        return None
    return Likeness(Familiarity(about.unusual, about.unlike, about.false_alarm_rate), Neighbours(about.every, mean, axes, directions))


def _write(file: Path, tensors: dict[str, NDArray[Any]], about: _AboutAnswers | _AboutLikeness) -> None:
    import safetensors.numpy

    metadata = {"about": json.dumps(vars(about))}
    content = safetensors.numpy.save({name: np.ascontiguousarray(array) for name, array in tensors.items()}, metadata=metadata)
    write_whole(file, content)


def _read(
    file: Path, kind: type[Record], shapes: Mapping[str, tuple[str, tuple[int | None, ...]]], most_bytes: int
) -> tuple[dict[str, NDArray[Any]], Record]:
    """The arrays of these types and shapes (None is any length), and what they are about; raises RecordError for anything else."""
    tensors, metadata = read_tensors(file, max_bytes=most_bytes + _HEADER_BYTES, dtypes={dtype for dtype, _ in shapes.values()})
    if tensors.keys() != shapes.keys():
        raise RecordError(f"It holds {', '.join(name[:80] for name in list(tensors)[:5])}.")
    for name, (dtype, shape) in shapes.items():
        array = tensors[name]
        is_of_shape = array.ndim == len(shape) and all(wanted in (None, length) for wanted, length in zip(shape, array.shape, strict=True))
        if str(array.dtype) != dtype or not is_of_shape:
            raise RecordError(f"{name} has the shape {array.shape} and the type {array.dtype}.")
    try:
        return tensors, from_fields(kind, parse_json(metadata["about"].encode()))
    except (KeyError, AttributeError) as error:
        raise RecordError("It does not say what it belongs to.") from error
