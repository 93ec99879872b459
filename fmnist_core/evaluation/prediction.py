"""From images to class probabilities, and from a split to an `Evaluation`."""

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from fmnist_core.dataset.classes import CLASS_NAMES, SIDE_PX
from fmnist_core.dataset.split import Split
from fmnist_core.evaluation.evaluation import Evaluation
from fmnist_core.evaluation.steps import Steps, finish
from fmnist_core.network.fast import fast_forward
from fmnist_core.network.inputs import to_inputs
from fmnist_core.network.model import FashionCNN
from fmnist_core.settings.config import VIEW_COUNTS, TestViews

# 10,000 images took 0.35 s of processor time in bfloat16 and 0.76 in float32; in passes of 500, too large for the cache, 0.75 and 1.22.
_IMAGES_PER_PASS = 200


@contextlib.contextmanager
def eval_mode(model: FashionCNN) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards the model is in the mode it was in."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)


def compute_logits(model: FashionCNN, images: NDArray[np.uint8] | Tensor, precision: str = "float32") -> Tensor:
    """The network's raw outputs; the model's mode is left as it was.

    Args:
        images: (N, 28, 28) uint8.
        precision: "bfloat16" is for a quick check during training; it changes the prediction of one or two test images in 10,000.
    Returns:
        (N, 10) float32 on the CPU.
    """
    if not len(images):
        return torch.empty(0, len(CLASS_NAMES))
    parts = torch.as_tensor(images).split(_IMAGES_PER_PASS)
    forward = fast_forward(model, precision)
    with eval_mode(model):
        return torch.cat([forward(to_inputs(model, part)).cpu() for part in parts])


def predict(model: FashionCNN, images: NDArray[np.uint8] | Tensor, precision: str = "float32") -> NDArray[np.float32]:
    """Class probabilities of pictures; the model's mode is left as it was.

    Args:
        images: (N, 28, 28) uint8, such as `load_split` and `prepare` return.
        precision: as in `compute_logits`.
    Returns:
        (N, 10) float32; rows sum to 1.
    Raises:
        ValueError: if images have any other shape or type.
    """
    return functional.softmax(compute_logits(model, images, precision), dim=1).numpy()


def evaluate(model: FashionCNN, split: Split, *, views: TestViews = "one", precision: str = "float32") -> Evaluation:
    """The network's predictions for every image of a split.

    Args:
        views: test-time augmentation: the views of each image that the probabilities are averaged over.
        precision: as in `compute_logits`.
    """
    return finish(evaluation_steps(model, split, views=views, precision=precision))


def evaluation_steps(model: FashionCNN, split: Split, *, views: TestViews = "one", precision: str = "float32") -> Steps[Evaluation]:
    """What `evaluate` does; yields the share done after each view."""
    if views == "one":
        logits = compute_logits(model, split.images, precision)
        probabilities = functional.softmax(logits, dim=1)
        yield 1.0
    else:
        of_each_view = []
        for images in _tta_views(split.images, shifted=views == "mirrored-and-shifted"):
            of_each_view.append(predict(model, images, precision))
            yield len(of_each_view) / VIEW_COUNTS[views]
        probabilities = torch.from_numpy(np.mean(of_each_view, axis=0))
        logits = probabilities.log()
    loss = functional.cross_entropy(logits, torch.as_tensor(split.labels).long()).item()
    return Evaluation(split.labels, probabilities.numpy(), loss, split.class_names, split.digest)


def _tta_views(images: NDArray[np.uint8], *, shifted: bool) -> Iterator[NDArray[np.uint8]]:
    """Images (N, 28, 28) unchanged and mirrored, and if shifted also both one pixel up, down, left and right: 2 or 10 times (N, 28, 28)."""
    framed = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    for down, right in ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2)) if shifted else ((1, 1),):
        view = framed[:, down : down + SIDE_PX, right : right + SIDE_PX]
        yield np.ascontiguousarray(view)
        yield np.ascontiguousarray(view[:, :, ::-1])
