"""Sheets: many kernels or feature maps with one colour scale."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fmnist_core.figures.style import DIVERGING, SEQUENTIAL

SheetColours = Literal["signed", "strength", "grey"]
# Positions from 0 to 1 along the scale, each with its colour.
SCALES: dict[SheetColours, list[tuple[float, str]]] = {
    "signed": DIVERGING,
    "strength": SEQUENTIAL,
    "grey": [(0.0, "#000000"), (1.0, "#ffffff")],
}


@dataclass(frozen=True, eq=False)
class Sheet:
    """Small maps that are compared.

    Attributes:
        values: (N, H, W).
        limits: the ends of the colour scale, see `colour_limits`.
        colours: "signed" is blue below zero and orange above; "strength" is one hue from 0 up; "grey" is black to white.
        legend: what the colour scale measures.
    """

    values: NDArray[np.floating[Any]]
    limits: tuple[float, float]
    colours: SheetColours
    legend: str

    @property
    def levels(self) -> NDArray[np.uint8]:
        """(N, H, W) positions on the colour scale, 0 to 255."""
        low, high = self.limits
        return np.round(255 * np.clip((self.values - low) / (high - low), 0, 1)).astype(np.uint8)

    def paint(self, index: int) -> NDArray[np.uint8]:
        """One of the maps in colour, (H, W, 3)."""
        return paint_positions(self.levels[index] / 255, self.colours)


def make_sheet(values: NDArray[np.floating[Any]], colours: SheetColours, legend: str) -> Sheet:
    """A sheet whose colour scale ends at its own values."""
    return Sheet(values, colour_limits(values, colours), colours, legend)


def colour_limits(values: NDArray[np.floating[Any]], colours: SheetColours) -> tuple[float, float]:
    """The ends of a colour scale, for all sheets that are compared.

    Returns:
        For "signed", the same distance below and above 0; for "strength", 0 and the highest value; for "grey", the lowest and the
        highest value.
    """
    lowest, highest = float(values.min()), float(values.max())
    if colours == "grey":
        return (lowest, highest) if highest > lowest else (lowest - 1, highest + 1)
    reach = max(abs(lowest), abs(highest)) or 1.0
    return (-reach if colours == "signed" else 0.0), reach


def paint_positions(positions: NDArray[np.floating[Any]], colours: SheetColours) -> NDArray[np.uint8]:
    """Positions on a colour scale, 0 to 1, of any shape (…) in colour, (…, 3)."""
    stops = [stop for stop, _ in SCALES[colours]]
    shades = np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for _, colour in SCALES[colours]])
    return np.stack([np.interp(positions, stops, shades[:, channel]) for channel in range(3)], axis=-1).round().astype(np.uint8)
