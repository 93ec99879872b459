"""What the teacher sends to every screen, and which pages are closed: noticed within seconds, shown without moving the page."""

import threading
import time
from collections.abc import Sequence

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from fmnist_core.classroom.lesson import Sent, lesson, lesson_version
from fmnist_core.classroom.people import Person
from fmnist_core.settings.presets import find_preset
from fmnist_core.store.database import DatabaseError
from pages.parts.components.lesson_watch.lesson_watch import show_lesson_watch
from pages.parts.shared.closed_pages import closed_to, page_titles
from pages.parts.shared.server_routes import LESSON
from pages.parts.shared.url_state import follow_link
from pages.parts.shared.visitor import visitor
from pages.parts.shared.wording import escape

_SHOWN_S = 3600  # whoever comes later than that is in another lesson
_MOST_PEOPLE = 1000
_BOARD = "class"
_handled: dict[str, str] = {}  # by person, what they have opened or closed last; on every page of theirs, also after a reload
_lock = threading.Lock()


@st.fragment
def show_lesson_notice(pages: Sequence[StreamlitPage], closed: tuple[str, ...], address: str) -> None:
    """A bar with what the teacher has sent, if there is anything; the whole page runs again when other pages are closed.

    Args:
        pages: all pages.
        closed: the addresses of those that were closed when the page began to run.
        address: that of the page on show; the class board, which is for the projector, shows nothing of what is sent.
    """
    try:
        person, now, version = visitor(), lesson(), lesson_version()
    except DatabaseError:
        return
    if closed_to(person, now) != closed:
        st.rerun()
    sent = None if address == _BOARD else _unhandled(person, now.sent)
    label = sent_words(sent) if sent else ""
    show_lesson_watch(LESSON, version, f"Your teacher sent you: {label}." if label else "")
    if sent is None or not label:
        return
    if sent.opens:
        _open(person, sent, pages)
    with st.container(key="lesson_notice", horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"Your teacher sent you: **{escape(label)}**", width="content")
        if st.button("Open", type="primary", icon=":material/arrow_forward:", key=f"open_{sent.id}"):
            _open(person, sent, pages)
        st.button("Not now", icon=":material/close:", key=f"close_{sent.id}", on_click=_set_handled, args=(person, sent))


def _unhandled(person: Person, sent: Sent | None) -> Sent | None:
    """What was sent, unless this person sent it, has opened or closed it, or it is old."""
    if sent is None or sent.by == person.id or time.time() - sent.sent_at > _SHOWN_S:
        return None
    with _lock:
        return None if _handled.get(person.id) == sent.id else sent


def _set_handled(person: Person, sent: Sent) -> None:
    with _lock:
        _handled.pop(person.id, None)
        _handled[person.id] = sent.id
        while len(_handled) > _MOST_PEOPLE:
            del _handled[next(iter(_handled))]


def sent_words(sent: Sent) -> str:
    """What was sent, in words; "" if there is no such page."""
    if sent.kind == "preset":
        return f"the preset {find_preset(sent.value).name}"
    if sent.kind == "item":
        return f"test image {int(sent.value):,}"
    title = page_titles().get(sent.value)
    return f"the page {title}" if title else ""


def _open(person: Person, sent: Sent, pages: Sequence[StreamlitPage]) -> None:
    """Opens what was sent; does not return if there is such a page."""
    _set_handled(person, sent)
    address, choices = {
        "preset": ("training", {"preset": sent.value}),
        "item": ("prediction", {"source": "Test item", "item": sent.value}),
        "page": (sent.value, {}),
    }[sent.kind]
    page = _find(address, pages)
    if page is not None:
        follow_link()
        st.switch_page(page, query_params=choices)


def _find(address: str, pages: Sequence[StreamlitPage]) -> StreamlitPage | None:
    return next((page for page in pages if page.url_path == address), None)
