"""The rows above a run's charts, of the same height in every state: heading, figures and messages."""

from collections.abc import Sequence

import streamlit as st

from fmnist_core.jobs.worker import PAUSE_LIMIT_S
from fmnist_core.runs.diagnosis import Finding
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.mailbox import stop_requested
from fmnist_core.runs.record import RunRecord
from fmnist_core.settings.declaration import as_decimal
from fmnist_core.settings.presets import find_question
from pages.parts.shared.run_picker import owner_named
from pages.parts.shared.visitor import can_change, whose_runs
from pages.parts.shared.wording import describe_settings, escape, format_duration, percent
from pages.parts.train.lesson_limits import HELD, is_held
from pages.parts.train.place_in_line import describe_ahead, place_in_line
from pages.parts.train.run_controls import find_pending, read_refusal
from pages.parts.train.run_outcome import show_outcome
from pages.parts.train.run_words import describe_place, describe_progress

_NONE = "–"
_EMPTY = {"Epoch": _NONE, "Images / s": _NONE, "Time left": _NONE, "Test accuracy": _NONE, "Learning rate": _NONE}


def show_heading(run: RunRecord) -> None:
    """The run's name and state, its owner unless that is the visitor, and its settings, on one line."""
    owner = owner_named(run, whose_runs())
    with st.container(key="run_heading", horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader(f"{escape(run.name)} · {describe_state(run)}", anchor=False, width="content")
        st.markdown(f"{f'by {escape(owner)} · ' if owner else ''}{describe_settings(run)}", width="content")


def describe_state(run: RunRecord) -> str:
    """The state in a word; a run whose training process has been told to stop is called so while that tests the weights."""
    return "Stopped" if _is_stopping(run) else run.state.capitalize()


def show_figures(run: RunRecord, history: RunHistory) -> None:
    """The progress bar and the latest figures."""
    total_steps = history.started.steps_per_epoch * run.epochs
    latest, epoch = history.latest, history.epochs[-1] if history.epochs else None
    pace = getattr(latest, "images_per_s", None)
    figures = _EMPTY | {
        "Epoch": f"{latest.epoch if latest is not None else 0} of {run.epochs}",
        "Images / s": _NONE if pace is None else f"{pace:,.0f}",
    }
    if run.is_live:
        figures["Time left"] = _NONE if history.remaining_s is None else format_duration(history.remaining_s)
    else:
        figures = {("Trained for" if name == "Time left" else name): value for name, value in figures.items()}
        figures["Trained for"] = format_duration(history.elapsed_s)
    tested = run.test_accuracy if not run.is_live and run.test_accuracy is not None else None if epoch is None else epoch.test_accuracy
    figures["Test accuracy"] = _NONE if tested is None else percent(tested)
    if history.started.validation_images:
        validation = None if epoch is None else epoch.validation_accuracy
        figures["Validation"] = _NONE if validation is None else percent(validation)
    rate = rate_in_force(history)
    figures["Learning rate"] = figures.pop("Learning rate") if rate is None else f"{rate:.3g}"
    share = min(1.0, history.steps / total_steps) if total_steps else 0.0
    _show_row(share, _tell_progress(run, history, total_steps), figures)


def show_empty_top() -> None:
    """The same rows before any run."""
    with st.container(key="run_heading", horizontal=True, vertical_alignment="center", gap="small"):
        st.subheader("No run yet", anchor=False, width="content")
    with st.container(key="run_controls"):
        st.markdown("Here you pause, take single steps, stop, and change the learning rate.")
    _show_row(0.0, "Not started", _EMPTY)
    with st.container(key="run_line"):
        st.info("Choose a preset, change what you like, and press Train. The loss draws itself while the network learns.")


def show_line(run: RunRecord, history: RunHistory, findings: Sequence[Finding], viewers: str) -> None:
    """What has just gone wrong; else how the run ended, or what it does now and what one can do.

    Args:
        viewers: who else watches, in a sentence; "" if that changes nothing.
    """
    with st.container(key="run_line"):
        refusal = read_refusal(run)
        if refusal:
            st.error(escape(refusal), icon=":material/warning:")
        elif not run.is_live:
            show_outcome(run, history, findings)
        else:
            st.info(" ".join(part for part in (_tell_state(run, history), viewers) if part), icon=_icon(run))


def rate_in_force(history: RunHistory) -> float | None:
    """The learning rate of the next step as far as it is known; None if the run has recorded none."""
    change = history.rate_changes[-1] if history.rate_changes else None
    if change is not None and change.step >= history.steps:
        return change.learning_rate
    rate = getattr(history.latest, "learning_rate", None)
    return rate if rate is not None else None if change is None else change.learning_rate


def _is_stopping(run: RunRecord) -> bool:
    return run.is_live and stop_requested(run.folder)


def _tell_state(run: RunRecord, history: RunHistory) -> str:
    """What a live run does and what one can do, as Markdown."""
    if _is_stopping(run):
        return "**Stopped.** Its weights are tested on the test images and kept."
    if is_held(run):
        return f"{HELD}."
    if run.state == "waiting":
        waiting = place_in_line(run)
        if waiting is None:
            return "It starts in a moment."
        return " ".join(part for part in (f"{describe_place(waiting)}.", describe_ahead(waiting)) if part)
    if run.state == "paused" and not can_change(run.id):
        return "**Paused.** Look around, and zoom into the charts."
    if run.state == "paused":
        change = history.rate_changes[-1] if history.rate_changes else None
        if change is not None and change.step >= history.steps:
            return f"**Paused.** The learning rate is {as_decimal(change.learning_rate)} from the next step."
        return (
            "**Paused.** Nothing is lost: look around, zoom into the charts, take single steps or resume. "
            f"After {PAUSE_LIMIT_S // 60} minutes it is unloaded; you can resume it later."
        )
    if find_question(run.config):
        return f"**What do you expect?** {find_question(run.config)}"
    if not can_change(run.id):
        return ""
    return (
        "A new learning rate takes effect at once and is marked on the chart. To change the batch size, the optimizer or another setting, "
        "start a new run. Stop keeps the best and the latest weights."
    )


def _icon(run: RunRecord) -> str:
    return {"paused": ":material/pause_circle:", "waiting": ":material/hourglass_empty:"}.get(run.state, ":material/info:")


def _tell_progress(run: RunRecord, history: RunHistory, total_steps: int) -> str:
    if run.state == "paused":
        return f"**Paused** after step {history.steps:,} of {total_steps:,}"
    if run.state == "waiting" and find_pending(run) is None and not history.steps:
        return "Waiting"
    if not run.is_live:
        return f"Step {history.steps:,} of {total_steps:,}" if total_steps else "Not started"
    return describe_progress(history, total_steps)


def _show_row(share: float, text: str, figures: dict[str, str]) -> None:
    with st.container(key="run_figures"):
        st.progress(share, text=text)
        for label, value in figures.items():
            st.metric(label, value)
