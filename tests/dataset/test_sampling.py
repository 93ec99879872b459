import numpy as np
import pytest

from fmnist_core.dataset.classes import DataError
from fmnist_core.dataset.sampling import count_classes, mean_images, sample_indices
from fmnist_core.dataset.split import Split
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.images import hold_out, pick_probes, pick_training_images


def tiny() -> Split:
    """Five images: three of class 0 (values 0, 100, 200), two of class 3 (10 and 11)."""
    values, labels = [0, 10, 100, 11, 200], [0, 3, 0, 3, 0]
    images = np.stack([np.full((28, 28), value, np.uint8) for value in values])
    return Split("train", images, np.array(labels, np.uint8))


def test_a_seed_always_gives_the_same_images(small_splits: tuple[Split, Split]) -> None:
    one, again, other = (sample_indices(small_splits[0], 20, seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one, again)
    assert one.tolist() != other.tolist()
    assert len(set(one.tolist())) == 20


def test_only_images_of_the_requested_class() -> None:
    assert sorted(sample_indices(tiny(), 20, 0, class_index=3).tolist()) == [1, 3]
    assert len(sample_indices(tiny(), 20, 0, class_index=5)) == 0


def test_counts_and_means_by_hand() -> None:
    assert count_classes(tiny()).tolist() == [3, 0, 0, 2, 0, 0, 0, 0, 0, 0]
    means = mean_images(tiny())
    assert means.shape == (10, 28, 28)
    assert (means[0] == 100).all()
    assert (means[3] == 10).all()  # 10.5 is rounded to the even neighbour
    assert (means[1] == 0).all()


def numbered(count: int) -> Split:
    """Images that can be told apart, with labels that cycle through the ten classes."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.divmod(np.arange(count), 256)
    return Split("train", images, (np.arange(count) % 10).astype(np.uint8))


def numbers_of(split: Split) -> list[int]:
    return (split.images[:, 0, 0].astype(int) * 256 + split.images[:, 0, 1]).tolist()


def test_held_out_images_are_the_same_for_every_run_and_never_trained_on() -> None:
    rest, held_out = hold_out(numbered(1_200), 50)
    assert (len(rest), len(held_out)) == (1_150, 50)
    assert sorted(numbers_of(rest) + numbers_of(held_out)) == list(range(1_200))
    assert numbers_of(hold_out(numbered(1_200), 50)[1]) == numbers_of(held_out)
    assert numbers_of(held_out) != list(range(50))
    assert [len(part) for part in hold_out(numbered(1_200), 5_000)] == [1_100, 100]  # a twelfth
    assert [len(part) for part in hold_out(numbered(1_200), 0)] == [1_200, 0]


def test_training_images_follow_the_settings() -> None:
    split = numbered(300)
    assert numbers_of(pick_training_images(split, TrainConfig())) == list(range(300))
    without = pick_training_images(split, TrainConfig(left_out_class=8))
    assert len(without) == 270
    assert 8 not in without.labels
    few = pick_training_images(split, TrainConfig(training_images=20))
    assert len(few) == 20
    assert numbers_of(few) == numbers_of(pick_training_images(split, TrainConfig(training_images=20)))
    assert numbers_of(few) != numbers_of(pick_training_images(split, TrainConfig(training_images=20, seed=1)))
    assert len(pick_training_images(split, TrainConfig(training_images=60_000))) == 300
    shuffled = pick_training_images(split, TrainConfig(shuffled_labels=True))
    assert numbers_of(shuffled) == list(range(300))
    np.testing.assert_array_equal(np.bincount(shuffled.labels), np.bincount(split.labels))
    assert 0.02 < np.mean(shuffled.labels == split.labels) < 0.25
    bags = Split("train", split.images[split.labels == 8], split.labels[split.labels == 8])
    with pytest.raises(DataError, match="leave another class out"):
        pick_training_images(bags, TrainConfig(left_out_class=8))


def test_there_are_two_probes_per_class() -> None:
    probes = pick_probes(numbered(300))
    assert (probes % 10).tolist() == [label for label in range(10) for _ in range(2)]
    assert probes.tolist() == pick_probes(numbered(300)).tolist()
