"""CSV files as on Kaggle: the label first, then 784 pixels, with or without a header line."""

import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NoReturn

import numpy as np
from numpy.typing import NDArray

from fmnist_core.dataset.boundary import MAX_IMAGES, open_data
from fmnist_core.dataset.classes import PIXELS, SIDE_PX, DataError

CSV_NAMES = {"train": "fashion-mnist_train.csv", "test": "fashion-mnist_test.csv"}
_COLUMNS = 1 + PIXELS
_MAX_LINE_BYTES = 65_536  # a header has 7,000, an image at most 3,200
_MAX_BYTES = MAX_IMAGES * 3_200
_ROWS_AT_ONCE = 10_000  # as 64-bit integers they take 63 MB; all 60,000 took 377 MB, twice


def load_csv(file: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (N, 28, 28) and labels (N,), uint8; raises DataError, with row and column, if the file is not such a CSV."""
    with open_data(file, _MAX_BYTES) as opened:
        has_header = _has_header(opened, file)
        rows = _count_rows(opened, file, has_header=has_header)
        if rows == 0:
            raise DataError(f"{file} has a header but no images below it.")
        table = _read_table(opened, rows, file, has_header=has_header)
    return np.ascontiguousarray(table[:, 1:]).reshape(-1, SIDE_PX, SIDE_PX), table[:, 0].copy()


def _has_header(opened: BinaryIO, file: Path) -> bool:
    """Whether the first line holds names: it does if no cell is a number. Raises DataError for an empty or binary file."""
    first = next((line for line in _lines(opened, file) if line.strip()), None)
    if first is None:
        raise DataError(f"{file} is empty: it must be a CSV with the label first and 784 pixels after it.")
    cells = next(_rows(io.BytesIO(first), file))
    has_header = not any(_is_number(cell) for cell in cells)
    if has_header and len(cells) != _COLUMNS:
        _raise_first_bad_cell(opened, file, has_header=True)
    return has_header


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _count_rows(opened: BinaryIO, file: Path, *, has_header: bool) -> int:
    """The number of images: lines that are neither blank nor a header. Each must have 785 columns; pandas would ignore any more."""
    rows = 0
    for line in _lines(opened, file):
        if line.count(b",") == PIXELS:
            rows += 1
        elif line.strip():
            _raise_first_bad_cell(opened, file, has_header=has_header)
    return rows - has_header


def _lines(opened: BinaryIO, file: Path) -> Iterator[bytes]:
    """The lines of a file from its start; raises DataError if there are too many, one is too long, or one is not text."""
    opened.seek(0)
    for number, line in enumerate(iter(lambda: opened.readline(_MAX_LINE_BYTES + 1), b""), start=1):
        if b"\0" in line:
            raise _not_text(file)
        if len(line) > _MAX_LINE_BYTES:
            raise DataError(f"{file}, row {number}: over {_MAX_LINE_BYTES:,} bytes, but a label and 784 pixels take at most 3,200.")
        if number > MAX_IMAGES + 1:
            raise DataError(f"{file} has more than {MAX_IMAGES:,} rows: choose a file with fewer images.")
        yield line


def _read_table(opened: BinaryIO, rows: int, file: Path, *, has_header: bool) -> NDArray[np.uint8]:
    """Labels and pixels, (rows, 785); raises DataError if a cell is not a number, or one that is too low or too high."""
    import pandas as pd  # takes 0.4 s, and a training process on the packaged files does not need it

    opened.seek(0)
    table = np.empty((rows, _COLUMNS), np.uint8)
    filled, header = 0, 0 if has_header else None
    names = range(_COLUMNS)
    try:
        with (
            np.errstate(invalid="ignore"),  # NumPy would warn about an infinite cell, which is refused below
            pd.read_csv(opened, header=header, names=names, dtype=np.int64, index_col=False, chunksize=_ROWS_AT_ONCE) as parts,
        ):
            for part in parts:
                cells = part.to_numpy()
                if ((cells < 0) | (cells > 255)).any() or (cells[:, 0] > 9).any():
                    break
                table[filled : filled + len(cells)] = cells
                filled += len(cells)
    except (ValueError, OverflowError):  # pandas' ParserError and EmptyDataError are ValueErrors
        filled = 0
    if filled != rows:
        _raise_first_bad_cell(opened, file, has_header=has_header)
    return table


def _raise_first_bad_cell(opened: BinaryIO, file: Path, *, has_header: bool) -> NoReturn:
    """Reads the file again, slowly, to raise a DataError that a person can act on; rows are counted as lines of the file."""
    plain_pixels = {str(value) for value in range(256)}
    opened.seek(0)
    for row, cells in enumerate(_rows(opened, file), start=1):
        if len(cells) <= 1 and not "".join(cells).strip():
            continue
        if len(cells) != _COLUMNS:
            columns = "1 column" if len(cells) == 1 else f"{len(cells)} columns"
            raise DataError(f"{file}, row {row}: {columns}, expected {_COLUMNS} (a label and 784 pixels).")
        if has_header:
            has_header = False
            continue
        if plain_pixels.issuperset(cells):
            cells = cells[:1]  # only the label has a narrower range; checking every cell of 60,000 rows took 70 s
        for column, cell in enumerate(cells, start=1):
            _check_cell(cell, f"{file}, row {row}, column {column}", is_label=column == 1)
    raise DataError(f"{file} is not a CSV of whole numbers: each line must hold a label and 784 pixels, separated by commas.")


def _rows(opened: BinaryIO, file: Path) -> Iterator[list[str]]:
    """The cells of each row from where the file stands; raises DataError if it is not text."""
    text = io.TextIOWrapper(opened, encoding="utf-8-sig", newline="")
    try:
        yield from csv.reader(text)
    except (UnicodeDecodeError, csv.Error) as error:
        raise _not_text(file) from error
    finally:
        text.detach()  # otherwise it would close the file


def _not_text(file: Path) -> DataError:
    return DataError(f"{file} is not a text file: it must be a CSV with the label first and 784 pixels after it.")


def _check_cell(cell: str, where: str, *, is_label: bool) -> None:
    what, highest = ("label", 9) if is_label else ("pixel", 255)
    shown = cell if len(cell) <= 40 else cell[:40] + "…"
    number = re.fullmatch(r"\s*([-+]?)0*([0-9]+)\s*", cell)
    if not number:
        raise DataError(f'{where}: the {what} "{shown}" is not a whole number from 0 to {highest}.')
    sign, digits = number.groups()
    if len(digits) > 3 or not 0 <= int(sign + digits) <= highest:  # Python refuses to convert more than 4,300 digits
        raise DataError(f"{where}: the {what} {shown.strip()} is outside 0–{highest}.")


def write_csv(images: NDArray[np.uint8], labels: NDArray[np.integer]) -> bytes:
    """A CSV file with a header line, like Kaggle's.

    Args:
        images: (N, 28, 28) uint8.
        labels: (N,), indices of classes.
    """
    file = io.StringIO()
    header = ",".join(["label", *(f"pixel{i}" for i in range(1, PIXELS + 1))])
    rows = np.column_stack([labels, images.reshape(len(images), -1)])
    np.savetxt(file, rows, fmt="%d", delimiter=",", header=header, comments="")
    return file.getvalue().encode()
