import dataclasses
from typing import Any

import numpy as np
import pytest

from fmnist_core.dataset.classes import DataError
from fmnist_core.dataset.split import Split
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.images import hold_out, pick_images, pick_probes, pick_training_images


def numbered(count: int) -> Split:
    """Images that can be told apart: two pixels of each encode its number. Their labels cycle through the ten classes."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.divmod(np.arange(count), 256)
    return Split("train", images, (np.arange(count) % 10).astype(np.uint8))


def numbers_of(split: Split) -> list[int]:
    return (split.images[:, 0, 0].astype(int) * 256 + split.images[:, 0, 1]).tolist()


def test_the_same_images_are_held_out_in_every_version() -> None:
    """Otherwise a run that continues one of an earlier version would be validated on images it has been trained on."""
    rest, held_out = hold_out(numbered(240), 6)
    assert numbers_of(held_out) == [100, 117, 153, 200, 201, 237]
    assert numbers_of(rest) == sorted(set(range(240)) - set(numbers_of(held_out)))


@pytest.mark.parametrize(
    ("images", "wanted", "expected"), [(240, 0, 0), (240, 1, 1), (240, 19, 19), (240, 20, 20), (240, 21, 20), (239, 99, 19), (11, 5, 0)]
)
def test_at_most_a_twelfth_is_held_out(images: int, wanted: int, expected: int) -> None:
    assert [len(part) for part in hold_out(numbered(images), wanted)] == [images - expected, expected]


def picked(**settings: Any) -> Split:
    return pick_training_images(numbered(240), TrainConfig(**settings))


def test_a_seed_picks_the_same_training_images_in_every_version() -> None:
    assert numbers_of(picked(training_images=6)) == [46, 54, 65, 84, 94, 141]
    assert numbers_of(picked(training_images=6, seed=7)) == [69, 80, 140, 185, 213, 219]
    assert picked(shuffled_labels=True).labels[:8].tolist() == [4, 4, 4, 6, 1, 5, 4, 6]
    assert picked(shuffled_labels=True, seed=7).labels[:8].tolist() == [0, 9, 3, 0, 5, 9, 7, 5]


@pytest.mark.parametrize("label", [0, 4, 9])
def test_only_the_left_out_class_is_missing(label: int) -> None:
    assert numbers_of(picked(left_out_class=label)) == [number for number in range(240) if number % 10 != label]


@pytest.mark.parametrize(("wanted", "expected"), [(None, 240), (1, 1), (239, 239), (240, 240), (241, 240)])
def test_a_run_gets_as_many_images_as_it_asks_for_if_there_are_enough(wanted: int | None, expected: int) -> None:
    split = picked(training_images=wanted)
    assert len(split) == expected
    assert numbers_of(split) == sorted(set(numbers_of(split)))


def test_a_class_is_left_out_before_images_are_picked() -> None:
    split = picked(left_out_class=3, training_images=200)
    assert len(split) == 200
    assert 3 not in split.labels


def test_shuffled_labels_come_from_other_images_of_the_run() -> None:
    few = picked(training_images=50)
    shuffled = picked(training_images=50, shuffled_labels=True)
    assert numbers_of(shuffled) == numbers_of(few)
    assert shuffled.labels.tolist() != few.labels.tolist()
    assert sorted(shuffled.labels) == sorted(few.labels)


def test_at_least_one_image_is_needed() -> None:
    bags = pick_training_images(Split("train", np.zeros((2, 28, 28), np.uint8), np.array([8, 5], np.uint8)), TrainConfig(left_out_class=5))
    assert bags.labels.tolist() == [8]
    with pytest.raises(DataError, match="leave another class out"):
        pick_training_images(bags, TrainConfig(left_out_class=8))


def test_the_probes_are_the_same_in_every_version() -> None:
    assert pick_probes(numbered(240)).tolist() == [index for label in range(10) for index in (180 + label, 40 + label)]


def test_held_out_images_are_not_trained_on(small_splits: tuple[Split, Split]) -> None:
    images = pick_images(TrainConfig(validation_images=30, left_out_class=1), numbered(360), small_splits[1])
    assert len(images.validation) == 30
    assert 1 in images.validation.labels, "the validation images must cover all classes"
    assert 1 not in images.train.labels
    assert not set(numbers_of(images.train)) & set(numbers_of(images.validation))
    assert images.test is small_splits[1]
    np.testing.assert_array_equal(images.probes, pick_probes(small_splits[1]))
    with pytest.raises(dataclasses.FrozenInstanceError):
        images.train = images.test  # type: ignore[misc]
    assert images != dataclasses.replace(images), "arrays are not compared"
