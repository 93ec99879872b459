"""The drawing pad: blank, with a drawing to change or complete, or with a test image to edit."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.training.doodles import draw_doodle
from pages.parts.components.canvas.canvas import Sending, Tool, read_sending, read_strokes, show_canvas
from pages.parts.shared.cached import split_or_stop
from pages.parts.shared.url_state import bind, one_of, parse_switch, set_choice, whole_number

SIDE_PX = 280
BLANK, HALF, DOODLE, ITEM = STARTS = ("A blank sheet", "Half a drawing", "A drawing", "A test item")
MAX_DOODLE = 9999
_KEY = "pad"
_TOOLS = (Tool("Brush", "b", "#fff", "#fff"), Tool("Eraser", "e", "#000", "#000", margin_px=4))
_HELP = {
    BLANK: "Draw one item of clothing, as large as the sheet.",
    HALF: "Complete the other half, or make something else of it.",
    DOODLE: "Change it, and watch the answer change.",
    ITEM: "Erase the heel of a boot or the sleeves of a pullover, or add some, and watch the answer change.",
}
_HINT = (
    "Mouse, pen or finger. With the keyboard: Tab to the area, the arrow keys move the brush, space starts and ends a stroke, "
    "B takes the brush and E the eraser."
)


@dataclass(frozen=True, eq=False)
class Sheet:
    """What is drawn on.

    Attributes:
        name: its strokes' name.
        base: (H, W) uint8, the picture under the strokes, if any.
        fill: whether to fill what the lines enclose.
        edits_item: whether the base is a test image, each pixel enlarged to 10×10.
    """

    name: str
    base: NDArray[np.uint8] | None
    fill: bool
    edits_item: bool


def choose_sheet() -> Sheet:
    """Shows the choice of what to start from. Each start keeps its own strokes across reruns, changes of page and changes of start."""
    bind("start", BLANK, one_of(STARTS))
    start = st.selectbox("Start from", STARTS, key="start", persist_state="session")
    base, name = _choose_base(start)
    fill = bind("fill", True, lambda text: parse_switch(text, "on", "off"), lambda value: "on" if value else "off")
    if start != ITEM:
        st.toggle(
            "Fill the silhouette",
            key="fill",
            persist_state="session",
            help="The network learned from filled shapes. When this is on, the area inside your lines becomes grey.",
        )
    st.caption(_HELP[start])
    return Sheet(name, base, fill, start == ITEM)


def show_drawing_pad(sheet: Sheet, live_interval_s: float, on_change: Callable[[], None]) -> None:
    """Shows the pad.

    Args:
        live_interval_s: how often the browser may send what is drawn while the pen is down.
        on_change: called when the browser has sent a drawing, before the part of the page that shows the pad runs again.
    """
    show_canvas(
        sheet.name,
        (SIDE_PX, SIDE_PX),
        _TOOLS,
        key=_KEY,
        label="Drawing area: draw one item of clothing, as large as the area",
        hint=_HINT,
        brush_px=14,
        base=sheet.base,
        sends_base=sheet.base is not None,
        live_interval_s=live_interval_s,
        is_kept=True,
        on_change=on_change,
    )


def read_pad(sheet: Sheet) -> tuple[NDArray[np.uint8] | None, Sending]:
    """What is on the pad, (280, 280) uint8, white on black, None while it is blank, and which sending of the browser's it was."""
    state = st.session_state.get(_KEY)
    strokes = read_strokes(state, sheet.name, (SIDE_PX, SIDE_PX))
    return None if strokes is None else strokes[..., 0], read_sending(state, sheet.name)


def show_example(class_name: str, number: int) -> None:
    """Opens a doodle on the pad of the Predict page; for an `on_click` there."""
    set_choice("source", "Drawing")
    set_choice("start", DOODLE)
    set_choice("doodle", number)
    set_choice("doodle_class", class_name)


def make_doodle(class_name: str, number: int, side_px: int) -> NDArray[np.uint8]:
    """The lines of a doodle, (side_px, side_px) uint8, white on black."""
    label = CLASS_NAMES.index(class_name)
    return draw_doodle(label, np.random.default_rng([number, label]), side_px).ink


def _choose_base(start: str) -> tuple[NDArray[np.uint8] | None, str]:
    """The picture under the strokes, if any, and a name for it."""
    if start == ITEM:
        split = split_or_stop("test")
        bind("pad_item", 0, whole_number(0, len(split) - 1))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            number = st.number_input("Number of the test image", 0, len(split) - 1, key="pad_item", persist_state="session")
            st.button(
                "Random item",
                icon=":material/casino:",
                key="random_pad_item",
                on_click=lambda: set_choice("pad_item", secrets.randbelow(len(split))),
            )
        return split.images[number], f"item {number}"
    if start == BLANK:
        return None, "blank"
    bind("doodle_class", CLASS_NAMES[0], one_of(CLASS_NAMES))
    bind("doodle", 0, whole_number(0, MAX_DOODLE))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        class_name = st.selectbox("Of a", CLASS_NAMES, key="doodle_class", persist_state="session")
        st.button("Another one", icon=":material/casino:", on_click=lambda: set_choice("doodle", secrets.randbelow(MAX_DOODLE + 1)))
    ink = make_doodle(class_name, st.session_state["doodle"], SIDE_PX)
    if start == HALF:
        ink[:, SIDE_PX // 2 :] = 0
    return ink, f"{start} {class_name} {st.session_state['doodle']}"
