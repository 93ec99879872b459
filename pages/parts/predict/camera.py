"""The camera: what it sees is answered while it is on, and a photo that is taken with it is treated like an upload."""

import time
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fmnist_core.pictures.live import prepare_frame, trace
from fmnist_core.pictures.opening import PictureError
from fmnist_core.pictures.preparation import Preparation
from pages.parts.components.live_camera.live_camera import read_frame, show_live_camera
from pages.parts.predict.frame import Network, classify, show_no_answer
from pages.parts.predict.live_pace import pause_here
from pages.parts.predict.picture_list import drop_photo, keep_photo, photos

_KEY = "live_camera"
_STARTS = "camera_starts"
_REQUEST = "Start the camera and hold one item of clothing in front of it. The answer appears here while you move it."
_COVERED = "The camera sees one shade only: take its cover off, or turn on a light."


@dataclass(frozen=True, eq=False)
class _Frame:
    """The latest frame of the camera: its number, 0 if there is none, and its preparation, None if it shows one shade only."""

    number: int = 0
    preparation: Preparation | None = None


@st.fragment
def show_camera_and_answer(network: Network, answered: DeltaGenerator, *, starts: bool) -> None:
    """Shows the camera and, in `answer_side`, the answer to its latest frame; both run alone, frame after frame.

    When a photo is taken, the whole page runs again.

    Args:
        starts: as `takes_another` returned.
    """
    began_s = time.perf_counter()
    frame = _prepare_latest()
    with answered:
        if frame.preparation is not None:
            classify(network, frame.preparation.views, kind=frame.preparation.kind, seen=frame.preparation.image)
        else:
            show_no_answer(_COVERED if frame.number else _REQUEST, "photo_camera")
    # Last, because the browser then sends the next frame, which would end this run early.
    photo = show_live_camera(
        frame.number,
        [] if frame.preparation is None else trace(frame.preparation.mask),
        pause_here(time.perf_counter() - began_s) if frame.number else 0.0,
        key=_KEY,
        label="What the camera sees; the garment that was found in it is outlined",
        starts=starts,
        problem=" ".join(photos().problems.values()),
    )
    if photo is not None:
        keep_photo(photo)
        st.rerun()


def show_new_photo_button() -> None:
    """The button that goes from a photo back to the camera."""
    st.button("New photo", icon=":material/photo_camera:", key="new_photo", on_click=_start_again)


def takes_another() -> bool:
    """Whether the person wants another photo, once: then a camera that was on starts by itself, as it does not when the page is opened."""
    return bool(st.session_state.pop(_STARTS, False))


def _prepare_latest() -> _Frame:
    frame = read_frame(st.session_state.get(_KEY))
    if frame is None:
        return _Frame()
    try:
        return _Frame(frame.number, prepare_frame(frame.image))
    except PictureError:
        return _Frame(frame.number)


def _start_again() -> None:
    drop_photo()
    st.session_state[_STARTS] = True
