"""Choices that live in the URL, so that a link, a reload and the back button open the same view.

Streamlit clears the query string when the navigation is clicked, so each choice is kept in the session too and written
back when its page is shown again. While a page stays, the URL alone counts: a choice that the back button has taken out is out.
"""

from collections.abc import Callable, Collection
from typing import TypeVar

import streamlit as st

T = TypeVar("T")
_PAGE, _RESTORED = "page_on_show", "choices_restored"


def begin_page(page: str) -> None:
    """Notes which page is about to run, so that `restore` can tell coming back to a page from staying on it."""
    if st.session_state.get(_PAGE) != page:
        st.session_state[_PAGE], st.session_state[_RESTORED] = page, set()


def restore(name: str, default: T, parse: Callable[[str], T]) -> T:
    """The choice called `name`: the URL's, else this session's, else the default; also set as the value of the widget `key=name`.

    A default stays out of the URL: Streamlit makes every parameter written a step of the back button.

    Args:
        parse: text → value; raises ValueError for text that is none, and the default is taken.
    """
    restored: set[str] = st.session_state.setdefault(_RESTORED, set())
    text = st.query_params.get(name, None if name in restored else st.session_state.get(_kept(name)))
    restored.add(name)
    value = default
    if text is not None:
        try:
            value = parse(text)
        except ValueError:
            text = None
    st.session_state[name] = value
    write(name, text)
    return value


def write(name: str, value: object) -> None:
    """Puts a choice into the URL and the session; None takes it out."""
    if value is None:
        st.session_state.pop(_kept(name), None)
        if name in st.query_params:
            del st.query_params[name]
        return
    st.session_state[_kept(name)] = str(value)
    if st.query_params.get(name) != str(value):
        st.query_params[name] = str(value)


def keep(name: str) -> None:
    """The `on_change` of the widget `key=name`."""
    write(name, st.session_state[name])


def whole_number(lowest: int, highest: int) -> Callable[[str], int]:
    """A parser of whole numbers in a range."""

    def parse(text: str) -> int:
        value = int(text)
        if not lowest <= value <= highest:
            raise ValueError(text)
        return value

    return parse


def one_of(options: Collection[str]) -> Callable[[str], str]:
    """A parser that lets only these texts through."""

    def parse(text: str) -> str:
        if text not in options:
            raise ValueError(text)
        return text

    return parse


def _kept(name: str) -> str:
    return f"kept_{name}"
