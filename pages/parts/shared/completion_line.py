"""A line that shows how a run without kept results is being completed, and draws the page again when they are there."""

import contextlib
from collections.abc import Callable

import streamlit as st

from fmnist_core.jobs.completion import Completion, ensure_kept, stop_completion
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.record import RunRecord, load_run
from pages.parts.shared.wording import escape, format_duration

_POLL_S = 0.5


def show_completion(run: RunRecord, read: Callable[[RunRecord], object]) -> None:
    """Shows, in place of a result that was not kept, that it is being computed, and draws the page again when it is there.

    If it cannot be computed, shows why, and a button to try again.

    Args:
        read: returns the result, or None as long as it is missing.
    """
    completion = ensure_kept(run.id)
    if not completion.problem:
        st.fragment(_show_progress, run_every=_POLL_S)(run.id, read)
    elif read(run) is not None:  # it was written just now
        st.rerun()
    else:
        st.warning(escape(completion.problem), icon=":material/hourglass_disabled:")
        st.button("Try again", icon=":material/refresh:", key="complete_again", on_click=_try_again, args=(run.id,))


def _show_progress(run_id: str, read: Callable[[RunRecord], object]) -> None:
    try:
        run = load_run(run_id)
        completion = ensure_kept(run_id)
    except RunError:  # it was deleted
        st.rerun()
    if completion.problem or read(run) is not None:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(completion.share, text=_describe(completion), width="stretch")
        if completion.can_stop:
            st.button("Stop", icon=":material/stop:", key="stop_completion", on_click=_stop, args=(run_id,))


def _describe(completion: Completion) -> str:
    left = "" if completion.remaining_s is None else f" · {format_duration(completion.remaining_s)} left"
    return f"{escape(completion.sentence)}{left}"


def _try_again(run_id: str) -> None:
    with contextlib.suppress(RunError):
        ensure_kept(run_id, again=True)


def _stop(run_id: str) -> None:
    try:
        stop_completion(run_id)
    except (RunError, OSError) as error:
        st.toast(escape(f"It cannot be stopped ({error})."))
