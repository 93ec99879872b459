"""How a run's charts are drawn: axes, scale, smoothing and runs to compare with. All these choices live in the URL."""

import contextlib
from dataclasses import dataclass

import streamlit as st

from fmnist_core.figures.live_charts import Quantity
from fmnist_core.figures.style import OTHER_LINES
from fmnist_core.runs.comparability import losses_differ
from fmnist_core.runs.folders import STARTER_ID, RunError
from fmnist_core.runs.history import AXES, Axis, RunHistory
from fmnist_core.runs.record import RunRecord, list_runs, load_run
from pages.parts.shared.projector import is_projecting
from pages.parts.shared.run_histories import history_of
from pages.parts.shared.run_picker import owner_named
from pages.parts.shared.url_state import bind, one_of, parse_switch, set_choice, write_switch
from pages.parts.shared.visitor import whose_runs
from pages.parts.shared.wording import describe_settings, distinct_lines, escape

DEFAULT_SMOOTHING = 0.9
_AXIS, _LOG, _SMOOTHING, _COMPARE, _PLAN, _TESTED = "axis", "log", "smoothing", "compare", "plan", "tested"
_OTHERS = "others"  # key of the widget, whose value can contain outdated lines
_HUGE_LOSS = 100.0  # guessing gives 2.30
_LISTED_RUNS = 30


@dataclass(frozen=True)
class View:
    """The current choices.

    Attributes:
        whole_plan: whether the horizontal axis spans all planned steps from the beginning, or grows with the run.
        quantity: the loss of every batch, or the test loss after every epoch, which is computed alike for all runs.
        others: names and histories of the runs to compare with.
    """

    axis: Axis
    log: bool
    smoothing: float
    whole_plan: bool
    quantity: Quantity
    others: tuple[tuple[str, RunHistory], ...]


def bind_view(run: RunRecord) -> dict[str, str]:
    """Reads the choices from the URL before their widgets are drawn; returns the names of the runs to choose from, by id."""
    names = _name_others(run)
    bind(_AXIS, str(AXES[0]), one_of(AXES))
    # On a linear scale a huge loss is one spike, and the rest looks like a flat line where nothing is wrong.
    bind(_LOG, history_of(run).losses.peak[0] > _HUGE_LOSS, parse_switch, write_switch)
    bind(_SMOOTHING, DEFAULT_SMOOTHING, _parse_smoothing)
    bind(_PLAN, False, parse_switch, write_switch)

    def parse_others(text: str) -> list[str]:
        known = [run_id for run_id in text.split(",") if run_id in names][: len(OTHER_LINES)]
        if not known:
            raise ValueError(text)
        return known

    bind(_COMPARE, list[str](), parse_others, ",".join)
    bind(_TESTED, bool(_tell_difference(run)), parse_switch, write_switch)
    return names


def current_axis() -> Axis:
    """The chosen axis."""
    return st.session_state.get(_AXIS) or AXES[0]


def read_view(names: dict[str, str]) -> View:
    """The current choices."""
    state = st.session_state
    others = []
    for run_id in state.get(_COMPARE) or []:
        try:
            others.append((names[run_id], history_of(load_run(run_id))))
        except (KeyError, RunError):  # the run has been deleted
            continue
    smoothing = float(state.get(_SMOOTHING, DEFAULT_SMOOTHING))
    quantity: Quantity = "test_loss" if state.get(_TESTED) else "loss"
    return View(current_axis(), bool(state.get(_LOG)), smoothing, bool(state.get(_PLAN)), quantity, tuple(others))


def show_view_choices(run: RunRecord, names: dict[str, str]) -> None:
    """The widgets for the choices, in a popover that moves nothing; on a projector, where nothing is folded, in a row."""
    difference = _tell_difference(run)
    label = "View: losses differ" if difference and not st.session_state[_TESTED] else "View"
    with st.container(key="run_view_open" if is_projecting() else "run_view"):
        place = st.container() if is_projecting() else st.popover(label, icon=":material/tune:", width="stretch")
        with place, st.container(key="view_choices", gap="small"):
            st.segmented_control("Horizontal axis", AXES, key=_AXIS, persist_state="session", required=True)
            st.toggle("Whole plan", key=_PLAN, persist_state="session", help="The horizontal axis has room for all steps from the start.")
            st.toggle(
                "Logarithmic loss",
                key=_LOG,
                persist_state="session",
                help="Each grid line is ten times the one below it, so that differences between small losses become visible.",
            )
            st.slider(
                "Smoothing of the loss",
                0.0,
                0.99,
                step=0.01,
                key=_SMOOTHING,
                persist_state="session",
                help="At 0 the line follows every batch. At 0.9 each point keeps nine tenths of the average before it.",
            )
            if names:
                _show_comparison(names, difference)


def _show_comparison(names: dict[str, str], difference: str) -> None:
    """The list of runs to compare with, their settings, and whether their losses can be compared."""
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
    )
    if difference:
        st.warning(difference, icon=":material/balance:")
    st.toggle(
        "Test loss", key=_TESTED, persist_state="session", help="The loss on the test images after each epoch, computed alike for all."
    )
    _show_settings_of_others(names)


def _tell_difference(run: RunRecord) -> str:
    """Why the training losses of the runs on the chart cannot be compared; "" if they can."""
    configs = [run.full_config]
    for run_id in st.session_state.get(_COMPARE) or []:
        with contextlib.suppress(RunError):  # the run has been deleted
            configs.append(load_run(run_id).full_config)
    return losses_differ(configs)


def _show_settings_of_others(names: dict[str, str]) -> None:
    """The settings of each run that is compared, because its name does not say them."""
    lines = []
    for run_id in st.session_state.get(_COMPARE) or []:
        with contextlib.suppress(KeyError, RunError):  # the run has been deleted
            lines.append(f"**{escape(names[run_id])}**: {escape(describe_settings(load_run(run_id)))}")
    if lines:
        st.caption(f"Compared with {'; '.join(lines)}.")


def describe_others(view: View) -> str:
    """The runs that are compared, as the end of a chart's description."""
    return f" Compared with {', '.join(name for name, _ in view.others)}." if view.others else ""


def _name_others(run: RunRecord) -> dict[str, str]:
    """The names of the other runs by id, without duplicates; those of other people with their owners."""
    ownership = whose_runs()
    listed = ownership.sort([*list_runs(), load_run(STARTER_ID)])[: _LISTED_RUNS + 1]
    owners = {other.id: owner_named(other, ownership) for other in listed}
    names = {other.id: f"{other.name} by {owners[other.id]}" if owners[other.id] else other.name for other in listed}
    return distinct_lines({run_id: name for run_id, name in names.items() if run_id != run.id})


def _parse_smoothing(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 0.99:
        raise ValueError(text)
    return value


def _take_others(names: dict[str, str]) -> None:
    """A name that has changed since the browser received it comes back as text that is not an id, so ignore it."""
    if all(run_id in names for run_id in st.session_state[_OTHERS]):
        set_choice(_COMPARE, st.session_state[_OTHERS])
