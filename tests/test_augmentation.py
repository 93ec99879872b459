import numpy as np
import pytest
import torch

from fmnist_core import augmentation
from fmnist_core.augmentation import PhotosAndDrawings, find_silhouettes
from fmnist_core.data import Split


def make(split: Split, seed: int = 0) -> PhotosAndDrawings:
    labels = torch.as_tensor(split.labels).long()
    return PhotosAndDrawings(torch.as_tensor(split.images), labels, torch.Generator().manual_seed(seed))


def test_every_image_comes_once_in_batches(small_splits: tuple[Split, Split]) -> None:
    split = small_splits[0]
    batches = list(make(split).batches(torch.arange(len(split)), 64))
    assert [len(images) for images, _ in batches[:-1]] == [64] * (len(batches) - 1)
    images, labels = torch.cat([images for images, _ in batches]), torch.cat([labels for _, labels in batches])
    assert (images.shape, images.dtype) == ((len(split), 28, 28), torch.uint8)
    same = (labels == torch.as_tensor(split.labels)).float().mean()
    assert 0.8 < same < 1, "a tenth of the images is replaced by doodles of any class"


def test_the_same_seed_gives_the_same_batches(small_splits: tuple[Split, Split]) -> None:
    split = small_splits[0]
    first, second, other = (next(make(split, seed).batches(torch.arange(len(split)), 64))[0] for seed in (1, 1, 2))
    assert torch.equal(first, second)
    assert not torch.equal(first, other)


def test_most_images_are_only_nudged(small_splits: tuple[Split, Split], monkeypatch: pytest.MonkeyPatch) -> None:
    for share in ("_PHOTO_SHARE", "_DRAWING_SHARE", "_DOODLE_SHARE", "_DOODLE_PHOTO_SHARE"):
        monkeypatch.setattr(augmentation, share, 0.0)
    split = small_splits[0]
    images, labels = next(make(split).batches(torch.arange(40), 40))
    np.testing.assert_array_equal(labels.numpy(), split.labels[:40])
    for image, original in zip(images.numpy(), split.images, strict=False):
        framed = np.pad(original, 1)
        moved = [framed[y : y + 28, x : x + 28] for y in range(3) for x in range(3)]
        assert any(np.array_equal(image, each) or np.array_equal(image[:, ::-1], np.pad(original, 1)[y : y + 28, x : x + 28])
                   for each, (y, x) in zip(moved, [(y, x) for y in range(3) for x in range(3)], strict=True))  # fmt: skip


@pytest.mark.parametrize("share", ["_PHOTO_SHARE", "_DRAWING_SHARE", "_DOODLE_SHARE", "_DOODLE_PHOTO_SHARE"])
def test_redrawn_images_are_items_on_black(share: str, small_splits: tuple[Split, Split], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_PHOTO_SHARE", "_DRAWING_SHARE", "_DOODLE_SHARE", "_DOODLE_PHOTO_SHARE"):
        monkeypatch.setattr(augmentation, name, 1.0 if name == share else 0.0)
    split = small_splits[0]
    images, _ = next(make(split).batches(torch.arange(200), 200))
    item = (images > 20).float().mean((1, 2))
    assert (images[:, [0, 0, -1, -1], [0, -1, 0, -1]] < 60).float().mean() > 0.75, "corners are background"
    assert ((item > 0.03) & (item < 0.95)).float().mean() > 0.95
    assert not torch.equal(images, torch.as_tensor(split.images[:200]))


def test_silhouettes_by_hand() -> None:
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 4:24] = 200
    image[10, 10:13] = 0  # three dark pixels inside: a print
    image[14:20, 8:12] = 0  # 24: a gap
    image[0, 0] = 200  # a crumb
    silhouette = find_silhouettes(image[np.newaxis])[0]
    expected = np.zeros((28, 28), bool)
    expected[4:24, 4:24] = True
    expected[14:20, 8:12] = False
    np.testing.assert_array_equal(silhouette, expected)
