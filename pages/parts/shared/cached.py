"""What all sessions share: the data, and of each network its weights and what its trainer has kept. Nothing is computed here."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from fmnist_core.dataset.classes import DataError
from fmnist_core.dataset.split import Split, SplitName, data_folder, load_split
from fmnist_core.evaluation.answers import Answers
from fmnist_core.insight.likeness import Likeness
from fmnist_core.insight.neighbours import Neighbours
from fmnist_core.network.model import FashionCNN
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.kept import kept_stamp, read_answers, read_likeness
from fmnist_core.runs.record import RunRecord
from fmnist_core.runs.weights import find_weights, load_model
from fmnist_core.store.byte_cache import ByteCache
from fmnist_core.store.files import stamp_of
from pages.parts.shared.wording import escape

MAX_BYTES = 64_000_000  # a network, its answers and what it finds alike take 1.2 MB, so fifty fit
_BYTES_PER_MODEL = 250_000  # 29,034 weights and BatchNorm's statistics take 117 KB, the objects of PyTorch about as much
CACHE = ByteCache(MAX_BYTES)


def split_or_stop(name: SplitName) -> Split:
    """The split in use; if it cannot be read, shows why and ends the page."""
    try:
        return read_split(name)
    except DataError as error:
        st.error(f"The data cannot be used. {escape(str(error))}", icon=":material/warning:")
        st.stop()


def read_split(name: SplitName) -> Split:
    """The split in use; raises DataError if it cannot be read."""
    return _load_split(name, data_folder())


def model_or_stop(run: RunRecord) -> FashionCNN:
    """The run's network, on the CPU, in evaluation mode; if it cannot be read, shows why and ends the page."""
    try:
        return _read_model(run)
    except RunError as error:
        st.error(escape(str(error)), icon=":material/warning:")
        st.stop()


def newest_usable(runs: Sequence[RunRecord]) -> RunRecord:
    """The first of these runs whose weights can be read, or the last: nobody is shown a damaged one without having chosen it."""
    for run in runs[:-1]:
        with contextlib.suppress(RunError):
            _read_model(run)
            return run
    return runs[-1]


def kept_answers(run: RunRecord) -> Answers | None:
    """The run's answers to all test images; None if they have not been kept yet. If the data cannot be read, ends the page."""
    split = split_or_stop("test")
    return CACHE.get(("answers", kept_stamp(run), split.digest), lambda: read_answers(run, split), _nbytes)


def kept_likeness(run: RunRecord) -> Likeness | None:
    """What the run's network finds alike; None if that has not been kept yet. If the data cannot be read, ends the page."""
    train, test = split_or_stop("train"), split_or_stop("test")
    key = ("likeness", kept_stamp(run), train.digest, test.digest)
    return CACHE.get(key, lambda: read_likeness(run, train, test), lambda likeness: _nbytes(likeness.neighbours))


def _read_model(run: RunRecord) -> FashionCNN:
    weights = find_weights(run)
    key = ("model", None if weights is None else stamp_of(weights))
    return CACHE.get(key, lambda: load_model(run), lambda _model: _BYTES_PER_MODEL)


def _nbytes(kept: Answers | Neighbours) -> int:
    return kept.nbytes


@st.cache_resource(show_spinner="Reading the images …", max_entries=4)
def _load_split(name: SplitName, folder: Path) -> Split:
    return load_split(name, folder)
