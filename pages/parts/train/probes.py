"""Twenty test images whose answers turn right or wrong while a network learns, as buttons; one of them can be pinned.

The pictures are sent once, as a style that the buttons find; a tick brings only numbers.
"""

import base64
import zlib
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.dataset.classes import DataError
from fmnist_core.dataset.split import Split
from fmnist_core.runs.history import RunHistory
from pages.parts.shared.cached import read_split
from pages.parts.components.image_wall.image_wall import draw_sheet
from pages.parts.shared.url_state import restore, whole_number, write

_PIN = "pin"
_SENT = "items_sheet"
_PROBES = 20


def restore_pin() -> None:
    """Takes the pinned item from the URL."""
    restore(_PIN, None, whole_number(0, _PROBES - 1))


def pinned_item(history: RunHistory) -> int | None:
    """Place of the pinned one among the watched items; None where there is none."""
    pinned = st.session_state.get(_PIN)
    return pinned if isinstance(pinned, int) and pinned < len(history.probes) else None


def watched_split(history: RunHistory) -> Split | None:
    """The test images, if those that the run watches are among them."""
    try:
        split = read_split("test")
    except DataError:
        return None
    return split if history.probes and max(history.probes) < len(split) else None


def send_items_sheet(history: RunHistory) -> None:
    """Sends the pictures of the watched items; in a run of the whole page, before the items are shown."""
    split = watched_split(history)
    st.session_state[_SENT] = None
    if split is not None:
        sheet = base64.b64encode(_sheet(split, history)[0]).decode()
        st.html(f"<style>:root {{ --watched-items: url(data:image/png;base64,{sheet}) }}</style>")
        st.session_state[_SENT] = history.probes


def lacks_items_sheet(history: RunHistory) -> bool:
    """Whether the items can be shown, but their pictures were not sent yet: the whole page has to run."""
    return st.session_state.get(_SENT) != history.probes and watched_split(history) is not None


def show_live_items(split: Split, history: RunHistory) -> None:
    """The watched items, each with a bar of the probability of its true class and whether it is answered right."""
    answers = history.newest_answers()
    if answers is None:
        return
    labels = split.labels[list(history.probes)]
    taken = answers.argmax(axis=1)
    sheet, across, down = _sheet(split, history)
    sheet_id = f"{zlib.crc32(sheet):08x}"
    right = int((taken == labels).sum())
    data = {
        "sheet": sheet_id,
        "title": f"{len(labels)} test images that are watched",
        "said": f"{right} of these {len(labels)} test images are answered right. The bar is the probability of what it truly is. "
        "Press one to see how it was learned.",
        "classes": list(split.class_names),
        "numbers": list(history.probes),
        "true": labels.tolist(),
        "taken": taken.tolist(),
        "shares": (1000 * answers[np.arange(len(labels)), labels]).round().astype(int).tolist(),
        "pinned": pinned_item(history),
        "across": across,
        "down": down,
    }

    def pick() -> None:
        picked = read_pin(st.session_state.get("live_items"), sheet_id, len(labels))
        if picked is not None:
            st.session_state[_PIN] = None if picked < 0 else picked
            write(_PIN, st.session_state[_PIN])

    wall = st.components.v2.component("live_items", html=_HTML, css=_CSS, js=_JS)
    wall(key="live_items", data=data, on_picked_change=pick)


def read_pin(state: Any, sheet_id: str, count: int) -> int | None:
    """The place in what the browser sent, −1 to unpin; None if it is of other pictures or neither."""
    sent = (state or {}).get("picked")
    if not isinstance(sent, list) or len(sent) != 2 or sent[0] != sheet_id:
        return None
    place = sent[1]
    return place if isinstance(place, int) and not isinstance(place, bool) and -1 <= place < count else None


def describe_trail(history: RunHistory, item: int, true_class: int, class_names: tuple[str, ...]) -> str:
    """When the item was learned, in a sentence computed from the answers so far."""
    trail = history.follow(item, true_class)
    if trail is None:
        return "There is no answer yet."
    if trail.right_since is not None:
        if trail.changes == 0:
            return f"It has been answered right without a break from the first look on, at step {trail.right_since:,}."
        before = f" Before that it had been right and was lost again {_times(trail.changes // 2)}." if trail.changes > 1 else ""
        return f"Since step {trail.right_since:,} it has been answered right without a break.{before}"
    taken_for = class_names[trail.taken_for]
    if trail.last_right is None:
        return f"It has never been answered right; now it is taken for {taken_for}."
    return f"Now it is taken for {taken_for}. The last right answer was at step {trail.last_right:,}."


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number} times")


def _sheet(split: Split, history: RunHistory) -> tuple[bytes, int, int]:
    return _draw_once(split.source, history.probes, split)


@st.cache_data(max_entries=16, show_spinner=False)
def _draw_once(source: str, probes: tuple[int, ...], _split: Split) -> tuple[bytes, int, int]:  # noqa: ARG001  # source is for the key
    pictures: NDArray[np.uint8] = _split.images[list(probes)]
    return draw_sheet(pictures)
