"""The visitor's network and the best one of the class; and what is training now."""

from collections.abc import Sequence

import streamlit as st

from fmnist_core.classroom.choice import best_network, default_networks
from fmnist_core.classroom.ownership import Ownership
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord, load_run
from pages.parts.shared.closed_pages import is_closed, show_page_link
from pages.parts.shared.wording import count, describe_settings, escape, percent


def show_live_runs(records: Sequence[RunRecord], ownership: Ownership) -> None:
    """The visitor's live runs, each with a link to watch it, and how many runs of others are live."""
    live = [run for run in records if run.is_live]
    mine = [run for run in live if ownership.is_mine(run)]
    for run in mine:
        doing = {"training": "is training now", "paused": "is paused"}.get(run.state, "is waiting for its turn to train")
        with st.container(border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
            st.markdown(f"Your run **{escape(run.name)}** {doing}: {escape(describe_settings(run))}.", width="content")
            _link(run, "train", "Watch it")
    others = len(live) - len(mine)
    if others:
        where = "" if is_closed("train") else ": see the Train page"
        st.caption(f"{count(others, 'other run')} {'is' if others == 1 else 'are'} training or waiting{where}.")


def show_networks(records: Sequence[RunRecord], ownership: Ownership) -> list[RunRecord]:
    """Two cards, or one if the visitor's network is the best or there is none but the starter.

    Returns:
        The networks to show this visitor, the first that can be read before all others; the starter is the last.
    """
    defaults = default_networks([*records, load_run(STARTER_ID)], ownership)
    mine, best = defaults[0], best_network(records)
    has_tried = any(ownership.is_mine(run) for run in records)
    cards = [(mine, _tell_starter(mine, has_tried=has_tried) if mine.is_starter else _tell_mine(mine, is_best=mine == best))]
    if best is not None and best != mine:
        cards.append((best, _tell_best(best, ownership)))
    for column, (run, text) in zip(st.columns(len(cards)), cards, strict=True):
        with column.container(border=True, height="stretch", vertical_alignment="distribute", key=f"network_{run.id}"):
            st.markdown(text)
            _link(run, "evaluate", "See its mistakes")
    return defaults


def _tell_starter(run: RunRecord, *, has_tried: bool) -> str:
    so_far = "None of your networks has learned anything yet." if has_tried else "You have not trained a network yet."
    return f"{so_far} The starter model that comes with the dashboard {_tell_accuracy(run)}."


def _tell_mine(run: RunRecord, *, is_best: bool) -> str:
    best = " It is the best one here." if is_best else ""
    return f"Your newest network, **{escape(run.name)}**, {_tell_accuracy(run)}: {escape(describe_settings(run))}.{best}"


def _tell_best(run: RunRecord, ownership: Ownership) -> str:
    whose = "which is yours too" if ownership.is_mine(run) else f"by {escape(ownership.name_of_owner(run))}"
    return f"The best one here, **{escape(run.name)}**, {whose}, {_tell_accuracy(run)}: {escape(describe_settings(run))}."


def _tell_accuracy(run: RunRecord) -> str:
    return f"classifies **{percent(run.test_accuracy or 0)}** of the test images correctly"


def _link(run: RunRecord, page: str, label: str) -> None:
    show_page_link(page, label, ":material/arrow_forward:", {"run": run.id})
