"""A run on show: what can be seen and done while it trains or is paused, its result when it has ended."""

import time

import streamlit as st
from fmnist_core.jobs.queue import runs_ahead, training_slots
from fmnist_core.jobs.worker import PAUSE_LIMIT_S

from fmnist_core.jobs.control import stop_requested
from fmnist_core.runs.diagnosis import diagnose
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.results import load_live_kernels
from pages.parts.train.probes import lacks_items_sheet, restore_pin, send_items_sheet, show_live_items, watched_split
from pages.parts.components.live_kernels.live_kernels import show_live_kernels
from pages.parts.train.run_charts import show_downloads, show_epochs, show_live_charts, show_live_pin, show_still_charts, show_still_pin
from pages.parts.train.run_controls import find_pending, show_controls, show_going_on
from pages.parts.train.run_outcome import show_findings, show_how_measured, show_outcome
from pages.parts.shared.run_picker import describe_settings
from pages.parts.train.run_view import current_axis, history_of, read_view, restore_view, show_title, show_view_choices
from pages.parts.train.run_words import describe_progress, format_duration, percent
from pages.parts.train.viewers import PACES_S, note_watcher, pick_pace

__all__ = ["format_duration", "prepare_live_charts", "show_ended_run", "show_live_run"]

_POLL_PAUSED_S = 0.5
_INSIDE = 2  # times as seldom as the charts
# The first step comes within 0.1 s where a process was waiting; so little is waited for, so that the first picture has its point.
_FIRST_POINT_S = 0.45
_ANSWER_S = 1.5  # the trainer answers within 0.3 s; a stop takes a test more
_LOOK_EVERY_S = 0.02
_METRIC_WIDTH_PX = 160
_PACE = "pace_s"


def show_live_run(run: RunRecord) -> None:
    """The run as it goes, refreshed twice a second, or more seldom if many look, until it is paused or ends; then all is drawn anew."""
    show_title(run, describe_settings(run))
    names = restore_view(run)
    restore_pin()
    history = _await_first_point(run)
    send_items_sheet(history)
    if run.state == "paused":
        st.fragment(_watch_pause, run_every=_POLL_PAUSED_S)(run.id, history.steps)
        _show_still(run, history, names)
        return
    pace_s = st.session_state[_PACE] = pick_pace(note_watcher(), st.session_state.get(_PACE))
    st.fragment(_watch_training, run_every=pace_s)(run.id, names, pace_s)
    show_view_choices(run, names)  # outside of what is drawn anew all the time, which would take a slider out of the hand that drags it
    st.fragment(_watch_inside, run_every=_INSIDE * pace_s)(run.id)


def prepare_live_charts() -> None:
    """Lets the browser load, on a page without a live run, what will draw one's charts; unseen.

    Loading it took half of the time from the button to the first point.
    """
    with st.container(key="prepared_chart"):
        nothing = {"xAxis": {}, "yAxis": {}, "series": [{"type": "line", "data": []}]}
        st.echarts_chart(nothing, height=40, key="prepared_chart_itself", alt="An empty chart")


def show_ended_run(run: RunRecord) -> None:
    """What came of the run in words, its charts to zoom into, its figures an epoch, and where to go with it."""
    show_title(run, describe_settings(run))
    names = restore_view(run)
    restore_pin()
    history = history_of(run)
    send_items_sheet(history)
    findings = diagnose(run, history)
    show_outcome(run, history, findings)
    show_going_on(run)
    if run.has_weights:
        links = st.columns(3)
        for place, (page, label) in zip(
            links, (("evaluate", "See its mistakes"), ("look_inside", "Look inside it"), ("predict", "Let it predict")), strict=True
        ):
            place.page_link(f"pages/{page}.py", label=label, icon=":material/arrow_forward:", query_params={"run": run.id})
    show_findings(run, findings)
    if history.losses:
        _show_still(run, history, names)
        if history.epochs:
            show_epochs(history)
    show_how_measured(run, history)


def _watch_training(run_id: str, names: dict[str, str], pace_s: float) -> None:
    watchers = note_watcher()
    if pick_pace(watchers, pace_s) != pace_s:
        st.rerun()
    run = load_run(run_id)
    history = _await_first_point(run)
    if pace_s > PACES_S[0]:
        run = _await_answer(run, history)
    is_stepping = find_pending(run, history) == "step"
    if not run.is_live or (run.state == "paused" and not is_stepping) or lacks_items_sheet(history):
        st.rerun()
    _show_progress(run, history)
    show_live_charts(run, history, read_view(names))
    if pace_s > PACES_S[0]:
        st.caption(
            f"{watchers} people are watching a run, so each page is drawn anew every {pace_s:g} seconds only: the network needs the time."
        )


def _watch_inside(run_id: str) -> None:
    """What the network looks like from within, more seldom: kernels and answers change slowly."""
    run = load_run(run_id)
    history = history_of(run)
    _show_inside(run, history)
    split = watched_split(history)
    if split is not None:
        show_live_pin(run, history, current_axis(), split)


def _watch_pause(run_id: str, steps: int) -> None:
    """The head of a paused run; what stands still is drawn anew only after a step."""
    run = load_run(run_id)
    history = history_of(run)
    pending = find_pending(run, history)
    deadline = time.monotonic() + _FIRST_POINT_S
    while pending == "step" and time.monotonic() < deadline:  # one step takes about 0.1 s from the click
        time.sleep(_LOOK_EVERY_S)
        run = load_run(run_id)
        history = history_of(run)
        pending = find_pending(run, history)
    if (run.state != "paused" and pending != "step") or history.steps != steps:
        st.rerun()
    _show_progress(run, history)


def _show_progress(run: RunRecord, history: RunHistory) -> None:
    """How far it is, what can be done with it, and its figures."""
    total_steps = history.steps_per_epoch * run.epochs
    share = min(1.0, history.steps / total_steps) if total_steps else 0.0
    said = describe_progress(history, total_steps)
    if run.state == "paused":
        said = f"**Paused** after step {history.steps:,} of {total_steps:,}"
    elif run.state == "waiting":
        ahead = runs_ahead(run)
        waits = ahead >= training_slots()
        said = f"Waiting for its turn: {ahead} ahead of it" if waits else describe_progress(history, total_steps)
    st.progress(share, text=said)
    if run.state == "paused":
        st.info(
            "**Paused.** Nothing is computed now, and nothing is lost. Look around, zoom into the charts, take single steps or go on. "
            f"After {PAUSE_LIMIT_S // 60} minutes it is put away; then it can still go on.",
            icon=":material/pause_circle:",
        )
    show_controls(run, history)
    pace, epoch = history.pace, history.epochs[-1] if history.epochs else {}
    figures = {
        "Epoch": f"{pace.get('epoch', 0)} of {run.epochs}",
        "Images a second": f"{pace['images_per_s']:,.0f}" if "images_per_s" in pace else "–",
        "Time left": format_duration(pace["remaining_s"]) if "remaining_s" in pace else "–",
        "Test accuracy": percent(epoch["test_accuracy"]) if epoch else "–",
    }
    if history.validation_images:
        figures["Validation accuracy"] = percent(epoch["validation_accuracy"]) if epoch.get("validation_accuracy") is not None else "–"
    if "learning_rate" in pace:
        figures["Learning rate"] = f"{pace['learning_rate']:.3g}"
    with st.container(horizontal=True, key="live_figures"):
        for label, value in figures.items():
            st.metric(label, value, width=_METRIC_WIDTH_PX)


def _show_still(run: RunRecord, history: RunHistory, names: dict[str, str]) -> None:
    """Charts to zoom into, the watched items and the pinned one, and files to take away; of a run that is paused or has ended."""
    view = read_view(names)
    show_still_charts(run, history, view)
    show_view_choices(run, names)
    show_downloads(run, history, view)
    _show_inside(run, history)
    split = watched_split(history)
    if split is not None:
        show_still_pin(history, view.axis, split)


def _show_inside(run: RunRecord, history: RunHistory) -> None:
    """The first layer's kernels beside the watched items, where the run has recorded them."""
    kernels = load_live_kernels(run)
    split = watched_split(history)
    if kernels is None or split is None:
        return
    kernels_place, items_place = st.columns([1, 4])
    with kernels_place:
        st.markdown("**Kernels of the first layer**")
        show_live_kernels(kernels, history.steps)
    with items_place:
        st.markdown("**Twenty test images, and what the network takes them for**")
        show_live_items(split, history)


def _await_first_point(run: RunRecord) -> RunHistory:
    """The run's history; where it has only just begun, that of a moment later, so that the first picture has a point."""
    history = history_of(run)
    deadline = time.monotonic() + _FIRST_POINT_S
    while not history.losses and run.is_live and run.state != "paused" and time.monotonic() < deadline and _is_next(run):
        time.sleep(_LOOK_EVERY_S)
        history.read_new(run)
    return history


def _await_answer(run: RunRecord, history: RunHistory) -> RunRecord:
    """The run; where a button was pressed here, as it is after the trainer has answered: the next picture may be seconds away."""
    deadline = time.monotonic() + _ANSWER_S
    while run.is_live and time.monotonic() < deadline and (find_pending(run, history) in ("pause", "rate") or stop_requested(run)):
        time.sleep(_LOOK_EVERY_S)
        run = load_run(run.id)
        history.read_new(run)
    return run


def _is_next(run: RunRecord) -> bool:
    return run.state == "training" or runs_ahead(run) < training_slots()
