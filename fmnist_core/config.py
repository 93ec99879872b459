"""What a training run is asked to do; checks itself."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

MAX_EPOCHS = 200
MAX_BATCH_SIZE = 10_000
MAX_LEARNING_RATE = 100.0
MIN_LEARNING_RATE = 1e-8
MAX_SEED = 2**32 - 1
Augmentation = Literal["none", "photos-and-drawings"]
Schedule = Literal["constant", "one-cycle"]


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a run; the defaults are the article's.

    Attributes:
        epochs: how often every training image is seen.
        batch_size: images a step.
        learning_rate: of Adam; with a one-cycle schedule its highest.
        seed: where everything random starts.
        augmentation: whether some of the training images are redrawn, see `augmentation.PhotosAndDrawings`.
        schedule: "one-cycle" lets the learning rate rise for a quarter of the steps and fall to nearly nothing (Smith, Topin 2017,
            https://arxiv.org/abs/1708.07120).
        weight_averaging: the network that is tested and kept is a moving average of the one that is trained.

    Raises:
        ValueError: on creation, with a sentence that quotes the bad value and says what to choose.
    """

    epochs: int = 5
    batch_size: int = 100
    learning_rate: float = 0.001
    seed: int = 0
    augmentation: Augmentation = "none"
    schedule: Schedule = "constant"
    weight_averaging: bool = False

    def __post_init__(self) -> None:
        _check_whole("number of epochs", self.epochs, 1, MAX_EPOCHS)
        _check_whole("batch size", self.batch_size, 1, MAX_BATCH_SIZE)
        _check_whole("seed", self.seed, 0, MAX_SEED)
        _check_choice("augmentation", self.augmentation, get_args(Augmentation))
        _check_choice("schedule", self.schedule, get_args(Schedule))
        if not isinstance(self.weight_averaging, bool):
            raise ValueError(f"Weight averaging is on or off, true or false, not {self.weight_averaging!r}.")
        rate = self.learning_rate
        if isinstance(rate, bool) or not isinstance(rate, int | float) or not math.isfinite(rate):
            raise ValueError(f"The learning rate must be a number, not {rate!r}: choose one such as 0.001.")
        if rate > MAX_LEARNING_RATE:
            raise ValueError(f"The learning rate {rate:g} is far too high: choose at most {MAX_LEARNING_RATE:g}; 0.001 is a good start.")
        if rate < MIN_LEARNING_RATE:
            raise ValueError(
                f"The learning rate {rate:g} is too low to learn anything: choose at least {MIN_LEARNING_RATE:g}; 0.001 is a good start."
            )

    def to_json(self) -> dict[str, Any]:
        """The settings by name, for `json.dump`."""
        return asdict(self)

    @classmethod
    def from_json(cls, settings: dict[str, Any]) -> "TrainConfig":
        """The config of what `to_json` gave; raises ValueError if a setting is unknown or bad."""
        unknown = sorted(set(settings) - set(cls.__dataclass_fields__))
        if unknown:
            raise ValueError(f"The settings hold something unknown: {', '.join(unknown)}.")
        return cls(**settings)


def _check_whole(name: str, value: int, lowest: int, highest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"The {name} must be a whole number, not {value!r}: choose one from {lowest} to {highest:,}.")
    if not lowest <= value <= highest:
        raise ValueError(f"The {name} {value:,} is out of range: choose one from {lowest} to {highest:,}.")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"The {name} {value!r} is not known: choose {' or '.join(choices)}.")


@dataclass(frozen=True)
class Preset:
    """Settings with a name.

    Attributes:
        key: what the command line calls it.
        name: what people call it.
        sentence: what it is for.
        config: the settings.
    """

    key: str
    name: str
    sentence: str
    config: TrainConfig


PRESETS = (
    Preset("article", "The article", "Trains as the article does: on the images as they are, five times over.", TrainConfig()),
    Preset(
        "photos-and-drawings",
        "Photos and drawings",
        "Redraws four in ten training images as photographs and drawings, so that the network knows yours too. It takes longer.",
        TrainConfig(
            epochs=40,
            batch_size=128,
            learning_rate=0.0035,
            augmentation="photos-and-drawings",
            schedule="one-cycle",
            weight_averaging=True,
        ),
    ),
)


def find_preset(key: str) -> Preset:
    """The preset with this key; raises ValueError that names them all if there is none."""
    for preset in PRESETS:
        if preset.key == key:
            return preset
    raise ValueError(f"There is no preset {key!r}: choose {' or '.join(preset.key for preset in PRESETS)}.")
