"""IDX files, the format that Fashion-MNIST is published in."""

import gzip
import hashlib
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fmnist_core.dataset.classes import SIDE_PX, DataError

PACKAGED_FOLDER = Path(__file__).parent.parent / "fashion_mnist"
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
        raise DataError(f"{folder} lacks {stem}.gz: it needs the four IDX files, or fashion-mnist_train.csv and fashion-mnist_test.csv.")
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
