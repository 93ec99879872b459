"""Fashion-MNIST for PyTorch's `DataLoader`, item by item, as in the article. Training here does not need it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fmnist_core.dataset.kaggle_csv import load_csv


class FashionMNISTDataset(torch.utils.data.Dataset[tuple[Any, int]]):
    """Images and labels of a Kaggle-style CSV, item by item, for `torch.utils.data.DataLoader`.

    Args:
        csv_file: a CSV with the label first and 784 pixels after it, with or without a header line.
        transform: called with each item, a (1, 28, 28) uint8 array; its result replaces the item.
    Raises:
        DataError: with file, row and column, if the file is not such a CSV.
    """

    def __init__(self, csv_file: str | Path, transform: Callable[[Any], Any] | None = None) -> None:
        images, labels = load_csv(Path(csv_file))
        self.images = images[:, np.newaxis]
        self.labels = labels
        self.transform = transform

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        item: Any = self.images[index]
        if self.transform is not None:
            item = self.transform(item)
        return item, int(self.labels[index])
