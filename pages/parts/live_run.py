"""A run on show: its charts and figures while it trains, its result when it has ended."""

import math

import numpy as np
import streamlit as st

from fmnist_core import jobs, runs
from fmnist_core.figures import draw_accuracy, draw_loss
from fmnist_core.history import RunHistory, smooth, thin
from fmnist_core.live_figures import draw_live_accuracy, draw_live_loss
from fmnist_core.runs import RunRecord
from fmnist_core.training import suggest_learning_rate
from pages.parts.run_picker import describe_settings, escape

_POLL_S = 0.5
_ENDED_POINTS = 4000
_METRIC_WIDTH_PX = 160
_SMOOTHING = "loss_smoothing"
_GUESSING_LOSS = math.log(10)  # cross-entropy of answering each of ten classes with 1/10


def show_live_run(run: RunRecord) -> None:
    """The run as it goes, refreshed twice a second until it ends; then the whole page is drawn anew."""
    st.markdown(f"**{escape(run.name)}** · {describe_settings(run)}")
    st.fragment(_show_progress, run_every=_POLL_S)(run.id)
    _show_smoothing()


def _show_progress(run_id: str) -> None:
    run = runs.load_run(run_id)
    history = _history(run)
    if not run.is_live:
        st.rerun()
    total_steps = history.steps_per_epoch * run.config.epochs
    done = history.pace.get("step", 0)
    bar_place, stop_place = st.columns([5, 1], vertical_alignment="center")
    bar_place.progress(done / total_steps if total_steps else 0.0, text=_describe_progress(run, history, total_steps))
    stopping = (run.folder / "stop").exists()
    label = "Stopping …" if stopping else "Stop"
    stop_place.button(label, icon=":material/stop:", key="stop", disabled=stopping, width="stretch", on_click=jobs.stop, args=(run_id,))
    _show_figures(run, history)
    loss_place, accuracy_place = st.columns([3, 2])
    with loss_place:
        st.echarts_chart(draw_live_loss(history, total_steps, _smoothing()), height=380, key="live_loss", alt=_describe_loss(run, history))
    with accuracy_place:
        st.echarts_chart(draw_live_accuracy(history, run.config.epochs), height=380, key="live_accuracy", alt=_describe_accuracy(history))


def show_ended_run(run: RunRecord) -> None:
    """What came of the run in a sentence, its charts to zoom into, its figures an epoch, and where to go with it."""
    history = _history(run)
    st.markdown(f"**{escape(run.name)}** · {describe_settings(run)}")
    _show_outcome(run, history)
    if run.has_weights:
        links = st.columns(3)
        for place, (page, label) in zip(
            links, (("evaluate", "See its mistakes"), ("look_inside", "Look inside it"), ("predict", "Let it predict")), strict=True
        ):
            place.page_link(f"pages/{page}.py", label=label, icon=":material/arrow_forward:", query_params={"run": run.id})
    if not history.losses:
        return
    losses = np.asarray(history.losses)
    shown = thin(losses, _ENDED_POINTS)
    smoothed = smooth(losses, _smoothing())[shown]
    loss_place, accuracy_place = st.columns([3, 2])
    figure = draw_loss(shown + 1, losses[shown], smoothed, history.epochs)
    loss_place.plotly_chart(figure, key="loss", alt=_describe_loss(run, history))
    if history.epochs:
        accuracy_place.plotly_chart(draw_accuracy(history.epochs), key="accuracy", alt=_describe_accuracy(history))
    _show_smoothing()
    if history.epochs:
        _show_epochs(history)


def _show_outcome(run: RunRecord, history: RunHistory) -> None:
    seconds = format_duration(max(last.get("elapsed_s", 0) for last in (history.pace, *history.epochs[-1:])))
    result = "" if run.test_accuracy is None else f"It answers {100 * run.test_accuracy:.2f} % of the test images right."
    match run.state:
        case "finished":
            st.success(f"Finished {_count(run.config.epochs, 'epoch')} in {seconds}. {result}", icon=":material/check_circle:")
        case "stopped":
            st.info(
                run.message or f"Stopped in epoch {run.epoch + 1} after {seconds}; what it had learned is kept. {result}",
                icon=":material/stop:",
            )
        case "diverged":
            st.error(run.message, icon=":material/error:")
        case "failed":
            st.error(f"The run failed. {run.message}", icon=":material/warning:")
        case "interrupted":
            kept = f"The weights of epoch {run.epoch} are kept. {result}" if run.has_weights else "Nothing was saved yet: start it again."
            st.warning(f"Interrupted: its training process ended without a word. {kept}", icon=":material/power_off:")
    test_loss = history.epochs[-1]["test_loss"] if history.epochs else 0.0
    if test_loss >= _GUESSING_LOSS and run.state in ("finished", "stopped"):
        rate = run.config.learning_rate
        st.warning(
            f"The test loss is {test_loss:.2f}, and answering at random gives {_GUESSING_LOSS:.2f}: the network has learned nothing. "
            f"The learning rate {rate:g} is too high; try {suggest_learning_rate(rate):g}.",
            icon=":material/casino:",
        )


def _show_figures(run: RunRecord, history: RunHistory) -> None:
    pace = history.pace
    figures = {
        "Epoch": f"{pace.get('epoch', 0)} of {run.config.epochs}",
        "Images a second": f"{pace['images_per_s']:,.0f}" if pace else "–",
        "Time left": format_duration(pace["remaining_s"]) if pace else "–",
        "Test accuracy": f"{100 * history.epochs[-1]['test_accuracy']:.2f} %" if history.epochs else "–",
    }
    with st.container(horizontal=True):
        for label, value in figures.items():
            st.metric(label, value, width=_METRIC_WIDTH_PX)


def _show_smoothing() -> None:
    st.session_state.setdefault(_SMOOTHING, _smoothing())
    st.slider(
        "Smoothing of the loss",
        0.0,
        0.99,
        step=0.01,
        key=_SMOOTHING,
        on_change=lambda: st.session_state.update(kept_smoothing=st.session_state[_SMOOTHING]),
        help="0 shows every batch as it was. At 0.9 each point keeps nine tenths of the average before it.",
        width=360,
    )


def _smoothing() -> float:
    return float(st.session_state.get(_SMOOTHING, st.session_state.get("kept_smoothing", 0.9)))


def _show_epochs(history: RunHistory) -> None:
    st.dataframe(
        history.epoch_table(),
        hide_index=True,
        width="stretch",
        column_config={
            "epoch": st.column_config.NumberColumn("Epoch"),
            "train_loss": st.column_config.NumberColumn(
                "Training loss", format="%.4f", help="Mean over the epoch's images as they were learned"
            ),
            "test_loss": st.column_config.NumberColumn("Test loss", format="%.4f"),
            "test_accuracy": st.column_config.NumberColumn("Test accuracy", format="%.2f %%"),
            "elapsed_s": st.column_config.NumberColumn("Seconds since the start", format="%.1f"),
        },
    )


def _history(run: RunRecord) -> RunHistory:
    """This session's copy of the run's events, brought up to date."""
    kept = st.session_state.get("history")
    if kept is None or kept[0] != run.id:
        kept = st.session_state["history"] = (run.id, RunHistory())
    history: RunHistory = kept[1]
    history.read_new(run)
    return history


def _describe_progress(run: RunRecord, history: RunHistory, total_steps: int) -> str:
    if run.state == "waiting":
        ahead = jobs.runs_ahead(run)
        return f"Waiting for its turn: {ahead} ahead of it" if ahead >= jobs.training_slots() else "Starting …"
    done = history.pace.get("step", 0)
    if total_steps and done == total_steps:
        return "Testing the finished network …"
    return f"Step {done:,} of {total_steps:,}" if total_steps else "Starting …"


def _describe_loss(run: RunRecord, history: RunHistory) -> str:
    if not history.losses:
        return f"Loss against step for {run.name}: no step yet."
    first, last = history.losses[0], smooth(np.asarray(history.losses), 0.9)[-1]
    return f"Loss against step for {run.name}: from {first:.2f} at step 1 to about {last:.2f} at step {len(history.losses):,}."


def _describe_accuracy(history: RunHistory) -> str:
    if not history.epochs:
        return "Test accuracy against epoch: no epoch finished yet."
    points = ", ".join(f"epoch {e['epoch']}: {100 * e['test_accuracy']:.2f} %" for e in history.epochs[-10:])
    return f"Test accuracy against epoch. {points}."


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def format_duration(seconds: float) -> str:
    """A time as people say it, such as "8 s" or "2 min 05 s"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
