"""CSV files as on Kaggle: the label first, then 784 pixels, with or without a header line."""

import csv
import io
import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fmnist_core.dataset.classes import PIXELS, SIDE_PX, DataError

CSV_NAMES = {"train": "fashion-mnist_train.csv", "test": "fashion-mnist_test.csv"}
_COLUMNS = 1 + PIXELS


def load_csv(file: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Images (N, 28, 28) and labels (N,), uint8; raises DataError, with row and column, if the file is not such a CSV."""
    if not file.is_file():
        raise DataError(f"{file} does not exist: put the CSV file there or choose another folder.")
    header = 0 if _has_header(file) else None
    import pandas as pd  # takes 0.4 s, and a training process on the packaged files does not need it

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
    """Whether the first line holds names, not numbers; raises DataError for an empty or binary file."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            first = next(csv.reader(lines), None)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} is not a text file: it must be a CSV with the label first and 784 pixels after it.") from error
    if not first:
        raise DataError(f"{file} is empty: it must be a CSV with the label first and 784 pixels after it.")
    return not re.fullmatch(r"\s*[-+]?\d+(\.\d*)?\s*", first[0])


def _raise_first_bad_cell(file: Path, *, has_header: bool) -> None:
    """Reads the file again, slowly, to raise a DataError that a person can act on; rows are counted as lines of the file."""
    plain_pixels = {str(value) for value in range(256)}
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            for row, cells in enumerate(csv.reader(lines), start=1):
                if not cells:
                    continue
                if len(cells) != _COLUMNS:
                    raise DataError(f"{file}, row {row}: {len(cells)} columns, expected {_COLUMNS} (a label and 784 pixels).")
                if row == 1 and has_header:
                    continue
                if plain_pixels.issuperset(cells):
                    cells = cells[:1]  # only the label has a narrower range; checking every cell of 60,000 rows took 70 s
                for column, cell in enumerate(cells, start=1):
                    _check_cell(cell, f"{file}, row {row}, column {column}", is_label=column == 1)
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file} is not a text file: it must be a CSV with the label first and 784 pixels after it.") from error


def _check_cell(cell: str, where: str, *, is_label: bool) -> None:
    what, highest = ("label", 9) if is_label else ("pixel", 255)
    shown = cell if len(cell) <= 40 else cell[:40] + "…"
    if not re.fullmatch(r"\s*[-+]?\d+\s*", cell):
        raise DataError(f'{where}: the {what} "{shown}" is not a whole number from 0 to {highest}.')
    if not 0 <= int(cell) <= highest:
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
