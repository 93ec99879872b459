"""Test images and the network's predictions while it learns, as buttons; one of them can be pinned.

The pictures are sent once, in a style that the buttons use; a refresh only sends numbers.
"""

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.figures.images import Sprite
from pages.parts.components.component import load_component, read_picked

_UNPINNED = -1  # what the browser sends when the pinned probe is clicked


def send_pictures(sprite: Sprite) -> None:
    """Sends the pictures of the probes; call it in a run of the whole page, before the wall is shown."""
    st.html(f"<style>:root {{ --probes: url({sprite.url}) }}</style>")


def show_probe_wall(
    sprite: Sprite,
    numbers: Sequence[int],
    labels: NDArray[np.uint8],
    probabilities: NDArray[np.float32],
    class_names: tuple[str, ...],
    *,
    key: str,
    summary: str,
    pinned: int | None,
    on_pin: Callable[[int | None], None],
    reveals: str = "",
) -> None:
    """Shows each probe with a bar for the probability of its true class, and whether it is classified correctly.

    Args:
        sprite: the pictures that `send_pictures` has sent.
        numbers: (P,) indices of the test images.
        labels: (P,) their true classes.
        probabilities: (P, 10), 0 to 1.
        summary: a line above them.
        pinned: index of the probe that is marked.
        on_pin: called with the index of the probe that was clicked, or None if it was the pinned one, before the page runs again.
        reveals: the key of a container that a click scrolls into view; "" for none.
    """
    sheet = f"{zlib.crc32(sprite.png):08x}"
    data = {
        "sheet": sheet,
        "title": f"{len(labels)} test images followed through training",
        "summary": summary,
        "classes": list(class_names),
        "numbers": list(numbers),
        "true": labels.tolist(),
        "predicted": probabilities.argmax(axis=1).tolist(),
        "per_mille": (1000 * probabilities[np.arange(len(labels)), labels]).round().astype(int).tolist(),
        "pinned": pinned,
        "reveals": reveals,
        "across": sprite.across,
        "down": sprite.down,
    }

    def pin() -> None:
        picked = read_picked(st.session_state.get(key), sheet, range(_UNPINNED, len(labels)))
        if picked is not None:
            on_pin(None if picked == _UNPINNED else picked)

    wall = load_component(Path(__file__).parent)
    wall(key=key, data=data, on_picked_change=pin)
