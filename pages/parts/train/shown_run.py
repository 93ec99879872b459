"""Which run the Train page shows, if not the settings of a new one: the link's, or the visitor's own."""

from collections.abc import Sequence

import streamlit as st

from fmnist_core.classroom.ownership import Ownership
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord
from pages.parts.shared.run_picker import find_linked_run
from pages.parts.shared.url_state import is_opening

_SHOWN, _WANTS_SETTINGS = "run_on_train", "settings_on_train"  # they outlive the page, unlike widgets
_OF_PRESETS = ("preset", "changes")


def find_run(records: Sequence[RunRecord], ownership: Ownership) -> RunRecord | None:
    """The run in the link, else the visitor's own: one that is live, or the one they last looked at here. None for the settings.

    A link to a preset always opens the settings. Another person's run is only shown by a link.
    """
    if st.query_params.get("run") == STARTER_ID:  # links of the other pages contain it, but it was not trained here
        del st.query_params["run"]
    linked = find_linked_run({run.id: run for run in records}, "cannot be shown")
    if linked is not None:
        return linked
    st.query_params.pop("run", None)  # the page has said that there is no such run, once
    if any(name in st.query_params for name in _OF_PRESETS):
        st.session_state[_WANTS_SETTINGS] = True
    elif is_opening():
        st.session_state[_WANTS_SETTINGS] = False
    if st.session_state.get(_WANTS_SETTINGS):
        return None
    mine = [run for run in records if ownership.is_mine(run)]
    return next((run for run in mine if run.is_live), None) or next((run for run in mine if run.id == st.session_state.get(_SHOWN)), None)


def select_run(run_id: str) -> None:
    """Shows this run from now on."""
    st.session_state[_SHOWN] = st.query_params["run"] = run_id
    st.session_state[_WANTS_SETTINGS] = False
