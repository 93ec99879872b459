"""Train: choose a preset or your own settings, start a run, and watch it learn."""

import contextlib

import streamlit as st

from fmnist_core.classroom.ownership import Ownership
from fmnist_core.jobs.heartbeat import want_warmth
from fmnist_core.jobs.queue import training_slots
from fmnist_core.runs.record import DamagedRun, RunRecord, scan_runs
from fmnist_core.store.database import DatabaseError
from pages.parts.shared.disk_warning import show_disk_warning
from pages.parts.shared.live_lines import show_live_lines
from pages.parts.shared.run_picker import show_run_list
from pages.parts.shared.source_code import show_source
from pages.parts.shared.visitor import whose_runs
from pages.parts.shared.wording import LOSS, count, escape
from pages.parts.train.live_run import prepare_live_charts, show_ended_run, show_live_run
from pages.parts.train.settings_form import show_settings
from pages.parts.train.shown_run import find_run, select_run

_LISTED_RUNS = 30


def show_other_runs(records: list[RunRecord], ownership: Ownership, shown: RunRecord | None) -> None:
    """The list of all runs, so that people can also watch runs that they did not start."""
    listed = {run.id: run for run in ownership.sort(records)[:_LISTED_RUNS]}
    if shown is not None:
        listed.setdefault(shown.id, shown)
    if listed:
        show_run_list("Run to show above", listed, ownership, shown.id if shown else None, key="run_on_show", on_choice=select_run)


def show_damaged_runs(damaged: list[DamagedRun]) -> None:
    """What is wrong with runs whose settings are lost, which cannot be shown."""
    if damaged:
        with st.expander(count(len(damaged), "damaged run"), icon=":material/heart_broken:"):
            for run in damaged:
                st.write(escape(run.problem))


def show_loop() -> None:
    """The code of the training loop."""
    from fmnist_core.training.loop import train

    explanation = (
        "This is the code that trains every run here. At its centre are the same five lines as in the article: clear the old gradients, "
        "compute the outputs, measure the loss, find out how each weight affects it (the gradient), and take a step."
    )
    show_source("Show the code", explanation, train)


st.title("Train")
show_disk_warning(links=True)
records, damaged = scan_runs()
with contextlib.suppress(DatabaseError):  # whoever starts a run is told why it cannot be
    want_warmth()
ownership = whose_runs()
shown = find_run(records, ownership)
if shown is None:
    st.write(f"Choose a preset, change what you like, and press Train. The loss draws itself while the network learns. {LOSS}")
    st.caption("Everyone in this room can watch your run.")
    show_settings(select_run)
elif shown.is_live:
    select_run(shown.id)
    show_live_run(shown)
    with st.expander("Train another network"):
        st.write(f"Runs take turns, {training_slots()} at a time: a new one waits for its turn.")
        show_settings(select_run)
else:
    select_run(shown.id)
    with st.expander("Train another network", icon=":material/add:"):
        show_settings(select_run)
    show_ended_run(shown)
show_live_lines(records, shown)
show_other_runs(records, ownership, shown)
show_damaged_runs(damaged)
show_loop()
if shown is None or not shown.is_live:
    prepare_live_charts()
