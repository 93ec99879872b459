"""The runs that train or wait at this moment, one line each."""

import streamlit as st

from fmnist_core.classroom.people import NOBODY_NAME, names_of
from fmnist_core.classroom.permission import owners
from fmnist_core.runs.record import RunRecord, list_runs
from fmnist_core.runs.setting_words import describe_preset
from fmnist_core.store.database import DatabaseError
from pages.parts.shared.wording import count, escape

_POLL_S = 3.0
_MOST_SHOWN = 8
_DOING = {"waiting": "waits to train", "training": "trains", "paused": "is paused, training"}


def show_live_runs(records: list[RunRecord]) -> None:
    """Nothing if no run is live; otherwise it refreshes itself, and the whole page when a run starts or ends."""
    live = [run.id for run in records if run.is_live]
    if live:
        st.fragment(_watch, run_every=_POLL_S)(sorted(live))


def _watch(shown: list[str]) -> None:
    try:
        _show_live(shown)
    except DatabaseError as error:
        st.error(escape(str(error)), icon=":material/warning:")


def _show_live(shown: list[str]) -> None:
    live = [run for run in list_runs() if run.is_live]
    if sorted(run.id for run in live) != shown:
        st.rerun()
    live.sort(key=lambda run: (run.state == "waiting", run.created_at, run.id))
    owner_ids = owners()
    names = names_of(set(owner_ids.values()))
    with st.container(border=True, gap="xsmall", key="live_runs"):
        st.markdown(f":material/show_chart: **Still training: {count(len(live), 'run')}**")
        for run in live[:_MOST_SHOWN]:
            owner = owner_ids.get(run.id, "")
            whose = f" ({escape(names.get(owner, NOBODY_NAME))})" if owner else ""
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                epoch = "" if run.state == "waiting" else f", epoch {min(run.epoch + 1, run.epochs)} of {run.epochs}"
                text = f"**{escape(run.name)}**{whose} {_DOING[run.state]} {escape(describe_preset(run.config))}{epoch}"
                st.markdown(text, width="content")
                st.page_link("pages/train.py", label="Watch", icon=":material/arrow_forward:", query_params={"run": run.id})
        if len(live) > _MOST_SHOWN:
            st.caption(f"And {len(live) - _MOST_SHOWN} more, which the table shows too.")
