"""The settings of a new run: a preset, fields that it fills, the button that starts the run, and under it what happened.

The session keeps the form's values under `train_settings`. The URL holds the preset and the settings that differ from it, as long as they
are valid. The form is a fragment of its own, which the refreshes of a live run leave alone: they would disturb whoever is typing.
"""

import contextlib
from collections.abc import Callable
from typing import Any

import streamlit as st

from fmnist_core.runs.names import MAX_NAME_LENGTH
from fmnist_core.settings.changes import read_changes, write_changes
from fmnist_core.settings.config import SETTINGS, TrainConfig
from fmnist_core.settings.presets import PRESETS, Preset, find_preset
from fmnist_core.store.text import shorten, visible_line
from pages.parts.shared.projector import is_projecting
from pages.parts.shared.url_state import bind, set_choice
from pages.parts.shared.wording import ARTICLE
from pages.parts.train.lesson_limits import show_lesson_limits
from pages.parts.train.preset_choice import show_description, show_preset_choice
from pages.parts.train.setting_fields import fill_fields, read_fields, show_field, show_more_fields
from pages.parts.train.start import forget_start, note_problem, show_start, start

_SETTINGS = "train_settings"
_DEFAULT = PRESETS[0].key
_FIRST_FIELDS = ("epochs", "batch_size", "learning_rate")
_LONGEST_SHOWN = 40


@st.fragment
def show_settings(shown_id: str | None, select: Callable[[str], None]) -> None:
    """The form, as a fragment. When a run is started, the whole page runs again.

    Args:
        shown_id: the run on show, which stays there if it is the visitor's own and the new one has to wait.
        select: shows the run with this id from then on.
    """
    preset = find_preset(bind("preset", _DEFAULT, _read_preset))
    config = bind("changes", preset.config, lambda text: _read_changes(text, preset), lambda config: write_changes(config, preset.config))
    values: dict[str, Any] = st.session_state.setdefault(_SETTINGS, fill_form(preset, config))
    if (values["preset"], values["config"]) != (preset.key, config):  # another link, or the back button
        values = st.session_state[_SETTINGS] = fill_form(preset, config, values["name"])
    problem = _find_problem(values)
    changed = bool(problem) or read_fields(values) != preset.config
    with st.container(key="form_first", gap="xsmall"):
        st.title("Train", anchor=False)
        show_preset_choice(preset, _choose)
        _show_heading(preset, changed)
        with st.container(key="preset_description", gap="xxsmall"):
            show_description(preset, changed)
        with st.container(key="first_fields"):
            for name in _FIRST_FIELDS:
                show_field(SETTINGS[name], _tie(name) | {"help": SETTINGS[name].help})
            st.text_input("Name (optional)", max_chars=MAX_NAME_LENGTH, placeholder="team blue", **_tie("name"))
            pressed = st.button("Train", type="primary", icon=":material/play_arrow:", width="stretch", key="train")
        if pressed and start(values, shown_id, select):
            st.rerun()
        with st.container(key="start_line"):
            show_start(problem, shown_id, select)
        show_lesson_limits()
    with st.container(key="form_folded", gap="small"):
        _show_folded()


def fill_form(preset: Preset, config: TrainConfig, name: str = "") -> dict[str, Any]:
    """The form's values for a preset, changed or not; "config" holds the latest valid settings."""
    return fill_fields(config) | {"preset": preset.key, "config": config, "name": name}


def show_why_validation() -> None:
    """Why some training images are held out, and what the test images are for."""
    st.markdown(
        "A network can memorise images. Whether it has understood anything only shows on images that it has never seen: "
        "the 10,000 **test images**.\n\n"
        "Anyone who chooses by the test images, among many epochs or many settings, has used them up. The winner was partly lucky, and "
        "its accuracy is then too good to be true for the next 10,000 images.\n\n"
        "So 5,000 of the 60,000 training images are held out, the **validation images** (or a twelfth of a smaller data set). "
        "The network does not learn from them either. It is tested on them after every epoch, and the other pages use the weights of "
        "the epoch that did best. The test images do not choose anything: they only measure the accuracy that is reported.\n\n"
        "The preset “The article” does not hold out any images, because its author trained on all 60,000. Its last epoch is the one that "
        "counts."
    )


def _show_folded() -> None:
    """What is not needed to start a run."""
    with st.expander("More settings", icon=":material/tune:", expanded=is_projecting()):
        show_more_fields(_tie)
    with st.expander("Why validation images?", icon=":material/help:"):
        show_why_validation()
    st.caption(f"The article is {ARTICLE}. The network and the default settings are its author's.")


def _show_heading(preset: Preset, changed: bool) -> None:
    """The name of the preset, and whether it was changed."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="settings_heading"):
        st.subheader(f"Settings: {preset.name}{', changed' if changed else ''}", anchor=False, width="content")
        if changed:
            st.button("Undo", icon=":material/undo:", key="undo", type="tertiary", on_click=_choose, args=(preset.key,))


def _find_problem(values: dict[str, Any]) -> str:
    """What is wrong with a value in the form, in a sentence; "" if all are right."""
    try:
        read_fields(values)
    except ValueError as error:
        return str(error)
    return ""


def _read_preset(text: str) -> str:
    try:
        return find_preset(text).key
    except ValueError:
        named = shorten(visible_line(text), _LONGEST_SHOWN)
        note_problem(f"There is no preset “{named}”, which the link names, so this is “{find_preset(_DEFAULT).name}”.")
        raise


def _read_changes(text: str, preset: Preset) -> TrainConfig:
    try:
        return read_changes(text, preset.config)
    except ValueError:
        note_problem(f"The link has settings that are not valid, so these are those of “{preset.name}”.")
        raise


def _choose(key: str) -> None:
    """Fills the form with a preset, but keeps the name of the run."""
    preset = find_preset(key)
    st.session_state[_SETTINGS] = fill_form(preset, preset.config, st.session_state[_SETTINGS]["name"])
    set_choice("preset", key)
    set_choice("changes", None)
    forget_start()


def _tie(setting: str) -> dict[str, Any]:
    """The arguments that connect a widget with a setting, or with the name of the run.

    The value is given to the widget as its first one. A widget that is on the page already is only told if it has another, because being
    told makes the browser overwrite what is being typed. A number that may be left out has no first value, or it could not be removed.
    """
    key, value = f"setting_{setting}", st.session_state[_SETTINGS][setting]
    bound: dict[str, Any] = {"key": key, "on_change": _take, "args": (setting,)}
    may_be_empty = setting in SETTINGS and SETTINGS[setting].kind == "whole" and SETTINGS[setting].none_means
    if st.session_state.get(key, value) == value and not may_be_empty:
        return bound | {"value": value}
    st.session_state[key] = value
    return bound


def _take(setting: str) -> None:
    values = st.session_state[_SETTINGS]
    values[setting] = st.session_state[f"setting_{setting}"]
    forget_start()
    with contextlib.suppress(ValueError):  # the URL holds the latest valid settings, the session what was typed
        values["config"] = read_fields(values)
        set_choice("changes", values["config"])
