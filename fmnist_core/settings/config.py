"""TrainConfig: the settings of a training run. It checks itself; `presets` names the combinations worth a name."""

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
VIEW_COUNTS: dict[TestViews, int] = {"one": 1, "mirrored": 2, "mirrored-and-shifted": 10}


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
            "An epoch is one pass through all training images. The article uses 5, and 25 for its best result.",
        ),
    )
    batch_size: int = field(
        default=100,
        metadata=whole_number(
            "Batch size", "batch size", 1, 10_000, "A batch is the group of images that the network sees before each update of its weights."
        ),
    )
    learning_rate: float = field(
        default=0.001,
        metadata=decimal(
            "Learning rate",
            "learning rate",
            MIN_LEARNING_RATE,
            MAX_LEARNING_RATE,
            "How large each update of the weights is; with the one-cycle schedule, the size of the largest.",
            example="0.001",
            scale="log",
        ),
    )
    seed: int = field(
        default=0,
        metadata=whole_number(
            "Seed", "seed", 0, 2**32 - 1, "The start of all random numbers: the same settings and seed train the same network again."
        ),
    )
    pixels: Pixels = field(
        default="normalised",
        metadata=choice(
            "Pixels",
            "kind of pixels",
            {"raw": "Raw, 0 to 255", "normalised": "Normalised"},
            "Normalised pixels have mean 0 and standard deviation 1: black is −0.81 and white 2.02. The article uses raw pixels.",
        ),
    )
    optimizer: Optimizer = field(
        default="adam",
        metadata=choice(
            "Optimizer",
            "optimizer",
            {"adam": "Adam", "sgd": "SGD with momentum"},
            "Turns the slope of the loss into an update of the weights. Adam adapts the step size of every weight; "
            "SGD (stochastic gradient descent, here with momentum 0.9) uses one for all.",
        ),
    )
    beta2: float = field(
        default=0.999,
        metadata=decimal(
            "Adam's beta2",
            "beta2",
            0,
            0.9999,
            "How long Adam remembers past gradient sizes: about 1,000 steps at 0.999, and about 20 at 0.95, which suits short runs.",
            example="0.95",
        ),
    )
    schedule: Schedule = field(
        default="constant",
        metadata=choice(
            "Learning rate schedule",
            "schedule",
            {"constant": "Constant", "one-cycle": "One-cycle"},
            "How the learning rate changes. One-cycle raises it to the rate you choose over the first seventh of the steps, "
            "then lowers it almost to zero.",
        ),
    )
    augmentation: Augmentation = field(
        default="none",
        metadata=choice(
            "Augmentation",
            "augmentation",
            {"none": "None", "flips-and-shifts": "Mirrored and shifted", "photos-and-drawings": "Photos and drawings"},
            "Changes every training image at random each time the network sees it, so that it is hard to memorise.",
        ),
    )
    label_smoothing: float = field(
        default=0.0,
        metadata=decimal(
            "Label smoothing",
            "label smoothing",
            0,
            0.9,
            "Asks for a little less than certainty: at 0.1, a tenth of each label is spread over all ten classes.",
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
            "Evaluates and saves an exponential moving average of the weights, which is steadier than the latest ones.",
        ),
    )
    test_views: TestViews = field(
        default="one",
        metadata=choice(
            "Views per test image",
            "number of views per test image",
            {"one": "One", "mirrored": "Two, one mirrored", "mirrored-and-shifted": "Ten, mirrored and shifted"},
            "Test-time augmentation: the network sees each test image as it is, also mirrored, or also shifted by one pixel, "
            "and its probabilities are averaged.",
        ),
    )
    training_images: int | None = field(
        default=None,
        metadata=whole_number(
            "Training images",
            "number of training images",
            1,
            MAX_TRAINING_IMAGES,
            "How many images to train on. Leave it empty for all that are not held out.",
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
            "Training images set aside to choose the best epoch, at most a twelfth of the total. With 0, the last epoch counts.",
        ),
    )
    shuffled_labels: bool = field(
        default=False,
        metadata=switch(
            "Shuffle the labels",
            "shuffling labels",
            "Gives every training image the label of another one, so that there is nothing to understand.",
        ),
    )
    left_out_class: int | None = field(
        default=None,
        metadata=whole_number(
            "Class left out",
            "class to leave out",
            0,
            9,
            "The network sees no image of this class during training; the test set still has them.",
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
            "Numeric precision: how many digits each number has. Automatic is bfloat16, a shorter, faster format, where the processor "
            "supports it, and float32 elsewhere.",
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
        """The config that `to_json` wrote; raises ValueError if a setting is unknown or out of range."""
        unknown = sorted(set(settings) - set(SETTINGS))
        if unknown:
            raise ValueError(f"Unknown settings: {', '.join(unknown)}. They may come from a newer version.")
        return cls(**settings)


SETTINGS: dict[str, Setting] = {f.name: replace(f.metadata["setting"], name=f.name) for f in fields(TrainConfig)}


def check_learning_rate(rate: float) -> None:
    """Raises ValueError, with a sentence that says what to choose, if the rate is not a number or out of range."""
    SETTINGS["learning_rate"].check(rate)


def suggest_learning_rate(too_high: float) -> float:
    """The learning rate to try after one that was too high: a tenth of it, between the lowest allowed and 0.01."""
    return max(MIN_LEARNING_RATE, min(0.01, too_high / 10))
