"""The article's loop, rewritten from its description: the baseline of `tests.benchmarks.training`.

A data set of int64 pixels as pandas reads them, indexed item by item; a DataLoader with batches of 100; pixels from 0 to 255;
PyTorch's default memory layout and float32; Adam at 0.001; `loss.item()` after every step.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from fmnist_core.dataset.split import Split

BATCH_SIZE = 100


class ItemByItem(Dataset[tuple[NDArray[np.int64], np.int64]]):
    """What reading the CSV with pandas returns: int64 images (N, 1, 28, 28) and labels (N,).

    pandas stores columns contiguously, and NumPy keeps that layout, so neighbouring pixels of one of 60,000 images are 480 KB apart.
    Loading a batch of 100 took 1.0 ms; with contiguous images it would take 0.4 ms (on two cores).
    """

    def __init__(self, split: Split) -> None:
        rows = np.column_stack([split.labels, split.images.reshape(len(split), -1)])
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "images.csv"
            pd.DataFrame(rows, columns=["label", *(f"pixel{n}" for n in range(1, rows.shape[1]))]).to_csv(file, index=False)
            data = pd.read_csv(file)
        self.images = np.array(data.iloc[:, 1:]).reshape(-1, 1, 28, 28)
        self.labels = np.array(data.iloc[:, 0])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[NDArray[np.int64], np.int64]:
        return self.images[index], self.labels[index]


class PlainCNN(nn.Module):
    """The article's network with PyTorch's defaults, and ReLU before pooling."""

    def __init__(self) -> None:
        super().__init__()
        blocks = [
            layer
            for channels, kernels in ((1, 16), (16, 32))
            for layer in (nn.Conv2d(channels, kernels, 5, padding=2), nn.BatchNorm2d(kernels), nn.ReLU(), nn.MaxPool2d(2))
        ]
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(7 * 7 * 32, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        logits: Tensor = self.fc(self.blocks(inputs).view(len(inputs), -1))
        return logits


class Tutorial:
    """The article's loop, one step at a time; it starts another epoch whenever one ends."""

    def __init__(self, items: ItemByItem, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.model = PlainCNN()
        self.losses: list[float] = []
        self._loader = DataLoader(items, batch_size=BATCH_SIZE, shuffle=True)
        self._steps = self._train()

    def do(self, steps: int) -> None:
        for _ in range(steps):
            next(self._steps)

    def _train(self) -> Iterator[None]:
        criterion = nn.CrossEntropyLoss()
        optimizer = torch.optim.Adam(self.model.parameters(), lr=0.001)
        while True:
            for images, labels in self._loader:
                optimizer.zero_grad()
                loss = criterion(self.model(images.float()), labels)
                loss.backward()
                optimizer.step()
                self.losses.append(loss.item())
                yield

    def accuracy(self, split: Split) -> float:
        """The accuracy on all images of a split; leaves the network in training mode."""
        self.model.eval()
        with torch.no_grad():
            parts = torch.as_tensor(split.images).unsqueeze(1).split(500)
            answers = torch.cat([self.model(part.float()).argmax(dim=1) for part in parts])
        self.model.train()
        return float((answers.numpy() == split.labels).mean())
