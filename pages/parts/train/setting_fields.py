"""The fields of the settings form, generated from the declarations in `TrainConfig`.

The session keeps the value of each field, so that it outlives the page. Decimals are text, so that people can type a comma.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

import streamlit as st

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.settings.config import SETTINGS, TrainConfig
from fmnist_core.settings.declaration import Setting, as_decimal
from fmnist_core.settings.presets import PRESETS

Bind = Callable[[str], dict[str, Any]]
_LEARNING = ("optimizer", "beta2", "schedule", "label_smoothing", "weight_decay", "weight_averaging")
_IMAGES = ("training_images", "augmentation", "pixels", "left_out_class", "shuffled_labels")
_COMPUTING = ("validation_images", "test_views", "seed", "precision")
_RATES = {as_decimal(rate) for rate in SETTINGS["learning_rate"].suggestions(-5, 1)}
_RATES |= {as_decimal(preset.config.learning_rate) for preset in PRESETS}


def show_more_fields(bind: Bind) -> None:
    """Three groups of fields, each field with a sentence that says what it does.

    Args:
        bind: returns the arguments that connect a widget with a setting.
    """
    groups = (("How it learns", _LEARNING), ("What it learns from", _IMAGES), ("How it is evaluated and computed", _COMPUTING))
    for title, names in groups:
        st.markdown(f"**{title}**")
        for name in names:
            show_field(SETTINGS[name], bind(name))
            st.caption(SETTINGS[name].help + (f" {_describe_precision()}" if name == "precision" else ""))


def show_field(setting: Setting, bound: dict[str, Any]) -> None:
    """The widget for one setting.

    Args:
        bound: the arguments that connect it with the setting, and further arguments for the widget.
    """
    match setting.kind:
        case "whole":
            st.number_input(setting.label, step=1, placeholder=setting.none_means, **{"value": None} | bound)
        case "decimal" if setting.scale == "log":
            now = bound.get("value", st.session_state.get(bound["key"])) or setting.example
            rates = sorted({*_RATES, now}, key=_as_sort_key)
            st.selectbox(setting.label, rates, accept_new_options=True, **_with_index(rates, bound))
        case "decimal":
            st.text_input(setting.label, **bound)
        case "choice":
            options = list(setting.choices)
            st.selectbox(setting.label, options, format_func=setting.choices.__getitem__, **_with_index(options, bound))
        case "switch":
            st.toggle(setting.label, **bound)
        case "class":
            names = dict(enumerate(CLASS_NAMES))
            classes = [None, *names]
            st.selectbox(
                setting.label,
                classes,
                format_func=lambda index: names.get(index, "None"),
                placeholder="None",
                **_with_index(classes, bound),
            )


def _with_index(options: Sequence[Any], bound: dict[str, Any]) -> dict[str, Any]:
    """The arguments with the value's place among the options instead of the value."""
    if "value" not in bound:
        return bound
    without = {name: value for name, value in bound.items() if name != "value"}
    return without | {"index": options.index(bound["value"]) if bound["value"] in options else 0}


def fill_fields(config: TrainConfig) -> dict[str, Any]:
    """The values of the fields for a config, by setting."""
    values = config.to_json()
    return values | {name: as_decimal(values[name]) for name, setting in SETTINGS.items() if setting.kind == "decimal"}


def read_fields(values: dict[str, Any]) -> TrainConfig:
    """The config in the fields; raises ValueError with a sentence that says which field is wrong and what to choose."""
    read = {}
    for name, setting in SETTINGS.items():
        value = values[name]
        if setting.kind == "decimal":
            value = setting.read_decimal(value or "")
        elif value is None and not setting.none_means:
            raise ValueError(f"{setting.label} is empty: enter a number.")
        read[name] = value
    assert set(read) == {field.name for field in fields(TrainConfig)}
    return TrainConfig.from_json(read)


def _as_sort_key(text: str) -> float:
    """Numbers in order, and text that is not a number, such as one being typed, at the end."""
    try:
        return SETTINGS["learning_rate"].read_decimal(text)
    except ValueError:
        return float("inf")


def _describe_precision() -> str:
    """What "automatic" means on this machine."""
    from fmnist_core.network.devices import pick_device, pick_precision

    device = pick_device()
    where = "processor" if device.type == "cpu" else "graphics card"
    return f"On this {where} it is {pick_precision('auto', device)}."
