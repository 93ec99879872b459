"""What all sessions share: of each network its weights and what its trainer has kept. Nothing is computed here."""

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.dataset.classes import DataError
from fmnist_core.dataset.split import Split, SplitName
from fmnist_core.evaluation.answers import Answers
from fmnist_core.insight.likeness import Likeness
from fmnist_core.network.model import FashionCNN
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.kept import kept_stamp, read_answers, read_likeness
from fmnist_core.runs.record import RunRecord
from fmnist_core.runs.weights import find_weights, load_model
from fmnist_core.store.byte_cache import ByteCache
from fmnist_core.store.files import stamp_of
from pages.parts.shared.splits import read_split
from pages.parts.shared.wording import escape

MAX_BYTES = 64_000_000  # a network, its answers and what it finds alike take 1.1 MB, so fifty fit
_BYTES_PER_MODEL = 150_000  # measured with 200 of them; 117 KB are weights and statistics
Explanation = TypeVar("Explanation", bound=NDArray[Any])
CACHE = ByteCache(MAX_BYTES)


def split_or_stop(name: SplitName) -> Split:
    """The split in use; if it cannot be read, shows why and ends the page."""
    try:
        return read_split(name)
    except DataError as error:
        st.error(f"The data cannot be used. {escape(str(error))}", icon=":material/warning:")
        st.stop()


def model_or_stop(run: RunRecord) -> FashionCNN:
    """The run's network, on the CPU, in evaluation mode; if it cannot be read, shows why and ends the page."""
    try:
        return read_model(run)
    except RunError as error:
        st.error(escape(str(error)), icon=":material/warning:")
        st.stop()


def newest_usable(runs: Sequence[RunRecord]) -> RunRecord:
    """The first of these runs whose weights can be read, or the last: nobody is shown a damaged one without having chosen it."""
    for run in runs[:-1]:
        with contextlib.suppress(RunError):
            read_model(run)
            return run
    return runs[-1]


def kept_answers(run: RunRecord) -> Answers | None:
    """The run's answers to all test images; None if they have not been kept yet. If the data cannot be read, ends the page."""
    split = split_or_stop("test")
    return CACHE.get(("answers", kept_stamp(run), split.digest), lambda: read_answers(run, split), lambda answers: answers.nbytes)


def kept_likeness(run: RunRecord) -> Likeness | None:
    """What the run's network finds alike; None if that has not been kept yet. If the data cannot be read, ends the page."""
    return find_likeness(run, split_or_stop("train"), split_or_stop("test"))


def find_likeness(run: RunRecord, train: Split, test: Split) -> Likeness | None:
    """What the run's network finds alike among these images; None if that has not been kept yet."""
    key = ("likeness", kept_stamp(run), train.digest, test.digest)
    return CACHE.get(key, lambda: read_likeness(run, train, test), lambda likeness: likeness.neighbours.nbytes)


def read_model(run: RunRecord) -> FashionCNN:
    """The run's network, on the CPU, in evaluation mode; raises RunError if it cannot be read."""
    weights = find_weights(run)
    key = ("model", None if weights is None else stamp_of(weights))
    return CACHE.get(key, lambda: load_model(run), lambda _model: _BYTES_PER_MODEL)


def explain(kind: str, run: RunRecord, image: NDArray[np.uint8], class_index: int, compute: Callable[[], Explanation]) -> Explanation:
    """What `compute` returns for a picture: a page runs many times per picture, so it is remembered.

    Args:
        kind: a name for what is computed from the run's network, the picture and the class.
    """
    key = (kind, kept_stamp(run), image.tobytes(), class_index)
    return CACHE.get(key, compute, lambda explanation: int(explanation.nbytes) + image.nbytes)
