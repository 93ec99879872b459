"""What happened at the last click, shown once above the table."""

from collections import Counter
from typing import Literal

import streamlit as st

from fmnist_core.classroom.run_changes import Outcome
from pages.parts.shared.wording import count, escape

_KEY = "runs_messages"
Kind = Literal["success", "error"]


def tell(kind: Kind, markdown: str) -> None:
    """Shows a message when the page is next drawn."""
    st.session_state.setdefault(_KEY, []).append((kind, markdown))


def tell_outcome(outcome: Outcome, done: str) -> None:
    """Says what was done, and once for each reason what was refused.

    Args:
        done: a sentence; "" for nothing to say.
    """
    if done:
        tell("success", done)
    for reason, number in Counter(outcome.refused.values()).items():
        of_several = "" if len(outcome.refused) + len(outcome.done) == 1 else f"{count(number, 'run')}: "
        tell("error", f"{of_several}{escape(reason)}")


def show_messages() -> None:
    """The messages since the page was last drawn."""
    for kind, markdown in st.session_state.pop(_KEY, []):
        if kind == "success":
            st.success(markdown, icon=":material/check:")
        else:
            st.error(markdown, icon=":material/warning:")
