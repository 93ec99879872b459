"""Which pixels of a picture speak for a class, and which against it."""

import functools
import itertools

import numpy as np
from numpy.typing import NDArray

from fmnist_core.evaluation.prediction import compute_logits
from fmnist_core.network.model import FashionCNN

_STEP_PX = 2


def occlude(model: FashionCNN, image: NDArray[np.uint8], class_index: int, patch_px: int = 5) -> NDArray[np.float32]:
    """How much each pixel speaks for a class (above 0) or against it (below 0); the model's mode is left as it was.

    A black patch slides over the picture, two pixels at a time. A pixel's value is the mean fall of the class's logit, relative
    to the mean of all ten logits, over the patches that cover it (Zeiler, Fergus 2014, https://arxiv.org/abs/1311.2901). Black
    pixels get 0: covering them changes nothing.
    On 300 test images, deleting the pixels that this ranks first lowered the class's probability faster than with gradient
    times input or integrated gradients (`python -m tests.benchmarks.attribution`). With the starter model, steps of one pixel, which take
    four times as long, gave 0.292 for deletion (low is good) and 0.597 for insertion (high is good), steps of two 0.298 and 0.613.

    Args:
        image: (28, 28) uint8.
        class_index: 0 to 9.
        patch_px: side of the patch, odd, at least 3.
    Returns:
        (28, 28) float32.
    """
    covered = _patches(image.shape[0], patch_px)
    is_changed = (covered & (image > 0)).any(axis=(1, 2))  # only these are computed: for most items half of the patches or fewer
    occluded = np.where(covered[is_changed], np.uint8(0), image)
    logits = compute_logits(model, np.concatenate([image[np.newaxis], occluded])).numpy()
    margins = logits[:, class_index] - logits.mean(axis=1)
    change = np.zeros(len(covered), np.float32)
    change[is_changed] = margins[0] - margins[1:]
    total = np.einsum("p,phw->hw", change, covered)
    attribution: NDArray[np.float32] = (total / covered.sum(axis=0)).astype(np.float32)
    return np.where(image > 0, attribution, np.float32(0))


@functools.lru_cache(maxsize=3)
def _patches(side: int, patch_px: int) -> NDArray[np.bool_]:
    """What a patch covers at each of its positions, (P, side, side); together they cover every pixel."""
    reach = patch_px // 2
    middles = range(1, side, _STEP_PX)
    covered = np.zeros((len(middles) ** 2, side, side), bool)
    for patch, (row, column) in zip(covered, itertools.product(middles, middles), strict=True):
        patch[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1] = True
    return covered
