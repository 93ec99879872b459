"""Where one config differs from another: as a dictionary, and as text for a link."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from fmnist_core.settings.config import SETTINGS, TrainConfig


def find_changes(config: TrainConfig, base: TrainConfig) -> dict[str, Any]:
    """The settings that differ from those of `base`, by name."""
    return {name: getattr(config, name) for name in SETTINGS if getattr(config, name) != getattr(base, name)}


def write_changes(config: TrainConfig, base: TrainConfig) -> str:
    """The settings that differ from those of `base`, as text such as "epochs=7&seed=3"; "" if none differs."""
    return urlencode({name: "" if value is None else value for name, value in find_changes(config, base).items()})


def read_changes(text: str, base: TrainConfig) -> TrainConfig:
    """The config that `write_changes` wrote.

    Raises:
        ValueError: if a setting is unknown or its value out of range.
    """
    changed = {name: _read_value(name, value) for name, value in parse_qsl(text, keep_blank_values=True)}
    return replace(base, **changed)


def _read_value(name: str, text: str) -> Any:
    if name not in SETTINGS:
        raise ValueError(f"There is no setting {name!r}.")
    setting = SETTINGS[name]
    if not text and setting.none_means:
        return None
    match setting.kind:
        case "whole" | "class":
            return int(text)
        case "decimal":
            return float(text)
        case "switch":
            return {"True": True, "False": False}.get(text, text)
    return text
