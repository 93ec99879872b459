"""What each trick of `network/fast.py` is worth: `python -m tests.benchmarks.network` prints a table for training and one for evaluation.

Each row adds one trick to those of the row above it, so that its gain is what it is worth beside the others. All rows are measured in
turns in one process; gains are the medians of each round's own ratio. Times are processor time, which other processes disturb least.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from fmnist_core.network.devices import pick_device
from fmnist_core.network.fast import Forward, fast_forward, to_device
from fmnist_core.network.model import FashionCNN
from tests.benchmarks.training import print_machine, print_table

BATCH_SIZE = 100
EVALUATED_AT_ONCE = 200


def main() -> None:
    """Measures and prints both tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.network", description=__doc__)
    parser.add_argument("--rounds", type=int, default=25, help="rounds per row")
    parser.add_argument("--steps", type=int, default=10, help="training steps, or batches to evaluate, per round")
    parser.add_argument("--threads", type=int, default=1, help="by default as many as a training run uses")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print_machine()
    plain, channels_last = draw(), draw().to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing from the stubs
    onednn, pooled_first, fast, half = draw(), draw(), draw(), draw()
    training: dict[str, tuple[FashionCNN, Forward]] = {
        "the model itself": (plain, plain),
        "the model itself, channels last": (channels_last, channels_last),
        "oneDNN's layout": (onednn, onednn_forward(onednn, pool_first=False)),
        "+ pooling before ReLU": (pooled_first, onednn_forward(pooled_first, pool_first=True)),
        "+ no convolution biases: `fast_forward`": (fast, fast_forward(fast)),
    }
    if torch.ops.mkldnn._is_mkldnn_bf16_supported():
        training["+ bfloat16"] = (half, fast_forward(half, "bfloat16"))
    evaluation = {
        "the model itself": training["the model itself"],
        "the model itself, channels last": training["the model itself, channels last"],
        "oneDNN's layout": training["oneDNN's layout"],
        "+ pooling before ReLU": training["+ pooling before ReLU"],
        "+ BatchNorm folded into the kernels: `fast_forward`": (fast, fast_forward(fast)),
    }
    compare(f"A training step, {BATCH_SIZE} images", {name: training_step(*row) for name, row in training.items()}, options)
    compare(f"Evaluating {EVALUATED_AT_ONCE:,} images", {name: evaluating(*row) for name, row in evaluation.items()}, options)


def draw() -> FashionCNN:
    """A network with random weights, the same every time."""
    torch.manual_seed(0)
    return to_device(FashionCNN(), pick_device()).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]


def onednn_forward(model: FashionCNN, *, pool_first: bool) -> Forward:
    """The model's own convolutions and norms on inputs in oneDNN's layout, with pooling before or after ReLU."""

    def forward(inputs: Tensor) -> Tensor:
        maps = inputs.to_mkldnn()
        for block in (model.layer1, model.layer2):
            convolution, norm, relu, pool = block
            maps = norm(convolution(maps))
            maps = relu(pool(maps)) if pool_first else pool(relu(maps))
        logits: Tensor = model.fc(maps.flatten(start_dim=1))
        return logits.to_dense(torch.float32)

    return forward


def training_step(model: FashionCNN, forward: Forward) -> Callable[[], None]:
    """One step of the article's: forward, loss, backward, Adam."""
    images, labels = torch.rand(BATCH_SIZE, 1, 28, 28), torch.arange(BATCH_SIZE) % 10
    optimizer, criterion = torch.optim.Adam(model.parameters(), lr=0.001, fused=True), nn.CrossEntropyLoss()

    def step() -> None:
        model.train()
        optimizer.zero_grad()
        criterion(forward(images), labels).backward()
        optimizer.step()

    return step


def evaluating(model: FashionCNN, forward: Forward) -> Callable[[], None]:
    """One batch without gradients, in evaluation mode."""
    images = torch.rand(EVALUATED_AT_ONCE, 1, 28, 28)

    @torch.no_grad()
    def evaluate() -> None:
        model.eval()
        forward(images)

    return evaluate


def compare(title: str, rows: dict[str, Callable[[], None]], options: argparse.Namespace) -> None:
    """Prints milliseconds of processor time, and how much less time each row takes than the first and than the one above it."""
    took_s: dict[str, list[float]] = {name: [] for name in rows}
    for _ in range(1 + options.rounds):
        for name, do in rows.items():
            began_s = time.process_time()
            for _ in range(options.steps):
                do()
            took_s[name].append((time.process_time() - began_s) / options.steps)
    seconds = {name: np.array(times[1:]) for name, times in took_s.items()}  # the first round warms up
    first, above = next(iter(seconds.values())), next(iter(seconds.values()))
    table = []
    for name, own in seconds.items():
        gains = (100 * (1 - np.median(own / other)) for other in (first, above))
        table.append([name, f"{1000 * np.median(own):.1f}", *(f"{gain:+.1f} %" for gain in gains)])
        above = own
    print_table(
        f"{title}, medians of {options.rounds} rounds", ["", "processor ms", "less time than the first", "than the row above"], table
    )


if __name__ == "__main__":
    main()
