"""Many 28×28 pictures as buttons on one sprite sheet: quick to send, crisp, clickable, and usable from the keyboard."""

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.figures.images import encode_sprite
from pages.parts.components.component import load_component, read_picked

_PX_PER_REM = 16


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
    in_one_row: bool = False,
    in_box: bool = False,
    narrow_columns: int | None = None,
    first: int = 0,
    total: int | None = None,
) -> None:
    """Shows pictures as buttons; a click calls `on_pick` with the picture's index before the page runs again.

    Args:
        images: (N, 28, 28) uint8.
        labels: what each picture shows, for screen readers.
        picked: index of the picture that is marked.
        captions: a line below each picture, or none.
        columns: pictures per row; fewer on a phone.
        tile_px: the largest width of a picture; in projector mode it is larger.
        in_one_row: small pictures in one row, which scrolls sideways where it is too long.
        reveals: key of the container that a click scrolls into view if necessary.
        in_box: whether the wall scrolls in a box, which shows whole rows, how many pictures there are, and buttons to see more. Its height
            is `--wall-height`, a custom property that the page's CSS sets.
        narrow_columns: pictures per row of a box that is narrower than 30 rem; by default as many as elsewhere.
        first: how many pictures precede these, if they are one part of many.
        total: how many there are with those before and after; by default only these.
    """
    sprite = encode_sprite(images)
    sheet_id = f"{zlib.crc32(sprite.png):08x}{zlib.crc32(repr((labels, captions)).encode()):08x}"
    data = {
        "sheet": sheet_id,
        "source": sprite.url,
        "across": sprite.across,
        "down": sprite.down,
        "columns": columns,
        "narrow": narrow_columns or columns,
        "tile_rem": tile_px / _PX_PER_REM,
        "boxed": in_box,
        "first": first,
        "total": len(images) if total is None else total,
        "labels": list(labels),
        "captions": list(captions),
        "picked": picked,
        "title": title,
        "reveals": reveals,
        "in_one_row": in_one_row,
    }

    def pick() -> None:
        index = read_picked(st.session_state.get(key), sheet_id, range(len(images)))
        if index is not None:
            on_pick(index)

    wall = load_component(Path(__file__).parent)
    wall(key=key, data=data, on_picked_change=pick)
