"""What a learner can do with a run: pause, step, stop, another learning rate; and with an ended one, let it go on."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from fmnist_core.jobs.control import change_rate, do_epoch, do_step, go_on, pause, resume, stop, stop_requested, train_more
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.record import RunRecord
from fmnist_core.settings.config import MAX_EPOCHS
from fmnist_core.settings.declaration import as_decimal

_PRESSED, _REFUSED = "pressed", "refused"
_NEW_RATE, _MORE_EPOCHS = "new_rate", "more_epochs"
_PATIENCE_S = 5.0  # the trainer answers within 0.3 s; a button that stays grey after that would be worse than a second press
_BUTTON_WIDTH_PX = 132


@dataclass(frozen=True)
class _Press:
    """A button that was pressed, and what the run was like then."""

    name: str
    run_id: str
    state: str
    steps: int
    changes: int
    at_s: float


def show_controls(run: RunRecord, history: RunHistory) -> None:
    """Pause or go on, one step, one epoch, stop, and a field for another learning rate."""
    pending = find_pending(run, history)
    stopping = stop_requested(run)
    is_paused = run.state == "paused" or pending in ("step", "go_on")
    idle = run.state == "waiting" or stopping or pending in ("pause", "go_on", "step")

    def show_button(name: str, label: str, busy_label: str, icon: str, command: Callable[[str], None], disabled: bool) -> None:
        is_busy = pending == name or (name == "stop" and stopping)
        st.button(
            busy_label if is_busy else label,
            icon=f":material/{icon}:",
            key=name,
            disabled=disabled or is_busy,
            width=_BUTTON_WIDTH_PX,
            on_click=_press,
            args=(name, command, run, history),
        )

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="run_controls"):
        if is_paused:
            show_button("go_on", "Go on", "Going on …", "play_arrow", go_on, idle)
        else:
            show_button("pause", "Pause", "Pausing …", "pause", pause, idle)
        show_button("step", "One step", "One step …", "skip_next", do_step, idle)
        show_button("epoch", "One epoch", "One epoch …", "fast_forward", do_epoch, idle)
        show_button("stop", "Stop", "Stopping …", "stop", stop, stopping)
        _show_rate_field(run, history, pending == "rate", stopping)
    if st.session_state.get(_REFUSED):
        st.error(st.session_state[_REFUSED], icon=":material/warning:")
    st.caption(
        "The learning rate changes at once and is marked on the chart. Batch size, optimizer and the other settings need a new run. "
        "Stop keeps the best and the last weights."
    )


def _show_rate_field(run: RunRecord, history: RunHistory, is_changing: bool, stopping: bool) -> None:
    with (
        st.form("rate", border=False, width=270),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        said = "How large each correction of the weights is, from the next step on."
        if run.config.schedule == "one-cycle":
            said += " What is left of this run's one-cycle schedule is scaled, so that it falls from here."
        st.text_input("New learning rate", as_decimal(run.config.learning_rate), key=_NEW_RATE, max_chars=20, help=said, width=150)
        st.form_submit_button(
            "Changing …" if is_changing else "Change",
            disabled=stopping or is_changing or run.state == "waiting",
            on_click=_change_rate,
            args=(run, history),
        )


def find_pending(run: RunRecord, history: RunHistory) -> str | None:
    """The button that was pressed here and that the trainer has not answered yet."""
    press: _Press | None = st.session_state.get(_PRESSED)
    if press is None or press.run_id != run.id:
        return None
    answered = {
        "pause": run.state == "paused",
        "go_on": run.state != "paused",
        "step": history.steps > press.steps and run.state == "paused",
        "epoch": run.state == "paused" if press.state != "paused" else run.state != "paused" or history.steps > press.steps,
        "rate": len(history.rate_changes) > press.changes,
        "stop": False,
    }[press.name]
    is_late = time.monotonic() - press.at_s > _PATIENCE_S and press.name not in ("epoch", "stop")
    if answered or is_late or not run.is_live:
        del st.session_state[_PRESSED]
        return None
    return press.name


def show_going_on(run: RunRecord) -> None:
    """For an ended run: a button to go on where it was, or to train some more epochs."""
    if run.is_resumable:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button("Go on", icon=":material/play_arrow:", key="resume", type="primary", on_click=_let_go_on, args=(resume, run.id))
            st.write("It goes on where it last saved and ends as if it had never been interrupted.")
    elif run.state == "finished" and run.has_checkpoint and run.epochs < MAX_EPOCHS:
        most = MAX_EPOCHS - run.epochs
        st.session_state.setdefault(_MORE_EPOCHS, 5)
        st.session_state[_MORE_EPOCHS] = min(most, st.session_state[_MORE_EPOCHS] or 1)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            epochs = st.number_input("More epochs", 1, most, key=_MORE_EPOCHS, width=150)
            label = f"Train {epochs} more epoch{'' if epochs == 1 else 's'}"
            st.button(label, icon=":material/add:", key="train_more", on_click=_let_go_on, args=(train_more, run.id, epochs))
    if st.session_state.get(_REFUSED):
        st.error(st.session_state.pop(_REFUSED), icon=":material/warning:")


def _press(name: str, command: Callable[[str], None], run: RunRecord, history: RunHistory) -> None:
    st.session_state[_REFUSED] = ""
    try:
        command(run.id)
    except ValueError as error:
        st.session_state[_REFUSED] = str(error)
        return
    st.session_state[_PRESSED] = _Press(name, run.id, run.state, history.steps, len(history.rate_changes), time.monotonic())


def _change_rate(run: RunRecord, history: RunHistory) -> None:
    text = st.session_state[_NEW_RATE]
    try:
        rate = float(text.strip().replace(",", "."))
    except ValueError:
        st.session_state[_REFUSED] = f'The learning rate "{text[:40]}" is not a number: choose one such as 0.001.'
        return
    _press("rate", lambda run_id: change_rate(run_id, rate), run, history)


def _let_go_on(command: Callable[..., None], *arguments: object) -> None:
    st.session_state[_REFUSED] = ""
    try:
        command(*arguments)
    except ValueError as error:
        st.session_state[_REFUSED] = str(error)
