"""The settings of a new run: presets to choose from, a form that the chosen preset fills, and the button that starts the run.

The session keeps the form's values under `train_settings`. The URL holds the preset and the settings that differ from it, as long as they
are valid.
"""

import contextlib
from collections.abc import Callable
from typing import Any

import streamlit as st

from fmnist_core.jobs.control import start_run
from fmnist_core.runs.names import MAX_NAME_LENGTH
from fmnist_core.settings.changes import read_changes, write_changes
from fmnist_core.settings.config import SETTINGS, TrainConfig
from fmnist_core.settings.presets import PRESETS, Preset, find_preset
from pages.parts.shared.url_state import bind, one_of, set_choice
from pages.parts.shared.visitor import visitor
from pages.parts.shared.wording import escape
from pages.parts.train.lesson_limits import show_lesson_limits
from pages.parts.train.preset_cards import show_preset_cards
from pages.parts.train.setting_fields import fill_fields, read_fields, show_field, show_more_fields

_SETTINGS = "train_settings"
_DEFAULT = PRESETS[0].key
_FIRST_FIELDS = ("epochs", "batch_size", "learning_rate")


@st.fragment
def show_settings(select: Callable[[str], None]) -> None:
    """The cards and the form, as a fragment. When a run is started, its id is passed to `select`, and the whole page runs again."""
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
    *columns, name_column, button_column = st.columns([2, 2, 3, 3, 2], vertical_alignment="bottom")
    for column, name in zip(columns, _FIRST_FIELDS, strict=True):
        with column:
            show_field(SETTINGS[name], _tie(name) | {"help": SETTINGS[name].help})
    name_column.text_input("Name (optional)", max_chars=MAX_NAME_LENGTH, placeholder="team blue", **_tie("name"))
    sent = button_column.button("Train", type="primary", icon=":material/play_arrow:", width="stretch", key="train")
    problem = st.container()
    with st.expander("More", icon=":material/tune:"):
        show_more_fields(_tie)
    with st.expander("Why validation images?", icon=":material/help:"):
        show_why_validation()
    if sent:
        try:
            run_id = start_run(read_fields(values), values["name"], by=visitor())
        except ValueError as error:  # an invalid setting, or a home folder that cannot be written
            problem.error(escape(str(error)), icon=":material/warning:")
        else:
            select(run_id)
            st.rerun()


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


def _show_heading(preset: Preset, values: dict[str, Any]) -> None:
    """The limits of the lesson, the name of the preset, whether it was changed, and, before a failure, what to guess."""
    show_lesson_limits()
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
    """Fills the form with a preset, but keeps the name of the run."""
    preset = find_preset(key)
    st.session_state[_SETTINGS] = fill_form(preset, preset.config, st.session_state[_SETTINGS]["name"])
    set_choice("preset", key)
    set_choice("changes", None)


def _tie(setting: str) -> dict[str, Any]:
    """The arguments that connect a widget with a setting, or with the name of the run."""
    key = f"setting_{setting}"
    st.session_state[key] = st.session_state[_SETTINGS][setting]
    return {"key": key, "on_change": _take, "args": (setting,)}


def _take(setting: str) -> None:
    values = st.session_state[_SETTINGS]
    values[setting] = st.session_state[f"setting_{setting}"]
    with contextlib.suppress(ValueError):  # the URL holds the latest valid settings, the session what was typed
        values["config"] = read_fields(values)
        set_choice("changes", values["config"])
