import gzip
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from fmnist_core.dataset import idx, split
from fmnist_core.dataset.classes import PIXEL_MEAN, PIXEL_STD, DataError
from fmnist_core.dataset.idx import PACKAGED_FOLDER
from fmnist_core.dataset.kaggle_csv import load_csv, write_csv
from fmnist_core.dataset.split import load_split
from fmnist_core.dataset.torch_dataset import FashionMNISTDataset
from tests.conftest import write_idx

HEADER = ",".join(["label", *(f"pixel{i}" for i in range(1, 785))])


def row(label: object = 3, **changed: object) -> str:
    """A line of a CSV file: the label and the 784 pixels 0, 1, 2, … 255, 0, …; `p5=…` changes the fifth pixel."""
    cells = [str(label), *(str(i % 256) for i in range(784))]
    for name, value in changed.items():
        cells[int(name[1:])] = str(value)
    return ",".join(cells)


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[..., Path]:
    def write(*lines: str, name: str = "fashion-mnist_train.csv") -> Path:
        file = tmp_path / name
        file.write_text("\n".join(lines) + "\n" if lines else "")
        return file

    return write


def test_the_packaged_data_are_complete() -> None:
    train, test = load_split("train"), load_split("test")
    assert (train.images.shape, train.labels.shape) == ((60_000, 28, 28), (60_000,))
    assert train.images.dtype == train.labels.dtype == np.uint8
    assert (test.images.shape, test.labels.shape) == ((10_000, 28, 28), (10_000,))
    assert np.bincount(train.labels).tolist() == [6_000] * 10
    assert test.labels[:8].tolist() == [9, 2, 1, 1, 6, 1, 4, 6]
    assert train.class_names[9] == "Ankle boot"
    assert train.images.mean() / 255 == pytest.approx(PIXEL_MEAN, abs=1e-4)
    assert train.images.std() / 255 == pytest.approx(PIXEL_STD, abs=1e-4)


@pytest.mark.parametrize("damage", ["one byte", "cut", "text"])
def test_a_damaged_packaged_file_is_named(damage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "fashion_mnist"
    shutil.copytree(PACKAGED_FOLDER, folder)
    monkeypatch.setattr(idx, "PACKAGED_FOLDER", folder)
    monkeypatch.setattr(split, "PACKAGED_FOLDER", folder)
    file = folder / "t10k-labels-idx1-ubyte.gz"
    content = bytearray(gzip.decompress(file.read_bytes()))
    content[500] ^= 1
    damaged = {"one byte": gzip.compress(content), "cut": file.read_bytes()[:2000], "text": b"not gzip"}[damage]
    file.write_bytes(damaged)
    with pytest.raises(DataError) as caught:
        load_split("test")
    assert str(caught.value) == f"{file} is damaged: copy it again from a good source."


def test_idx_files_of_another_folder(small_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(small_data))
    assert (len(load_split("train")), len(load_split("test"))) == (500, 200)
    assert load_split("train").folder == small_data


@pytest.mark.parametrize(
    ("images", "labels", "sentence"),
    [
        (np.zeros((2, 28, 27)), np.zeros(2), "images of 28×27 pixels, not 28×28"),
        (np.zeros((3, 28, 28)), np.zeros(2), "holds 3 images but"),
        (np.zeros((2, 28, 28)), np.array([0, 10]), "label 10 of item 1 is outside 0–9"),
        (np.zeros((0, 28, 28)), np.zeros(0), "holds no images"),
        (np.zeros((2, 28)), np.zeros(2), "is not an IDX file with 3 dimension"),
    ],
)
def test_inconsistent_idx_files_are_refused(images: np.ndarray, labels: np.ndarray, sentence: str, tmp_path: Path) -> None:
    write_idx(tmp_path / "train-images-idx3-ubyte", images)
    write_idx(tmp_path / "train-labels-idx1-ubyte", labels)
    with pytest.raises(DataError, match=sentence):
        load_split("train", tmp_path)


def test_missing_folders_files_and_splits_are_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere does not exist: set FMNIST_DATA"):
        load_split("train", tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"lacks train-images-idx3-ubyte.gz: it needs the four IDX files, or fashion-mnist_train.csv"):
        load_split("train", tmp_path)
    with pytest.raises(DataError, match='no split called "validation"'):
        load_split("validation")  # type: ignore[arg-type]


def test_a_pair_of_csv_files_is_read_like_idx_files(csv_file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = csv_file(HEADER, row(3), row(9, p1=77)).parent
    csv_file(HEADER, row(1), name="fashion-mnist_test.csv")
    monkeypatch.setenv("FMNIST_DATA", str(folder))
    train = load_split("train")
    assert train.labels.tolist() == [3, 9]
    assert train.images[1, 0, 0] == 77
    assert train.images[0, 1].tolist() == list(range(28, 56))
    assert len(load_split("test")) == 1


def test_the_dataset_works_like_the_articles(csv_file: Callable[..., Path]) -> None:
    dataset = FashionMNISTDataset(csv_file(HEADER, row(3), row(9)))
    item, label = dataset[1]
    assert (len(dataset), item.shape, item.dtype, label) == (2, (1, 28, 28), np.uint8, 9)
    halved = FashionMNISTDataset(csv_file(HEADER, row(3)), transform=lambda item: item / 2)
    assert halved[0][0][0, 0, 5] == 2.5


def test_the_dataset_works_with_a_data_loader(csv_file: Callable[..., Path]) -> None:
    loader = DataLoader(FashionMNISTDataset(csv_file(HEADER, *(row(i) for i in range(10)))), batch_size=4, shuffle=True)
    batches = list(loader)
    assert [tuple(images.shape) for images, _labels in batches] == [(4, 1, 28, 28), (4, 1, 28, 28), (2, 1, 28, 28)]
    assert sorted(torch.cat([labels for _images, labels in batches]).tolist()) == list(range(10))


def test_a_csv_without_a_header_keeps_its_first_image(csv_file: Callable[..., Path]) -> None:
    assert FashionMNISTDataset(csv_file(row(3), row(9))).labels.tolist() == [3, 9]


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ([], "{file} is empty: it must be a CSV with the label first and 784 pixels after it."),
        ([HEADER], "{file} has a header but no images below it."),
        ([HEADER, row(), row() + ",5"], "{file}, row 3: 786 columns, expected 785 (a label and 784 pixels)."),
        ([HEADER, row(), row().rsplit(",", 1)[0]], "{file}, row 3: 784 columns, expected 785 (a label and 784 pixels)."),
        (["label,pixel1", "3,4"], "{file}, row 1: 2 columns, expected 785 (a label and 784 pixels)."),
        ([HEADER, row(), row(p5="grey")], '{file}, row 3, column 6: the pixel "grey" is not a whole number from 0 to 255.'),
        ([HEADER, row(p784="")], '{file}, row 2, column 785: the pixel "" is not a whole number from 0 to 255.'),
        ([HEADER, row(p5="1.5")], '{file}, row 2, column 6: the pixel "1.5" is not a whole number from 0 to 255.'),
        ([HEADER, row(p5=256)], "{file}, row 2, column 6: the pixel 256 is outside 0–255."),
        ([HEADER, row(p5=-1)], "{file}, row 2, column 6: the pixel -1 is outside 0–255."),
        ([HEADER, row(p5="9" * 30)], "{file}, row 2, column 6: the pixel " + "9" * 30 + " is outside 0–255."),
        ([HEADER, row(), row(label=10)], "{file}, row 3, column 1: the label 10 is outside 0–9."),
        ([HEADER, row(label="Bag")], '{file}, row 2, column 1: the label "Bag" is not a whole number from 0 to 9.'),
    ],
)
def test_the_error_about_a_broken_csv_names_row_and_column(lines: list[str], sentence: str, csv_file: Callable[..., Path]) -> None:
    file = csv_file(*lines)
    with pytest.raises(DataError) as caught:
        FashionMNISTDataset(file)
    assert str(caught.value) == sentence.format(file=file)


def test_a_csv_that_is_binary_or_missing_is_refused(tmp_path: Path) -> None:
    binary = tmp_path / "fashion-mnist_train.csv"
    binary.write_bytes(bytes(range(128, 256)) * 20)
    with pytest.raises(DataError, match="is not a text file"):
        FashionMNISTDataset(binary)
    with pytest.raises(DataError, match=r"missing\.csv does not exist"):
        FashionMNISTDataset(tmp_path / "missing.csv")


def test_images_written_as_csv_can_be_read_back(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 28, 28), dtype=np.uint8)
    file = tmp_path / "corrections.csv"
    file.write_bytes(write_csv(images, np.array([9, 0, 3])))
    assert file.read_text().startswith("label,pixel1,pixel2,")
    read_images, read_labels = load_csv(file)
    np.testing.assert_array_equal(read_images, images)
    assert read_labels.tolist() == [9, 0, 3]
