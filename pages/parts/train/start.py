"""Starting a run, and the line under the button that says what happened: it trains, it waits, or why it cannot be started."""

import contextlib
from collections.abc import Callable
from typing import Any

import streamlit as st

from fmnist_core.jobs import queue
from fmnist_core.jobs.control import start_run
from fmnist_core.jobs.queue import training_slots
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.record import RunRecord, State, load_run
from fmnist_core.store.database import DatabaseError
from pages.parts.shared.visitor import visitor, whose_runs
from pages.parts.shared.wording import escape
from pages.parts.train.lesson_limits import is_held
from pages.parts.train.place_in_line import place_in_line
from pages.parts.train.setting_fields import read_fields

_STARTED, _PROBLEM = "started_here", "start_problem"  # a run's id; why none was started
_WAITING_POLL_S = 2.0
_ENDED = {"finished": "has finished", "stopped": "was stopped", "diverged": "has diverged"}


def start(values: dict[str, Any], shown_id: str | None, select: Callable[[str], None]) -> bool:
    """Starts a run with the settings in the form; False if it was refused, which `show_start` then says.

    Args:
        shown_id: the run on show; `select` is not called if it is live, the visitor's own, and the new run has to wait.
    """
    forget_start()
    try:
        run_id = start_run(read_fields(values), values["name"], by=visitor())
    except ValueError as error:  # an invalid setting, or a home folder that cannot be written
        note_problem(str(error))
        return False
    st.session_state[_STARTED] = run_id
    if not (_is_my_live_run(shown_id) and _count_ahead(load_run(run_id))):
        select(run_id)
    return True


def note_problem(sentence: str) -> None:
    """Makes the line say this until something in the form changes."""
    st.session_state[_PROBLEM] = sentence


def forget_start() -> None:
    """Empties the line."""
    st.session_state[_STARTED] = st.session_state[_PROBLEM] = None


def started_here() -> str:
    """The id of the run that was started with the form, as long as the line speaks of it; "" if there is none."""
    return st.session_state.get(_STARTED) or ""


def show_start(problem: str, shown_id: str | None, select: Callable[[str], None]) -> None:
    """What is wrong in the form, else what became of the run that was started here, else who can watch.

    Args:
        problem: what is wrong with the values in the form.
    """
    sentence = problem or st.session_state.get(_PROBLEM)
    run = _started_run()
    if sentence:
        st.error(escape(sentence), icon=":material/warning:")
    elif run is None:
        st.caption("Everyone in this room can watch your run.")
    else:
        poll_s = _WAITING_POLL_S if run.state == "waiting" else None
        st.fragment(_show_started, run_every=poll_s)(run.id, shown_id, select, poll_s is not None)


def _show_started(run_id: str, shown_id: str | None, select: Callable[[str], None], is_followed: bool) -> None:
    run = _started_run()
    if run is None or (is_followed and run.state != "waiting"):
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(describe_start(run), width="content")
        if run_id != shown_id and st.button("Show it", type="tertiary", key="show_started"):
            select(run_id)
            st.rerun()


def describe_start(run: RunRecord) -> str:
    """What became of a run that was started, as Markdown."""
    name = f"“{escape(run.name)}”"
    if run.state == "waiting":
        ahead = _count_ahead(run)
        if is_held(run):
            return f"{name} waits until the teacher lets new runs start."
        return f"{name} waits: {ahead:,} ahead." if ahead else f"{name} starts …"
    if run.is_live:
        return f"{name} is paused." if run.state == "paused" else f"Training, watch: {name}."
    return f"{name} {_ENDED.get(run.state, 'has ended')}."


def _started_run() -> RunRecord | None:
    run_id = started_here()
    with contextlib.suppress(RunError):  # it has been deleted
        return load_run(run_id) if run_id else None
    return None


def _count_ahead(run: RunRecord) -> int:
    """How many runs are ahead of a waiting one; 0 if it is about to start. The line is known a second late, the queue at once."""
    waiting = place_in_line(run)
    if waiting is not None:
        return len(waiting.ahead)
    states: list[State] = []
    with contextlib.suppress(DatabaseError):
        rows = queue.rows()
        if any(row.run == run.id and not row.is_placed for row in rows):
            for row in rows:
                with contextlib.suppress(RunError):  # it has just been deleted
                    states += [load_run(row.run).state] if row.run != run.id else []
    ahead = sum(state in ("training", "waiting") for state in states)
    return ahead if ahead >= training_slots() else 0


def _is_my_live_run(run_id: str | None) -> bool:
    with contextlib.suppress(RunError):
        run = load_run(run_id) if run_id else None
        return run is not None and run.is_live and whose_runs().is_mine(run)
    return False
