"""Sends a preset, a test image or a page to every screen."""

import streamlit as st

from fmnist_core.classroom.lesson import Kind, change_lesson, lesson, send
from fmnist_core.settings.presets import PRESETS, find_preset
from pages.parts.shared.cached import split_or_stop
from pages.parts.shared.closed_pages import page_titles
from pages.parts.shared.lesson_notice import sent_words
from pages.parts.shared.visitor import visitor
from pages.parts.shared.wording import escape
from pages.parts.teacher.limits import OWN_ADDRESS

_KINDS: dict[str, Kind] = {"A preset": "preset", "A test image": "item", "A page": "page"}
_REFUSED = "sending_refused"


def show_sending() -> None:
    """What to send, and what was sent last."""
    st.subheader("Send to every screen", anchor=False)
    st.write("A bar at the foot of every screen offers to open it, so that nobody loses a drawing; or it opens at once.")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        kind = _KINDS[st.segmented_control("What", list(_KINDS), default="A preset", required=True, key="send_kind")]
        value = _choose(kind)
        opens = st.checkbox("Open at once", key="send_opens", help="Every screen leaves what it shows. Drawings are kept.", width="content")
        st.button("Send", type="primary", icon=":material/send:", key="send", on_click=_send, args=(kind, value, opens))
    refused = st.session_state.pop(_REFUSED, "")
    if refused:
        st.error(escape(refused), icon=":material/warning:")
    sent = lesson().sent
    if sent is not None:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.markdown(f"Sent: **{escape(sent_words(sent))}**. Screens that open within the hour show it too.", width="content")
            st.button("Take back", icon=":material/undo:", key="take_back", on_click=_take_back)


def _choose(kind: Kind) -> str:
    if kind == "preset":
        return st.selectbox("Preset", [preset.key for preset in PRESETS], format_func=lambda key: find_preset(key).name, key="send_preset")
    if kind == "item":
        most = len(split_or_stop("test")) - 1
        return str(st.number_input("Number of the test image", 0, most, key="send_item", width=220))
    titles = {address: title for address, title in page_titles().items() if address not in ("", OWN_ADDRESS)}
    return st.selectbox("Page", list(titles), format_func=titles.__getitem__, key="send_page")


def _send(kind: Kind, value: str, opens: bool) -> None:
    try:
        send(visitor(), kind, value, opens=opens)
    except ValueError as error:  # NotAllowedError and DatabaseError are ValueErrors
        st.session_state[_REFUSED] = str(error)


def _take_back() -> None:
    try:
        change_lesson(visitor(), sent=None)
    except ValueError as error:
        st.session_state[_REFUSED] = str(error)
