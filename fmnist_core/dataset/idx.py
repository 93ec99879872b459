"""IDX files, the format that Fashion-MNIST is published in."""

import gzip
import hashlib
import math
import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from fmnist_core.dataset.boundary import MAX_IMAGES, open_data
from fmnist_core.dataset.classes import PIXELS, SIDE_PX, DataError
from fmnist_core.settings.number_words import count

PACKAGED_FOLDER = Path(__file__).parent.parent / "fashion_mnist"
_MAX_BYTES = 1_000_000 + MAX_IMAGES * PIXELS  # compressed or not: gzip hardly enlarges what it cannot compress
_IDX_STEMS = {"train": "train", "test": "t10k"}
# SHA-256 of the decompressed files as their authors published them.
_PACKAGED_SHA256 = {
    "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
    "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
    "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
}


def load_idx_pair(folder: Path, name: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (N, 28, 28) and labels (N,), uint8, of the split called "train" or "test"; raises DataError that names the file."""
    stem = _IDX_STEMS[name]
    image_file, images = _load_idx(folder, f"{stem}-images-idx3-ubyte", (SIDE_PX, SIDE_PX))
    label_file, labels = _load_idx(folder, f"{stem}-labels-idx1-ubyte", ())
    if len(images) != len(labels):
        raise DataError(f"{image_file} holds {count(len(images), 'image')} but {label_file} holds {count(len(labels), 'label')}.")
    if len(images) == 0:
        raise DataError(f"{image_file} holds no images.")
    if labels.max() > 9:
        row = int(np.argmax(labels > 9))
        raise DataError(f"{label_file}: label {labels[row]} of item {row} is outside 0–9.")
    return images, labels


def _load_idx(folder: Path, stem: str, item_shape: tuple[int, ...]) -> tuple[Path, NDArray[np.uint8]]:
    """The array in an IDX file, format as in http://yann.lecun.com/exdb/mnist: magic, sizes, bytes.

    The sizes are checked before anything of their size is read: four bytes can claim four billion images, and 8 MB of gzip
    can hold 8 GB.
    """
    file = next((f for f in (folder / f"{stem}.gz", folder / stem) if f.exists()), None)
    if file is None:
        raise DataError(f"{folder} lacks {stem}.gz: it needs the four IDX files, or fashion-mnist_train.csv and fashion-mnist_test.csv.")
    with open_data(file, _MAX_BYTES) as opened:
        stream: BinaryIO = gzip.GzipFile(fileobj=opened) if file.suffix == ".gz" else opened  # type: ignore[assignment]
        header = stream.read(4 + 4 * (1 + len(item_shape)))
        shape = _read_shape(header, item_shape, file)
        content = bytearray(stream.read(math.prod(shape) + 1))  # one byte more than there should be; PyTorch warns about read-only arrays
    is_altered = folder == PACKAGED_FOLDER and hashlib.sha256(header + content).hexdigest() != _PACKAGED_SHA256[stem]
    if len(content) != math.prod(shape) or is_altered:
        raise DataError(f"{file} is damaged: copy it again from a good source.")
    return file, np.frombuffer(content, dtype=np.uint8).reshape(shape)


def _read_shape(header: bytes, item_shape: tuple[int, ...], file: Path) -> tuple[int, ...]:
    dimensions = 1 + len(item_shape)
    if len(header) != 4 + 4 * dimensions or header[:4] != bytes((0, 0, 0x08, dimensions)):
        raise DataError(f"{file} is not an IDX file with {dimensions} dimension(s) of bytes.")
    count, *sides = struct.unpack(f">{dimensions}I", header[4:])
    if tuple(sides) != item_shape:
        raise DataError(f"{file} holds images of {sides[0]}×{sides[1]} pixels, not {SIDE_PX}×{SIDE_PX}.")
    if count > MAX_IMAGES:
        raise DataError(f"{file} claims to hold {count:,} items, more than {MAX_IMAGES:,}: choose a file with fewer.")
    return count, *item_shape
