"""Test images and the network's predictions while it learns, as buttons; one of them can be pinned.

The pictures are sent once, in a style that the buttons use; a refresh only sends numbers.
"""

import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.figures.images import Sprite
from pages.parts.components.component import load_component


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
        "across": sprite.across,
        "down": sprite.down,
    }

    def pin() -> None:
        picked = read_pin(st.session_state.get(key), sheet, len(labels))
        if picked is not None:
            on_pin(None if picked < 0 else picked)

    wall = load_component(Path(__file__).parent)
    wall(key=key, data=data, on_picked_change=pin)


def read_pin(state: Any, sheet: str, count: int) -> int | None:
    """The probe in what the browser sent, −1 to unpin; None if it belongs to other pictures or is not an index."""
    sent = (state or {}).get("picked")
    if not isinstance(sent, list) or len(sent) != 2 or sent[0] != sheet:
        return None
    probe = sent[1]
    return probe if isinstance(probe, int) and not isinstance(probe, bool) and -1 <= probe < count else None
