"""A drawing made on the page. The pad and the answer are a part of the page that runs alone, as quickly as the pen moves."""

import contextlib
import time

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from streamlit.delta_generator import DeltaGenerator
from streamlit.errors import StreamlitAPIException

from fmnist_core.insight.answer import answer_picture
from fmnist_core.pictures.kinds import DRAWING, READY
from fmnist_core.pictures.opening import PictureError
from fmnist_core.pictures.painting import shrink_item
from fmnist_core.pictures.preparation import Preparation, prepare_drawing
from pages.parts.predict.drawing_pad import Sheet, choose_sheet, read_pad, show_drawing_pad
from pages.parts.predict.explanation import show_explanation
from pages.parts.predict.frame import Classified, Network, answer_side, classify, input_side, show_no_answer
from pages.parts.predict.live_pace import pause_here

_PAD, _EXPLANATION = "pad_and_answer", "explanation_of_drawing"
_INTERVAL_S = 0.2  # between two answers while the pen is down
_REQUEST = "Draw a T-shirt, a boot or a bag. The answer appears here while you draw."


def show_drawing(network: Network) -> None:
    """Shows the pad, the answer, and every step."""
    asked, answered = input_side(), answer_side()
    with asked, st.container(key="pad_frame"):
        with st.container(key="pad_settings"):
            sheet = choose_sheet()
        with st.container(key="pad_sheet"):
            _draw_and_answer(network, sheet, answered)
    _explain(network, sheet)


@st.fragment(key=_PAD)
def _draw_and_answer(network: Network, sheet: Sheet, answered: DeltaGenerator) -> None:
    begun_s, (drawn, sending) = time.perf_counter(), read_pad(sheet)
    with answered:
        try:
            views, preparation = _prepare(sheet, drawn)
            classify(network, views, kind=READY if preparation is None else DRAWING, seen=views[0])
        except PictureError:
            show_no_answer(_REQUEST, "draw")
    took_s = time.perf_counter() - begun_s
    pause_s = pause_here(took_s) if sending.is_live else 0.0  # the more people draw, the less often each is answered
    show_drawing_pad(sheet, max(_INTERVAL_S, took_s + pause_s), on_change=lambda: _follow(sheet))


def _follow(sheet: Sheet) -> None:
    """While the pen is down, only the pad and the answer run again; once it is up, also the steps and reasons."""
    if read_pad(sheet)[1].is_live:
        return
    with contextlib.suppress(StreamlitAPIException):  # the page has been left meanwhile
        st.rerun([_PAD, _EXPLANATION])


@st.fragment(key=_EXPLANATION)
def _explain(network: Network, sheet: Sheet) -> None:
    drawn, _sending = read_pad(sheet)
    try:
        views, preparation = _prepare(sheet, drawn)
    except PictureError:
        show_explanation(network, None, reserves_steps=not sheet.edits_item)
        return
    predicted = answer_picture(network.model, views).first
    show_explanation(network, Classified(views[0], predicted), preparation, "drawing", reserves_steps=not sheet.edits_item)


def _prepare(sheet: Sheet, drawn: NDArray[np.uint8] | None) -> tuple[NDArray[np.uint8], Preparation | None]:
    """The views (V, 28, 28) of what was drawn, and their preparation if there was one; raises PictureError if nothing is drawn."""
    if drawn is None:
        raise PictureError("Nothing is drawn yet.")
    if sheet.edits_item:
        return shrink_item(drawn)[np.newaxis], None
    preparation = prepare_drawing(drawn, fill=sheet.fill)
    return preparation.views, preparation
