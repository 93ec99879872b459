"""Split: the training or the test images, all in memory, read from the four original IDX files or a pair of CSV files as on Kaggle."""

import hashlib
import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_core.dataset.boundary import one_sentence
from fmnist_core.dataset.classes import CLASS_NAMES, DataError
from fmnist_core.dataset.idx import PACKAGED_FOLDER, load_idx_pair
from fmnist_core.dataset.kaggle_csv import CSV_NAMES, load_csv

_WHAT_TO_SET = "set FMNIST_DATA to a folder with the data, or unset it."
SplitName = Literal["train", "test"]


@dataclass(frozen=True, eq=False)
class Split:
    """The training or the test images, all in memory.

    Attributes:
        name: "train" or "test".
        images: (N, 28, 28) uint8, 0 is background.
        labels: (N,) uint8, indices into `class_names`.
        class_names: the ten names, in the order of the labels.
        folder: where it was read from; None for a split made in memory.
    """

    name: SplitName
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    class_names: tuple[str, ...] = CLASS_NAMES
    folder: Path | None = None

    @property
    def is_packaged(self) -> bool:
        """Whether it was read from the data set that comes with the project."""
        return self.folder == PACKAGED_FOLDER

    @cached_property
    def digest(self) -> str:
        """32 hexadecimal digits that say which images and labels these are; for 60,000 they took 23 ms."""
        content = hashlib.sha256(np.ascontiguousarray(self.labels).data)
        content.update(np.ascontiguousarray(self.images).data)
        return content.hexdigest()[:32]

    def __len__(self) -> int:
        return len(self.labels)


def data_folder() -> Path:
    """The folder that data is read from: the environment variable FMNIST_DATA, or else the packaged data set.

    Raises:
        DataError: if FMNIST_DATA begins with the home of a user that does not exist; nothing else is checked.
    """
    chosen = os.environ.get("FMNIST_DATA", "").strip()
    if not chosen:
        return PACKAGED_FOLDER
    try:
        return Path(chosen).expanduser()
    except RuntimeError as error:
        raise DataError(f"The data folder {chosen} does not exist, because there is no such user: {_WHAT_TO_SET}") from error


def load_split(name: SplitName, folder: Path | None = None) -> Split:
    """All images and labels of one split.

    Args:
        name: "train" (60,000 images in the packaged data) or "test" (10,000).
        folder: with the four IDX files (gzipped or not) or the two CSV files; `data_folder()` by default.
    Raises:
        DataError: if a file is missing or damaged, or does not hold such images; the message names the file.
    """
    if name not in CSV_NAMES:
        raise DataError(f'There is no split called "{name}": choose "train" or "test".')
    folder = data_folder() if folder is None else folder
    with one_sentence(folder):
        if not folder.is_dir():
            problem = "is not a folder" if folder.exists() else "does not exist"
            raise DataError(f"The data folder {folder} {problem}: {_WHAT_TO_SET}")
        csv_file = folder / CSV_NAMES[name]
        if os.path.lexists(csv_file):  # also a link that leads nowhere, which should not silently stand for other data
            images, labels = load_csv(csv_file)
        else:
            images, labels = load_idx_pair(folder, name)
    return Split(name, images, labels, folder=folder)


def pick(split: Split, indices: NDArray[np.int64]) -> Split:
    """A split of only these images."""
    return replace(split, images=split.images[indices], labels=split.labels[indices])
