"""Train: choose a preset or settings of one's own, start a run, watch it learn."""

import streamlit as st
from fmnist_core.jobs.processes import keep_spare
from fmnist_core.jobs.queue import training_slots

from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord, list_runs
from pages.parts.train.live_run import prepare_live_charts, show_ended_run, show_live_run
from pages.parts.shared.run_picker import remember_run, show_choice
from pages.parts.train.settings_form import show_settings

_WATCHED = "watched_run"  # outlives the page, unlike widgets
_LISTED_RUNS = 30


def watch(run_id: str) -> None:
    """Makes a run the one on show, here and in the pickers of the other pages."""
    st.session_state[_WATCHED] = st.query_params["run"] = run_id
    remember_run(run_id)


def find_watched_run(records: list[RunRecord]) -> RunRecord | None:
    """The run of the URL, else this session's, else one that is training now."""
    by_id = {run.id: run for run in records}
    asked = st.query_params.get("run")
    if asked is not None and asked not in by_id and asked != STARTER_ID:
        st.warning(
            f"This link names a run that is not here ({asked[:40]}). Start a new one, or choose another below.", icon=":material/link_off:"
        )
    live = next((run.id for run in records if run.is_live), None)
    return next((by_id[run_id] for run_id in (asked, st.session_state.get(_WATCHED), live) if run_id in by_id), None)


def show_run_choice(records: list[RunRecord], watched: RunRecord | None) -> None:
    """A way to every run, also for somebody who did not start it."""
    listed = {run.id: run for run in records[:_LISTED_RUNS]}
    if watched is not None:
        listed.setdefault(watched.id, watched)
    if not listed:
        return
    show_choice("Run shown above", listed, watched.id if watched else None, key="run_on_show", on_choice=watch)


st.title("Train")
records = list_runs()
if not any(run.is_live for run in records):
    keep_spare()
watched = find_watched_run(records)
if watched is None:
    st.write("Choose a preset, change what you like, and press Train. The loss draws itself while the network learns.")
    show_settings(watch)
elif watched.is_live:
    watch(watched.id)
    show_live_run(watched)
    with st.expander("Train another network"):
        st.write(f"Runs take turns, {training_slots()} at a time: a new one waits until its turn comes.")
        show_settings(watch)
else:
    watch(watched.id)
    with st.expander("Train another network", icon=":material/add:"):
        show_settings(watch)
    show_ended_run(watched)
show_run_choice(records, watched)
if watched is None or not watched.is_live:
    prepare_live_charts()
