"""Runs whose settings are lost: what is wrong with each, and a button to delete it."""

import streamlit as st

from fmnist_core.classroom.people import Person
from fmnist_core.classroom.permission import may_change
from fmnist_core.runs.record import DamagedRun
from pages.parts.runs.actions import delete_chosen
from pages.parts.shared.wording import count, escape

_MOST_SHOWN = 20


def show_damaged_runs(damaged: list[DamagedRun], person: Person) -> None:
    """The damaged runs, one below the other."""
    if not damaged:
        return
    with st.expander(count(len(damaged), "damaged run"), icon=":material/heart_broken:"):
        for run in damaged[:_MOST_SHOWN]:
            st.write(escape(run.problem))
            if may_change(person, run.id):
                st.button("Delete it", icon=":material/delete:", key=f"delete_{run.id}", on_click=delete_chosen, args=([run.id],))
        if len(damaged) > _MOST_SHOWN:
            st.caption(f"And {len(damaged) - _MOST_SHOWN} more.")
