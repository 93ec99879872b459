"""The controls of a run: pause, resume, step, stop and a new learning rate; and for an ended run, continue."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from fmnist_core.classroom.people import Person, names_of
from fmnist_core.classroom.permission import owner_of
from fmnist_core.classroom.teacher import has_pin
from fmnist_core.jobs import control
from fmnist_core.runs.mailbox import is_pending, stop_requested
from fmnist_core.runs.record import RunRecord
from fmnist_core.settings.config import MAX_EPOCHS, SETTINGS
from fmnist_core.settings.declaration import as_decimal
from pages.parts.shared.visitor import visitor
from pages.parts.shared.wording import count, escape

_PRESSED, _REFUSED = "pressed", "refused"
_NEW_RATE, _MORE_EPOCHS = "new_rate", "more_epochs"
_BUTTON_WIDTH_PX = 132
_RATE = SETTINGS["learning_rate"]


@dataclass(frozen=True)
class _Press:
    """A button that was clicked, and the command that it sent."""

    name: str
    run_id: str
    command_id: str


def show_controls(run: RunRecord) -> None:
    """Pause or resume, one step, one epoch, stop, and a field for a new learning rate."""
    pending = find_pending(run)
    stopping = stop_requested(run.folder)
    is_paused = run.state == "paused" or pending in ("step", "resume")
    idle = run.state == "waiting" or stopping or pending in ("pause", "resume", "step")

    def show_button(name: str, label: str, busy_label: str, icon: str, command: Callable[..., str], disabled: bool) -> None:
        is_busy = pending == name or (name == "stop" and stopping)
        st.button(
            busy_label if is_busy else label,
            icon=f":material/{icon}:",
            key=name,
            disabled=disabled or is_busy,
            width=_BUTTON_WIDTH_PX,
            on_click=_press,
            args=(name, command, run.id),
        )

    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="run_controls"):
        if is_paused:
            show_button("resume", "Resume", "Resuming …", "play_arrow", control.resume, idle)
        else:
            show_button("pause", "Pause", "Pausing …", "pause", control.pause, idle)
        show_button("step", "One step", "One step …", "skip_next", control.do_step, idle)
        show_button("epoch", "One epoch", "One epoch …", "fast_forward", control.do_epoch, idle)
        show_button("stop", "Stop", "Stopping …", "stop", _stop, stopping)
        _show_rate_field(run, pending == "rate", stopping)
    if st.session_state.get(_REFUSED):
        st.error(escape(st.session_state[_REFUSED]), icon=":material/warning:")
    st.caption(
        "A new learning rate takes effect at once and is marked on the chart. To change the batch size, the optimizer or another setting, "
        "start a new run. Stop keeps the best and the latest weights."
    )


def find_pending(run: RunRecord) -> str | None:
    """The button that was clicked here, if the training process has not carried out its command yet."""
    press: _Press | None = st.session_state.get(_PRESSED)
    if press is None or press.run_id != run.id:
        return None
    if not run.is_live or not is_pending(run.folder, press.command_id):
        del st.session_state[_PRESSED]
        return None
    return press.name


def show_continuation(run: RunRecord) -> None:
    """For an ended run: a button to continue it, or to train more epochs."""
    if run.is_resumable:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.button(
                "Continue",
                icon=":material/play_arrow:",
                key="continue",
                type="primary",
                on_click=_continue,
                args=(control.continue_run, run.id),
            )
            st.write("It continues from the last checkpoint; the result is the same as without the interruption.")
    elif run.state == "finished" and run.has_checkpoint and run.epochs < MAX_EPOCHS:
        most = MAX_EPOCHS - run.epochs
        st.session_state.setdefault(_MORE_EPOCHS, 5)
        st.session_state[_MORE_EPOCHS] = min(most, st.session_state[_MORE_EPOCHS] or 1)
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            epochs = st.number_input("More epochs", 1, most, key=_MORE_EPOCHS, width=150)
            label = f"Train {count(epochs, 'more epoch')}"
            st.button(label, icon=":material/add:", key="train_more", on_click=_continue, args=(control.train_more, run.id, epochs))
    if st.session_state.get(_REFUSED):
        st.error(escape(st.session_state.pop(_REFUSED)), icon=":material/warning:")


def _show_rate_field(run: RunRecord, is_changing: bool, stopping: bool) -> None:
    with (
        st.form("rate", border=False, width=270),
        st.container(horizontal=True, vertical_alignment="bottom", gap="small"),
    ):
        help = "How large each update of the weights is, from the next step on."
        if run.config.schedule == "one-cycle":
            help += " The rest of the one-cycle schedule is rescaled to decay from this rate."
        st.text_input("New learning rate", as_decimal(run.config.learning_rate), key=_NEW_RATE, max_chars=20, help=help, width=150)
        st.form_submit_button(
            "Changing …" if is_changing else "Change",
            disabled=stopping or is_changing or run.state == "waiting",
            on_click=_change_rate,
            args=(run.id,),
        )


def _press(name: str, command: Callable[..., str], run_id: str, *arguments: object) -> None:
    st.session_state[_REFUSED] = ""
    try:
        st.session_state[_PRESSED] = _Press(name, run_id, command(run_id, *arguments, by=visitor()))
    except ValueError as error:
        st.session_state[_REFUSED] = str(error)


def _stop(run_id: str, *, by: Person) -> str:
    """Stops a run; if it is somebody else's, its owner is told who did."""
    who = "" if owner_of(run_id) in ("", by.id) else "The teacher" if has_pin() else names_of([by.id]).get(by.id) or "Somebody else"
    return control.stop(run_id, by=by, reason=f"{who} stopped it." if who else "")


def _change_rate(run_id: str) -> None:
    try:
        rate = _RATE.read_decimal(st.session_state[_NEW_RATE])
    except ValueError as error:
        st.session_state[_REFUSED] = str(error)
    else:
        _press("rate", control.change_rate, run_id, rate)


def _continue(command: Callable[..., None], run_id: str, *arguments: object) -> None:
    st.session_state[_REFUSED] = ""
    try:
        command(run_id, *arguments, by=visitor())
    except ValueError as error:
        st.session_state[_REFUSED] = str(error)
