"""Batches of training images, augmented or not, in a new order in every epoch."""

import math
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from fmnist_core.dataset.split import Split
from fmnist_core.network.devices import compute_dtype
from fmnist_core.network.inputs import to_inputs
from fmnist_core.network.model import FashionCNN
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.augmentation import FlipsAndShifts, PhotosAndDrawings

_CONVERTED_AT_ONCE = 1_000  # images: 3 MB of memory on top of the 86 MB for all inputs in bfloat16
_BATCHES_PER_CHUNK = 8  # augmented together: 2.0 s per epoch, and 3.4 s one batch at a time


class Batches:
    """The training images in batches, in a new order in every epoch.

    The seed, the epoch and the position in the epoch determine every batch, so that a run can continue from any step.
    """

    def __init__(self, split: Split, config: TrainConfig, model: FashionCNN, precision: str) -> None:
        self._seed, self._batch_size, self._model = config.seed, config.batch_size, model
        self._dtype = compute_dtype(precision)
        self.steps_per_epoch = math.ceil(len(split) / config.batch_size)
        images, labels = torch.as_tensor(split.images), torch.as_tensor(split.labels).long()
        self._labels = labels.to(model.fc.weight.device)
        self._augmentation: FlipsAndShifts | PhotosAndDrawings | None = None
        if config.augmentation == "flips-and-shifts":
            self._augmentation = FlipsAndShifts(images, labels)
        elif config.augmentation == "photos-and-drawings":
            self._augmentation = PhotosAndDrawings(images, labels, config.seed)
        else:  # all inputs are computed once, so that a batch is a single look-up
            self._inputs = torch.empty(len(images), 1, *images.shape[1:], dtype=self._dtype, device=self._labels.device)
            for part, pixels in zip(self._inputs.split(_CONVERTED_AT_ONCE), images.split(_CONVERTED_AT_ONCE), strict=True):
                part.copy_(to_inputs(model, pixels))

    def of_epoch(self, epoch: int, first: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Inputs (batch size, 1, 28, 28) and labels (batch size,) on the model's device, starting with batch `first`, counted from 0."""
        order = torch.randperm(len(self._labels), generator=self._generator(epoch))
        for number, chunk in enumerate(order.split(self._batch_size * _BATCHES_PER_CHUNK)):
            skipped = max(0, first - number * _BATCHES_PER_CHUNK)
            if skipped < _BATCHES_PER_CHUNK:
                inputs, labels = self._fetch(chunk, self._generator(epoch, number))
                yield from zip(inputs.split(self._batch_size)[skipped:], labels.split(self._batch_size)[skipped:], strict=True)

    def _fetch(self, indices: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        device = self._labels.device
        if self._augmentation is None:
            indices = indices.to(device)
            return self._inputs.index_select(0, indices), self._labels.index_select(0, indices)
        images, labels = self._augmentation.redraw(indices, generator)
        return to_inputs(self._model, images).to(self._dtype), labels.to(device)

    def _generator(self, *position: int) -> torch.Generator:
        seed = np.random.SeedSequence([self._seed, *position]).generate_state(1, np.uint64)[0]
        return torch.Generator().manual_seed(int(seed) >> 1)
