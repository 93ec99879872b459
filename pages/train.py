"""Train: choose a preset or your own settings, start a run, and watch it learn."""

import contextlib
from pathlib import Path

import streamlit as st

from fmnist_core.classroom.ownership import Ownership
from fmnist_core.jobs.heartbeat import want_warmth
from fmnist_core.runs.record import DamagedRun, RunRecord, scan_runs
from fmnist_core.store.database import DatabaseError
from pages.parts.components.scroll_to.scroll_to import show_scroll_to
from pages.parts.shared.disk_warning import show_disk_warning
from pages.parts.shared.live_lines import show_live_lines
from pages.parts.shared.run_picker import show_run_list
from pages.parts.shared.source_code import show_source
from pages.parts.shared.visitor import whose_runs
from pages.parts.shared.wording import count, escape
from pages.parts.train.live_run import show_no_run, show_run
from pages.parts.train.settings_form import show_settings
from pages.parts.train.shown_run import find_run, select_run
from pages.parts.train.start import started_here

_LISTED_RUNS = 30


def show_other_runs(records: list[RunRecord], ownership: Ownership, shown: RunRecord | None) -> None:
    """The list of all runs, so that people can also watch runs that they did not start."""
    listed = {run.id: run for run in ownership.sort(records)[:_LISTED_RUNS]}
    if shown is not None:
        listed.setdefault(shown.id, shown)
    if listed:
        show_run_list("Run to show", listed, ownership, shown.id if shown else None, key="run_on_show", on_choice=select_run)


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


st.html(Path(__file__).parent / "parts" / "train" / "train.css")
show_disk_warning(links=True)
records, damaged = scan_runs()
with contextlib.suppress(DatabaseError):  # whoever starts a run is told why it cannot be
    want_warmth()
ownership = whose_runs()
shown = find_run(records, ownership)
if shown is not None:
    select_run(shown.id)
with st.container(key="train_frame"):
    with st.container(key="train_side", gap="small"):
        show_settings(shown.id if shown else None, select_run)
        with st.container(key="train_others", gap="small"):
            show_live_lines(records, shown)
            show_other_runs(records, ownership, shown)
            show_damaged_runs(damaged)
            show_loop()
    with st.container(key="train_run"):
        if shown is None:
            show_no_run()
        else:
            show_run(shown)
show_scroll_to("run_heading", started_here())
