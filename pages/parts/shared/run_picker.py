"""The one choice of a run that Evaluate, Look inside and Predict share; it lives in the URL as ?run=…"""

import re
from collections import Counter
from collections.abc import Callable

import streamlit as st

from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord, list_runs, load_run
from fmnist_core.settings.declaration import as_decimal

_CHOICE = "chosen_run"  # outlives the page, unlike the widget's own key


def pick_run() -> RunRecord:
    """Shows the picker and returns the chosen run, which has weights: the URL's, else this session's, else the newest, else the starter."""
    usable = {run.id: run for run in (*list_runs(), load_run(STARTER_ID)) if run.has_weights}
    asked = st.query_params.get("run")
    if asked is not None and asked not in usable:
        st.warning(
            f"This link names a run that is not here or has no weights yet ({asked[:40]}). Choose one below.", icon=":material/link_off:"
        )
    wanted = next(run_id for run_id in (asked, st.session_state.get(_CHOICE), *usable) if run_id in usable)
    show_choice(
        "Network",
        usable,
        wanted,
        key="run_picker",
        on_choice=_put_on_show,
        help="A network that was trained here, or the small starter model that comes with the dashboard.",
    )
    _put_on_show(wanted)
    return usable[wanted]


def show_choice(
    label: str, records: dict[str, RunRecord], run_id: str | None, *, key: str, on_choice: Callable[[str], None], help: str | None = None
) -> None:
    """A list of runs to choose from, no two lines alike.

    Args:
        records: the runs by id.
        run_id: the one that is chosen now; None for none.
        on_choice: called with the id of another one that is chosen.
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


def remember_run(run_id: str) -> None:
    """Makes a run this session's choice on every page."""
    st.session_state[_CHOICE] = run_id


def describe_run(run: RunRecord) -> str:
    """A run in one line: name, accuracy, state where it is not finished, and when."""
    parts = ["Starter model (comes with the dashboard)" if run.is_starter else run.name]
    if run.test_accuracy is not None:
        parts.append(f"{100 * run.test_accuracy:.2f} %")
    if run.state != "finished":
        parts.append("in progress" if run.is_live else run.state)
    parts.append(describe_settings(run))
    if not run.is_starter:
        parts.append(f"{run.created_at.astimezone():%d %b %H:%M}")
    return " · ".join(parts)


def describe_settings(run: RunRecord) -> str:
    """The settings of a run in one line."""
    config = run.config
    epochs = f"{run.epochs} epoch{'' if run.epochs == 1 else 's'}"
    settings = f"{epochs}, batch {config.batch_size:,}, rate {as_decimal(config.learning_rate)}, seed {config.seed}"
    return settings if config.augmentation == "none" else f"{settings}, {config.augmentation.replace('-', ' ')}"


def distinct_lines(lines: dict[str, str]) -> dict[str, str]:
    """The lines by run id, with the id after each that another run has too."""
    counts = Counter(lines.values())
    distinct = {run_id: line if counts[line] == 1 else f"{line} · {run_id}" for run_id, line in lines.items()}
    if len(set(distinct.values())) == len(lines):
        return distinct
    return {run_id: f"{line} · {run_id}" for run_id, line in lines.items()}  # one is named as another's line with its id


def escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|:$~-])", r"\\\1", text)


def _put_on_show(run_id: str) -> None:
    st.session_state[_CHOICE] = st.query_params["run"] = run_id


def _take_choice(key: str, lines: dict[str, str], on_choice: Callable[[str], None]) -> None:
    """Streamlit sends back the chosen line, which a run under way changes: one it no longer knows comes as text, and nobody chose it."""
    if st.session_state[key] in lines:
        on_choice(st.session_state[key])
