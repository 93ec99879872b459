"""Data files that are damaged, huge or not files at all: each is a DataError that names the file, and none takes memory."""

import gzip
import os
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas  # noqa: F401  # reading imports it, which takes 29 MB
import pytest

from fmnist_core.dataset import boundary, kaggle_csv
from fmnist_core.dataset.boundary import MAX_IMAGES, one_sentence
from fmnist_core.dataset.classes import DataError
from fmnist_core.dataset.kaggle_csv import load_csv
from fmnist_core.dataset.split import data_folder, load_split
from tests.conftest import write_idx

HEADER = ",".join(["label", *(f"pixel{i}" for i in range(1, 785))])
ROW = ",".join(["3", *(str(i % 256) for i in range(784))])
NOT_TEXT = "is not a text file: it must be a CSV with the label first and 784 pixels after it."
NOT_FOR_WINDOWS = pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")


def problem_of(read: Callable[[], object], path: Path) -> str:
    """What the DataError says about a file, without its name, which it must begin with; reading may not take more than 8 MB."""
    tracemalloc.start()
    try:
        with pytest.raises(DataError) as caught:
            read()
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.startswith(str(path))
    return sentence.removeprefix(str(path)).strip(" ,:")


def idx_header(*sizes: int) -> bytes:
    return bytes((0, 0, 8, len(sizes))) + struct.pack(f">{len(sizes)}I", *sizes)


IMAGES = "train-images-idx3-ubyte"
DAMAGED = "is damaged: copy it again from a good source."
ZEROS = bytes(1_000_000)
BOMB = gzip.compress(idx_header(2, 28, 28) + 200 * ZEROS)  # 200 KB that become 200 MB


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (idx_header(2**31, 28, 28), "claims to hold 2,147,483,648 items, more than 250,000: choose a file with fewer."),
        (idx_header(2**32 - 1, 28, 28), "claims to hold 4,294,967,295 items, more than 250,000: choose a file with fewer."),
        (idx_header(2**31, 2**31, 2**31), "holds images of 2147483648×2147483648 pixels, not 28×28."),
        (idx_header(0, 2**31, 4), "holds images of 2147483648×4 pixels, not 28×28."),  # the product, 0, is the length of its content
        (idx_header(MAX_IMAGES, 28, 28), DAMAGED),
        (idx_header(2, 28, 28) + bytes(2 * 784 - 1), DAMAGED),
        (idx_header(2, 28, 28) + bytes(2 * 784 + 1), DAMAGED),
        (idx_header(2, 28), "is not an IDX file with 3 dimension(s) of bytes."),
        (idx_header(2, 28, 28)[:11], "is not an IDX file with 3 dimension(s) of bytes."),
        (b"", "is not an IDX file with 3 dimension(s) of bytes."),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["raw", "gzip"])
def test_an_idx_file_whose_sizes_are_wrong_is_refused(content: bytes, problem: str, packed: bool, tmp_path: Path) -> None:
    file = tmp_path / (f"{IMAGES}.gz" if packed else IMAGES)
    file.write_bytes(gzip.compress(content) if packed else content)
    if content == idx_header(MAX_IMAGES, 28, 28):  # the most that is read; NumPy and Python reserve room for it
        with pytest.raises(DataError, match="is damaged"):
            load_split("train", tmp_path)
    else:
        assert problem_of(lambda: load_split("train", tmp_path), file) == problem


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (BOMB, DAMAGED),
        (BOMB[:-8], DAMAGED),
        (gzip.compress(idx_header(1, 28, 28) + bytes(784))[:-9], DAMAGED),
        (gzip.compress(idx_header(1, 28, 28) + bytes(784))[:-8] + bytes(8), DAMAGED),
        (gzip.compress(idx_header(1, 28, 28) + bytes(784)) + b"more", DAMAGED),
        (gzip.compress(gzip.compress(ZEROS)), "is not an IDX file with 3 dimension(s) of bytes."),
        (b"\x1f\x8b\x08\x00" + bytes(6) + b"\xff" * 50, DAMAGED),
        (b"\x1f\x8b\x09" + bytes(50), DAMAGED),
        (b"not gzip", DAMAGED),
    ],
    ids=["bomb", "cut bomb", "cut", "checksum", "appended", "twice", "bad block", "bad method", "text"],
)
def test_gzip_is_read_no_further_than_the_header_says(content: bytes, problem: str, tmp_path: Path) -> None:
    file = tmp_path / f"{IMAGES}.gz"
    file.write_bytes(content)
    assert problem_of(lambda: load_split("train", tmp_path), file) == problem


def test_the_most_images_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fmnist_core.dataset.idx.MAX_IMAGES", 3)
    for count in (3, 4):
        write_idx(tmp_path / IMAGES, np.zeros((count, 28, 28)))
        write_idx(tmp_path / "train-labels-idx1-ubyte", np.zeros(count))
        if count == 3:
            assert len(load_split("train", tmp_path)) == 3
    assert problem_of(lambda: load_split("train", tmp_path), tmp_path / IMAGES).startswith("claims to hold 4 items, more than 3")


def test_labels_that_do_not_end_are_refused(tmp_path: Path) -> None:
    write_idx(tmp_path / IMAGES, np.zeros((2, 28, 28)))
    file = tmp_path / "train-labels-idx1-ubyte.gz"
    file.write_bytes(gzip.compress(idx_header(2**31) + 50 * ZEROS))
    assert problem_of(lambda: load_split("train", tmp_path), file).startswith("claims to hold 2,147,483,648 items")


@pytest.mark.parametrize("name", [IMAGES, f"{IMAGES}.gz", "fashion-mnist_train.csv"])
def test_a_huge_file_is_refused_by_its_size(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    with file.open("wb") as opened:
        opened.truncate(10**10)  # sparse: it takes no room
    problem = problem_of(lambda: load_split("train", tmp_path), file)
    limit = 800 if name.endswith(".csv") else 197
    assert problem == f"has 10,000 MB, more than {limit} MB, the most that 250,000 images can take: choose a file with fewer images."


@pytest.mark.parametrize("name", [IMAGES, f"{IMAGES}.gz", "fashion-mnist_train.csv"])
@pytest.mark.parametrize("kind", ["folder", pytest.param("pipe", marks=NOT_FOR_WINDOWS)])
def test_what_is_not_a_file_is_refused(name: str, kind: str, tmp_path: Path) -> None:
    """A named pipe that nobody writes to would be waited for without end."""
    file = tmp_path / name
    if kind == "folder":
        file.mkdir()
    else:
        os.mkfifo(file)
    assert problem_of(lambda: load_split("train", tmp_path), file).startswith("cannot be read (")


LONG = "9" * 5000


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([HEADER, ROW + ",7"], "row 2: 786 columns, expected 785 (a label and 784 pixels)."),
        ([HEADER, ROW, ROW + ","], "row 3: 786 columns, expected 785 (a label and 784 pixels)."),
        ([HEADER, *[ROW + ",7"] * 3], "row 2: 786 columns, expected 785 (a label and 784 pixels)."),
        ([HEADER + ",pixel785", *[ROW + ",7"] * 3], "row 1: 786 columns, expected 785 (a label and 784 pixels)."),
        ([HEADER + ",pixel785", ROW], "row 1: 786 columns, expected 785 (a label and 784 pixels)."),
        ([HEADER.rsplit(",", 1)[0], ROW], "row 1: 784 columns, expected 785 (a label and 784 pixels)."),
        ([HEADER.replace("label,pixel1", '"label,pixel1"'), ROW], "row 1: 784 columns, expected 785 (a label and 784 pixels)."),
        (["3abc" + ROW[1:], ROW], 'row 1, column 1: the label "3abc" is not a whole number from 0 to 9.'),
        (["label" + ROW[1:], ROW], 'row 1, column 1: the label "label" is not a whole number from 0 to 9.'),
        ([ROW[:-2] + "x", ROW], 'row 1, column 785: the pixel "x" is not a whole number from 0 to 255.'),
        (["", HEADER, ROW, "", "x" + ROW], 'row 5, column 1: the label "x3" is not a whole number from 0 to 9.'),
        ([HEADER, ROW[:-2] + LONG], f"row 2, column 785: the pixel {LONG[:40]}… is outside 0–255."),
        ([HEADER, "-" + LONG + ROW[1:]], f"row 2, column 1: the label -{LONG[:39]}… is outside 0–9."),
        ([HEADER, ROW[:-2] + "1e999"], 'row 2, column 785: the pixel "1e999" is not a whole number from 0 to 255.'),
        ([HEADER, ROW[:-2] + "nan"], 'row 2, column 785: the pixel "nan" is not a whole number from 0 to 255.'),
        ([HEADER, ROW[:-2] + "٣"], 'row 2, column 785: the pixel "٣" is not a whole number from 0 to 255.'),
        ([HEADER, ROW.replace(",5,", ',"5,",', 1)], 'row 2, column 7: the pixel "5," is not a whole number from 0 to 255.'),
        ([HEADER, '"' + ROW, ROW], "row 2: 1 column, expected 785 (a label and 784 pixels)."),
        ([HEADER, ROW, ROW + '"'], 'row 3, column 785: the pixel "15"" is not a whole number from 0 to 255.'),
        ([HEADER, "," * 60_000], "row 2: 60001 columns, expected 785 (a label and 784 pixels)."),
        ([HEADER, "," * 10_000_000], "row 2: over 65,536 bytes, but a label and 784 pixels take at most 3,200."),
        ([",".join("a" * 40_000)], "row 1: over 65,536 bytes, but a label and 784 pixels take at most 3,200."),
        (["[" * 9000], "row 1: 1 column, expected 785 (a label and 784 pixels)."),
        (["   ", ""], "is empty: it must be a CSV with the label first and 784 pixels after it."),
    ],
)
def test_the_error_about_a_hostile_csv_names_row_and_column(lines: list[str], problem: str, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert problem_of(lambda: load_csv(file), file).startswith(problem)


@pytest.mark.parametrize(
    "content",
    [
        (HEADER + "\n" + ROW).encode("utf-16"),
        (HEADER + "\n" + ROW).encode("utf-32-be"),
        f"{HEADER}\n{ROW}\0\n".encode(),
        f"{HEADER}\n{ROW}\n".encode() + bytes(5000),
        f"{HEADER}é\n{ROW}\n".encode("latin-1"),
        f"{HEADER}\n{ROW}é\n".encode("latin-1"),
        gzip.compress(os.urandom(5000)),
        b"PK\x03\x04" + bytes(range(256)) * 40,
        bytes(5000),
    ],
    ids=["UTF-16", "UTF-32", "NUL", "NULs at the end", "Latin-1 header", "Latin-1 cell", "gzip", "zip", "zeros"],
)
def test_a_csv_that_is_not_text_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_bytes(content)
    assert problem_of(lambda: load_csv(file), file) == NOT_TEXT


@pytest.mark.parametrize(
    ("content", "labels"),
    [
        (f"{HEADER}\n{ROW}\n", [3]),
        (f"{ROW}\n{ROW}", [3, 3]),
        (f"\ufeff{HEADER}\r\n{ROW}\r\n\r\n", [3]),
        (f"\n  \n{HEADER}\n\n{ROW}\n \n", [3]),
        (f'"label",{HEADER[6:]}\n"7"{ROW[1:]}\n', [7]),
        (f"{HEADER.replace('label', 'class')}\n 4 {ROW[1:]}\n", [4]),
        (f"{HEADER}\n00005{ROW[1:]}\n", [5]),
    ],
    ids=["header", "no header", "BOM and CRLF", "blank lines", "quotes", "spaces", "leading zeros"],
)
def test_other_ways_to_write_a_csv_are_read(content: str, labels: list[int], tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text(content, encoding="utf-8", newline="")
    images, read = load_csv(file)
    assert read.tolist() == labels
    assert images[0].ravel().tolist() == [i % 256 for i in range(784)]


def test_a_csv_of_several_parts_keeps_its_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kaggle_csv, "_ROWS_AT_ONCE", 3)
    file = tmp_path / "x.csv"
    file.write_text("\n".join(f"{i}{ROW[1:]}" for i in range(8)))
    assert load_csv(file)[1].tolist() == list(range(8))
    file.write_text("\n".join(f"{i}{ROW[1:]}" for i in (0, 1, 2, 3, 4, 10)))
    assert problem_of(lambda: load_csv(file), file) == "row 6, column 1: the label 10 is outside 0–9."


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kaggle_csv, "MAX_IMAGES", 3)
    file = tmp_path / "x.csv"
    file.write_text("\n".join([HEADER, ROW, ROW, ROW]))
    assert len(load_csv(file)[1]) == 3
    for lines in ([HEADER, *[ROW] * 4], [HEADER, ROW, "", "", "", ""]):
        file.write_text("\n".join(lines) + "\n")
        assert problem_of(lambda: load_csv(file), file) == "has more than 3 rows: choose a file with fewer images."


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (MemoryError(), "does not fit into memory"),
        (zlib.error("x"), "is damaged"),
        (gzip.BadGzipFile("x"), "is damaged"),
        (EOFError("x"), "is damaged"),
        (PermissionError(13, "Permission denied"), "cannot be read (Permission denied): check its name and permissions"),
        (OSError("no number"), "cannot be read (no number)"),
        (RecursionError("x"), "cannot be used (RecursionError)"),
        (KeyError("x"), "cannot be used (KeyError)"),
        (UserWarning("x"), "cannot be used (UserWarning)"),
    ],
)
@pytest.mark.parametrize("name", [IMAGES, "fashion-mnist_train.csv"])
def test_whatever_reading_raises_becomes_a_sentence(
    name: str, error: Exception, problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_opened: object) -> int:
        raise error

    monkeypatch.setattr(boundary, "file_size", fail)
    (tmp_path / name).write_text("x")
    assert problem_of(lambda: load_split("train", tmp_path), tmp_path / name).startswith(problem)


def test_stopping_a_program_is_not_an_error_of_a_file() -> None:
    with pytest.raises(KeyboardInterrupt), one_sentence(Path("x")):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("folder", "problem"),
    [
        ("missing", "does not exist: set FMNIST_DATA to a folder with the data, or unset it."),
        ("a file", "is not a folder: set FMNIST_DATA to a folder with the data, or unset it."),
        ("a file/below", "does not exist: set FMNIST_DATA"),
        ("n" * 5000, "cannot be read (File name too long): check its name and permissions, or choose another."),
        ("a\0b", "does not exist: set FMNIST_DATA"),
    ],
    ids=["missing", "file", "below a file", "too long", "NUL"],
)
def test_a_data_folder_that_does_not_exist_or_is_a_file_is_refused(folder: str, problem: str, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("x")
    with pytest.raises(DataError) as caught:
        load_split("train", tmp_path / folder)
    assert problem in str(caught.value)
    assert str(tmp_path / folder) in str(caught.value)


def test_the_home_of_nobody_is_not_a_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_DATA", "~nobodysuch/data")
    expected = "The data folder ~nobodysuch/data does not exist, because there is no such user: set FMNIST_DATA"
    for read in (data_folder, lambda: load_split("train")):
        with pytest.raises(DataError, match=expected):
            read()


def test_a_data_folder_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made up, because the superuser, who runs the tests in a container, may read everything."""

    def refuse(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", refuse)
    assert problem_of(lambda: load_split("train", tmp_path), tmp_path).startswith("cannot be read (Permission denied): check its name")


def test_a_link_that_leads_nowhere_does_not_silently_stand_for_other_data(small_data: Path, tmp_path: Path) -> None:
    for file in small_data.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert len(load_split("test", tmp_path)) == 200
    (tmp_path / "fashion-mnist_test.csv").symlink_to("missing.csv")
    with pytest.raises(DataError, match=r"fashion-mnist_test\.csv does not exist"):
        load_split("test", tmp_path)
