"""From pictures to a network's inputs: uint8 → float32, normalised or raw."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fmnist_core.dataset.classes import PIXEL_MEAN, PIXEL_STD, SIDE_PX
from fmnist_core.network.model import FashionCNN


def to_inputs(model: FashionCNN, images: NDArray[np.uint8] | Tensor) -> Tensor:
    """The inputs of this network, with the kind of pixels it was trained on.

    Args:
        images: (N, 28, 28) uint8, array or tensor on any device.
    Returns:
        (N, 1, 28, 28) float32 on the network's device.
    Raises:
        ValueError: if images have any other shape or type.
    """
    scale = normalise if model.pixels == "normalised" else to_raw
    return scale(images).to(model.fc.weight.device)


def normalise(images: NDArray[np.uint8] | Tensor) -> Tensor:
    """Pixels with mean 0 and standard deviation 1 over the training set.

    Args:
        images: (N, 28, 28) uint8, array or tensor on any device.
    Returns:
        (N, 1, 28, 28) float32 on the same device; black is -0.81, white is 2.02.
    Raises:
        ValueError: if images have any other shape or are not uint8.
    """
    return to_raw(images).sub_(255 * PIXEL_MEAN).div_(255 * PIXEL_STD)


def to_raw(images: NDArray[np.uint8] | Tensor) -> Tensor:
    """Pixels as in the article, (N, 1, 28, 28) float32 from 0 to 255; arguments and errors as in `normalise`."""
    pixels = torch.as_tensor(images)
    if pixels.ndim != 3 or pixels.shape[1:] != (SIDE_PX, SIDE_PX) or pixels.dtype != torch.uint8:
        raise ValueError(f"Pictures must be uint8 images (N, 28, 28), not {pixels.dtype} {tuple(pixels.shape)}.")
    return pixels.unsqueeze(1).float()
