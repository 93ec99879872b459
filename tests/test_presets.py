from dataclasses import fields, replace

import pytest

from fmnist_core.config import VALIDATION_IMAGES, TrainConfig
from fmnist_core.data import Split
from fmnist_core.events import EpochDone, Started
from fmnist_core.presets import PRESETS, Preset, find_preset
from fmnist_core.sampling import hold_out, pick_training_images
from fmnist_core.training import train

RECIPES = [preset for preset in PRESETS if preset.group == "recipe"]
FAILURES = [preset for preset in PRESETS if preset.group == "failure"]


def changes(preset: Preset) -> dict[str, object]:
    """Where a preset differs from the plainest settings."""
    return {f.name: getattr(preset.config, f.name) for f in fields(TrainConfig) if getattr(preset.config, f.name) != f.default}


def test_the_article_is_the_article() -> None:
    """Raw pixels, Adam at a constant 0.001, batches of 100, five epochs, nothing held out."""
    assert find_preset("article").config == TrainConfig(
        epochs=5, batch_size=100, learning_rate=0.001, pixels="raw", optimizer="adam", schedule="constant", validation_images=0
    )
    assert PRESETS[0].key == "article"


@pytest.mark.parametrize("preset", PRESETS[1:], ids=lambda preset: preset.key)
def test_all_others_hold_images_out(preset: Preset) -> None:
    assert preset.config.validation_images == VALIDATION_IMAGES


def test_four_recipes_and_six_failures_with_words() -> None:
    assert [preset.key for preset in RECIPES] == ["article", "quick", "best", "photos-and-drawings"]
    assert len(FAILURES) == 6
    assert all(preset.question.endswith(("?", ".")) and "?" in preset.question for preset in FAILURES)
    assert not any(preset.question for preset in RECIPES)
    assert all(preset.sentence.endswith(".") and preset.name for preset in PRESETS)
    assert len({preset.key for preset in PRESETS}) == len({preset.config for preset in PRESETS}) == len(PRESETS)


@pytest.mark.parametrize(
    ("key", "setting"),
    [
        ("quick", "schedule"),
        ("best", "weight_averaging"),
        ("best", "test_views"),
        ("photos-and-drawings", "augmentation"),
        ("rate-too-high", "learning_rate"),
        ("rate-too-low", "learning_rate"),
        ("batch-of-one", "batch_size"),
        ("few-images", "training_images"),
        ("shuffled-labels", "shuffled_labels"),
        ("class-left-out", "left_out_class"),
    ],
)
def test_each_is_what_its_name_says(key: str, setting: str) -> None:
    assert setting in changes(find_preset(key))


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_each_trains_as_it_says(preset: Preset, small_splits: tuple[Split, Split]) -> None:
    """One epoch on 500 images, of which a twelfth is held out where the preset holds out any."""
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


def test_an_unknown_preset_is_told_which_there_are() -> None:
    with pytest.raises(ValueError, match="There is no preset 'fast': choose article or quick or best"):
        find_preset("fast")
