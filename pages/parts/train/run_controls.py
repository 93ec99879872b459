"""The controls of a run: pause, resume, step, stop and a new learning rate; and for an ended run, continue, in the same row."""

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
from pages.parts.shared.closed_pages import show_page_link
from pages.parts.shared.visitor import can_change, visitor, whose_runs
from pages.parts.shared.wording import count, escape

_PRESSED, _REFUSED = "pressed", "refused"
_NEW_RATE, _SHOWN_RATE, _MORE_EPOCHS = "new_rate", "shown_rate", "more_epochs"
_NEXT_PAGES = (("evaluate", "See its mistakes"), ("look_inside", "Look inside it"), ("predict", "Let it predict"))
_FEW_EPOCHS = 5
_RATE = SETTINGS["learning_rate"]


@dataclass
class _Press:
    """A button that was clicked, and the command that it sent.

    Attributes:
        is_new: whether the page has not waited for its answer yet.
    """

    name: str
    run_id: str
    command_id: str
    is_new: bool = True


@dataclass(frozen=True)
class _Refusal:
    """Why a click did nothing; it is no longer shown when the run has ended, or continues, since."""

    run_id: str
    was_live: bool
    sentence: str


def show_controls(run: RunRecord, rate: float | None) -> None:
    """Pause or resume, one step, one epoch, stop, and a field for a new learning rate; to whoever may not use them, who may.

    Args:
        rate: the learning rate in force, if it is known.
    """
    with st.container(key="run_controls"):
        if can_change(run.id):
            _show_buttons(run)
            stopping = stop_requested(run.folder)
            _show_rate_field(run, rate if rate is not None else run.config.learning_rate, find_pending(run) == "rate", stopping)
        else:
            ownership = whose_runs()
            owner = f"{escape(ownership.name_of_owner(run))}, who started this run, and " if ownership.owner_of(run) else ""
            st.caption(f"Only {owner}the teacher can pause, stop or change it.")


def show_what_next(run: RunRecord) -> None:
    """For an ended run: a button to continue it, or to train more epochs, for whoever may; and the pages that show what it learned."""
    with st.container(key="run_controls"):
        if can_change(run.id):
            _show_continuation(run)
        if run.has_weights:
            for page, label in _NEXT_PAGES:
                show_page_link(page, label, ":material/arrow_forward:", {"run": run.id})


def take_new_press(run: RunRecord) -> str | None:
    """The button that was clicked here, if its command is still open and this is the first to ask."""
    pending = find_pending(run)
    press: _Press | None = st.session_state.get(_PRESSED)
    if pending is None or press is None or not press.is_new:
        return None
    press.is_new = False
    return pending


def read_refusal(run: RunRecord) -> str:
    """Why the last click on a control of this run did nothing; "" if it did."""
    refusal: _Refusal | None = st.session_state.get(_REFUSED)
    return refusal.sentence if refusal and (refusal.run_id, refusal.was_live) == (run.id, run.is_live) else ""


def _show_buttons(run: RunRecord) -> None:
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
            width="stretch",
            on_click=_press,
            args=(name, command, run.id),
        )

    if is_paused:
        show_button("resume", "Resume", "Resuming …", "play_arrow", control.resume, idle)
    else:
        show_button("pause", "Pause", "Pausing …", "pause", control.pause, idle)
    show_button("step", "One step", "One step …", "skip_next", control.do_step, idle)
    show_button("epoch", "One epoch", "One epoch …", "fast_forward", control.do_epoch, idle)
    show_button("stop", "Stop", "Stopping …", "stop", _stop, stopping)


def find_pending(run: RunRecord) -> str | None:
    """The button that was clicked here, if the training process has not carried out its command yet."""
    press: _Press | None = st.session_state.get(_PRESSED)
    if press is None or press.run_id != run.id:
        return None
    if not run.is_live or not is_pending(run.folder, press.command_id):
        del st.session_state[_PRESSED]
        return None
    return press.name


def _show_continuation(run: RunRecord) -> None:
    if run.is_resumable:
        help = "It continues from the last checkpoint; the result is the same as without the interruption."
        arguments = (control.continue_run, run.id)
        st.button("Continue", icon=":material/play_arrow:", key="continue", type="primary", help=help, on_click=_continue, args=arguments)
    elif run.state == "finished" and run.has_checkpoint and run.epochs < MAX_EPOCHS:
        most = MAX_EPOCHS - run.epochs
        if st.session_state.get(_MORE_EPOCHS, 0) > most:
            st.session_state[_MORE_EPOCHS] = most
        epochs = st.number_input("More epochs", 1, most, min(_FEW_EPOCHS, most), key=_MORE_EPOCHS, label_visibility="collapsed")
        label = f"Train {count(epochs, 'more epoch')}"
        st.button(label, icon=":material/add:", key="train_more", on_click=_continue, args=(control.train_more, run.id, epochs))


def _show_rate_field(run: RunRecord, rate: float, is_changing: bool, stopping: bool) -> None:
    """The field, which shows the rate in force: as its value, or, where that moves with every step, behind what is typed."""
    help = "How large each update of the weights is, from the next step on."
    shown = as_decimal(float(f"{rate:.4g}"))
    is_moving = run.config.schedule == "one-cycle"
    if is_moving:
        help += " The rest of the one-cycle schedule is rescaled to decay from this rate."
    value = "" if is_moving else shown
    if st.session_state.get(_SHOWN_RATE) != (run.id, value) and _NEW_RATE in st.session_state:
        st.session_state[_NEW_RATE] = value
    st.session_state[_SHOWN_RATE] = (run.id, value)
    with st.form("rate", border=False), st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.text_input("New learning rate", value, key=_NEW_RATE, max_chars=20, help=help, placeholder=shown)
        st.form_submit_button(
            "Changing …" if is_changing else "Change",
            disabled=stopping or is_changing or run.state == "waiting",
            on_click=_change_rate,
            args=(run.id,),
        )


def _press(name: str, command: Callable[..., str], run_id: str, *arguments: object) -> None:
    st.session_state[_REFUSED] = None
    try:
        st.session_state[_PRESSED] = _Press(name, run_id, command(run_id, *arguments, by=visitor()))
    except ValueError as error:
        st.session_state[_REFUSED] = _Refusal(run_id, True, str(error))


def _stop(run_id: str, *, by: Person) -> str:
    """Stops a run; if it is somebody else's, its owner is told who did."""
    who = "" if owner_of(run_id) in ("", by.id) else "The teacher" if has_pin() else names_of([by.id]).get(by.id) or "Somebody else"
    return control.stop(run_id, by=by, reason=f"{who} stopped it." if who else "")


def _change_rate(run_id: str) -> None:
    try:
        rate = _RATE.read_decimal(st.session_state[_NEW_RATE])
    except ValueError as error:
        st.session_state[_REFUSED] = _Refusal(run_id, True, str(error))
    else:
        _press("rate", control.change_rate, run_id, rate)


def _continue(command: Callable[..., None], run_id: str, *arguments: object) -> None:
    st.session_state[_REFUSED] = None
    try:
        command(run_id, *arguments, by=visitor())
    except ValueError as error:
        st.session_state[_REFUSED] = _Refusal(run_id, False, str(error))
