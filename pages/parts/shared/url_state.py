"""Choices that live in the URL, so that a link, a reload and the back button open the same view.

Streamlit's `persist_state="session"` keeps a widget's choice while another page is shown. Writing it into the URL is done here.
Streamlit's `bind="query-params"` could do that as well, but it replaces the browser's current history entry instead of adding one, so
that the back button would leave the page; it drops choices whose widgets are not shown; and it only works for widgets, not for a cell of
a table or a pinned image. The URL is read when it can have changed: when a page opens, and after the back button. A click in the
navigation empties the URL; then the session's choices count.
"""

from collections.abc import Callable, Collection
from typing import TypeVar

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

Default = TypeVar("Default")
Value = TypeVar("Value")
_PAGE, _OPENS, _IS_BACK, _READ, _DEFAULTS = "page_on_show", "page_opens", "page_is_back", "choices_read", "choice_defaults"


def begin_page(page: str) -> None:
    """Records which page is about to run, so that `bind` knows whether the page has just been opened, or the back button pressed."""
    context = get_script_run_ctx()
    opens, is_back = st.session_state.get(_PAGE) != page, context is not None and context.is_history_navigation
    st.session_state[_OPENS] = opens or is_back
    if opens or is_back:
        st.session_state.update({_PAGE: page, _IS_BACK: not opens, _READ: set()})


def is_opening() -> bool:
    """Whether the page has just been opened, or the back button pressed."""
    return bool(st.session_state.get(_OPENS))


def follow_link() -> None:
    """Makes the next page read its URL as if it had just been opened, also if it is the page on show."""
    st.session_state.pop(_PAGE, None)


def bind(name: str, default: Default, parse: Callable[[str], Value], write: Callable[[Value], str] = str) -> Value | Default:
    """The choice called `name`: the URL's, else this session's, else the default. It becomes the value of the widget with that key.

    A default is not written into the URL, because every change of the URL becomes a step of the back button.

    Args:
        parse: text → value; raises ValueError for invalid text, and the default is used.
        write: value → text.
    """
    text = st.query_params.get(name)
    value: Value | None = st.session_state.get(name)
    read: set[str] = st.session_state.setdefault(_READ, set())
    defaults: dict[str, object] = st.session_state.setdefault(_DEFAULTS, {})
    try:
        if name not in read and (text is not None or st.session_state.get(_IS_BACK)):
            value = None if text is None else parse(text)
        elif value is not None:
            value = None if value == defaults.get(name) else parse(write(value))  # the options may have changed
    except ValueError:
        value = None
    read.add(name)
    defaults[name] = default
    chosen = st.session_state[name] = default if value is None else value
    if value is None or value == default:
        st.query_params.pop(name, None)
    elif write(value) != text:
        st.query_params[name] = write(value)
    return chosen


def set_choice(name: str, value: object) -> None:
    """Makes a choice without its widget, in a callback; the next `bind` writes it into the URL. None removes the choice."""
    st.session_state[name] = value
    st.session_state.setdefault(_READ, set()).add(name)


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """A parser for whole numbers in a range."""

    def parse(text: str) -> int:
        value = int(text)
        if not lowest <= value <= highest:
            raise ValueError(text)
        return value

    return parse


def one_of(options: Collection[str]) -> Callable[[str], str]:
    """A parser that only accepts these texts."""

    def parse(text: str) -> str:
        if text not in options:
            raise ValueError(text)
        return text

    return parse


def parse_switch(text: str, on: str = "yes", off: str = "no") -> bool:
    """Parses the state of a switch: "yes" or "no"."""
    return one_of((on, off))(text) == on


def write_switch(value: bool) -> str:
    """The state of a switch as text: "yes" or "no"."""
    return "yes" if value else "no"
