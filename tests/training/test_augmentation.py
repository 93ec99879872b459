import numpy as np
import pytest
import torch

from fmnist_core.dataset.split import Split
from fmnist_core.training import augmentation
from fmnist_core.training.augmentation import FlipsAndShifts, PhotosAndDrawings, find_silhouettes


def make(split: Split, seed: int = 0) -> PhotosAndDrawings:
    return PhotosAndDrawings(torch.as_tensor(split.images), torch.as_tensor(split.labels).long(), seed)


def numbers(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_every_image_is_redrawn_in_its_place(small_splits: tuple[Split, Split]) -> None:
    split = small_splits[0]
    images, labels = make(split).redraw(torch.arange(len(split)), numbers())
    assert (images.shape, images.dtype) == ((len(split), 28, 28), torch.uint8)
    same = (labels == torch.as_tensor(split.labels)).float().mean()
    assert 0.8 < same < 1, "a tenth of the images is replaced by doodles of any class"


def test_the_generators_state_decides_everything(small_splits: tuple[Split, Split]) -> None:
    """What was drawn before leaves no trace, so that a run can go on from any step."""
    split = small_splits[0]
    places = torch.arange(100, 300)
    fresh, used = make(split), make(split)
    used.redraw(torch.arange(200), numbers(7))
    first, second, other = fresh.redraw(places, numbers(1)), used.redraw(places, numbers(1)), fresh.redraw(places, numbers(2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(first[0], other[0])


def test_flips_and_shifts(small_splits: tuple[Split, Split]) -> None:
    split = small_splits[0]
    images, labels = FlipsAndShifts(torch.as_tensor(split.images), torch.as_tensor(split.labels).long()).redraw(
        torch.arange(400), numbers()
    )
    np.testing.assert_array_equal(labels.numpy(), split.labels[:400])
    seen = {is_moved(image, original) for image, original in zip(images.numpy(), split.images, strict=False)}
    assert len(seen) == 18  # nine places, each also mirrored, and nothing else
    assert None not in seen


def is_moved(image: np.ndarray, original: np.ndarray) -> tuple[bool, int, int] | None:
    """How an image was mirrored and moved by at most a pixel; None if it was not."""
    for mirrored in (False, True):
        framed = np.pad(original[:, ::-1] if mirrored else original, 1)
        for y in range(3):
            for x in range(3):
                if np.array_equal(image, framed[y : y + 28, x : x + 28]):
                    return mirrored, y, x
    return None


def test_most_images_are_only_nudged(small_splits: tuple[Split, Split], monkeypatch: pytest.MonkeyPatch) -> None:
    for share in ("_PHOTO_SHARE", "_DRAWING_SHARE", "_DOODLE_SHARE", "_DOODLE_PHOTO_SHARE"):
        monkeypatch.setattr(augmentation, share, 0.0)
    split = small_splits[0]
    images, labels = make(split).redraw(torch.arange(40), numbers())
    np.testing.assert_array_equal(labels.numpy(), split.labels[:40])
    assert all(is_moved(image, original) for image, original in zip(images.numpy(), split.images, strict=False))


@pytest.mark.parametrize("share", ["_PHOTO_SHARE", "_DRAWING_SHARE", "_DOODLE_SHARE", "_DOODLE_PHOTO_SHARE"])
def test_redrawn_images_are_items_on_black(share: str, small_splits: tuple[Split, Split], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_PHOTO_SHARE", "_DRAWING_SHARE", "_DOODLE_SHARE", "_DOODLE_PHOTO_SHARE"):
        monkeypatch.setattr(augmentation, name, 1.0 if name == share else 0.0)
    split = small_splits[0]
    images, _ = make(split).redraw(torch.arange(200), numbers())
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
