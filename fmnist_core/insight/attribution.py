"""Which pixels of a picture speak for a class, and which against it."""

import numpy as np
import torch
from numpy.typing import NDArray

from fmnist_core.evaluation.prediction import eval_mode
from fmnist_core.network.inputs import to_inputs
from fmnist_core.network.model import FashionCNN

_IMAGES_PER_PASS = 200  # few enough that their feature maps stay in the processor's cache


def occlude(model: FashionCNN, image: NDArray[np.uint8], class_index: int, patch_px: int = 5) -> NDArray[np.float32]:
    """How much each pixel speaks for a class (above 0) or against it (below 0); the model's mode is left as it was.

    A black patch slides over the picture, one pixel at a time. A pixel's value is the mean fall of the class's logit, relative
    to the mean of all ten logits, over the patches that cover it (Zeiler, Fergus 2014, https://arxiv.org/abs/1311.2901). Black
    pixels get 0: covering them changes nothing.
    On 300 test images, deleting the pixels that this ranks first lowered the class's probability faster than with gradient
    times input or integrated gradients (`python -m tests.benchmarks.attribution`).

    Args:
        image: (28, 28) uint8.
        class_index: 0 to 9.
        patch_px: side of the patch, odd.
    Returns:
        (28, 28) float32.
    """
    side, reach = image.shape[0], patch_px // 2
    occluded = np.repeat(image[np.newaxis], side * side, axis=0)
    covered = np.zeros((side * side, side, side), bool)
    for number, (row, column) in enumerate(np.ndindex(side, side)):
        covered[number, max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1] = True
    occluded[covered] = 0
    with eval_mode(model):
        parts = torch.as_tensor(np.concatenate([image[np.newaxis], occluded])).split(_IMAGES_PER_PASS)
        logits = torch.cat([model(to_inputs(model, part)).cpu() for part in parts]).numpy()
    margins = logits[:, class_index] - logits.mean(axis=1)
    change = margins[0] - margins[1:]
    total = np.einsum("p,phw->hw", change, covered)
    attribution: NDArray[np.float32] = (total / covered.sum(axis=0)).astype(np.float32)
    return np.where(image > 0, attribution, np.float32(0))
