"""Several runs beside each other: their losses and accuracies on one chart each, and the settings in which they differ."""

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from fmnist_core.figures.comparisons import MOST_COMPARED, compare_accuracies, compare_losses, compare_test_losses
from fmnist_core.runs.comparability import losses_differ
from fmnist_core.runs.history import AXES, RunHistory
from fmnist_core.runs.setting_words import compare_settings
from fmnist_core.settings.number_words import format_loss
from pages.parts.runs.rows import Row
from pages.parts.shared.charts import show_figure
from pages.parts.shared.run_histories import history_of
from pages.parts.shared.url_state import bind, one_of, parse_switch, write_switch
from pages.parts.shared.wording import count, distinct_lines, percent

_AXIS, _LOG, _LOSS = "compared_axis", "compared_log", "compared_loss"
_LOSSES = (_TRAINING, _TEST) = ("training", "test")


def show_comparison(rows: Sequence[Row]) -> None:
    """Charts and settings of two or more runs."""
    if len(rows) < 2:
        return
    st.subheader(f"{count(len(rows), 'run')} compared", anchor=False)
    if len(rows) > MOST_COMPARED:
        st.write(f"Choose at most {MOST_COMPARED} runs to compare them.")
        return
    names = distinct_lines({row.run.id: row.name for row in rows})
    _show_settings(rows, list(names.values()))
    histories = [(names[row.run.id], history_of(row.run)) for row in rows]
    _show_charts(histories, losses_differ([row.run.full_config for row in rows]))


def _show_settings(rows: Sequence[Row], names: list[str]) -> None:
    """A table of the settings that are not the same in all of these runs."""
    differing = compare_settings([row.run.full_config for row in rows])
    if not differing:
        st.write("All their settings are the same, the seed too.")
        return
    table = pd.DataFrame(list(differing.values()), columns=names)
    table.insert(0, "Setting", list(differing), allow_duplicates=True)
    lines = [f"{label}: {', '.join(values)}" for label, values in differing.items()]
    st.dataframe(table, hide_index=True, alt=f"Settings that differ between {', '.join(names)}. {'; '.join(lines)}.")


def _show_charts(histories: list[tuple[str, RunHistory]], difference: str) -> None:
    """The charts, and how to draw them.

    Args:
        difference: why the training losses cannot be compared; then the test losses are shown unless somebody chooses otherwise.
    """
    axis = bind(_AXIS, "epoch", one_of(AXES))
    log = bind(_LOG, False, parse_switch, write_switch)
    which = bind(_LOSS, _TEST if difference else _TRAINING, one_of(_LOSSES))
    loss, accuracy = st.columns(2)
    with loss:
        draw = compare_test_losses if which == _TEST else compare_losses
        figure = draw(histories, axis=next(each for each in AXES if each == axis), log=log)
        show_figure(figure, key="compared_losses", alt=_describe_losses(histories, which, log))
    with accuracy:
        show_figure(compare_accuracies(histories), key="compared_accuracies", alt=_describe_accuracies(histories))
    if difference and which == _TRAINING:
        st.warning(difference, icon=":material/balance:")
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        st.segmented_control("Loss", _LOSSES, key=_LOSS, persist_state="session", required=True, width=200)
        st.segmented_control("Horizontal axis of the loss", AXES, key=_AXIS, persist_state="session", required=True, width=230)
        st.toggle("Logarithmic loss", key=_LOG, persist_state="session")


def _describe_losses(histories: list[tuple[str, RunHistory]], which: str, log: bool) -> str:
    ends = []
    for name, history in histories:
        if which == _TEST:
            last = history.epochs[-1].test_loss if history.epochs else None
        else:
            last = float(history.losses.smoothed(0.9, log=log)[-1]) if history.losses else None
        ends.append(f"{name} has none" if last is None else f"{name} ends at {format_loss(last)}")
    return f"{which.capitalize()} losses of {count(len(histories), 'run')}: {', '.join(ends)}."


def _describe_accuracies(histories: list[tuple[str, RunHistory]]) -> str:
    ends = [
        f"{name} {percent(history.epochs[-1].test_accuracy)} after epoch {history.epochs[-1].epoch}"
        if history.epochs
        else f"{name} none yet"
        for name, history in histories
    ]
    return f"Test accuracies of {count(len(histories), 'run')}: {', '.join(ends)}."
