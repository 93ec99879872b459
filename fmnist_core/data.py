"""Fashion-MNIST as arrays: the four original IDX files, or a Kaggle-style CSV pair.

Source of the data set: Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning
Algorithms", 2017, https://arxiv.org/abs/1708.07747.
"""

import csv
import gzip
import hashlib
import os
import re
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

SplitName = Literal["train", "test"]

CLASS_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
SIDE_PX = 28
PIXELS = SIDE_PX * SIDE_PX
# Mean and standard deviation of all pixels of the 60,000 training images, on the 0–1 scale (measured: 0.28604, 0.35302).
PIXEL_MEAN = 0.2860
PIXEL_STD = 0.3530

PACKAGED_FOLDER = Path(__file__).parent / "fashion_mnist"
_IDX_STEMS = {"train": "train", "test": "t10k"}
_CSV_NAMES = {"train": "fashion-mnist_train.csv", "test": "fashion-mnist_test.csv"}
# SHA-256 of the decompressed files as their authors published them.
_PACKAGED_SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}
_COLUMNS = 1 + PIXELS


class DataError(ValueError):
    """The data cannot be used; the message is one sentence for the person who chose the file."""


@dataclass(frozen=True, eq=False)
class Split:
    """One half of the data set, whole in memory.

    Attributes:
        name: "train" or "test".
        images: (N, 28, 28) uint8, 0 is background.
        labels: (N,) uint8, indices into `class_names`.
        class_names: the ten names, in the order of the labels.
        source: where it was read from, in words a person understands.
    """

    name: SplitName
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    class_names: tuple[str, ...] = CLASS_NAMES
    source: str = ""

    def __len__(self) -> int:
        return len(self.labels)


def data_folder() -> Path:
    """The folder the app reads: the value of the environment variable FMNIST_DATA, or the packaged data set."""
    chosen = os.environ.get("FMNIST_DATA", "").strip()
    return Path(chosen).expanduser() if chosen else PACKAGED_FOLDER


def load_split(name: SplitName, folder: Path | None = None) -> Split:
    """All images and labels of one split.

    Args:
        name: "train" (60,000 images in the packaged data) or "test" (10,000).
        folder: a folder with the four IDX files (gzipped or not) or the two CSV files; default `data_folder()`.
    Raises:
        DataError: if a file is missing, damaged or holds anything but such images; the message names the file.
    """
    if name not in _IDX_STEMS:
        raise DataError(f'There is no split called "{name}": choose "train" or "test".')
    folder = data_folder() if folder is None else folder
    if not folder.is_dir():
        raise DataError(f"The data folder {folder} does not exist: set FMNIST_DATA to a folder that does, or unset it.")
    csv_file = folder / _CSV_NAMES[name]
    if csv_file.exists():
        images, labels = load_csv(csv_file)
    else:
        images, labels = _load_idx_pair(folder, name)
    source = "packaged Fashion-MNIST" if folder == PACKAGED_FOLDER else str(folder)
    return Split(name, images, labels, source=source)


# IDX files


def _load_idx_pair(folder: Path, name: SplitName) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    stem = _IDX_STEMS[name]
    image_file, images = _load_idx(folder, f"{stem}-images-idx3-ubyte", dimensions=3)
    label_file, labels = _load_idx(folder, f"{stem}-labels-idx1-ubyte", dimensions=1)
    if images.shape[1:] != (SIDE_PX, SIDE_PX):
        raise DataError(f"{image_file} holds images of {images.shape[1]}×{images.shape[2]} pixels, not 28×28.")
    if len(images) != len(labels):
        raise DataError(f"{image_file} holds {len(images)} images but {label_file} holds {len(labels)} labels.")
    if len(images) == 0:
        raise DataError(f"{image_file} holds no images.")
    if labels.max() > 9:
        row = int(np.argmax(labels > 9))
        raise DataError(f"{label_file}: label {labels[row]} of item {row} is outside 0–9.")
    return images, labels


def _load_idx(folder: Path, stem: str, dimensions: int) -> tuple[Path, NDArray[np.uint8]]:
    """The array in an IDX file, format as in http://yann.lecun.com/exdb/mnist: magic, sizes, bytes."""
    file = next((f for f in (folder / f"{stem}.gz", folder / stem) if f.is_file()), None)
    if file is None:
        raise DataError(f"{folder} lacks {stem}.gz: it needs the four IDX files, or {_CSV_NAMES['train']} and {_CSV_NAMES['test']}.")
    damaged = f"{file} is damaged: copy it again from a good source."
    try:
        content = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(damaged) from error
    if folder == PACKAGED_FOLDER and hashlib.sha256(content).hexdigest() != _PACKAGED_SHA256[stem]:
        raise DataError(damaged)
    header = 4 + 4 * dimensions
    if len(content) < header or content[:4] != bytes((0, 0, 0x08, dimensions)):
        raise DataError(f"{file} is not an IDX file with {dimensions} dimension(s) of bytes.")
    shape = tuple(np.frombuffer(content, dtype=">u4", count=dimensions, offset=4).tolist())
    if len(content) - header != int(np.prod(shape)):
        raise DataError(damaged)
    # A bytearray, because PyTorch warns about arrays it may not write to.
    return file, np.frombuffer(bytearray(content), dtype=np.uint8, offset=header).reshape(shape)


# CSV files


def load_csv(file: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (N, 28, 28) and labels (N,) of a CSV with the label first and 784 pixels after it."""
    if not file.is_file():
        raise DataError(f"{file} does not exist: put the CSV file there or choose another folder.")
    header = 0 if _has_header(file) else None
    import pandas as pd  # 0.4 s that a training process on the packaged files need not spend

    try:
        table = pd.read_csv(file, header=header, dtype=np.int64, index_col=False).to_numpy()
    except (ValueError, OverflowError) as error:  # pandas' ParserError and EmptyDataError are ValueErrors
        _raise_first_bad_cell(file, has_header=header == 0)
        raise DataError(f"{file} cannot be read as a CSV of whole numbers: {error}") from error
    if table.shape[1] != _COLUMNS or ((table < 0) | (table > 255)).any() or (table[:, 0] > 9).any():
        _raise_first_bad_cell(file, has_header=header == 0)
    if len(table) == 0:
        raise DataError(f"{file} has a header but no images below it.")
    pixels = table.astype(np.uint8)
    return np.ascontiguousarray(pixels[:, 1:]).reshape(-1, SIDE_PX, SIDE_PX), pixels[:, 0].copy()


def _has_header(file: Path) -> bool:
    """Whether the first line is names, not numbers; an empty or binary file is refused here."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            first = next(csv.reader(lines), None)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} is not a text file: it must be a CSV with the label first and 784 pixels after it.") from error
    if not first:
        raise DataError(f"{file} is empty: it must be a CSV with the label first and 784 pixels after it.")
    return not re.fullmatch(r"\s*[-+]?\d+(\.\d*)?\s*", first[0])


def _raise_first_bad_cell(file: Path, *, has_header: bool) -> None:
    """Reads the file again, slowly, for the sentence that a person can act on; rows are counted as lines of the file."""
    plain_pixels = {str(value) for value in range(256)}
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            for row, cells in enumerate(csv.reader(lines), start=1):
                if not cells:
                    continue
                if len(cells) != _COLUMNS:
                    raise DataError(f"{file}, row {row}: {len(cells)} columns, but a label and 784 pixels make {_COLUMNS}.")
                if row == 1 and has_header:
                    continue
                if plain_pixels.issuperset(cells):
                    cells = cells[:1]  # only the label has a narrower range; cell by cell 60,000 rows took 70 s
                for column, cell in enumerate(cells, start=1):
                    _check_cell(cell, f"{file}, row {row}, column {column}", is_label=column == 1)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} is not a text file: it must be a CSV with the label first and 784 pixels after it.") from error


def _check_cell(cell: str, place: str, *, is_label: bool) -> None:
    what, highest = ("label", 9) if is_label else ("pixel", 255)
    shown = cell if len(cell) <= 40 else cell[:40] + "…"
    if not re.fullmatch(r"\s*[-+]?\d+\s*", cell):
        raise DataError(f'{place}: the {what} "{shown}" is not a whole number from 0 to {highest}.')
    if not 0 <= int(cell) <= highest:
        raise DataError(f"{place}: the {what} {shown.strip()} is outside 0–{highest}.")
