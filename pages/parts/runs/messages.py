"""What happened at the last click, shown once above the table."""

import contextlib
from collections.abc import Sequence
from typing import Literal

import streamlit as st

from fmnist_core.classroom.run_changes import Outcome
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.record import load_run
from fmnist_core.runs.trash import load_deleted
from pages.parts.shared.wording import escape

_MOST_NAMED = 3
_KEY = "runs_messages"
Kind = Literal["success", "error"]


def tell(kind: Kind, markdown: str) -> None:
    """Shows a message when the page is next drawn."""
    st.session_state.setdefault(_KEY, []).append((kind, markdown))


def tell_outcome(outcome: Outcome, done: str) -> None:
    """Says what was done, and once for each reason what was refused, of several runs by their names.

    Args:
        done: a sentence; "" for nothing to say.
    """
    if done:
        tell("success", done)
    refused: dict[str, list[str]] = {}
    for run_id, reason in outcome.refused.items():
        refused.setdefault(reason, []).append(run_id)
    for reason, run_ids in refused.items():
        of_several = "" if len(outcome.refused) + len(outcome.done) == 1 else f"{list_names(_names_of(run_ids))}: "
        tell("error", f"{of_several}{escape(reason)}")


def list_names(names: Sequence[str]) -> str:
    """The names of runs as a part of a sentence, and how many more there are, as Markdown."""
    listed = [escape(name) for name in names[:_MOST_NAMED]]
    if len(names) > _MOST_NAMED:
        listed.append(f"{len(names) - _MOST_NAMED:,} more")
    return " and ".join(filter(None, (", ".join(listed[:-1]), listed[-1])))


def _names_of(run_ids: Sequence[str]) -> list[str]:
    """What these runs are called, deleted ones too; the others' ids. Only those that `list_names` shows are read."""
    names = list(run_ids)
    for index, run_id in enumerate(run_ids[:_MOST_NAMED]):
        for load in (load_run, load_deleted):
            with contextlib.suppress(RunError):
                names[index] = load(run_id).name
                break
    return names


def show_messages() -> None:
    """The messages since the page was last drawn."""
    for kind, markdown in st.session_state.pop(_KEY, []):
        if kind == "success":
            st.success(markdown, icon=":material/check:")
        else:
            st.error(markdown, icon=":material/warning:")
