"""Limits of the lesson, and the pages that are closed."""

from collections.abc import Collection
from typing import Any

import streamlit as st

from fmnist_core.classroom.lesson import ALLOWED, MAX_MINUTES, MAX_QUEUED, Lesson, change_lesson, lesson
from fmnist_core.classroom.teacher import has_pin
from fmnist_core.settings.config import MAX_EPOCHS
from fmnist_core.settings.presets import PRESETS, find_preset
from pages.parts.shared.closed_pages import page_titles
from pages.parts.shared.visitor import visitor
from pages.parts.shared.wording import escape

OWN_ADDRESS = "lesson"  # of the Teacher page, which stays open like Home
_SAVED, _REFUSED, _FILLED = "limits_saved", "limits_refused", "limits_filled"
_KEYS = {name: f"limit_{name}" for name in ("max_epochs", "max_queued", "max_minutes", "presets", "hidden_pages")}


def show_limits() -> None:
    """A form with the limits, which hold from when it is saved; nothing that trains already is stopped by any but the minutes."""
    titles = {address: title for address, title in page_titles().items() if address not in ("", OWN_ADDRESS)}
    _fill(lesson(), titles)
    st.subheader("Limits and pages", anchor=False)
    st.write("They apply to everybody except the teacher, from now on." if has_pin() else "Without a PIN, they have no effect.")
    with st.form("limits"):
        numbers = st.columns(3, vertical_alignment="bottom")
        numbers[0].number_input("Most epochs of a run", 1, MAX_EPOCHS, key=_KEYS["max_epochs"])
        numbers[1].number_input("Most waiting runs per person", 1, MAX_QUEUED, key=_KEYS["max_queued"])
        numbers[2].number_input(
            "Most minutes a run trains", 1, MAX_MINUTES, None, key=_KEYS["max_minutes"], placeholder="no limit", disabled=not has_pin()
        )
        st.multiselect(
            "Presets allowed",
            [preset.key for preset in PRESETS],
            format_func=lambda key: find_preset(key).name,
            key=_KEYS["presets"],
            placeholder="all settings",
            help=f"If any are chosen, runs must have the settings of one of them. {ALLOWED}",
        )
        st.multiselect(
            "Pages closed for this lesson",
            list(titles),
            format_func=titles.__getitem__,
            key=_KEYS["hidden_pages"],
            placeholder="none",
            help="They leave the navigation of every screen within seconds. While Train is closed, nobody can start a run.",
        )
        st.form_submit_button("Save", type="primary", icon=":material/check:", key="save_limits", on_click=_save)
    if st.session_state.pop(_SAVED, False):
        st.success("Saved.", icon=":material/check:")
    refused = st.session_state.pop(_REFUSED, "")
    if refused:
        st.error(escape(refused), icon=":material/warning:")


def _fill(now: Lesson, titles: Collection[str]) -> None:
    """Fills the form when the page opens, and when the limits have changed elsewhere."""
    values = {name: getattr(now, name) for name in ("max_epochs", "max_queued", "max_minutes")}
    values |= {"presets": list(now.presets or ()), "hidden_pages": [address for address in now.hidden_pages if address in titles]}
    if st.session_state.get(_FILLED) != values or _KEYS["max_epochs"] not in st.session_state:
        st.session_state[_FILLED] = values
        st.session_state.update({_KEYS[name]: value for name, value in values.items()})


def _save() -> None:
    values: dict[str, Any] = {name: st.session_state[key] for name, key in _KEYS.items()}
    changes = values | {"presets": tuple(values["presets"]) or None, "hidden_pages": tuple(values["hidden_pages"])}
    try:
        change_lesson(visitor(), **changes)
        st.session_state[_SAVED] = True
    except ValueError as error:  # NotAllowedError and DatabaseError are ValueErrors
        st.session_state[_REFUSED] = str(error)
