"""The tools to correct a picture's preparation: kind, turning, cropping, inverting, painting the cut-out."""

from dataclasses import replace
from typing import Any

import streamlit as st

from fmnist_core.pictures.kinds import DRAWING, KINDS, PHOTO, READY
from fmnist_core.pictures.preparation import Choices, Preparation
from pages.parts.predict.mask_painter import painted_on, show_mask_painter

DETECTED = "detected"
KIND_NAMES = {
    PHOTO: "a photo",
    DRAWING: "a drawing",
    READY: "a picture like the training images",
}
_UNTOUCHED = (0, 100)


def read_choices(picture_id: str) -> Choices:
    """This session's choices for a picture, including what was painted over it."""
    choices: Choices = _all().get(picture_id, Choices())
    return replace(choices, painted=painted_on(_view_id(picture_id, choices)))


def change(picture_id: str, **changed: Any) -> None:
    """Changes this session's choices for a picture."""
    _all()[picture_id] = replace(_all().get(picture_id, Choices()), **changed)


def switch(picture_id: str, step: str, is_on: bool) -> None:
    """Switches a step of the preparation on or off."""
    off = _all().get(picture_id, Choices()).switched_off
    change(picture_id, switched_off=off - {step} if is_on else off | {step})


def show_kind(picture_id: str, preparation: Preparation) -> None:
    """The detected kind of the picture, the reason, and a field to choose another."""
    key = f"kind {picture_id}"
    st.session_state[key] = _all().get(picture_id, Choices()).kind or DETECTED
    st.selectbox(
        "Treat it as",
        (DETECTED, *KINDS),
        format_func=lambda kind: KIND_NAMES.get(kind, f"{KIND_NAMES[preparation.kind]} (detected automatically)"),
        key=key,
        on_change=_choose_kind,
        args=(picture_id, key),
    )
    st.caption(preparation.kind_sentence)


def show_hand_tools(picture_id: str, preparation: Preparation) -> None:
    """Turn, crop, invert, and the painter if a garment was cut out."""
    choices: Choices = _all().get(picture_id, Choices())
    with st.container(horizontal=True):
        for label, icon, by in (("Turn left", "rotate_left", 270), ("Turn right", "rotate_right", 90)):
            turned = (choices.turn_degrees + by) % 360
            st.button(
                label, icon=f":material/{icon}:", on_click=change, args=(picture_id,), kwargs={"turn_degrees": turned, "crop": (0, 0, 1, 1)}
            )
        st.button("Start over", icon=":material/restart_alt:", on_click=lambda: _start_over(picture_id))
    invert = f"invert {picture_id}"
    st.session_state[invert] = choices.invert
    st.toggle("Invert brightness at the end", key=invert, on_change=lambda: change(picture_id, invert=st.session_state[invert]))
    left, top, right, bottom = (round(100 * share) for share in choices.crop)
    across, down = f"across {picture_id}", f"down {picture_id}"
    st.session_state[across], st.session_state[down] = (left, right), (top, bottom)
    crop = {"on_change": _crop, "args": (picture_id, across, down)}
    st.slider("Crop left and right, %", *_UNTOUCHED, key=across, step=1, **crop)  # type: ignore[call-overload]
    st.slider("Crop top and bottom, %", *_UNTOUCHED, key=down, step=1, **crop)  # type: ignore[call-overload]
    if preparation.mask is not None and "cut_out" not in choices.switched_off:
        show_mask_painter(preparation.canvas, preparation.mask, _view_id(picture_id, choices))


def _choose_kind(picture_id: str, key: str) -> None:
    kind = st.session_state[key]
    change(picture_id, kind=None if kind == DETECTED else kind)


def _crop(picture_id: str, across: str, down: str) -> None:
    (left, right), (top, bottom) = st.session_state[across], st.session_state[down]
    # At least a tenth of the picture must be left.
    right, bottom = max(right, left + 10), max(bottom, top + 10)
    change(picture_id, crop=((min(left, 90)) / 100, min(top, 90) / 100, min(right, 100) / 100, min(bottom, 100) / 100))


def _start_over(picture_id: str) -> None:
    """Drops all choices; a new number in the key of the strokes keeps old ones from coming back."""
    _all().pop(picture_id, None)
    st.session_state["painting"] = st.session_state.get("painting", 0) + 1


def _all() -> dict[str, Choices]:
    kept: dict[str, Choices] = st.session_state.setdefault("hand_choices", {})
    return kept


def _view_id(picture_id: str, choices: Choices) -> str:
    """The key of the strokes, which belong to a picture as it is turned and cropped."""
    return f"{picture_id} {choices.turn_degrees} {choices.crop} {st.session_state.get('painting', 0)}"
