"""Sheets of images that somebody looked at and approved, and tables of numbers, and the comparison of new ones with them.

A sheet shows what a rule with random numbers draws at fixed seeds, where there is no other way to say what is right than to look at it.
When a test finds that images have changed, it writes the new sheet and names it. Look at both; if the new one is right, copy it over the
approved one, as the message says. A table measures the same drawings more finely than the eye sees; it only says that something changed.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fmnist_core.dataset.classes import SIDE_PX

APPROVED = Path(__file__).with_name("approved")
_STEP_PX = SIDE_PX + 1  # an image and a line below or beside it
_GREY_OF_LINES = 64

# Processors round sums differently, by far less than one grey level; where a sum is compared with a threshold, a pixel can turn.
_MOST_MEAN_DIFFERENCE = 0.5  # grey levels, over an image's other pixels
_LARGE_DIFFERENCE = 8
_MOST_TURNED_PIXELS = 3
_DECIMALS = 4  # of a table's numbers
_TOLERANCE = 2e-4


def check_sheet(name: str, rows: Sequence[NDArray[np.uint8]], folder: Path) -> None:
    """Compares images with an approved sheet; where they differ, fails and says which and what to do.

    Args:
        name: of the approved PNG, without its ending.
        rows: of the sheet, (N, 28, 28) each.
        folder: where the new sheet is written if it differs.
    """
    approved_file, new_file = APPROVED / f"{name}.png", folder / f"{name}.png"
    approved = np.asarray(cv2.imread(str(approved_file), cv2.IMREAD_GRAYSCALE), np.uint8) if approved_file.exists() else None
    new = draw_sheet(rows)
    if approved is None:
        difference = "is missing"
    elif approved.shape != new.shape:
        difference = f"is {approved.shape[1]}×{approved.shape[0]} pixels, the new one {new.shape[1]}×{new.shape[0]}"
    else:
        places = [(row, column) for row, images in enumerate(rows) for column in range(len(images))]
        different = [place for place in places if not look_alike(cut_out(approved, *place), cut_out(new, *place))]
        difference = f"differs in (row, column) {', '.join(map(str, different))}, counted from 0" if different else ""
    if difference:
        cv2.imwrite(str(new_file), new, [cv2.IMWRITE_PNG_COMPRESSION, 9])
        raise AssertionError(f"The approved sheet {difference}. Look at both; to approve the new one:\ncp {new_file} {approved_file}")


def check_table(name: str, rows: Mapping[str, NDArray[np.floating]], folder: Path) -> None:
    """Compares numbers with an approved table; where they differ, fails and says which and what to do.

    Args:
        name: of the approved JSON file, without its ending.
        rows: any number of numbers each.
        folder: where the new table is written if it differs.
    """
    approved_file, new_file = APPROVED / f"{name}.json", folder / f"{name}.json"
    approved = json.loads(approved_file.read_text(encoding="utf-8")) if approved_file.exists() else {}
    new = {title: np.asarray(numbers, float).ravel() for title, numbers in rows.items()}
    different = [title for title in approved.keys() | new if not _are_close(approved.get(title), new.get(title))]
    if different:
        lines = [f"{json.dumps(title)}: {json.dumps([round(number, _DECIMALS) for number in row.tolist()])}" for title, row in new.items()]
        new_file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
        which = f"The approved table differs in {', '.join(sorted(different))}."
        raise AssertionError(f"{which} To approve the new one:\ncp {new_file} {approved_file}")


def _are_close(approved: list[float] | None, new: NDArray[np.float64] | None) -> bool:
    if approved is None or new is None or len(approved) != len(new):
        return False
    return bool(np.allclose(approved, new, rtol=0, atol=_TOLERANCE))


def draw_sheet(rows: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Rows of images, with grey lines between them."""
    sheet = np.full((len(rows) * _STEP_PX, max(map(len, rows)) * _STEP_PX), _GREY_OF_LINES, np.uint8)
    for row, images in enumerate(rows):
        for column, image in enumerate(images):
            cut_out(sheet, row, column)[:] = image
    return sheet


def cut_out(sheet: NDArray[np.uint8], row: int, column: int) -> NDArray[np.uint8]:
    """An image of a sheet."""
    return sheet[row * _STEP_PX :, column * _STEP_PX :][:SIDE_PX, :SIDE_PX]


def look_alike(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Whether two images differ by no more than rounding does."""
    differences = np.abs(one.astype(int) - other)
    is_large = differences > _LARGE_DIFFERENCE
    return bool(is_large.sum() <= _MOST_TURNED_PIXELS and differences[~is_large].mean() <= _MOST_MEAN_DIFFERENCE)
