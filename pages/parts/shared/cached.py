"""What all sessions share: the data, the networks and their results, loaded once per server."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from fmnist_core.dataset.classes import DataError
from fmnist_core.dataset.split import Split, SplitName, data_folder, load_split
from fmnist_core.evaluation.evaluation import Evaluation
from fmnist_core.evaluation.prediction import evaluate
from fmnist_core.insight.familiarity import Familiarity, fit_familiarity
from fmnist_core.insight.neighbours import Neighbours
from fmnist_core.network.model import FashionCNN
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.weights import load_model, weights_stamp
from fmnist_core.settings.config import TestViews
from pages.parts.shared.wording import escape


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
        return _load_model(*weights_stamp(run))
    except RunError as error:
        st.error(escape(str(error)), icon=":material/warning:")
        st.stop()


def newest_usable(runs: Sequence[RunRecord]) -> RunRecord:
    """The first of these runs whose weights can be read, or the last: nobody is shown a damaged one without having chosen it."""
    for run in runs[:-1]:
        with contextlib.suppress(RunError):
            _load_model(*weights_stamp(run))
            return run
    return runs[-1]


def evaluation_or_stop(run: RunRecord) -> Evaluation:
    """The run's predictions for all test images."""
    split = split_or_stop("test")
    return _evaluate(*weights_stamp(run), split.folder, run.config.test_views, model_or_stop(run), split)


def familiarity_or_stop(run: RunRecord) -> Familiarity:
    """Where "unlike anything it was trained on" begins for the run's network."""
    train, test = split_or_stop("train"), split_or_stop("test")
    return _fit_familiarity(*weights_stamp(run), test.folder, model_or_stop(run), train, test)


def neighbours_or_stop(run: RunRecord) -> Neighbours:
    """Finds the training images that look most similar to the run's network."""
    train = split_or_stop("train")
    return _make_neighbours(*weights_stamp(run), train.folder, model_or_stop(run), train)


@st.cache_resource(show_spinner="Reading the images …", max_entries=4)
def _load_split(name: SplitName, folder: Path) -> Split:
    return load_split(name, folder)


# Arguments that a function does not use are part of the cache's key: newer weights or other data give other results.


@st.cache_resource(show_spinner="Loading the network …", max_entries=64)
def _load_model(run_id: str, weights_time_ns: int) -> FashionCNN:  # noqa: ARG001
    return load_model(load_run(run_id))


@st.cache_resource(show_spinner="Classifying all test images …", max_entries=32)
def _evaluate(
    run_id: str,  # noqa: ARG001
    weights_time_ns: int,  # noqa: ARG001
    folder: Path | None,  # noqa: ARG001
    views: TestViews,
    _model: FashionCNN,
    _split: Split,
) -> Evaluation:
    return evaluate(_model, _split, views=views)


@st.cache_resource(show_spinner="Calibrating the unfamiliarity check …", max_entries=64)
def _fit_familiarity(
    run_id: str,  # noqa: ARG001
    weights_time_ns: int,  # noqa: ARG001
    folder: Path | None,  # noqa: ARG001
    _model: FashionCNN,
    _train: Split,
    _test: Split,
) -> Familiarity:
    return fit_familiarity(_model, _train, _test)


@st.cache_resource(show_spinner="Searching the training images …", max_entries=8)
def _make_neighbours(
    run_id: str,  # noqa: ARG001
    weights_time_ns: int,  # noqa: ARG001
    folder: Path | None,  # noqa: ARG001
    _model: FashionCNN,
    _train: Split,
) -> Neighbours:
    return Neighbours(_model, _train)
