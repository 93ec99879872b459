from dataclasses import fields, replace

import pytest

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.dataset.split import Split
from fmnist_core.settings.config import VALIDATION_IMAGES, TrainConfig
from fmnist_core.settings.presets import PRESETS, Preset, find_preset, nearest_preset
from fmnist_core.training.events import EpochDone, Started
from fmnist_core.training.images import hold_out, pick_training_images
from fmnist_core.training.loop import train

RECIPES = [preset for preset in PRESETS if preset.group == "recipe"]
FAILURES = [preset for preset in PRESETS if preset.group == "failure"]


def changes(preset: Preset) -> dict[str, object]:
    """How a preset differs from the default settings."""
    return {f.name: getattr(preset.config, f.name) for f in fields(TrainConfig) if getattr(preset.config, f.name) != f.default}


def test_the_article_is_the_article() -> None:
    """Raw pixels, Adam at a constant 0.001, batches of 100, five epochs, nothing held out."""
    assert find_preset("article").config == TrainConfig(
        epochs=5, batch_size=100, learning_rate=0.001, pixels="raw", optimizer="adam", schedule="constant", validation_images=0
    )
    assert PRESETS[0].key == "article"


@pytest.mark.parametrize("preset", PRESETS[1:], ids=lambda preset: preset.key)
def test_all_other_presets_hold_out_images(preset: Preset) -> None:
    assert preset.config.validation_images == VALIDATION_IMAGES


def test_four_recipes_and_six_failures_are_described() -> None:
    assert [preset.key for preset in RECIPES] == ["article", "quick", "best", "photos-and-drawings"]
    assert len(FAILURES) == 6
    assert all(preset.question.endswith(("?", ".")) and "?" in preset.question for preset in FAILURES)
    assert not any(preset.question for preset in RECIPES)
    assert all(preset.sentence.endswith(".") and preset.name for preset in PRESETS)
    assert len({preset.key for preset in PRESETS}) == len({preset.config for preset in PRESETS}) == len(PRESETS)


@pytest.mark.parametrize(
    ("key", "settings"),
    [
        (
            "quick",
            {"epochs": 2, "batch_size": 128, "learning_rate": 0.01, "beta2": 0.95, "schedule": "one-cycle", "label_smoothing": 0.05},
        ),
        (
            "best",
            {
                "epochs": 60,
                "batch_size": 128,
                "learning_rate": 0.01,
                "schedule": "one-cycle",
                "augmentation": "flips-and-shifts",
                "label_smoothing": 0.05,
                "weight_decay": 0.02,
                "weight_averaging": True,
                "test_views": "mirrored-and-shifted",
            },
        ),
        (
            "photos-and-drawings",
            {
                "epochs": 40,
                "batch_size": 128,
                "learning_rate": 0.0035,
                "augmentation": "photos-and-drawings",
                "schedule": "one-cycle",
                "weight_averaging": True,
            },
        ),
        ("rate-too-high", {"epochs": 1, "optimizer": "sgd", "learning_rate": 30, "training_images": 10_000}),
        ("rate-too-low", {"epochs": 2, "learning_rate": 1e-6, "training_images": 10_000}),
        ("batch-of-one", {"epochs": 1, "batch_size": 1, "training_images": 2_000}),
        ("few-images", {"epochs": 15, "batch_size": 10, "training_images": 100}),
        ("shuffled-labels", {"epochs": 15, "batch_size": 10, "training_images": 300, "shuffled_labels": True}),
        ("class-left-out", {"epochs": 2, "training_images": 10_000, "left_out_class": CLASS_NAMES.index("Bag")}),
    ],
)
def test_each_preset_differs_from_the_defaults_by_exactly_this(key: str, settings: dict[str, object]) -> None:
    assert changes(find_preset(key)) == settings | {"validation_images": 5_000}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_each_preset_trains_with_its_settings(preset: Preset, small_splits: tuple[Split, Split]) -> None:
    """One epoch on 500 images; a twelfth is held out if the preset holds out any."""
    assert TrainConfig.from_json(preset.config.to_json()) == preset.config
    events = list(train(replace(preset.config, epochs=1), *small_splits))
    started = events[0]
    assert isinstance(started, Started)
    held_out = 41 if preset.config.validation_images else 0
    wanted = len(pick_training_images(hold_out(small_splits[0], held_out)[0], preset.config))
    assert (started.train_images, started.validation_images) == (wanted, held_out)
    assert started.steps_per_epoch == -(-wanted // preset.config.batch_size)
    done = [event for event in events if isinstance(event, EpochDone)]
    assert all((event.validation_accuracy is None) == (held_out == 0) for event in done)
    assert done or preset.key == "rate-too-high"


def test_the_error_about_an_unknown_preset_lists_all() -> None:
    with pytest.raises(ValueError, match="There is no preset 'fast': choose article or quick or best"):
        find_preset("fast")


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_variant_belongs_to_the_preset_it_came_from(preset: Preset) -> None:
    assert nearest_preset(preset.config) == preset
    assert nearest_preset(replace(preset.config, seed=77, precision="float32", weight_decay=0.25)) == preset


def test_the_first_of_several_presets_is_the_nearest_and_too_many_changes_make_it_none() -> None:
    assert nearest_preset(TrainConfig()) == PRESETS[0]
    four = replace(PRESETS[0].config, epochs=9, batch_size=9, weight_decay=0.5, label_smoothing=0.5, seed=9)
    assert nearest_preset(four) == PRESETS[0]
    assert nearest_preset(replace(four, precision="float32")) is None
