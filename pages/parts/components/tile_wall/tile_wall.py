"""Small maps as tiles on one colour scale; beside them the chosen tile's values as a grid of numbers, and pictures that belong to it."""

import base64
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from fmnist_core.figures.sheets import SCALES, Sheet
from pages.parts.components.component import load_component, read_picked


@dataclass(frozen=True)
class Picture:
    """A picture beside the numbers: a data URL, what it shows in words, and the line below it."""

    url: str
    alt: str
    caption: str


@dataclass(frozen=True)
class Panel:
    """What is shown beside a wall of buttons.

    Attributes:
        name: for screen readers.
        headings: (N,) what each tile is called above its numbers.
        picked: index of the chosen tile.
        on_pick: called with the index of the tile that was clicked before the page runs again.
        map_captions: (N,) the lines below the map on the second sheet, which is shown enlarged.
        pictures: further ones, which are the same for all tiles.
    """

    name: str
    headings: Sequence[str]
    picked: int
    on_pick: Callable[[int], None]
    map_captions: Sequence[str] = ()
    pictures: Sequence[Picture] = ()


def show_tile_wall(
    sheets: Sequence[Sheet],
    labels: Sequence[str],
    *,
    key: str,
    title: str,
    columns: tuple[int, int],
    names: Sequence[str] = (),
    panel: Panel | None = None,
    is_dense: bool = False,
) -> None:
    """Shows tiles in as many columns as the window has room for; each fills the width as far as all rows fit into the page's `--room`.

    Args:
        sheets: one or two; a tile shows its map on the first above its map on the second.
        labels: (N,) each tile in words, for screen readers.
        title: the whole wall in words.
        columns: tiles per row on a wide and on a narrow screen.
        names: (N,) a short line above each tile.
        panel: the numbers and pictures beside the wall; with None the tiles are no buttons.
        is_dense: hundreds of tiles without gaps; on a wide screen they fill one column after the other.
    """
    encoded = [_encode(sheet) for sheet in sheets]
    wall_id = f"{zlib.crc32(repr([encoded, columns, list(labels), list(names), panel is None]).encode()):08x}"
    data: dict[str, Any] = {
        "id": wall_id,
        "title": title,
        "sheets": encoded,
        "labels": list(labels),
        "names": list(names),
        "columns": columns[0],
        "narrow": columns[1],
        "dense": is_dense,
        "numbers": [],
    }
    if panel is not None:
        data |= {
            "numbers": [[_number(value) for value in tile.ravel().tolist()] for tile in sheets[0].values],
            "panel": panel.name,
            "headings": list(panel.headings),
            "picked": panel.picked,
            "map_captions": list(panel.map_captions),
            "pictures": [(picture.url, picture.alt, picture.caption) for picture in panel.pictures],
        }

    def pick() -> None:
        index = read_picked(st.session_state.get(key), wall_id, range(len(labels)))
        if index is not None and panel is not None:
            panel.on_pick(index)

    wall = load_component(Path(__file__).parent)
    wall(key=key, data=data, on_picked_change=pick)


def _encode(sheet: Sheet) -> dict[str, Any]:
    _, height, width = sheet.values.shape
    low, high = sheet.limits
    digits = 2 if max(abs(low), abs(high)) < 10 else 0
    return {
        "levels": base64.b64encode(sheet.levels.tobytes()).decode(),
        "height": height,
        "width": width,
        "stops": SCALES[sheet.colours],
        "legend": sheet.legend,
        "low": _number(low, digits),
        "high": _number(high, digits),
    }


def _number(value: float, digits: int = 3) -> str:
    text = f"{value:.{digits}f}"
    return (text if float(text) else f"{0:.{digits}f}").replace("-", "−")
