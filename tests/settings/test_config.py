import math
from dataclasses import asdict

import pytest

from fmnist_core.settings.config import MIN_LEARNING_RATE, TrainConfig, suggest_learning_rate


def test_defaults_are_the_articles_except_for_its_raw_pixels() -> None:
    assert asdict(TrainConfig()) == {
        "epochs": 5,
        "batch_size": 100,
        "learning_rate": 0.001,
        "seed": 0,
        "pixels": "normalised",
        "optimizer": "adam",
        "beta2": 0.999,
        "schedule": "constant",
        "augmentation": "none",
        "label_smoothing": 0.0,
        "weight_decay": 0.0,
        "weight_averaging": False,
        "test_views": "one",
        "training_images": None,
        "validation_images": 0,
        "shuffled_labels": False,
        "left_out_class": None,
        "precision": "auto",
    }


@pytest.mark.parametrize(("too_high", "suggested"), [(30, 0.01), (0.1, 0.01), (0.03, 0.003), (0.001, 0.0001), (5e-8, MIN_LEARNING_RATE)])
def test_after_a_learning_rate_that_is_too_high_a_tenth_is_suggested(too_high: float, suggested: float) -> None:
    assert suggest_learning_rate(too_high) == pytest.approx(suggested)
    TrainConfig(learning_rate=suggest_learning_rate(too_high))


def test_json_round_trip() -> None:
    config = TrainConfig(epochs=2, batch_size=64, learning_rate=0.03, seed=7)
    assert TrainConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"epochs": 0}, "The number of epochs 0 is out of range: choose one from 1 to 200."),
        ({"epochs": 2.5}, "The number of epochs must be a whole number, not 2.5: choose one from 1 to 200."),
        ({"epochs": True}, "The number of epochs must be a whole number, not True"),
        ({"batch_size": -1}, "The batch size -1 is out of range: choose one from 1 to 10,000."),
        ({"batch_size": 10_001}, "The batch size 10,001 is out of range"),
        ({"learning_rate": 1000}, "The learning rate 1000 is far too high: choose at most 100; 0.001 is a good start."),
        ({"learning_rate": 0}, "The learning rate 0 is too low to learn anything"),
        ({"learning_rate": -0.1}, "The learning rate -0.1 is too low to learn anything"),
        ({"learning_rate": math.nan}, "The learning rate must be a number, not nan: choose one such as 0.001."),
        ({"learning_rate": "0.1"}, "The learning rate must be a number, not '0.1'"),
        ({"seed": -1}, "The seed -1 is out of range"),
    ],
)
def test_bad_values_are_quoted(settings: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValueError, match="choose") as caught:
        TrainConfig(**settings)  # type: ignore[arg-type]
    assert str(caught.value).startswith(sentence)


def test_unknown_settings_are_named() -> None:
    with pytest.raises(ValueError, match="momentum"):
        TrainConfig.from_json({"epochs": 1, "momentum": 0.9})


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"augmentation": "mirrors"}, "The augmentation 'mirrors' is not known: choose none or flips-and-shifts or photos-and-drawings."),
        ({"schedule": "up"}, "The schedule 'up' is not known: choose constant or one-cycle."),
        ({"weight_averaging": 1}, "Weight averaging must be true or false, not 1."),
        ({"test_views": "two"}, "The number of views per test image 'two' is not known: choose one or mirrored or mirrored-and-shifted."),
        ({"shuffled_labels": None}, "Shuffling labels must be true or false, not None."),
        ({"optimizer": "adagrad"}, "The optimizer 'adagrad' is not known: choose adam or sgd."),
        ({"pixels": "bytes"}, "The kind of pixels 'bytes' is not known: choose raw or normalised."),
        ({"precision": "float16"}, "The precision 'float16' is not known: choose auto or float32."),
        ({"label_smoothing": 1.0}, "The label smoothing must be a number from 0 to 0.9, not 1.0."),
        ({"weight_decay": -0.1}, "The weight decay must be a number from 0 to 1, not -0.1."),
        ({"beta2": 1.0}, "The beta2 must be a number from 0 to 0.9999, not 1.0."),
        ({"training_images": 0}, "The number of training images 0 is out of range: choose one from 1 to 60,000."),
        ({"validation_images": -1}, "The number of validation images -1 is out of range: choose one from 0 to 60,000."),
        ({"left_out_class": 10}, "The class to leave out 10 is out of range: choose one from 0 to 9."),
    ],
)
def test_unknown_choices_are_refused(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        TrainConfig(**settings)  # type: ignore[arg-type]


def test_a_run_from_before_presets_existed_can_be_read() -> None:
    assert TrainConfig.from_json({"epochs": 5, "batch_size": 100, "learning_rate": 0.001, "seed": 0}) == TrainConfig()
