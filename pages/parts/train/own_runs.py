"""The runs that this session started or continued, of which only a few may wait at a time."""

import streamlit as st

_KEY = "own_runs"


def own_runs() -> list[str]:
    """The ids of these runs."""
    ids: list[str] = st.session_state.setdefault(_KEY, [])
    return ids


def add_own_run(run_id: str) -> None:
    """Counts a run as this session's."""
    if run_id not in own_runs():
        own_runs().append(run_id)
