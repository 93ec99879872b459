"""The runs that train or wait now, one line each, which leads to the run."""

import contextlib
import re
from collections.abc import Sequence

import streamlit as st

from fmnist_core.classroom.ownership import Ownership
from fmnist_core.jobs.line import line
from fmnist_core.runs.record import RunRecord, list_runs
from fmnist_core.runs.setting_words import describe_briefly
from fmnist_core.store.database import DatabaseError
from pages.parts.shared.closed_pages import is_closed
from pages.parts.shared.visitor import whose_runs
from pages.parts.shared.wording import count, escape

_REFRESH_S, _FOLLOW_S = 10, 3
_LISTED = 5
_DOING = {"training": "trains", "paused": "has paused", "waiting": "waits to train"}
_MY_DOING = {"training": "train", "paused": "have paused", "waiting": "wait to train"}
_GIVEN_NAME = re.compile(r"Run \d+")  # by `create_run`, to a run without a name


def show_live_lines(records: Sequence[RunRecord], shown: RunRecord | None = None, *, follows: bool = False) -> None:
    """Every live run but the one on show, the visitor's own first; refreshed as long as there is one.

    Args:
        follows: whether the whole page is drawn again as soon as one of these runs starts or ends.
    """
    shown_id = shown.id if shown else ""
    live = [run.id for run in records if run.is_live and run.id != shown_id]
    if live:
        st.fragment(_show_lines, run_every=_FOLLOW_S if follows else _REFRESH_S)(shown_id, sorted(live) if follows else None)


def describe_live_run(run: RunRecord, ownership: Ownership) -> str:
    """The owner of a run, what they train and how far it is, as Markdown: "**team blue** trains Quick, epoch 1 of 2"."""
    is_mine = ownership.is_mine(run)
    who = "You" if is_mine else escape(ownership.name_of_owner(run))
    preset = escape(describe_briefly(run.full_config))
    what = preset if _GIVEN_NAME.fullmatch(run.name) else f"“{escape(run.name)}” ({preset})"
    progress = "" if run.state == "waiting" else f", epoch {min(run.epoch + 1, run.epochs)} of {run.epochs}"
    return f"**{who}** {(_MY_DOING if is_mine else _DOING)[run.state]} {what}{progress}"


def _show_lines(shown_id: str, expected: list[str] | None) -> None:
    ownership = whose_runs()
    live = _in_order([run for run in list_runs() if run.is_live and run.id != shown_id], ownership)
    if expected is not None and sorted(run.id for run in live) != expected:
        st.rerun()
    if not live:
        return
    st.markdown("**Also training or waiting now**" if shown_id else "**Training or waiting now**")
    with st.container(key="live_lines", gap="xxsmall"):
        _link(live[:_LISTED], ownership)
    if len(live) > _LISTED:
        with st.expander(count(len(live) - _LISTED, "more run")), st.container(key="more_live_lines", gap="xxsmall"):
            _link(live[_LISTED:], ownership)


def _in_order(live: Sequence[RunRecord], ownership: Ownership) -> list[RunRecord]:
    """The visitor's own first; then those that train, those that are paused, and those that wait, the next one first."""
    places: dict[str, int] = {}
    with contextlib.suppress(DatabaseError):
        places = {waiting.run_id: waiting.place for waiting in line()}
    states = list(_DOING)
    return sorted(
        live, key=lambda run: (not ownership.is_mine(run), states.index(run.state), places.get(run.id, 0), run.created_at, run.id)
    )


def _link(runs: Sequence[RunRecord], ownership: Ownership) -> None:
    is_open = not is_closed("train")
    for run in runs:
        line = describe_live_run(run, ownership)
        if is_open:
            st.page_link("pages/train.py", label=f"{line} · Watch", icon=":material/visibility:", query_params={"run": run.id})
        else:
            st.markdown(line)
