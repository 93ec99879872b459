"""The one choice of a run that Evaluate, Look inside and Predict share; it lives in the URL as ?run=…"""

import re

import streamlit as st

from fmnist_core import runs
from fmnist_core.config import as_decimal
from fmnist_core.runs import RunRecord

_CHOICE = "chosen_run"  # outlives the page, unlike the widget's own key
_WIDGET = "run_picker"


def pick_run() -> RunRecord:
    """Shows the picker and returns the chosen run, which has weights: the URL's, else this session's, else the newest, else the starter."""
    usable = {run.id: run for run in (*runs.list_runs(), runs.load_run(runs.STARTER_ID)) if run.has_weights}
    asked = st.query_params.get("run")
    if asked is not None and asked not in usable:
        st.warning(
            f"This link names a run that is not here or has no weights yet ({asked[:40]}). Choose one below.", icon=":material/link_off:"
        )
    wanted = next(run_id for run_id in (asked, st.session_state.get(_CHOICE), *usable) if run_id in usable)
    st.session_state[_WIDGET] = wanted
    chosen = st.selectbox(
        "Network",
        list(usable),
        format_func=lambda run_id: describe_run(usable[run_id]),
        key=_WIDGET,
        on_change=_remember,
        help="A network that was trained here, or the small starter model that comes with the dashboard.",
    )
    st.session_state[_CHOICE] = st.query_params["run"] = chosen
    return usable[chosen]


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


def escape(text: str) -> str:
    """Text that Markdown shows as it is."""
    return re.sub(r"([\\`*_{}\[\]()<>#+.!|:$~-])", r"\\\1", text)


def _remember() -> None:
    st.session_state[_CHOICE] = st.query_params["run"] = st.session_state[_WIDGET]
