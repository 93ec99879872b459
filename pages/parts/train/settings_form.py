"""The settings of a new run: presets to choose from, the form that a chosen one fills, and the button that starts it.

What the form holds is kept in the session under `train_settings`. The preset and what was changed in it, once that makes sense, live
in the URL.
"""

import contextlib
from collections.abc import Callable
from typing import Any

import streamlit as st

from fmnist_core.jobs.control import start_run
from fmnist_core.runs.writer import MAX_NAME_LENGTH
from fmnist_core.settings.changes import read_changes, write_changes
from fmnist_core.settings.config import SETTINGS, TrainConfig
from fmnist_core.settings.presets import PRESETS, Preset, find_preset
from pages.parts.shared.url_state import bind, one_of, set_choice
from pages.parts.train.preset_cards import show_preset_cards
from pages.parts.train.setting_fields import fill_fields, read_fields, show_field, show_more_fields

_SETTINGS = "train_settings"
_DEFAULT = PRESETS[0].key
_FIRST_FIELDS = ("epochs", "batch_size", "learning_rate")


@st.fragment
def show_settings(select: Callable[[str], None]) -> None:
    """The cards and the form; a change draws them alone again. A run that was started is handed to `select`, and the page drawn again."""
    preset = find_preset(bind("preset", _DEFAULT, one_of([preset.key for preset in PRESETS])))
    config = bind(
        "changes",
        preset.config,
        lambda text: read_changes(text, preset.config),
        lambda config: write_changes(config, preset.config),
    )
    values: dict[str, Any] = st.session_state.setdefault(_SETTINGS, fill_form(preset, config))
    if (values["preset"], values["config"]) != (preset.key, config):  # another link, or the back button
        values = st.session_state[_SETTINGS] = fill_form(preset, config, values["name"])
    show_preset_cards(preset, _choose)
    _show_heading(preset, values)
    *places, name_place, button_place = st.columns([2, 2, 3, 3, 2], vertical_alignment="bottom")
    for place, name in zip(places, _FIRST_FIELDS, strict=True):
        with place:
            show_field(SETTINGS[name], _tie(name) | {"help": SETTINGS[name].help})
    name_place.text_input("Name (may be empty)", max_chars=MAX_NAME_LENGTH, placeholder="team blue", **_tie("name"))
    sent = button_place.button("Train", type="primary", icon=":material/play_arrow:", width="stretch", key="train")
    problem = st.container()
    with st.expander("More", icon=":material/tune:"):
        show_more_fields(_tie)
    with st.expander("Why validation images?", icon=":material/help:"):
        show_why_validation()
    if sent:
        try:
            run_id = start_run(read_fields(values), values["name"])
        except ValueError as error:  # a setting that is none or out of range, or a home folder that cannot be written
            problem.error(str(error), icon=":material/warning:")
        else:
            select(run_id)
            st.rerun()


def fill_form(preset: Preset, config: TrainConfig, name: str = "") -> dict[str, Any]:
    """What the form holds for a preset, or for settings that began as one; "config" holds those that last made sense."""
    return fill_fields(config) | {"preset": preset.key, "config": config, "name": name}


def show_why_validation() -> None:
    """Why some training images are held out, and what the test images are for."""
    st.markdown(
        "A network can memorise images. Whether it has understood anything shows on images that it never learned from: "
        "the 10,000 **test images**.\n\n"
        "Anyone who chooses by the test images, among many epochs or many settings, has used them up. The winner was partly lucky, and "
        "its accuracy is then too good to be true for the next 10,000 images.\n\n"
        "So 5,000 of the 60,000 training images are held out, the **validation images** (a twelfth, where the data set is "
        "smaller). The network does not learn from them either. It is tested on them after every epoch, and the weights of the epoch "
        "that did best are the ones that the other pages use. The test images choose nothing. They are there for the accuracy that is "
        "reported, and for nothing else.\n\n"
        "The preset “The article” holds none out: its author trained on all 60,000. Its newest epoch is the one that counts."
    )


def _show_heading(preset: Preset, values: dict[str, Any]) -> None:
    """Which preset the form holds, whether somebody has changed it, and, before a failure, what to guess."""
    changed = _is_changed(preset, values)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(f"Settings: {preset.name}{', changed' if changed else ''}", anchor=False, width="content")
        if changed:
            st.button("Undo the changes", icon=":material/undo:", key="undo", on_click=_choose, args=(preset.key,))
    if preset.question and not changed:
        st.info(f"**What do you expect?** {preset.question} Guess, then press Train.", icon=":material/psychology_alt:")


def _is_changed(preset: Preset, values: dict[str, Any]) -> bool:
    try:
        return read_fields(values) != preset.config
    except ValueError:
        return True


def _choose(key: str) -> None:
    """Fills the form with a preset; the name of the run stays."""
    preset = find_preset(key)
    st.session_state[_SETTINGS] = fill_form(preset, preset.config, st.session_state[_SETTINGS]["name"])
    set_choice("preset", key)
    set_choice("changes", None)


def _tie(setting: str) -> dict[str, Any]:
    """Arguments that let a widget show a setting, or the name, and take over what is chosen."""
    key = f"setting_{setting}"
    st.session_state[key] = st.session_state[_SETTINGS][setting]
    return {"key": key, "on_change": _take, "args": (setting,)}


def _take(setting: str) -> None:
    values = st.session_state[_SETTINGS]
    values[setting] = st.session_state[f"setting_{setting}"]
    with contextlib.suppress(ValueError):  # the URL holds what last made sense, the session what was typed
        values["config"] = read_fields(values)
        set_choice("changes", values["config"])
