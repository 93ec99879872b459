"""How a run's charts are drawn: axis, logarithm, smoothing, runs beside it. All of it lives in the URL."""

from dataclasses import dataclass

import streamlit as st

from fmnist_core.figures.style import OTHER_LINES
from fmnist_core.runs.folders import STARTER_ID, RunError
from fmnist_core.runs.history import AXES, Axis, RunHistory
from fmnist_core.runs.record import RunRecord, list_runs, load_run
from pages.parts.shared.url_state import bind, one_of, parse_switch, set_choice, write_switch
from pages.parts.shared.wording import distinct_lines, escape

DEFAULT_SMOOTHING = 0.9
_AXIS, _LOG, _SMOOTHING, _COMPARE = "axis", "log", "smoothing", "compare"
_OTHERS = "others"  # key of the widget, whose value may hold lines that are out of date
_BEYOND_MEASURE = 100.0  # a loss; guessing has 2.3
_LISTED_RUNS = 30
_KEPT_HISTORIES = 12


@dataclass(frozen=True)
class View:
    """The choices.

    Attributes:
        others: names and histories of the runs to compare with.
    """

    axis: Axis
    log: bool
    smoothing: float
    others: tuple[tuple[str, RunHistory], ...]


def history_of(run: RunRecord) -> RunHistory:
    """This session's copy of the run's events, brought up to date."""
    kept: dict[str, RunHistory] = st.session_state.setdefault("histories", {})
    history = kept.pop(run.id, None) or RunHistory()
    kept[run.id] = history  # the newest comes last, the first is forgotten
    if len(kept) > _KEPT_HISTORIES:
        del kept[next(iter(kept))]
    history.read_new(run)
    return history


def bind_view(run: RunRecord) -> dict[str, str]:
    """Takes the choices from the URL before their widgets are drawn; returns the names of the runs to choose from, by id."""
    names = _name_others(run)
    bind(_AXIS, str(AXES[0]), one_of(AXES))
    # A loss that shot up beyond all measure would be a spike and a flat line that looks as if nothing were wrong.
    bind(_LOG, max(history_of(run).losses, default=0.0) > _BEYOND_MEASURE, parse_switch, write_switch)
    bind(_SMOOTHING, DEFAULT_SMOOTHING, _parse_smoothing)

    def parse_others(text: str) -> list[str]:
        known = [run_id for run_id in text.split(",") if run_id in names][: len(OTHER_LINES)]
        if not known:
            raise ValueError(text)
        return known

    bind(_COMPARE, list[str](), parse_others, ",".join)
    return names


def current_axis() -> Axis:
    """The axis as it is chosen now."""
    return st.session_state.get(_AXIS) or AXES[0]


def read_view(names: dict[str, str]) -> View:
    """The choices as they are now."""
    state = st.session_state
    others = []
    for run_id in state.get(_COMPARE) or []:
        try:
            others.append((names[run_id], history_of(load_run(run_id))))
        except (KeyError, RunError):  # deleted meanwhile
            continue
    smoothing = float(state.get(_SMOOTHING, DEFAULT_SMOOTHING))
    return View(current_axis(), bool(state.get(_LOG)), smoothing, tuple(others))


def show_view_choices(names: dict[str, str]) -> None:
    """The widgets for the choices."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.segmented_control("Horizontal axis", AXES, key=_AXIS, persist_state="session", required=True, width=230)
        st.slider(
            "Smoothing of the loss",
            0.0,
            0.99,
            step=0.01,
            key=_SMOOTHING,
            persist_state="session",
            help="0 shows every batch as it was. At 0.9 each point keeps nine tenths of the average before it.",
            width=260,
        )
        st.toggle(
            "Logarithmic loss",
            key=_LOG,
            persist_state="session",
            help="Each line of the grid is ten times the one below, so that small losses can be told apart.",
        )
        if names:
            st.session_state[_OTHERS] = st.session_state[_COMPARE]
            st.multiselect(
                "Compare with other runs",
                list(names),
                format_func=lambda run_id: names[run_id],
                key=_OTHERS,
                max_selections=len(OTHER_LINES),
                on_change=_take_others,
                args=(names,),
                placeholder="None",
                width=360,
            )


def describe_others(view: View) -> str:
    """Which runs are drawn beside, as the end of a chart's description."""
    return f" Compared with {', '.join(name for name, _ in view.others)}." if view.others else ""


def show_title(run: RunRecord, settings: str) -> None:
    """The run's name and settings in a line."""
    st.markdown(f"**{escape(run.name)}** · {settings}")


def _name_others(run: RunRecord) -> dict[str, str]:
    """Names of the other runs by id, each different."""
    listed = [other for other in list_runs()[:_LISTED_RUNS] if other.id != run.id]
    starter = [] if run.is_starter else [load_run(STARTER_ID)]
    return distinct_lines({other.id: other.name for other in (*listed, *starter)})


def _parse_smoothing(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 0.99:
        raise ValueError(text)
    return value


def _take_others(names: dict[str, str]) -> None:
    """A name that has changed since the browser got it comes back as text that is no id, so ignore it."""
    if all(run_id in names for run_id in st.session_state[_OTHERS]):
        set_choice(_COMPARE, st.session_state[_OTHERS])
