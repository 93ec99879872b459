"""A run on the Train page, in one frame of fixed places: before it starts, while it trains or is paused, and when it has ended.

Everything above the charts has the same height in every state, and the charts stay the same, so that nothing jumps.
"""

import time
from collections.abc import Callable

import streamlit as st

from fmnist_core.runs.diagnosis import diagnose
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.mailbox import stop_requested
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.results import read_live_kernels
from pages.parts.components.live_kernels.live_kernels import show_live_kernels
from pages.parts.shared.presence import note_watched_run
from pages.parts.shared.run_histories import history_of
from pages.parts.shared.wording import LOSS, escape
from pages.parts.train.lesson_limits import is_held
from pages.parts.train.place_in_line import place_in_line
from pages.parts.train.probes import bind_pin, lacks_probes, pinned_probe, send_probes, show_probes, split_with_probes
from pages.parts.train.run_charts import show_charts, show_downloads, show_empty_charts, show_epochs, show_pin
from pages.parts.train.run_controls import find_pending, show_controls, show_what_next, take_new_press
from pages.parts.train.run_outcome import show_findings, show_how_measured
from pages.parts.train.run_top import rate_in_force, show_empty_top, show_figures, show_heading, show_line
from pages.parts.train.run_view import bind_view, read_view, show_view_choices
from pages.parts.train.run_words import describe_pace, describe_skipped
from pages.parts.train.viewers import PACES_S, count_viewers, pick_pace

_INSIDE = 2  # kernels and probes are refreshed this many times less often than the charts
# With a warm worker the first step comes within 0.1 s; waiting for it gives the first picture a point.
_FIRST_POINT_S = 0.45
_ANSWER_S = 0.6  # the training process answers within 0.3 s; a stop, when it has tested the weights, which the page then says
_CHECK_EVERY_S = 0.02
_PACE = "pace_s"
_LOST_POLL_S = 2.0  # a run whose process was lost may be continued by the dispatcher, a few seconds later
_EMPTY_INSIDE = "The sixteen kernels of the first layer, and twenty test images with what the network predicts, appear here."
_EMPTY_PIN = "Click or tap one of the twenty images: this place then shows when the network learned it."


def show_run(run: RunRecord) -> None:
    """Shows a run; a live one is refreshed twice per second, or less often if many people watch, until it ends."""
    names = bind_view(run)
    bind_pin()
    if run.is_live:
        note_watched_run(run.id)
        run, history = _wait_for(run, _has_point, _FIRST_POINT_S)
    else:
        history = history_of(run)
    send_probes(history)
    pace_s = inside_s = None
    if run.is_live:
        pace_s = st.session_state[_PACE] = pick_pace(count_viewers().tabs, st.session_state.get(_PACE))
        inside_s = _INSIDE * pace_s  # they change slowly
    elif run.state == "interrupted":
        inside_s = _LOST_POLL_S
    st.fragment(_show_picture, run_every=pace_s)(run.id, names, pace_s)
    show_view_choices(run, names)  # outside the part that is refreshed all the time, which would interrupt a drag
    st.fragment(_show_inside, run_every=inside_s)(run.id, names, run)
    _show_details(run, history, names)


def show_no_run() -> None:
    """The same frame before any run, empty."""
    st.fragment(_show_empty_picture)()
    with st.container(key="run_view"):
        pass
    st.fragment(_show_empty_inside)()
    with st.container(key="run_details"):
        st.caption(LOSS)


def _show_empty_picture() -> None:
    show_empty_top()
    show_empty_charts()


def _show_empty_inside() -> None:
    with st.container(key="run_inside"):
        st.markdown(_EMPTY_INSIDE)
    with st.container(key="run_pin"):
        st.markdown(_EMPTY_PIN)


def _show_details(run: RunRecord, history: RunHistory, names: dict[str, str]) -> None:
    """What there is to read and to download while nothing moves."""
    with st.container(key="run_details", gap="small"):
        _show_damage(run, history)
        if not run.is_live:
            show_findings(run, diagnose(run, history))
        if run.state == "paused" or not run.is_live:
            show_downloads(run, history, read_view(names))
            if history.epochs:
                show_epochs(history)
            show_how_measured(run, history)
        st.caption(LOSS)


def _show_picture(run_id: str, names: dict[str, str], pace_s: float | None) -> None:
    """Everything down to the charts; draws the whole page when the run has started, been paused, continued or ended.

    Args:
        pace_s: seconds between two refreshes; None for a run that has ended.
    """
    run = _reload(run_id)
    history = history_of(run)
    watched = ""
    if pace_s is None and run.is_live:  # it has just been continued, by a button of this part
        st.rerun()
    if pace_s is not None:
        viewers = count_viewers()
        if pick_pace(viewers.tabs, pace_s) != pace_s:
            st.rerun()
        run, history = _wait_for(run, _has_point, _FIRST_POINT_S)
        run, history = _await_answer(run, history, pace_s)
        if not run.is_live or lacks_probes(history):
            st.rerun()
        if pace_s > PACES_S[0]:
            watched = describe_pace(viewers.people, viewers.tabs, pace_s)
    show_heading(run)
    if run.is_live:
        show_controls(run, rate_in_force(history))
    else:
        show_what_next(run)
    show_figures(run, history)
    show_line(run, history, () if run.is_live else diagnose(run, history), watched)
    show_charts(run, history, read_view(names))


def _show_inside(run_id: str, names: dict[str, str], drawn: RunRecord) -> None:
    """The first layer's kernels beside the probes, if the run has recorded them, and below them the probe that is pinned.

    Args:
        drawn: the run as it was when the page was drawn; if it has been paused or continued since, so has what else there is to see.
    """
    run = _reload(run_id)
    if (run.state == "paused") != (drawn.state == "paused") and find_pending(run) is None:
        st.rerun()
    if run.is_live and not drawn.is_live:
        st.rerun()
    history = history_of(run)
    kernels, split = read_live_kernels(run.folder), split_with_probes(history)
    with st.container(key="run_inside"):
        if kernels is not None and split is not None:
            show_live_kernels(kernels, history.steps)
            show_probes(split, history)
        elif run.is_live and not history.steps:
            st.markdown(_EMPTY_INSIDE)
        else:
            st.markdown("This run has not recorded kernels and test images.")
    with st.container(key="run_pin"):
        if split is not None and pinned_probe(history) is not None:
            show_pin(run, history, read_view(names), split)
        else:
            st.markdown(_EMPTY_PIN)


def _show_damage(run: RunRecord, history: RunHistory) -> None:
    """What is damaged or could not be read."""
    if run.damage:
        st.warning(escape(run.damage), icon=":material/healing:")
    skipped = describe_skipped(history)
    if skipped:
        st.caption(skipped)


def _await_answer(run: RunRecord, history: RunHistory, refreshed_s: float) -> tuple[RunRecord, RunHistory]:
    """Waits until the training process has carried out a click, so that the page does not say so one refresh later.

    After Stop it only waits if the next refresh is far away: the page says "Stopped" at once, before the weights are tested.

    Args:
        refreshed_s: seconds to the next refresh; if they are many, it waits at each for whatever is still open.
    """
    press = take_new_press(run)
    if press == "epoch" or (press in (None, "stop") and refreshed_s <= PACES_S[0]):
        return run, history
    return _wait_for(run, _is_answered, _ANSWER_S)


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
    return find_pending(run) in (None, "epoch") and not stop_requested(run.folder)
