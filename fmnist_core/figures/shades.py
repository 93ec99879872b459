"""Shades for the cells of a table: one continuous colour scale per theme, and black or white text, whichever is easier to read on it."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
# From the theme's own background to a blue that is as far from it as text may be.
_ENDS: dict[Theme, tuple[str, str]] = {"light": ("#ffffff", "#0b4a86"), "dark": ("#171614", "#a6d2ff")}
_BLACK, _WHITE = "#000000", "#ffffff"
_LEGEND_STOPS = 9


def shade(share: float, theme: Theme) -> str:
    """The colour of a cell, "#rrggbb": each channel moves in proportion to the share, 0 to 1, from the background to the strongest blue."""
    low, high = (_channels(end) for end in _ENDS[theme])
    mixed = low + min(max(share, 0.0), 1.0) * (high - low)
    return "#" + "".join(f"{round(channel):02x}" for channel in mixed)


def text_on(background: str) -> str:
    """Black or white, whichever has the higher contrast on this colour: at least 4.5 to 1 on any."""
    return _BLACK if contrast(_BLACK, background) >= contrast(_WHITE, background) else _WHITE


def contrast(one: str, other: str) -> float:
    """The contrast of two colours as WCAG 2 defines it, 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def cell_shares(percent: NDArray[np.float64], *, mistakes_only: bool) -> NDArray[np.float64]:
    """How far along the colour scale each cell of a confusion matrix is, 0 to 1.

    Among mistakes only, in proportion to the percentage. Beside the diagonal, which is twenty times as large as most mistakes, its square
    root, which keeps those visible.

    Args:
        percent: (N, N) in percent of each row; NaN counts as 0.
        mistakes_only: whether the diagonal is left out.
    """
    shown = np.nan_to_num(percent) * (1 - np.eye(len(percent)) if mistakes_only else 1)
    shares: NDArray[np.float64] = shown / max(float(shown.max(initial=0)), 1e-9)
    return shares if mistakes_only else np.sqrt(shares)


def legend_shades(theme: Theme, *, mistakes_only: bool) -> Sequence[str]:
    """The colours of percentages at equal distances from 0 to the highest, for a legend."""
    shares = np.linspace(0, 1, _LEGEND_STOPS)
    return [shade(share, theme) for share in (shares if mistakes_only else np.sqrt(shares))]


def _channels(colour: str) -> NDArray[np.float64]:
    return np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)], dtype=float)


def _luminance(colour: str) -> float:
    channels = _channels(colour) / 255
    linear = np.where(channels <= 0.03928, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])
