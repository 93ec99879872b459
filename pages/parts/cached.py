"""What every session shares: the data, the networks and their answers, read once a server."""

from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core import data, prediction, runs
from fmnist_core.config import TestViews
from fmnist_core.data import Split, SplitName
from fmnist_core.evaluation import Evaluation
from fmnist_core.familiarity import Familiarity, Neighbours, fit_familiarity
from fmnist_core.network.model import FashionCNN
from fmnist_core.runs import RunRecord


def split_or_stop(name: SplitName) -> Split:
    """The split in use; where it cannot be read, shows why and ends the page."""
    try:
        return read_split(name)
    except data.DataError as error:
        st.error(f"The data cannot be used. {error}", icon=":material/warning:")
        st.stop()


def read_split(name: SplitName) -> Split:
    """The split in use; raises DataError where it cannot be read."""
    return _load_split(name, data.data_folder())


def model_or_stop(run: RunRecord) -> FashionCNN:
    """The run's newest network, on the CPU, in evaluation mode; where it cannot be read, shows why and ends the page."""
    try:
        return _load_model(*runs.weights_stamp(run))
    except runs.RunError as error:
        st.error(str(error), icon=":material/warning:")
        st.stop()


def evaluation_or_stop(run: RunRecord) -> Evaluation:
    """The run's answers to all test images."""
    split = split_or_stop("test")
    return _evaluate(*runs.weights_stamp(run), split.source, run.config.test_views, model_or_stop(run), split)


def familiarity_or_stop(run: RunRecord) -> Familiarity:
    """Where "unlike anything it was trained on" begins for the run's network."""
    train, test = split_or_stop("train"), split_or_stop("test")
    return _fit_familiarity(*runs.weights_stamp(run), test.source, model_or_stop(run), train, test)


def neighbours_or_stop(run: RunRecord) -> Neighbours:
    """Finds the training images that the run's network sees as most alike."""
    train = split_or_stop("train")
    return _make_neighbours(*runs.weights_stamp(run), train.source, model_or_stop(run), train)


def probabilities(model: FashionCNN, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(10,) class probabilities of one (28, 28) uint8 picture."""
    return prediction.predict(model, image[np.newaxis])[0]


@st.cache_resource(show_spinner="Reading the images …", max_entries=4)
def _load_split(name: SplitName, folder: Path) -> Split:
    return data.load_split(name, folder)


# The arguments that are not used in a body are there for the cache's key: newer weights or other data are other answers.


@st.cache_resource(show_spinner="Loading the network …", max_entries=64)
def _load_model(run_id: str, weights_time_ns: int) -> FashionCNN:  # noqa: ARG001
    return runs.load_model(runs.load_run(run_id))


@st.cache_resource(show_spinner="Answering all test images …", max_entries=32)
def _evaluate(
    run_id: str,  # noqa: ARG001
    weights_time_ns: int,  # noqa: ARG001
    source: str,  # noqa: ARG001
    views: TestViews,
    _model: FashionCNN,
    _split: Split,
) -> Evaluation:
    return prediction.evaluate(_model, _split, views=views)


@st.cache_resource(show_spinner="Finding out what is familiar …", max_entries=64)
def _fit_familiarity(
    run_id: str,  # noqa: ARG001
    weights_time_ns: int,  # noqa: ARG001
    source: str,  # noqa: ARG001
    _model: FashionCNN,
    _train: Split,
    _test: Split,
) -> Familiarity:
    return fit_familiarity(_model, _train, _test)


@st.cache_resource(show_spinner="Looking through all training images …", max_entries=8)
def _make_neighbours(run_id: str, weights_time_ns: int, source: str, _model: FashionCNN, _train: Split) -> Neighbours:  # noqa: ARG001
    return Neighbours(_model, _train)
