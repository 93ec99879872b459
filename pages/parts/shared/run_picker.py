"""The run that a page shows, and the list to choose another from; the choice is in the URL as ?run=…"""

from collections.abc import Callable, Mapping

import streamlit as st

from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord, list_runs, load_run
from fmnist_core.store.text import shorten, visible_line
from pages.parts.shared.cached import newest_usable
from pages.parts.shared.wording import describe_run, distinct_lines, escape

_CHOICE = "chosen_run"  # outlives the page, unlike the widget's own key
_LONGEST_ID_SHOWN = 40


def pick_network() -> RunRecord:
    """Shows the list of networks and returns the chosen run, which has weights: by default the newest, or else the starter."""
    usable = {run.id: run for run in (*list_runs(), load_run(STARTER_ID)) if run.has_weights}
    run = find_shown_run(usable, "has no weights yet", default=newest_usable(list(usable.values())).id)
    assert run is not None
    show_run_list(
        "Network",
        usable,
        run.id,
        key="run_picker",
        on_choice=select_run,
        help="A network that was trained here, or the small starter model that comes with the dashboard.",
    )
    select_run(run.id)
    return run


def find_shown_run(candidates: Mapping[str, RunRecord], otherwise: str, *, default: str | None, memory: str = _CHOICE) -> RunRecord | None:
    """The run that a page shows: the one in the link, else the one this session chose, else the default.

    Args:
        candidates: the runs that can be shown, by id.
        otherwise: why a run in a link cannot be shown although it exists, such as "has no weights yet".
        default: id of the run to show if none was chosen; None for none.
        memory: the session's key for the choice.
    """
    asked = st.query_params.get("run")
    if asked is not None and asked not in candidates:
        named = escape(shorten(visible_line(asked), _LONGEST_ID_SHOWN))
        st.warning(f"The run in this link does not exist or {otherwise} ({named}). Choose another.", icon=":material/link_off:")
    wanted = (asked, st.session_state.get(memory), default)
    return next((candidates[run_id] for run_id in wanted if run_id is not None and run_id in candidates), None)


def select_run(run_id: str, *, memory: str = _CHOICE) -> None:
    """Shows this run from now on, here and on the other pages."""
    st.session_state[memory] = st.session_state[_CHOICE] = st.query_params["run"] = run_id


def show_run_list(
    label: str, records: Mapping[str, RunRecord], run_id: str | None, *, key: str, on_choice: Callable[[str], None], help: str | None = None
) -> None:
    """A list of runs to choose from, without duplicate lines.

    Args:
        records: the runs by id.
        run_id: the current choice; None for none.
        on_choice: called with the id of the new choice.
    """
    lines = distinct_lines({each: describe_run(run) for each, run in records.items()})
    st.session_state[key] = run_id
    st.selectbox(
        label,
        list(lines),
        format_func=lines.__getitem__,
        key=key,
        placeholder="Choose a run to look at",
        on_change=_take_choice,
        args=(key, lines, on_choice),
        help=help,
    )


def _take_choice(key: str, lines: dict[str, str], on_choice: Callable[[str], None]) -> None:
    """Streamlit sends back the chosen line as text if it has changed meanwhile, as the line of a live run does; so ignore it."""
    if st.session_state[key] in lines:
        on_choice(st.session_state[key])
