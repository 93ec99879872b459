"""The article's loop, written anew as it describes it: the yardstick of `tests.benchmarks.training`.

A data set of int64 pixels as pandas reads them, fetched item by item; a DataLoader with batches of 100; pixels from 0 to 255;
PyTorch's default layout and float32; Adam at 0.001; the loss taken out as a number after every step.
"""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from fmnist_core.data import Split

BATCH_SIZE = 100


class ItemByItem(Dataset[tuple[NDArray[np.int64], np.int64]]):
    """What one gets who reads the CSV with pandas: int64 images (N, 1, 28, 28) and labels (N,)."""

    def __init__(self, split: Split) -> None:
        self.images = split.images.astype(np.int64).reshape(-1, 1, 28, 28)
        self.labels = split.labels.astype(np.int64)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[NDArray[np.int64], np.int64]:
        return self.images[index], self.labels[index]


class PlainCNN(nn.Module):
    """The article's network with PyTorch's defaults, ReLU before the pooling."""

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
    """The article's loop, a step at a time; epochs follow one another without end."""

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
        """On all images of a split; the network is in training mode again afterwards."""
        self.model.eval()
        with torch.no_grad():
            parts = torch.as_tensor(split.images).unsqueeze(1).split(500)
            answers = torch.cat([self.model(part.float()).argmax(dim=1) for part in parts])
        self.model.train()
        return float((answers.numpy() == split.labels).mean())
