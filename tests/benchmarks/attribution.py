"""Which attribution method is the most faithful to the network: `python -m tests.benchmarks.attribution [RUN]`.

Deletion: pixels are blackened, the most important first, and the mean probability of the class should be low. Insertion: pixels are
revealed on black, the most important first, and it should be high (Petsiuk, Das, Saenko 2018, https://arxiv.org/abs/1806.07421).
"""

import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray

from fmnist_core.dataset.split import load_split
from fmnist_core.evaluation.prediction import predict
from fmnist_core.insight.attribution import occlude
from fmnist_core.network.inputs import to_inputs
from fmnist_core.network.model import FashionCNN
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import load_run
from fmnist_core.runs.weights import load_model

IMAGES = 300
SHARES = np.linspace(0, 1, 15)
Attribute = Callable[[FashionCNN, NDArray[np.uint8], int], NDArray[np.float32]]


def integrated_gradients(steps: int) -> Attribute:
    """Integrated gradients from black to the picture in this many steps; a single step is gradient times input."""

    def attribute(model: FashionCNN, image: NDArray[np.uint8], class_index: int) -> NDArray[np.float32]:
        black, shown = to_inputs(model, np.zeros_like(image)[np.newaxis]), to_inputs(model, image[np.newaxis])
        shares = torch.arange(1, steps + 1).view(-1, 1, 1, 1) / steps
        inputs = (black + shares * (shown - black)).requires_grad_()
        model(inputs)[:, class_index].sum().backward()
        assert inputs.grad is not None
        return (inputs.grad.mean(0) * (shown - black)[0])[0].numpy()

    return attribute


def occlusion(patch_px: int) -> Attribute:
    """`attribution.occlude` with a square patch of this size."""
    return lambda model, image, class_index: occlude(model, image, class_index, patch_px)


def measure(model: FashionCNN, attribute: Attribute) -> tuple[float, float, float]:
    """Deletion, insertion, and seconds per picture."""
    images = load_split("test").images[:IMAGES]
    deletion, insertion, began_s, attributing_s = [], [], time.perf_counter(), 0.0
    for image in images:
        class_index = int(predict(model, image[np.newaxis]).argmax())
        began_s = time.perf_counter()
        order = np.argsort(-attribute(model, image, class_index).ravel(), kind="stable")
        attributing_s += time.perf_counter() - began_s
        order = order[image.ravel()[order] > 0]  # black pixels cannot be deleted
        without, only = [], []
        for share in SHARES:
            named = order[: round(share * len(order))]
            left = image.copy().ravel()
            left[named] = 0
            alone = np.zeros_like(left)
            alone[named] = image.ravel()[named]
            without.append(left.reshape(image.shape))
            only.append(alone.reshape(image.shape))
        deletion.append(predict(model, np.stack(without))[:, class_index].mean())
        insertion.append(predict(model, np.stack(only))[:, class_index].mean())
    return float(np.mean(deletion)), float(np.mean(insertion)), attributing_s / len(images)


def main() -> None:
    model = load_model(load_run(sys.argv[1] if len(sys.argv) > 1 else STARTER_ID))
    random = np.random.default_rng(0)
    methods: dict[str, Attribute] = {
        "by chance": lambda _model, image, _class: random.random(image.shape, np.float32),
        "gradient times input": integrated_gradients(1),
        "integrated gradients, 32 steps": integrated_gradients(32),
        "occlusion, 3×3": occlusion(3),
        "occlusion, 5×5": occlusion(5),
        "occlusion, 7×7": occlusion(7),
    }
    print(f"{'method':32} deletion (low)  insertion (high)  seconds")
    for name, attribute in methods.items():
        deletion, insertion, took_s = measure(model, attribute)
        print(f"{name:32} {deletion:14.3f}  {insertion:16.3f}  {took_s:7.3f}", flush=True)


if __name__ == "__main__":
    main()
