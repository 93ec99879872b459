"""Undoing the last deletion, and the list of all deleted runs, to restore them or to delete them for good."""

import streamlit as st

from fmnist_core.classroom.people import Person
from fmnist_core.classroom.run_changes import may_restore, restore_runs
from fmnist_core.classroom.teacher import has_pin
from fmnist_core.runs.trash import KEPT_DAYS, DeletedRun, list_deleted
from pages.parts.runs.actions import UNDO
from pages.parts.runs.messages import tell, tell_outcome
from pages.parts.runs.selection import choose_runs
from pages.parts.shared.visitor import visitor
from pages.parts.shared.wording import count, distinct_lines, escape

_PICKED = "deleted_picked"


def show_undo(deleted: list[DeletedRun]) -> None:
    """Which runs were deleted last, and a button that brings them back."""
    there = {run.id: run for run in deleted}
    last = [run_id for run_id in st.session_state.get(UNDO, []) if run_id in there]
    if not last:
        return
    what = f"**{escape(there[last[0]].name)}** was" if len(last) == 1 else f"{count(len(last), 'run')} were"
    with st.container(border=True, horizontal=True, vertical_alignment="center", key="undo_deletion"):
        st.markdown(f":material/delete: {what} deleted. You can restore deleted runs for {KEPT_DAYS} days.", width="content")
        st.button("Undo", icon=":material/undo:", key="undo_delete", on_click=_restore, args=(last,))


def show_deleted(deleted: list[DeletedRun], person: Person) -> None:
    """The deleted runs that this person may restore."""
    mine = {run.id: run for run in deleted if may_restore(person, run)}
    if not mine:
        return
    with st.expander(f"{count(len(mine), 'deleted run')}", icon=":material/delete:"):
        st.write(f"Deleted runs are kept for {KEPT_DAYS} days. {_tell_who_sees(person)}")
        lines = distinct_lines({run_id: _describe(run) for run_id, run in mine.items()})
        kept = st.session_state.get(_PICKED) or []
        st.session_state[_PICKED] = [run_id for run_id in kept if run_id in mine]
        st.multiselect(
            "Runs to restore", list(lines), format_func=lambda run_id: lines.get(run_id, run_id), key=_PICKED, placeholder="Choose"
        )
        with st.container(horizontal=True, gap="small"):
            picked = st.session_state[_PICKED]
            st.button("Restore", icon=":material/undo:", key="restore", on_click=_restore, args=(picked,), disabled=not picked)
            st.button("Restore all", key="restore_all", on_click=_restore, args=(list(mine),))


@st.cache_data(ttl=3600, show_spinner=False)
def _tell_who_sees(person: Person) -> str:
    if not has_pin():
        return "Everyone in this room sees them."
    return "People see those of their own that they deleted themselves." if person.is_teacher else "Only you and the teacher see these."


def _describe(run: DeletedRun) -> str:
    by = f" by {run.by_name}" if run.by_name else ""
    settings = f" · {run.settings}" if run.settings else ""
    return f"{run.name}{settings} · deleted {run.deleted_at.astimezone():%d %b %H:%M}{by} · kept until {run.kept_until.astimezone():%d %b}"


def _restore(run_ids: list[str]) -> None:
    known = {run.id for run in list_deleted()}
    try:
        outcome = restore_runs([run_id for run_id in run_ids if run_id in known], by=visitor())
    except ValueError as error:  # DatabaseError
        tell("error", escape(str(error)))
        return
    st.session_state.pop(UNDO, None)
    choose_runs(outcome.done)
    tell_outcome(outcome, f"Restored {count(len(outcome.done), 'run')}." if outcome.done else "")
