"""What a training run is asked to do; checks itself. `presets` names the settings that are worth a name."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

MAX_EPOCHS = 200
MAX_BATCH_SIZE = 10_000
MAX_LEARNING_RATE = 100.0
MIN_LEARNING_RATE = 1e-8
MAX_SEED = 2**32 - 1
MAX_TRAINING_IMAGES = 60_000
MAX_LABEL_SMOOTHING = 0.9
MAX_WEIGHT_DECAY = 1.0
MAX_BETA2 = 0.9999
VALIDATION_IMAGES = 5_000  # a twelfth of the training images, as many as half the test set
Pixels = Literal["normalised", "raw"]
Optimizer = Literal["adam", "sgd"]
Schedule = Literal["constant", "one-cycle"]
Augmentation = Literal["none", "flips-and-shifts", "photos-and-drawings"]
Precision = Literal["auto", "float32"]
TestViews = Literal["one", "mirrored", "mirrored-and-shifted"]


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a run.

    Attributes:
        epochs: how often every training image is seen.
        batch_size: images a step.
        learning_rate: of the optimizer; with a one-cycle schedule its highest.
        seed: where everything random starts.
        pixels: "normalised" to mean 0 and standard deviation 1, or "raw", 0 to 255 as the article has them.
        optimizer: "adam", or "sgd" with momentum 0.9.
        beta2: share of what Adam knows of the gradients' size that it keeps a step, 0 to 0.9999 (Kingma, Ba 2014,
            https://arxiv.org/abs/1412.6980); SGD has no use for it.
        schedule: "one-cycle" lets the learning rate rise for a seventh of the steps and fall to nearly nothing (Smith, Topin 2017,
            https://arxiv.org/abs/1708.07120).
        augmentation: how training images are changed every time they are seen, see `augmentation`.
        label_smoothing: share of every label that is spread over all ten classes, 0 to 0.9 (Szegedy et al. 2015,
            https://arxiv.org/abs/1512.00567).
        weight_decay: how fast weights shrink; decoupled from Adam's step (Loshchilov, Hutter 2017, https://arxiv.org/abs/1711.05101).
        weight_averaging: the network that is tested and kept is a moving average of the one that is trained.
        test_views: how a test image is looked at: as it is, also as in a mirror, or also moved by a pixel to each side, each move
            mirrored too; the answer is the mean over all looks.
        training_images: how many images are trained on; None takes all that are not held out.
        validation_images: how many training images are held out for choosing the best epoch, at most a twelfth of them all.
        shuffled_labels: every training image gets the label of another: there is nothing to learn but the images by heart.
        left_out_class: index of a class of which no training image is shown; None leaves none out.
        precision: "auto" computes in bfloat16 where the processor is made for it, "float32" never does.

    Raises:
        ValueError: on creation, with a sentence that quotes the bad value and says what to choose.
    """

    epochs: int = 5
    batch_size: int = 100
    learning_rate: float = 0.001
    seed: int = 0
    pixels: Pixels = "normalised"
    optimizer: Optimizer = "adam"
    beta2: float = 0.999
    schedule: Schedule = "constant"
    augmentation: Augmentation = "none"
    label_smoothing: float = 0.0
    weight_decay: float = 0.0
    weight_averaging: bool = False
    test_views: TestViews = "one"
    training_images: int | None = None
    validation_images: int = 0
    shuffled_labels: bool = False
    left_out_class: int | None = None
    precision: Precision = "auto"

    def __post_init__(self) -> None:
        _check_whole("number of epochs", self.epochs, 1, MAX_EPOCHS)
        _check_whole("batch size", self.batch_size, 1, MAX_BATCH_SIZE)
        _check_whole("seed", self.seed, 0, MAX_SEED)
        if self.training_images is not None:
            _check_whole("number of training images", self.training_images, 1, MAX_TRAINING_IMAGES)
        _check_whole("number of validation images", self.validation_images, 0, MAX_TRAINING_IMAGES)
        if self.left_out_class is not None:
            _check_whole("class to leave out", self.left_out_class, 0, 9)
        _check_choice("kind of pixels", self.pixels, get_args(Pixels))
        _check_choice("optimizer", self.optimizer, get_args(Optimizer))
        _check_choice("schedule", self.schedule, get_args(Schedule))
        _check_choice("augmentation", self.augmentation, get_args(Augmentation))
        _check_choice("precision", self.precision, get_args(Precision))
        _check_share("label smoothing", self.label_smoothing, MAX_LABEL_SMOOTHING)
        _check_share("weight decay", self.weight_decay, MAX_WEIGHT_DECAY)
        _check_share("beta2", self.beta2, MAX_BETA2)
        _check_switch("Weight averaging", self.weight_averaging)
        _check_choice("way to look at test images", self.test_views, get_args(TestViews))
        _check_switch("Shuffling labels", self.shuffled_labels)
        check_learning_rate(self.learning_rate)

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


def check_learning_rate(rate: float) -> None:
    """Raises ValueError, with a sentence that says what to choose, if the rate is no number or out of range."""
    if not _is_number(rate):
        raise ValueError(f"The learning rate must be a number, not {rate!r}: choose one such as 0.001.")
    if rate > MAX_LEARNING_RATE:
        raise ValueError(f"The learning rate {rate:g} is far too high: choose at most {MAX_LEARNING_RATE:g}; 0.001 is a good start.")
    if rate < MIN_LEARNING_RATE:
        raise ValueError(
            f"The learning rate {rate:g} is too low to learn anything: choose at least {as_decimal(MIN_LEARNING_RATE)}; "
            "0.001 is a good start."
        )


def suggest_learning_rate(too_high: float) -> float:
    """The learning rate to try after one that was too high: a tenth of it, between the lowest allowed and 0.01."""
    return max(MIN_LEARNING_RATE, min(0.01, too_high / 10))


def as_decimal(number: float) -> str:
    """A number as it is written in class, such as "0.000001" and not "1e-06"."""
    return f"{number:.12f}".rstrip("0").rstrip(".")


def _check_whole(name: str, value: int, lowest: int, highest: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError(f"The {name} must be a whole number, not {value!r}: choose one from {lowest} to {highest:,}.")
    if not lowest <= value <= highest:
        raise ValueError(f"The {name} {value:,} is out of range: choose one from {lowest} to {highest:,}.")


def _check_share(name: str, value: float, highest: float) -> None:
    if not _is_number(value) or not 0 <= value <= highest:
        raise ValueError(f"The {name} must be a number from 0 to {highest:g}, not {value!r}.")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"The {name} {value!r} is not known: choose {' or '.join(choices)}.")


def _check_switch(name: str, value: bool) -> None:
    if not isinstance(value, bool):
        raise ValueError(f"{name} is on or off, true or false, not {value!r}.")


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)
