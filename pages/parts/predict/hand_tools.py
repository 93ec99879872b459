"""What a person may change about how a picture is prepared: kind, turning, cropping, inverting, painting the cut-out."""

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
    """What this session has chosen for a picture, what was painted over it included."""
    choices: Choices = _all().get(picture_id, Choices())
    return replace(choices, painted=painted_on(_view_id(picture_id, choices)))


def change(picture_id: str, **changed: Any) -> None:
    """Keeps a choice for a picture."""
    _all()[picture_id] = replace(_all().get(picture_id, Choices()), **changed)


def switch(picture_id: str, step: str, is_on: bool) -> None:
    """Switches a step of the preparation on or off."""
    off = _all().get(picture_id, Choices()).switched_off
    change(picture_id, switched_off=off - {step} if is_on else off | {step})


def show_kind(picture_id: str, preparation: Preparation) -> None:
    """What the picture was detected as, why, and a way to choose otherwise."""
    key = f"kind {picture_id}"
    st.session_state[key] = _all().get(picture_id, Choices()).kind or DETECTED
    st.selectbox(
        "Taken as",
        (DETECTED, *KINDS),
        format_func=lambda kind: KIND_NAMES.get(kind, f"{KIND_NAMES[preparation.kind]} (detected automatically)"),
        key=key,
        on_change=_choose_kind,
        args=(picture_id, key),
    )
    st.caption(preparation.kind_sentence)


def show_hand_tools(picture_id: str, preparation: Preparation) -> None:
    """Turn, crop, invert, and the painter where a garment was cut out."""
    choices: Choices = _all().get(picture_id, Choices())
    with st.container(horizontal=True):
        for words, icon, by in (("Turn left", "rotate_left", 270), ("Turn right", "rotate_right", 90)):
            turned = (choices.turn_degrees + by) % 360
            st.button(
                words, icon=f":material/{icon}:", on_click=change, args=(picture_id,), kwargs={"turn_degrees": turned, "crop": (0, 0, 1, 1)}
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
    # Never less than a tenth: there must be something left to look at.
    right, bottom = max(right, left + 10), max(bottom, top + 10)
    change(picture_id, crop=((min(left, 90)) / 100, min(top, 90) / 100, min(right, 100) / 100, min(bottom, 100) / 100))


def _start_over(picture_id: str) -> None:
    """Forgets all choices; strokes are bound to a number of their own, so that they do not come back."""
    _all().pop(picture_id, None)
    st.session_state["painting"] = st.session_state.get("painting", 0) + 1


def _all() -> dict[str, Choices]:
    kept: dict[str, Choices] = st.session_state.setdefault("hand_choices", {})
    return kept


def _view_id(picture_id: str, choices: Choices) -> str:
    """What is painted belongs to a picture as it is turned and cropped."""
    return f"{picture_id} {choices.turn_degrees} {choices.crop} {st.session_state.get('painting', 0)}"
