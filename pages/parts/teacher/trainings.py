"""What trains and what waits, of everybody: stop one or all, and let waiting runs wait."""

import streamlit as st

from fmnist_core.classroom.lesson import change_lesson, lesson
from fmnist_core.jobs.control import stop
from fmnist_core.runs.mailbox import stop_requested
from fmnist_core.runs.record import RunRecord, list_runs
from fmnist_core.store.database import DatabaseError
from fmnist_core.store.text import visible_line
from pages.parts.shared.visitor import visitor, whose_runs
from pages.parts.shared.wording import count, describe_settings, escape

_REASON, _REFUSED = "stop_reason", "stop_refused"
_LONGEST_REASON = 120
_SHOWN = 60
_ORDER = ("training", "paused", "waiting")


@st.fragment(run_every=2)
def show_trainings() -> None:
    """A list that refreshes itself, in the order in which the runs train."""
    st.subheader("Training runs", anchor=False)
    try:
        _show_live_runs()
    except DatabaseError as error:
        st.error(escape(str(error)), icon=":material/warning:")


def _show_live_runs() -> None:
    live = sorted((run for run in list_runs() if run.is_live), key=lambda run: (_ORDER.index(run.state), run.created_at, run.id))
    counts = {state: sum(run.state == state for run in live) for state in _ORDER}
    paused = lesson().paused
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(", ".join(f"{number} {state}" for state, number in counts.items()) + ".", width="content")
        label, icon = ("Let waiting runs train", "play_arrow") if paused else ("Pause new runs", "pause")
        st.button(label, icon=f":material/{icon}:", key="pause_trainings", on_click=_pause, args=(not paused,))
        with st.popover("Stop all", icon=":material/stop:", disabled=not live):
            st.write(f"This stops {count(len(live), 'run')}. What they have learned is kept.")
            st.button("Stop all now", type="primary", key="stop_all", on_click=_stop, args=([run.id for run in live],))
    if paused:
        st.info("New runs are paused: they can be queued, and wait. Runs that are training continue.", icon=":material/pause:")
    if st.session_state.get(_REFUSED):
        st.error(escape(st.session_state[_REFUSED]), icon=":material/warning:")
    if live:
        st.text_input("Reason for stopping, which the owner reads", key=_REASON, max_chars=_LONGEST_REASON, placeholder="optional")
    ownership = whose_runs()
    for run in live[:_SHOWN]:
        _show_run(run, ownership.name_of_owner(run))
    if len(live) > _SHOWN:
        st.caption(f"{len(live) - _SHOWN} more {'waits' if len(live) - _SHOWN == 1 else 'wait'}.")


def _show_run(run: RunRecord, owner: str) -> None:
    doing = f"epoch {min(run.epoch + 1, run.epochs)} of {run.epochs}" if run.state == "training" else run.state
    is_stopping = stop_requested(run.folder)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            "Stopping …" if is_stopping else "Stop",
            icon=":material/stop:",
            key=f"stop_{run.id}",
            disabled=is_stopping,
            help=f"Stop {escape(run.name)}",
            on_click=_stop,
            args=([run.id],),
        )
        st.markdown(f"**{escape(run.name)}** by {escape(owner)} · {doing} · {escape(describe_settings(run))}")


def _pause(paused: bool) -> None:
    st.session_state[_REFUSED] = ""
    try:
        change_lesson(visitor(), paused=paused)
    except ValueError as error:  # NotAllowedError and DatabaseError are ValueErrors
        st.session_state[_REFUSED] = str(error)


def _stop(run_ids: list[str]) -> None:
    """Stops runs, those that wait first, so that none of them starts in another's place."""
    said = visible_line(st.session_state.get(_REASON, ""))
    reason = f"The teacher stopped it: {said.rstrip('.')}." if said else "The teacher stopped it."
    st.session_state[_REFUSED] = ""
    for run_id in reversed(run_ids):
        try:
            stop(run_id, by=visitor(), reason=reason)
        except ValueError as error:
            st.session_state[_REFUSED] = str(error)
