"""A run on the Train page: its charts and controls while it trains or is paused, and its result when it has ended."""

import time
from collections.abc import Callable

import streamlit as st

from fmnist_core.jobs.worker import PAUSE_LIMIT_S
from fmnist_core.runs.diagnosis import diagnose
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.mailbox import stop_requested
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.results import read_live_kernels
from pages.parts.components.live_kernels.live_kernels import show_live_kernels
from pages.parts.shared.closed_pages import show_page_link
from pages.parts.shared.presence import note_watched_run
from pages.parts.shared.run_histories import history_of
from pages.parts.shared.visitor import can_change, whose_runs
from pages.parts.shared.wording import describe_settings, escape, format_duration, percent
from pages.parts.train.lesson_limits import HELD, is_held
from pages.parts.train.place_in_line import place_in_line, show_ahead
from pages.parts.train.probes import bind_pin, lacks_probes, send_probes, show_probes, split_with_probes
from pages.parts.train.run_charts import show_downloads, show_epochs, show_live_charts, show_live_pin, show_still_charts, show_still_pin
from pages.parts.train.run_controls import find_pending, show_continuation, show_controls
from pages.parts.train.run_outcome import show_findings, show_how_measured, show_outcome
from pages.parts.train.run_view import bind_view, current_axis, read_view, show_title, show_view_choices
from pages.parts.train.run_words import describe_place, describe_progress
from pages.parts.train.viewers import PACES_S, count_viewers, pick_pace

_POLL_PAUSED_S = 0.5
_INSIDE = 2  # kernels and probes are refreshed this many times less often than the charts
# With a warm worker the first step comes within 0.1 s; waiting for it gives the first picture a point.
_FIRST_POINT_S = 0.45
_STEP_S = 0.45  # one step takes about 0.1 s from the click
_ANSWER_S = 1.5  # the training process answers within 0.3 s, and after an evaluation if it is told to stop
_CHECK_EVERY_S = 0.02
_METRIC_WIDTH_PX = 160
_PACE = "pace_s"
_NEXT_PAGES = (("evaluate", "See its mistakes"), ("look_inside", "Look inside it"), ("predict", "Let it predict"))


def show_live_run(run: RunRecord) -> None:
    """Shows a live run, refreshed twice per second, or less often if many people watch, until it is paused or ends."""
    note_watched_run(run.id)
    show_title(run, describe_settings(run))
    names = bind_view(run)
    bind_pin()
    run, history = _wait_for(run, _has_point, _FIRST_POINT_S)
    send_probes(history)
    if run.state == "paused":
        st.fragment(_watch_pause, run_every=_POLL_PAUSED_S)(run.id, history.steps)
        _show_still(run, history, names)
        return
    pace_s = st.session_state[_PACE] = pick_pace(count_viewers().tabs, st.session_state.get(_PACE))
    st.fragment(_watch_training, run_every=pace_s)(run.id, names, pace_s)
    show_view_choices(names)  # outside the part that is refreshed all the time, which would interrupt a drag
    st.fragment(_watch_inside, run_every=_INSIDE * pace_s)(run.id)


def prepare_live_charts() -> None:
    """Makes the browser load the code that draws live charts before there is a live run, with an invisible chart.

    Loading it took half of the time from the button to the first point.
    """
    with st.container(key="prepared_chart"):
        nothing = {"xAxis": {}, "yAxis": {}, "series": [{"type": "line", "data": []}]}
        st.echarts_chart(nothing, height=40, key="prepared_chart_itself", alt="An empty chart")


def show_ended_run(run: RunRecord) -> None:
    """Shows an ended run: the outcome in words, links to other pages, charts to zoom into, and the figures per epoch."""
    show_title(run, describe_settings(run))
    names = bind_view(run)
    bind_pin()
    history = history_of(run)
    send_probes(history)
    findings = diagnose(run, history)
    show_outcome(run, history, findings)
    if can_change(run.id):
        show_continuation(run)
    if run.has_weights:
        for column, (page, label) in zip(st.columns(len(_NEXT_PAGES)), _NEXT_PAGES, strict=True):
            with column:
                show_page_link(page, label, ":material/arrow_forward:", {"run": run.id})
    show_findings(run, findings)
    if history.losses:
        _show_still(run, history, names)
        if history.epochs:
            show_epochs(history)
    show_how_measured(run, history)


def _watch_training(run_id: str, names: dict[str, str], pace_s: float) -> None:
    viewers = count_viewers()
    if pick_pace(viewers.tabs, pace_s) != pace_s:
        st.rerun()
    run, history = _wait_for(_reload(run_id), _has_point, _FIRST_POINT_S)
    if pace_s > PACES_S[0]:  # the next refresh may be seconds away
        run, history = _wait_for(run, _is_answered, _ANSWER_S)
    is_stepping = find_pending(run) == "step"
    if not run.is_live or (run.state == "paused" and not is_stepping) or lacks_probes(history):
        st.rerun()
    _show_progress(run, history)
    show_live_charts(run, history, read_view(names))
    if pace_s > PACES_S[0]:
        often = "every second" if pace_s == 1 else f"every {pace_s:g} seconds"
        watched = f"{viewers.people} people are watching a run" if viewers.people > 1 else f"A run is watched in {viewers.tabs} tabs"
        st.caption(f"{watched}, so pages refresh only {often}, to leave the processor to training.")


def _watch_inside(run_id: str) -> None:
    """Kernels and probes, refreshed less often because they change slowly."""
    run = _reload(run_id)
    history = history_of(run)
    _show_inside(run, history)
    split = split_with_probes(history)
    if split is not None:
        show_live_pin(run, history, current_axis(), split)


def _watch_pause(run_id: str, steps: int) -> None:
    """The controls of a paused run; the rest of the page is drawn again only after a step."""
    run, history = _wait_for(_reload(run_id), lambda run, _history: find_pending(run) != "step", _STEP_S)
    if (run.state != "paused" and find_pending(run) != "step") or history.steps != steps:
        st.rerun()
    _show_progress(run, history)


def _show_progress(run: RunRecord, history: RunHistory) -> None:
    """The progress bar, the controls and the figures."""
    total_steps = history.started.steps_per_epoch * run.epochs
    share = min(1.0, history.steps / total_steps) if total_steps else 0.0
    text = describe_progress(history, total_steps)
    waiting = place_in_line(run) if run.state == "waiting" else None
    if run.state == "paused":
        text = f"**Paused** after step {history.steps:,} of {total_steps:,}"
    elif is_held(run):
        text = HELD
    elif waiting is not None:
        text = describe_place(waiting)
    st.progress(share, text=text)
    if waiting is not None:
        show_ahead(waiting)
    _show_what_can_be_done(run)
    latest, epoch = history.latest, history.epochs[-1] if history.epochs else None
    pace = getattr(latest, "images_per_s", None)
    figures = {
        "Epoch": f"{latest.epoch if latest is not None else 0} of {run.epochs}",
        "Images per second": "–" if pace is None else f"{pace:,.0f}",
        "Time left": "–" if history.remaining_s is None else format_duration(history.remaining_s),
        "Test accuracy": "–" if epoch is None else percent(epoch.test_accuracy),
    }
    if history.started.validation_images:
        validation = None if epoch is None else epoch.validation_accuracy
        figures["Validation accuracy"] = "–" if validation is None else percent(validation)
    rate = getattr(latest, "learning_rate", None)
    if rate is not None:
        figures["Learning rate"] = f"{rate:.3g}"
    with st.container(horizontal=True, key="live_figures"):
        for label, value in figures.items():
            st.metric(label, value, width=_METRIC_WIDTH_PX)


def _show_what_can_be_done(run: RunRecord) -> None:
    """The controls, for whoever may use them; for others, who may."""
    if not can_change(run.id):
        ownership = whose_runs()
        who = f"{escape(ownership.name_of_owner(run))}, who started this run, and the teacher" if ownership.owner_of(run) else "the teacher"
        st.caption(f"Only {who} can pause, stop or change it.")
        return
    if run.state == "paused":
        st.info(
            "**Paused.** Nothing is lost. Look around, zoom into the charts, take single steps or resume. "
            f"After {PAUSE_LIMIT_S // 60} minutes it is unloaded; you can resume it later.",
            icon=":material/pause_circle:",
        )
    show_controls(run)


def _show_still(run: RunRecord, history: RunHistory, names: dict[str, str]) -> None:
    """The charts to zoom into, downloads, the probes and the pinned one, of a paused or ended run."""
    view = read_view(names)
    show_still_charts(run, history, view)
    show_view_choices(names)
    show_downloads(run, history, view)
    _show_inside(run, history)
    split = split_with_probes(history)
    if split is not None:
        show_still_pin(history, view.axis, split)


def _show_inside(run: RunRecord, history: RunHistory) -> None:
    """The first layer's kernels beside the probes, if the run has recorded them."""
    kernels = read_live_kernels(run.folder)
    split = split_with_probes(history)
    if kernels is None or split is None:
        return
    left, right = st.columns([1, 4])
    with left:
        st.markdown("**Kernels of the first layer**")
        show_live_kernels(kernels, history.steps)
    with right:
        st.markdown("**Twenty test images, and what the network predicts**")
        show_probes(split, history)


def _wait_for(run: RunRecord, condition: Callable[[RunRecord, RunHistory], bool], patience_s: float) -> tuple[RunRecord, RunHistory]:
    """The run and its history as soon as the condition holds, the run is no longer live, or the time is up."""
    deadline = time.monotonic() + patience_s
    history = history_of(run)
    while run.is_live and not condition(run, history) and time.monotonic() < deadline:
        time.sleep(_CHECK_EVERY_S)
        run = _reload(run.id)
        history = history_of(run)
    run = _reload(run.id)  # it may have changed since it was last read
    return run, history_of(run)


def _reload(run_id: str) -> RunRecord:
    """The run as it is now; if it has been deleted or damaged meanwhile, runs the whole page again, which says so."""
    try:
        return load_run(run_id)
    except RunError:
        st.rerun()


def _has_point(run: RunRecord, history: RunHistory) -> bool:
    """Whether there is a loss to draw, or there will not be one soon."""
    return bool(history.losses) or run.state == "paused" or is_held(run) or (run.state == "waiting" and place_in_line(run) is not None)


def _is_answered(run: RunRecord, _history: RunHistory) -> bool:
    """Whether the training process has answered the last click here, and any command to stop."""
    return find_pending(run) not in ("pause", "rate") and not stop_requested(run.folder)
