"""The runs that are chosen to do something with; a few of them are in the URL, so that a comparison can be sent as a link."""

from collections.abc import Collection, Sequence

import streamlit as st

from pages.parts.shared.url_state import bind, set_choice

CHOSEN = "chosen"
_MOST_IN_URL = 10


def chosen_runs(known: Collection[str]) -> list[str]:
    """The ids of the chosen runs, as far as they are among these."""
    kept = [run_id for run_id in st.session_state.get(CHOSEN) or [] if run_id in known]
    if len(kept) > _MOST_IN_URL:  # too many for a link
        st.query_params.pop(CHOSEN, None)
        return kept

    def parse(text: str) -> list[str]:
        found = [run_id for run_id in dict.fromkeys(text.split(",")) if run_id in known][:_MOST_IN_URL]
        if not found:
            raise ValueError(text)
        return found

    return bind(CHOSEN, list[str](), parse, ",".join)


def choose_runs(run_ids: Sequence[str]) -> None:
    """Chooses these runs and no others, in a callback."""
    set_choice(CHOSEN, list(dict.fromkeys(run_ids)))
