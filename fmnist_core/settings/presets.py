"""Settings with a name: four recipes, and six small runs that fail in a way worth seeing."""

import functools
from dataclasses import dataclass, replace
from typing import Literal

from fmnist_core.settings.config import SETTINGS, VALIDATION_IMAGES, TrainConfig

Group = Literal["recipe", "failure"]


@dataclass(frozen=True)
class Preset:
    """Settings with a name.

    Attributes:
        key: what the command line calls it.
        name: what people call it.
        sentence: what it is for.
        config: the settings.
        group: a "recipe" trains a good network; a "failure" is there to be watched as it goes wrong.
        question: for a failure, what to guess before it runs; "" for a recipe.
    """

    key: str
    name: str
    sentence: str
    config: TrainConfig
    group: Group = "recipe"
    question: str = ""


_BAG = 8
_MOST_CHANGES = 4  # of seventeen; with more, a config is no variant of a preset

PRESETS = (
    Preset(
        "article",
        "The article",
        "The article's recipe exactly: raw pixels from 0 to 255, Adam at 0.001, batches of 100, all 60,000 images five times over.",
        TrainConfig(pixels="raw"),
    ),
    Preset(
        "quick",
        "Quick",
        "The article's 90.7 % as fast as possible: a learning rate that rises high and falls again needs two epochs instead of 25.",
        TrainConfig(
            epochs=2,
            batch_size=128,
            learning_rate=0.01,
            beta2=0.95,
            schedule="one-cycle",
            label_smoothing=0.05,
            validation_images=VALIDATION_IMAGES,
        ),
    ),
    Preset(
        "best",
        "Best",
        "The highest accuracy: images mirrored and shifted at random, weights averaged, sixty epochs, ten views of every test image.",
        TrainConfig(
            epochs=60,
            batch_size=128,
            learning_rate=0.01,
            schedule="one-cycle",
            augmentation="flips-and-shifts",
            label_smoothing=0.05,
            weight_decay=0.02,
            weight_averaging=True,
            test_views="mirrored-and-shifted",
            validation_images=VALIDATION_IMAGES,
        ),
    ),
    Preset(
        "photos-and-drawings",
        "Photos and drawings",
        "Redraws four in ten training images as photographs and drawings, so that the network recognises yours too. It takes longer.",
        TrainConfig(
            epochs=40,
            batch_size=128,
            learning_rate=0.0035,
            augmentation="photos-and-drawings",
            schedule="one-cycle",
            weight_averaging=True,
            validation_images=VALIDATION_IMAGES,
        ),
    ),
    Preset(
        "rate-too-high",
        "Learning rate too high",
        "SGD with steps a thousand times too long.",
        TrainConfig(epochs=1, learning_rate=30, optimizer="sgd", training_images=10_000, validation_images=VALIDATION_IMAGES),
        "failure",
        "Longer steps arrive sooner, or do they? What will the loss do in the first ten steps?",
    ),
    Preset(
        "rate-too-low",
        "Learning rate too low",
        "Adam with steps a thousand times too short.",
        TrainConfig(epochs=2, learning_rate=1e-6, training_images=10_000, validation_images=VALIDATION_IMAGES),
        "failure",
        "Where will the loss be after 200 tiny steps? Guessing at random gives 2.30.",
    ),
    Preset(
        "batch-of-one",
        "Batch of 1",
        "The weights are updated after every image.",
        TrainConfig(epochs=1, batch_size=1, training_images=2_000, validation_images=VALIDATION_IMAGES),
        "failure",
        "What will the loss curve look like when each point is the loss of a single image?",
    ),
    Preset(
        "few-images",
        "100 training images",
        "A hundred images, fifteen times over.",
        TrainConfig(epochs=15, batch_size=10, training_images=100, validation_images=VALIDATION_IMAGES),
        "failure",
        "How many of its hundred images will it classify correctly in the end, and how many of 10,000 it has never seen?",
    ),
    Preset(
        "shuffled-labels",
        "Shuffled labels",
        "Three hundred images, each with the label of another one.",
        TrainConfig(epochs=15, batch_size=10, training_images=300, shuffled_labels=True, validation_images=VALIDATION_IMAGES),
        "failure",
        "There is nothing to understand here. Can the loss still fall?",
    ),
    Preset(
        "class-left-out",
        "One class left out",
        "The network never sees a bag.",
        TrainConfig(epochs=2, training_images=10_000, left_out_class=_BAG, validation_images=VALIDATION_IMAGES),
        "failure",
        "What will it call the 1,000 bags of the test set?",
    ),
)


def find_preset(key: str) -> Preset:
    """The preset with this key; raises ValueError that names them all if there is none."""
    for preset in PRESETS:
        if preset.key == key:
            return preset
    raise ValueError(f"There is no preset {key!r}: choose {' or '.join(preset.key for preset in PRESETS)}.")


@functools.lru_cache(maxsize=4096)
def nearest_preset(config: TrainConfig) -> Preset | None:
    """The preset from which the fewest settings differ, whatever the seed, and the first of several; None if more than four differ.

    Runs do not record a preset, so that it is the same for those from a form, a link, the command line or an earlier version.
    """
    nearest = min(PRESETS, key=lambda preset: _distance(config, preset))
    return nearest if _distance(config, nearest) <= _MOST_CHANGES else None


def _distance(config: TrainConfig, preset: Preset) -> int:
    """How many settings differ from the preset's; the seed does not count."""
    return sum(getattr(config, name) != getattr(preset.config, name) for name in SETTINGS if name != "seed")


def find_same(config: TrainConfig) -> Preset | None:
    """The preset with the same settings, whatever the seed; None if there is none."""
    return next((preset for preset in PRESETS if replace(config, seed=preset.config.seed) == preset.config), None)


def find_question(config: TrainConfig) -> str:
    """What to guess before this run: the question of the failure with the same settings, whatever the seed; "" if there is none."""
    preset = find_same(config)
    return preset.question if preset else ""
