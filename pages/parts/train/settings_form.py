"""The settings of a new run: presets to choose from, the form that a chosen one fills, and the button that starts it.

What the form holds is kept in the session under `train_settings`, a value a setting as its widget has it (decimals are text, so
that a comma can be typed), and so outlives the page. The preset and what was changed in it, once that makes sense, live in the URL.
"""

import contextlib
from collections.abc import Callable
from typing import Any, get_type_hints
from urllib.parse import parse_qsl, urlencode

import streamlit as st

from fmnist_core.jobs.control import start
from fmnist_core.runs.writer import MAX_NAME_LENGTH
from fmnist_core.settings.config import TrainConfig
from fmnist_core.settings.declaration import as_decimal
from fmnist_core.settings.presets import PRESETS, Preset, find_preset
from pages.parts.train.more_settings import show_more_settings
from pages.parts.train.preset_cards import show_preset_cards
from pages.parts.shared.url_state import one_of, restore, write

_SETTINGS = "train_settings"
_DEFAULT = PRESETS[0].key
_COMMON_RATES = ("0.00001", "0.0001", "0.0003", "0.001", "0.003", "0.01", "0.03", "0.1", "0.3", "1", "3", "10")
_RATES = sorted({*_COMMON_RATES, *(as_decimal(preset.config.learning_rate) for preset in PRESETS)}, key=float)
_DECIMALS = {"learning_rate": "0.001", "beta2": "0.95", "label_smoothing": "0.1", "weight_decay": "0.01"}  # each with an example
_WHOLE_NUMBERS = ("epochs", "batch_size", "validation_images", "seed")
_HELP = {
    "epochs": "How many times the network sees every training image. The article uses 5, and 25 for its best result.",
    "batch_size": "How many images the network looks at before each correction of its weights.",
    "learning_rate": "How large each correction is. Choose one, or type any other number.",
}


@st.fragment
def show_settings(watch: Callable[[str], None]) -> None:
    """The cards and the form; a change draws them alone anew. A run that was started is handed to `watch`, and the page drawn anew."""
    preset = find_preset(restore("preset", _DEFAULT, one_of([preset.key for preset in PRESETS])))
    config = restore("changes", preset.config, lambda text: _read_changes(preset, text))
    values: dict[str, Any] = st.session_state.setdefault(_SETTINGS, fill(preset, config))
    if (values["preset"], values["config"]) != (preset.key, config):  # another link, or the back button
        values = st.session_state[_SETTINGS] = fill(preset, config, values["name"])
    show_preset_cards(preset, _choose)
    _show_heading(preset, values)
    places = iter(st.columns([2, 2, 3, 3, 2], vertical_alignment="bottom"))
    whole: dict[str, Any] = {"value": None, "step": 1}
    next(places).number_input("Epochs", **whole, help=_HELP["epochs"], **_bind("epochs"))
    next(places).number_input("Batch size", **whole, help=_HELP["batch_size"], **_bind("batch_size"))
    rates = _RATES if values["learning_rate"] in _RATES else [*_RATES, values["learning_rate"]]
    next(places).selectbox("Learning rate", rates, accept_new_options=True, help=_HELP["learning_rate"], **_bind("learning_rate"))
    next(places).text_input("Name (may be empty)", max_chars=MAX_NAME_LENGTH, placeholder="team blue", **_bind("name"))
    sent = next(places).button("Train", type="primary", icon=":material/play_arrow:", width="stretch", key="train")
    problem = st.container()
    with st.expander("More", icon=":material/tune:"):
        show_more_settings(_bind)
    with st.expander("Why validation images?", icon=":material/help:"):
        show_why_validation()
    if sent:
        try:
            run_id = start(read_config(values), values["name"])
        except ValueError as error:  # a setting that is none or out of range, or a home folder that cannot be written
            problem.error(str(error), icon=":material/warning:")
        else:
            watch(run_id)
            st.rerun()


def fill(preset: Preset, config: TrainConfig, name: str = "") -> dict[str, Any]:
    """What the form shows for a preset, or for settings that began as one; "config" holds those that last made sense."""
    settings = config.to_json()
    decimals = {setting: as_decimal(settings[setting]) for setting in _DECIMALS}
    return settings | decimals | {"preset": preset.key, "config": config, "name": name}


def read_config(values: dict[str, Any]) -> TrainConfig:
    """The settings that the form holds; raises ValueError with a sentence that says which is bad and what to choose."""
    settings = {setting: values[setting] for setting in TrainConfig.__dataclass_fields__}
    for setting, example in _DECIMALS.items():
        settings[setting] = _read_decimal(setting.replace("_", " "), values[setting] or "", example)
    for setting in _WHOLE_NUMBERS:
        if settings[setting] is None:
            raise ValueError(f"There is no number under {setting.replace('_', ' ')}: type one.")
    return TrainConfig.from_json(settings)


def show_why_validation() -> None:
    """Why some training images are held out, and what the test images are for."""
    st.markdown(
        "A network can learn images by heart. Whether it has understood anything shows on images that it never learned from: "
        "the 10,000 **test images**.\n\n"
        "But who looks at the test images to choose, among many epochs or many settings, has used them. Chance lifts the "
        "chosen one a little, and its figure is then too good to be true for the next 10,000 images.\n\n"
        "So 5,000 of the 60,000 training images are held out, the **validation images** (a twelfth, where the data set is "
        "smaller). The network does not learn from them either. It answers them after every epoch, and the weights of the epoch "
        "that did best are the ones that the other pages use. The test images choose nothing. They are there for the figure that is "
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
        return read_config(values) != preset.config
    except ValueError:
        return True


def _choose(key: str) -> None:
    """Fills the form with a preset; the name of the run stays."""
    preset = find_preset(key)
    st.session_state[_SETTINGS] = fill(preset, preset.config, st.session_state[_SETTINGS]["name"])
    write("preset", None if key == _DEFAULT else key)
    write("changes", None)


def _bind(setting: str) -> dict[str, Any]:
    """Arguments that let a widget show a setting and keep what is chosen."""
    key = f"setting_{setting}"
    st.session_state[key] = st.session_state[_SETTINGS][setting]
    return {"key": key, "on_change": _keep, "args": (setting,)}


def _keep(setting: str) -> None:
    values = st.session_state[_SETTINGS]
    values[setting] = st.session_state[f"setting_{setting}"]
    with contextlib.suppress(ValueError):  # the URL keeps what last made sense, the session what was typed
        values["config"] = read_config(values)
        write("changes", _write_changes(find_preset(values["preset"]), values["config"]) or None)


def _write_changes(preset: Preset, config: TrainConfig) -> str:
    """The settings that are not the preset's, as text that `_read_changes` understands."""
    before, after = preset.config.to_json(), config.to_json()
    return urlencode({name: "" if value is None else value for name, value in after.items() if value != before[name]})


def _read_changes(preset: Preset, text: str) -> TrainConfig:
    """Raises ValueError if a setting is unknown or its value bad."""
    kinds = get_type_hints(TrainConfig)
    changes: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        kind = kinds.get(name)
        if not value:
            changes[name] = None
        elif kind is bool:
            changes[name] = {"True": True, "False": False}.get(value)
        elif kind is float:
            changes[name] = float(value)
        elif kind in (int, int | None):
            changes[name] = int(value)
        else:
            changes[name] = value
    return TrainConfig.from_json(preset.config.to_json() | changes)


def _read_decimal(name: str, text: str, example: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise ValueError(f'The {name} "{text[:40]}" is not a number: choose one such as {example}.') from None
