"""Inside a network: its kernels, and the feature maps of one picture."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from fmnist_core.evaluation.prediction import eval_mode
from fmnist_core.network.inputs import to_inputs
from fmnist_core.network.model import FashionCNN


@dataclass(frozen=True, eq=False)
class FeatureMaps:
    """The output of one block's layers for a picture.

    Attributes:
        convolved: (C, H, W) float32 after the convolution, before BatchNorm.
        activated: (C, H, W) float32 after BatchNorm and ReLU; never below 0.
        pooled: (C, H/2, W/2) float32 after MaxPool, the block's output.
    """

    convolved: NDArray[np.float32]
    activated: NDArray[np.float32]
    pooled: NDArray[np.float32]


def first_kernels(model: FashionCNN) -> NDArray[np.float32]:
    """The weights of the first layer, (16, 5, 5): one kernel per row; its input is the picture itself."""
    return _weights(model.layer1)[:, 0]


def second_kernels(model: FashionCNN) -> NDArray[np.float32]:
    """The weights of the second layer, (32, 16, 5, 5): kernel, input channel (a map of the first layer), 5×5."""
    return _weights(model.layer2)


def feature_maps(model: FashionCNN, image: NDArray[np.uint8]) -> tuple[FeatureMaps, FeatureMaps]:
    """The feature maps of both blocks for a picture; the model's mode is left as it was.

    Args:
        image: (28, 28) uint8.
    Returns:
        Maps of the first block, (16, 28, 28) and pooled (16, 14, 14), and of the second, (32, 14, 14) and (32, 7, 7).
    """
    with eval_mode(model):
        maps = to_inputs(model, image[np.newaxis])
        blocks = []
        for block in (model.layer1, model.layer2):
            convolution, norm, relu, pool = block
            convolved = convolution(maps)
            activated = relu(norm(convolved))
            maps = pool(activated)
            blocks.append(FeatureMaps(*(stage[0].cpu().numpy() for stage in (convolved, activated, maps))))
    return blocks[0], blocks[1]


def _weights(block: torch.nn.Sequential) -> NDArray[np.float32]:
    weight = block[0].weight
    assert isinstance(weight, torch.Tensor)
    return weight.detach().cpu().numpy().copy()
