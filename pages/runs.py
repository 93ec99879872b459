"""Runs: all runs in one table, to find, compare, name, star, delete and restore them."""

import streamlit as st

from fmnist_core.classroom.people import Person
from fmnist_core.classroom.run_changes import erase_old_runs
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord, load_run, scan_runs
from fmnist_core.runs.trash import list_deleted
from fmnist_core.store.database import DatabaseError
from pages.parts.runs.actions import show_actions
from pages.parts.runs.comparison import show_comparison
from pages.parts.runs.damaged_runs import show_damaged_runs
from pages.parts.runs.deleted_runs import show_deleted, show_undo
from pages.parts.runs.disk_room import show_disk_room
from pages.parts.runs.filters import choose_rows
from pages.parts.runs.messages import show_messages
from pages.parts.runs.rows import make_rows
from pages.parts.runs.run_table import show_list, show_table
from pages.parts.runs.selection import chosen_runs
from pages.parts.shared.closed_pages import show_page_link
from pages.parts.shared.disk_warning import show_disk_warning
from pages.parts.shared.live_lines import show_live_lines
from pages.parts.shared.visitor import visitor, whose_runs
from pages.parts.shared.wording import count, escape


def show_runs(records: list[RunRecord], person: Person) -> None:
    """The table with all that can be done with the runs chosen in it."""
    rows = {row.run.id: row for row in make_rows([*records, load_run(STARTER_ID)], whose_runs())}
    shown = choose_rows(list(rows.values()))
    chosen = chosen_runs(rows)
    if shown:
        show_table(shown, chosen)
        st.caption(f"{count(len(shown), 'run')} of {len(rows):,}. Tick rows to compare, name, star or delete runs.")
    else:
        st.info("No run fits these choices.", icon=":material/search_off:")
    listed = {row.run.id: row for row in shown} | {run_id: rows[run_id] for run_id in chosen}
    show_list(list(listed.values()), chosen)
    if chosen:
        show_actions([rows[run_id] for run_id in chosen], person)
        show_comparison([rows[run_id] for run_id in chosen])


def show_no_runs() -> None:
    """What to do as long as there are no runs."""
    st.info("No network has been trained here yet.", icon=":material/info:")
    show_page_link("train", "Train one", ":material/arrow_forward:")


def show_everything(person: Person) -> None:
    """The page below its title."""
    erase_old_runs()
    runs, damaged = scan_runs()
    deleted = list_deleted()
    show_undo(deleted)
    show_live_lines(runs, follows=True)
    if runs:
        show_runs(runs, person)
    else:
        show_no_runs()
    show_damaged_runs(damaged, person)
    show_deleted(deleted, person)
    show_disk_room(person)


st.title("Runs")
show_disk_warning(links=False)
show_messages()
try:
    show_everything(visitor())
except DatabaseError as error:
    st.error(escape(str(error)), icon=":material/warning:")
