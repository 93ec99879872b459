"""The run that a page shows, and the list to choose another from; the choice is in the URL as ?run=…"""

from collections.abc import Callable, Mapping

import streamlit as st

from fmnist_core.classroom.choice import default_networks
from fmnist_core.classroom.ownership import Ownership
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord, list_runs, load_run
from fmnist_core.store.text import shorten, visible_line
from pages.parts.shared.cached import newest_usable
from pages.parts.shared.visitor import whose_runs
from pages.parts.shared.wording import describe_run, distinct_lines, escape

_CHOICE, _DEFAULT = "chosen_run", "default_run"  # they outlive the page, unlike the widget's own key
_LONGEST_ID_SHOWN = 40


def pick_network() -> RunRecord:
    """Shows the list of networks, its label beside it, and returns the run to show, which has weights.

    It is the one in the link, else the one that was chosen in this session, else the visitor's own newest that learned something, else
    the starter. So nobody sees another person's network unless they choose it.
    """
    with st.container(key="network"):
        return _pick_network()


def _pick_network() -> RunRecord:
    ownership = whose_runs()
    usable = {run.id: run for run in ownership.sort([*list_runs(), load_run(STARTER_ID)]) if run.has_weights}
    default = newest_usable(default_networks(usable.values(), ownership))
    chosen: str = st.session_state.get(_CHOICE) or ""
    run = find_linked_run(usable, "has no weights yet") or usable.get(chosen) or default
    show_run_list(
        "Network",
        usable,
        ownership,
        run.id,
        key="run_picker",
        on_choice=choose_network,
        help="Your networks first, then the small starter model that comes with the dashboard, then those of others.",
    )
    _remember(run.id, default.id)
    return run


def find_linked_run(candidates: Mapping[str, RunRecord], otherwise: str) -> RunRecord | None:
    """The run in the link; None if the link names none, or one that cannot be shown, which the page then says.

    Args:
        candidates: the runs that can be shown, by id.
        otherwise: why a run in a link cannot be shown although it exists, such as "has no weights yet".
    """
    asked = st.query_params.get("run")
    if asked is None or asked in candidates:
        return None if asked is None else candidates[asked]
    named = escape(shorten(visible_line(asked), _LONGEST_ID_SHOWN))
    st.warning(f"The run in this link does not exist or {otherwise} ({named}). Choose another.", icon=":material/link_off:")
    return None


def show_run_list(
    label: str,
    records: Mapping[str, RunRecord],
    ownership: Ownership,
    run_id: str | None,
    *,
    key: str,
    on_choice: Callable[[str], None],
    help: str | None = None,
) -> None:
    """A list of runs to choose from, without duplicate lines; those of others with their owners' names.

    Args:
        records: the runs by id.
        run_id: the current choice; None for none.
        on_choice: called with the id of the new choice.
    """
    lines = distinct_lines({each: describe_run(run, owner_named(run, ownership)) for each, run in records.items()})
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


def owner_named(run: RunRecord, ownership: Ownership) -> str:
    """The name of the owner of another person's run; "" if it is the visitor's own, the starter, or nobody's."""
    is_others = not run.is_starter and not ownership.is_mine(run) and ownership.is_owner_known(run)
    return ownership.name_of_owner(run) if is_others else ""


def choose_network(run_id: str) -> None:
    """Makes a run the one that the pages show; for a callback."""
    st.session_state[_CHOICE] = st.query_params["run"] = run_id


def _remember(run_id: str, default_id: str) -> None:
    """Writes the run into the URL, and remembers it as chosen unless it is there by default: then a newer one may take its place."""
    is_default = run_id in (default_id, st.session_state.get(_DEFAULT))
    st.session_state[_DEFAULT] = run_id if is_default else None
    st.session_state[_CHOICE] = None if is_default else run_id
    st.query_params["run"] = run_id


def _take_choice(key: str, lines: dict[str, str], on_choice: Callable[[str], None]) -> None:
    """Streamlit sends back the chosen line as text if it has changed meanwhile, as the line of a live run does; so ignore it."""
    if st.session_state[key] in lines:
        on_choice(st.session_state[key])
