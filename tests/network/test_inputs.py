import numpy as np
import pytest
import torch

from fmnist_core.dataset.split import Split
from fmnist_core.network.inputs import normalise, to_inputs, to_raw
from fmnist_core.network.model import FashionCNN


def test_pixels_are_scaled_as_in_training(small_splits: tuple[Split, Split]) -> None:
    images = small_splits[1].images[:5]
    raw, normalised = (to_inputs(FashionCNN(pixels=pixels), images) for pixels in ("raw", "normalised"))
    assert raw.shape == normalised.shape == (5, 1, 28, 28)
    assert raw.dtype == normalised.dtype == torch.float32
    np.testing.assert_array_equal(raw[:, 0].numpy(), images)
    torch.testing.assert_close(normalised, (raw - 255 * 0.2860) / (255 * 0.3530))


def test_black_and_white_by_hand() -> None:
    images = np.zeros((1, 28, 28), np.uint8)
    images[0, 0, 0] = 255
    assert normalise(images)[0, 0, 0, :2].tolist() == pytest.approx([(1 - 0.2860) / 0.3530, -0.2860 / 0.3530])


def test_the_images_are_not_changed() -> None:
    images = torch.full((1, 28, 28), 9, dtype=torch.uint8)
    normalise(images)
    assert images.unique().tolist() == [9]


@pytest.mark.parametrize("images", [np.zeros((1, 1, 28, 28), np.uint8), np.zeros((2, 28, 27), np.uint8), np.zeros((2, 28, 28), np.float32)])
def test_other_shapes_and_types_are_refused(images: np.ndarray) -> None:
    for scale in (normalise, to_raw):
        with pytest.raises(ValueError, match=r"must be uint8 images \(N, 28, 28\)"):
            scale(images)
