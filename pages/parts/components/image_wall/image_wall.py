"""Many 28×28 pictures as buttons on one sprite sheet: quick to send, crisp, clickable, and usable from the keyboard."""

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.figures.images import encode_sprite
from pages.parts.components.component import load_component


def show_image_wall(
    images: NDArray[np.uint8],
    labels: Sequence[str],
    *,
    key: str,
    title: str,
    on_pick: Callable[[int], None],
    picked: int | None = None,
    captions: Sequence[str] = (),
    columns: int = 5,
    tile_px: int = 120,
    reveals: str = "",
) -> None:
    """Shows pictures as buttons; a click calls `on_pick` with the picture's index before the page runs again.

    Args:
        images: (N, 28, 28) uint8.
        labels: what each picture shows, for screen readers.
        picked: index of the picture that is marked.
        captions: a line below each picture, or none.
        columns: pictures per row; fewer on a phone.
        tile_px: the largest width of a picture.
        reveals: key of the container that a click scrolls into view if necessary.
    """
    sprite = encode_sprite(images)
    sheet_id = f"{zlib.crc32(sprite.png):08x}{zlib.crc32(repr((labels, captions)).encode()):08x}"
    data = {
        "sheet": sheet_id,
        "source": sprite.url,
        "across": sprite.across,
        "down": sprite.down,
        "columns": columns,
        "tile_px": tile_px,
        "labels": list(labels),
        "captions": list(captions),
        "picked": picked,
        "title": title,
        "reveals": reveals,
    }

    def pick() -> None:
        index = read_pick(st.session_state.get(key), sheet_id, len(images))
        if index is not None:
            on_pick(index)

    wall = load_component(Path(__file__).parent)
    wall(key=key, data=data, on_picked_change=pick)


def read_pick(state: Any, sheet_id: str, count: int) -> int | None:
    """The index in what the browser sent; None if it belongs to other pictures or is not an index."""
    sent = (state or {}).get("picked")
    if not isinstance(sent, list) or len(sent) != 2 or sent[0] != sheet_id:
        return None
    index = sent[1]
    return index if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < count else None
