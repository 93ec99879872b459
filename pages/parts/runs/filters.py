"""Which runs the table shows, and in which order; all these choices live in the URL."""

from collections.abc import Sequence
from typing import Any

import streamlit as st

from fmnist_core.store.text import fold
from pages.parts.runs.rows import SORTS, STATES, Row, matches
from pages.parts.shared.url_state import bind, one_of, parse_switch, write_switch

_FIND, _STATE, _MINE, _STARRED, _SORT = "find", "run_state", "mine", "starred", "sort"
_LONGEST = 100


def choose_rows(rows: Sequence[Row]) -> list[Row]:
    """Shows the fields for searching, filtering and sorting, and returns the rows that are left, in order."""
    bind(_FIND, "", _parse_words)
    bind(_STATE, next(iter(STATES)), one_of(STATES))
    bind(_SORT, next(iter(SORTS)), one_of(SORTS))
    bind(_MINE, False, parse_switch, write_switch)
    bind(_STARRED, False, parse_switch, write_switch)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="run_filters"):
        st.text_input(
            "Search",
            key=_FIND,
            max_chars=_LONGEST,
            icon=":material/search:",
            placeholder="name, owner, preset, note …",
            persist_state="session",
            width=260,
        )
        st.selectbox("State", list(STATES), key=_STATE, persist_state="session", width=170)
        st.selectbox("Order", list(SORTS), key=_SORT, persist_state="session", width=220)
        st.toggle("Only mine", key=_MINE, persist_state="session")
        st.toggle("Only starred", key=_STARRED, persist_state="session", help="The runs that you have starred.")
    return _apply(rows, st.session_state)


def _apply(rows: Sequence[Row], choices: Any) -> list[Row]:
    words, states = fold(str(choices[_FIND])).split(), STATES[choices[_STATE]]
    left = [
        row
        for row in rows
        if (not states or row.run.state in states)
        and (row.is_mine or not choices[_MINE])
        and (row.is_starred or not choices[_STARRED])
        and matches(row, words)
    ]
    by, is_descending = SORTS[choices[_SORT]]
    return sorted(left, key=by, reverse=is_descending)  # type: ignore[arg-type]  # each of these compares


def _parse_words(text: str) -> str:
    if not text.strip() or len(text) > _LONGEST:
        raise ValueError(text)
    return text
