"""The settings of runs in a few words each: where they differ from a preset, and side by side."""

import functools
from typing import Any

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.settings.changes import find_changes
from fmnist_core.settings.config import SETTINGS, VIEW_COUNTS, TrainConfig
from fmnist_core.settings.declaration import as_decimal
from fmnist_core.settings.presets import PRESETS, nearest_preset

OWN_SETTINGS = "Own settings"
_ABOUT_DATA = ("training_images", "shuffled_labels", "left_out_class", "augmentation")


@functools.lru_cache(maxsize=4096)
def describe_preset(config: TrainConfig) -> str:
    """The nearest preset and what differs from it, such as "Quick: 7 epochs, batch 64"."""
    nearest = nearest_preset(config)
    name, base = (OWN_SETTINGS, PRESETS[0].config) if nearest is None else (nearest.name, nearest.config)
    changes = [describe_setting(setting, value) for setting, value in find_changes(config, base).items()]
    return f"{name}: {', '.join(changes)}" if changes else name


def describe_briefly(config: TrainConfig) -> str:
    """As `describe_preset`; of settings like no preset's only what makes a riddle of the run: rate, optimizer, images and labels."""
    if nearest_preset(config) is not None:
        return describe_preset(config)
    usual = TrainConfig()
    named = [name for name in ("optimizer", *_ABOUT_DATA) if getattr(config, name) != getattr(usual, name)]
    return f"{OWN_SETTINGS.lower()}: {', '.join(describe_setting(name, getattr(config, name)) for name in ('learning_rate', *named))}"


@functools.lru_cache(maxsize=4096)
def describe_data(config: TrainConfig) -> str:
    """Which images it is trained on, such as "300 images, shuffled labels"."""
    usual = TrainConfig()
    words = [describe_setting(name, getattr(config, name)) for name in _ABOUT_DATA if getattr(config, name) != getattr(usual, name)]
    return ", ".join(words if config.training_images is not None else ["all images", *words])


def describe_setting(name: str, value: Any) -> str:
    """A setting in as few words as it takes, such as "rate 0.01" or "without Bag"."""
    match name:
        case "epochs":
            return "1 epoch" if value == 1 else f"{value} epochs"
        case "batch_size":
            return f"batch {value:,}"
        case "learning_rate":
            return f"rate {as_decimal(value)}"
        case "seed":
            return f"seed {value}"
        case "optimizer":
            return "Adam" if value == "adam" else "SGD"
        case "training_images":
            return "all images" if value is None else "1 image" if value == 1 else f"{value:,} images"
        case "validation_images":
            return f"{value:,} held out" if value else "none held out"
        case "left_out_class":
            return "all classes" if value is None else f"without {CLASS_NAMES[value]}"
        case "test_views":
            return "1 view" if value == "one" else f"{VIEW_COUNTS[value]} views"
        case "weight_averaging":
            return "averaged weights" if value else "no averaging"
        case "shuffled_labels":
            return "shuffled labels" if value else "true labels"
        case "augmentation":
            return "no augmentation" if value == "none" else SETTINGS[name].choices[value].lower()
        case "pixels":
            return "raw pixels" if value == "raw" else "normalised pixels"
        case "schedule":
            return "one-cycle" if value == "one-cycle" else "constant rate"
        case "precision":
            return "float32" if value == "float32" else "automatic precision"
    return f"{SETTINGS[name].label.lower().replace('adam', 'Adam')} {as_decimal(value)}" if value else f"no {SETTINGS[name].label.lower()}"


def compare_settings(configs: list[TrainConfig]) -> dict[str, list[str]]:
    """The settings in which these runs differ: their labels, each with its value in every run, in words."""
    differing = [name for name in SETTINGS if len({getattr(config, name) for config in configs}) > 1]
    return {SETTINGS[name].label: [format_value(name, getattr(config, name)) for config in configs] for name in differing}


def format_value(name: str, value: Any) -> str:
    """The value of a setting as a form shows it."""
    setting = SETTINGS[name]
    if value is None:
        return setting.none_means
    match setting.kind:
        case "choice":
            return setting.choices[value]
        case "switch":
            return "on" if value else "off"
        case "class":
            return CLASS_NAMES[value]
        case "decimal":
            return as_decimal(value) or "0"
    return str(value) if name == "seed" else f"{value:,}"
