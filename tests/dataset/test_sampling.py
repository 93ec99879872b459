import numpy as np

from fmnist_core.dataset.sampling import count_classes, mean_images, sample_indices
from fmnist_core.dataset.split import Split


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
