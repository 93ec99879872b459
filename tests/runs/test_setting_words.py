"""The settings of runs in words."""

from dataclasses import fields, replace

import pytest

from fmnist_core.runs.setting_words import (
    compare_settings,
    describe_briefly,
    describe_data,
    describe_preset,
    describe_setting,
    format_value,
)
from fmnist_core.settings.config import SETTINGS, TrainConfig
from fmnist_core.settings.presets import PRESETS, Preset, find_preset

QUICK = find_preset("quick").config


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_is_its_name(preset: Preset) -> None:
    assert describe_preset(preset.config) == preset.name


def test_what_differs_from_a_preset_is_named() -> None:
    changed = replace(QUICK, epochs=7, seed=3, learning_rate=0.00001, optimizer="sgd")
    assert describe_preset(changed) == "Quick: 7 epochs, rate 0.00001, seed 3, SGD"
    assert describe_preset(replace(QUICK, label_smoothing=0.0, schedule="constant")) == "Quick: constant rate, no label smoothing"


def test_settings_of_ones_own_are_named_by_what_differs_from_the_article() -> None:
    config = TrainConfig(1, 1_000, 30, 5, "raw", "sgd", 0.5, "one-cycle", precision="float32")
    assert describe_preset(config) == "Own settings: 1 epoch, batch 1,000, rate 30, seed 5, SGD, Adam's beta2 0.5, one-cycle, float32"


def test_briefly_settings_of_ones_own_are_no_riddle() -> None:
    assert describe_briefly(replace(QUICK, epochs=7)) == "Quick: 7 epochs"
    config = TrainConfig(1, 1_000, 30, 5, "raw", "sgd", 0.5, "one-cycle", precision="float32", training_images=300, shuffled_labels=True)
    assert describe_briefly(config) == "own settings: rate 30, SGD, 300 images, shuffled labels"
    assert (
        describe_briefly(TrainConfig(1, 1_000, 0.5, 5, "raw", beta2=0.5, schedule="one-cycle", precision="float32"))
        == "own settings: rate 0.5"
    )


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (QUICK, "all images"),
        (TrainConfig(training_images=1), "1 image"),
        (TrainConfig(training_images=300, shuffled_labels=True), "300 images, shuffled labels"),
        (TrainConfig(left_out_class=8, augmentation="flips-and-shifts"), "all images, without Bag, mirrored and shifted"),
    ],
)
def test_the_data_of_a_run(config: TrainConfig, words: str) -> None:
    assert describe_data(config) == words


def test_every_value_of_every_setting_has_words() -> None:
    """Two values of a setting never have the same words."""
    for field in fields(TrainConfig):
        setting = SETTINGS[field.name]
        values: dict[str, list[object]] = {
            "choice": [*setting.choices],
            "switch": [True, False],
            "class": [None, 0, 9],
            "whole": [int(setting.lowest), 1234, *([None] if setting.none_means else [])],
            "decimal": [setting.lowest, setting.highest],
        }
        for write in (describe_setting, format_value):
            assert len({write(field.name, value) for value in values[setting.kind]}) == len(values[setting.kind]), field.name


def test_only_settings_that_differ_are_compared() -> None:
    assert compare_settings([QUICK, QUICK]) == {}
    others = [QUICK, replace(QUICK, training_images=100, weight_averaging=True), replace(QUICK, label_smoothing=0.0)]
    assert compare_settings(others) == {
        "Label smoothing": ["0.05", "0.05", "0"],
        "Average the weights": ["off", "on", "off"],
        "Training images": ["all", "100", "all"],
    }
