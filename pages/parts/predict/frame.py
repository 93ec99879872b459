"""The frame of every source: the input, beside it the answer, which stays in view, and below the input how the answer came about.

In a narrow window the answer is below the input, and a strip at the foot of the window shows the two likeliest classes.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator

from fmnist_core.insight.answer import answer_picture
from fmnist_core.insight.familiarity import Familiarity
from fmnist_core.insight.likeness import Likeness
from fmnist_core.network.model import FashionCNN
from fmnist_core.pictures.kinds import READY
from fmnist_core.runs.record import RunRecord
from pages.parts.shared.answer import show_answer, show_strip


@dataclass(frozen=True, eq=False)
class Network:
    """The network in use, and what it finds alike; None while that is not known yet: the answer does not wait for it."""

    run: RunRecord
    model: FashionCNN
    likeness: Likeness | None

    @property
    def familiarity(self) -> Familiarity | None:
        """What decides whether a picture is unfamiliar, if it is known."""
        return None if self.likeness is None else self.likeness.familiarity


class Classified(NamedTuple):
    """What the network saw, (28, 28) uint8, and the class that it predicted."""

    image: NDArray[np.uint8]
    predicted: int


def frame() -> DeltaGenerator:
    """The container of one source, in which `input_side`, `answer_side` and `steps_side` are to be made, in this order."""
    return st.container(key="predict_frame")


def input_side() -> DeltaGenerator:
    """The container of what is asked: a sheet to draw on, a camera, an uploader."""
    return st.container(key="input_side")


def answer_side() -> DeltaGenerator:
    """The container of the answer: its place is reserved, so nothing moves when the answer or a warning comes or goes."""
    return st.container(key="answer_side")


def steps_side() -> DeltaGenerator:
    """The container of what explains the answer, below the input."""
    return st.container(key="steps_side")


def classify(
    network: Network,
    views: NDArray[np.uint8],
    *,
    kind: str = READY,
    seen: NDArray[np.uint8] | None = None,
    true_name: str | None = None,
) -> Classified:
    """Shows the network's answer to a picture, in full and as a strip; to be called in `answer_side`.

    Args:
        views: (V, 28, 28) uint8, the picture first.
        kind: of the picture, one of `kinds.KINDS`; the warning that it is unfamiliar says how often the answers to this kind are wrong.
        seen: (28, 28) uint8, unless the page already shows it.
        true_name: the label, if it is known.
    """
    answer = answer_picture(network.model, views)
    show_strip(answer, views[0], familiarity=network.familiarity)
    familiarity, is_starter = network.familiarity, network.run.is_starter
    show_answer(answer, seen=seen, true_name=true_name, familiarity=familiarity, kind=kind, is_starter=is_starter)
    return Classified(views[0], answer.first)


def show_no_answer(sentence: str, icon: str, *, is_error: bool = False) -> None:
    """Says what to do for an answer; to be called in `answer_side`."""
    show_strip()
    (st.error if is_error else st.info)(sentence, icon=f":material/{icon}:")
