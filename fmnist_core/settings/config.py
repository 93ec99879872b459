"""TrainConfig: what a training run is asked to do; it checks itself. `presets` has the settings that are worth a name."""

from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal

from fmnist_core.settings.declaration import Setting, choice, decimal, switch, whole_number

MAX_EPOCHS = 200
MAX_LEARNING_RATE = 100.0
MIN_LEARNING_RATE = 1e-8
MAX_TRAINING_IMAGES = 60_000
VALIDATION_IMAGES = 5_000  # a twelfth of the training images, as many as half the test set

Pixels = Literal["normalised", "raw"]
Optimizer = Literal["adam", "sgd"]
Schedule = Literal["constant", "one-cycle"]
Augmentation = Literal["none", "flips-and-shifts", "photos-and-drawings"]
Precision = Literal["auto", "float32"]
TestViews = Literal["one", "mirrored", "mirrored-and-shifted"]


@dataclass(frozen=True)
class TrainConfig:
    """Settings of a run. Each is declared here and nowhere else: its default, its range and the words for it.

    Methods come from: beta2, Kingma, Ba 2014 (https://arxiv.org/abs/1412.6980); one-cycle, Smith, Topin 2017
    (https://arxiv.org/abs/1708.07120); label smoothing, Szegedy et al. 2015 (https://arxiv.org/abs/1512.00567); weight decay decoupled
    from Adam's step, Loshchilov, Hutter 2017 (https://arxiv.org/abs/1711.05101).

    Raises:
        ValueError: on creation, with a sentence that quotes the bad value and says what to choose.
    """

    epochs: int = field(
        default=5,
        metadata=whole_number(
            "Epochs",
            "number of epochs",
            1,
            MAX_EPOCHS,
            "How many times the network sees every training image. The article uses 5, and 25 for its best result.",
        ),
    )
    batch_size: int = field(
        default=100,
        metadata=whole_number("Batch size", "batch size", 1, 10_000, "How many images the network sees before each update of its weights."),
    )
    learning_rate: float = field(
        default=0.001,
        metadata=decimal(
            "Learning rate",
            "learning rate",
            MIN_LEARNING_RATE,
            MAX_LEARNING_RATE,
            "How large each update of the weights is; with the one-cycle schedule, how large the largest is.",
            example="0.001",
            scale="log",
        ),
    )
    seed: int = field(
        default=0,
        metadata=whole_number(
            "Seed", "seed", 0, 2**32 - 1, "Seed for all random numbers: the same settings and seed train the same network again."
        ),
    )
    pixels: Pixels = field(
        default="normalised",
        metadata=choice(
            "Pixels",
            "kind of pixels",
            {"raw": "Raw, 0 to 255", "normalised": "Normalised"},
            "Normalised pixels have mean 0: black is −0.81 and white 2.02. The article's are raw.",
        ),
    )
    optimizer: Optimizer = field(
        default="adam",
        metadata=choice(
            "Optimizer",
            "optimizer",
            {"adam": "Adam", "sgd": "SGD with momentum"},
            "Turns the slope of the loss into an update of the weights: Adam finds a step length for every weight, "
            "SGD (stochastic gradient descent, here with momentum 0.9) has one for all.",
        ),
    )
    beta2: float = field(
        default=0.999,
        metadata=decimal(
            "Adam's beta2",
            "beta2",
            0,
            0.9999,
            "How long Adam remembers past gradient sizes: with 0.999 some 1,000 steps, with 0.95 some 20, which suits short runs.",
            example="0.95",
        ),
    )
    schedule: Schedule = field(
        default="constant",
        metadata=choice(
            "Learning rate schedule",
            "schedule",
            {"constant": "Constant", "one-cycle": "One-cycle"},
            "How the learning rate changes. One-cycle raises it for a seventh of the steps, up to the one chosen, "
            "and then lowers it to nearly nothing.",
        ),
    )
    augmentation: Augmentation = field(
        default="none",
        metadata=choice(
            "Augmentation",
            "augmentation",
            {"none": "None", "flips-and-shifts": "Mirrored and shifted", "photos-and-drawings": "Photos and drawings"},
            "Changes training images at random each time they are seen, so that they are hard to memorise.",
        ),
    )
    label_smoothing: float = field(
        default=0.0,
        metadata=decimal(
            "Label smoothing",
            "label smoothing",
            0,
            0.9,
            "Asks for a little less than certainty: at 0.1, a tenth of every label is spread over all ten classes.",
            example="0.1",
        ),
    )
    weight_decay: float = field(
        default=0.0,
        metadata=decimal(
            "Weight decay",
            "weight decay",
            0,
            1,
            "Pulls every weight a little towards 0 at each step, so that none grows large without need. 0 turns it off.",
            example="0.01",
        ),
    )
    weight_averaging: bool = field(
        default=False,
        metadata=switch(
            "Average the weights",
            "weight averaging",
            "Evaluates and keeps an exponential moving average of the weights, which is steadier than the newest ones.",
        ),
    )
    test_views: TestViews = field(
        default="one",
        metadata=choice(
            "Views per test image",
            "number of views per test image",
            {"one": "One", "mirrored": "Two, one mirrored", "mirrored-and-shifted": "Ten, mirrored and shifted"},
            "Test-time augmentation: each test image as it is, also mirrored, or also shifted by a pixel; the probabilities are averaged.",
        ),
    )
    training_images: int | None = field(
        default=None,
        metadata=whole_number(
            "Training images",
            "number of training images",
            1,
            MAX_TRAINING_IMAGES,
            "How many images to train on; all that are not held out if none is given.",
            none_means="all",
        ),
    )
    validation_images: int = field(
        default=0,
        metadata=whole_number(
            "Validation images held out",
            "number of validation images",
            0,
            MAX_TRAINING_IMAGES,
            "Training images that only choose the best epoch, at most a twelfth of them all. With 0, the newest epoch counts.",
        ),
    )
    shuffled_labels: bool = field(
        default=False,
        metadata=switch(
            "Shuffle the labels",
            "shuffling labels",
            "Gives every training image the label of another one. Then there is nothing to understand.",
        ),
    )
    left_out_class: int | None = field(
        default=None,
        metadata=whole_number(
            "Class left out",
            "class to leave out",
            0,
            9,
            "No image of this class is shown in training; the test set still has them.",
            kind="class",
            none_means="none",
        ),
    )
    precision: Precision = field(
        default="auto",
        metadata=choice(
            "Precision",
            "precision",
            {"auto": "Automatic", "float32": "float32"},
            "Numeric precision. Automatic is bfloat16, a shorter, faster format, where the processor multiplies it, else float32.",
        ),
    )

    def __post_init__(self) -> None:
        for name, setting in SETTINGS.items():
            setting.check(getattr(self, name))

    def to_json(self) -> dict[str, Any]:
        """The settings by name, for `json.dump`."""
        return asdict(self)

    @classmethod
    def from_json(cls, settings: dict[str, Any]) -> "TrainConfig":
        """The config of what `to_json` gave; raises ValueError if a setting is unknown or bad."""
        unknown = sorted(set(settings) - set(SETTINGS))
        if unknown:
            raise ValueError(f"The settings hold something unknown: {', '.join(unknown)}.")
        return cls(**settings)


SETTINGS: dict[str, Setting] = {f.name: replace(f.metadata["setting"], name=f.name) for f in fields(TrainConfig)}


def check_learning_rate(rate: float) -> None:
    """Raises ValueError, with a sentence that says what to choose, if the rate is no number or out of range."""
    SETTINGS["learning_rate"].check(rate)


def suggest_learning_rate(too_high: float) -> float:
    """The learning rate to try after one that was too high: a tenth of it, between the lowest allowed and 0.01."""
    return max(MIN_LEARNING_RATE, min(0.01, too_high / 10))
