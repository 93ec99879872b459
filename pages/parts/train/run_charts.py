"""The charts of a run: live ones while it trains, others to zoom into when it is paused or has ended, and downloads."""

from collections.abc import Callable

import plotly.graph_objects as go
import streamlit as st

from fmnist_core.dataset.split import Split
from fmnist_core.exports.report import export_html, write_table
from fmnist_core.figures.live_charts import draw_live_accuracy, draw_live_answers, draw_live_loss, draw_live_rate
from fmnist_core.figures.run_charts import draw_accuracy, draw_answers, draw_loss, draw_rate
from fmnist_core.runs.history import Axis, RunHistory
from fmnist_core.runs.record import RunRecord
from pages.parts.shared.wording import describe_settings
from pages.parts.train.probes import describe_trail, pinned_probe
from pages.parts.train.run_view import View, describe_others
from pages.parts.train.run_words import describe_accuracy, describe_loss, describe_rate

_LIVE_POINTS = 100  # per class, sent with every refresh


def show_live_charts(run: RunRecord, history: RunHistory, view: View) -> None:
    """The loss beside accuracy and learning rate, in charts that are updated, not replaced."""
    total_steps = history.started.steps_per_epoch * run.epochs
    main, side = st.columns([3, 2])
    loss = draw_live_loss(history, total_steps, view.smoothing, view.axis, view.log, view.others)
    main.echarts_chart(loss, height=376, key="live_loss", alt=describe_loss(run, history, view.smoothing) + describe_others(view))
    accuracy = draw_live_accuracy(history, run.epochs, view.others)
    side.echarts_chart(accuracy, height=218, key="live_accuracy", alt=describe_accuracy(history))
    rate = draw_live_rate(history, total_steps, run.config.learning_rate, view.axis)
    side.echarts_chart(rate, height=142, key="live_rate", alt=describe_rate(history))


def show_still_charts(run: RunRecord, history: RunHistory, view: View) -> None:
    """The same charts to zoom into; the learning rate only if it changed."""
    if not history.losses:
        return
    loss, accuracy, rate = _draw_still(history, view)
    main, side = st.columns([3, 2]) if history.epochs else (st.container(), st.container())
    main.plotly_chart(loss, key="loss", alt=describe_loss(run, history, view.smoothing) + describe_others(view))
    if history.epochs:
        side.plotly_chart(accuracy, key="accuracy", alt=describe_accuracy(history) + describe_others(view))
    if rate is not None:
        st.plotly_chart(rate, key="rate_chart", alt=describe_rate(history))


def show_live_pin(run: RunRecord, history: RunHistory, axis: Axis, split: Split) -> None:
    """The pinned probe's ten probabilities over time."""
    probe = pinned_probe(history)
    if probe is None:
        return
    true_class, story = _tell_pin(history, probe, split)
    steps, probabilities = history.probabilities_over_time(probe, _LIVE_POINTS)
    x, total_steps = history.x_values(axis, steps), history.started.steps_per_epoch * run.epochs
    options = draw_live_answers(history, x, probabilities, split.class_names, true_class, total_steps, axis)
    st.echarts_chart(options, height=340, key="live_answers", alt=f"Ten probabilities against step. {story}")


def show_still_pin(history: RunHistory, axis: Axis, split: Split) -> None:
    """The pinned probe's ten probabilities over time, to zoom into."""
    probe = pinned_probe(history)
    if probe is None:
        return
    true_class, story = _tell_pin(history, probe, split)
    steps, probabilities = history.probabilities_over_time(probe)
    figure = draw_answers(history.x_values(axis, steps), probabilities, split.class_names, true_class, axis)
    st.plotly_chart(figure, key="answers", alt=f"Ten probabilities against step. {story}")


def show_epochs(history: RunHistory) -> None:
    """The figures of every epoch as a table."""
    number = st.column_config.NumberColumn
    running = "The mean over the epoch, while the weights were still changing, with the labels that the network was given"
    held_out = "Measured on the training images that were held out to choose the best epoch"
    st.dataframe(
        history.epoch_table(),
        hide_index=True,
        width="stretch",
        column_config={
            "epoch": number("Epoch"),
            "train_loss": number("Training loss (running)", format="%.4f", help=running),
            "train_accuracy": number("Training accuracy (running)", format="%.2f %%", help=running),
            "validation_loss": number("Validation loss", format="%.4f", help=held_out),
            "validation_accuracy": number("Validation accuracy", format="%.2f %%", help=held_out),
            "test_loss": number("Test loss", format="%.4f"),
            "test_accuracy": number("Test accuracy", format="%.2f %%", help="Only reported; it does not choose anything"),
            "learning_rate": number("Learning rate", format="%.3g", help="Of the epoch's last step"),
            "elapsed_s": number("Seconds of training", format="%.1f", help="Without pauses"),
            "is_best": st.column_config.CheckboxColumn("Best", help="The highest validation accuracy: the other pages use these weights"),
        },
    )


def show_downloads(run: RunRecord, history: RunHistory, view: View) -> None:
    """Buttons to download the numbers and the charts; each file is created when its button is clicked."""
    if not history.losses:
        return

    def offer(label: str, suffix: str, make: Callable[[], str], mime: str, help: str) -> None:
        icon, name = ":material/download:", f"{run.id}-{suffix}"
        st.download_button(label, make, name, mime, icon=icon, on_click="ignore", help=help, key=f"download_{suffix}")

    def make_page() -> str:
        figures = [figure for figure in _draw_still(history, view) if figure is not None]
        charts = f"{describe_loss(run, history, view.smoothing)} {describe_accuracy(history)}"
        return export_html(run.name, f"{describe_settings(run)}. {charts}", figures)

    stride = history.losses.stride
    steps_label = "Every step (CSV)" if stride == 1 else f"Every {stride} steps (CSV)"
    steps_help = "Step, epoch, seconds, loss, learning rate" + ("" if stride == 1 else f"; the loss is the mean of {stride} steps")
    charts_help = "The charts above, to zoom into, in one file that works offline"
    with st.container(horizontal=True, gap="small"):
        offer(steps_label, "steps.csv", lambda: write_table(history.step_table()), "text/csv", steps_help)
        if history.epochs:
            epochs_help = "Losses and accuracies; in percent"
            offer("Every epoch (CSV)", "epochs.csv", lambda: write_table(history.epoch_table()), "text/csv", epochs_help)
        offer("Charts (HTML)", "charts.html", make_page, "text/html", charts_help)


def _draw_still(history: RunHistory, view: View) -> tuple[go.Figure, go.Figure | None, go.Figure | None]:
    loss = draw_loss(history, axis=view.axis, smoothing=view.smoothing, log=view.log, others=view.others)
    accuracy = draw_accuracy(history, view.others) if history.epochs else None
    varies = history.rate_table()["learning_rate"].nunique() > 1
    return loss, accuracy, draw_rate(history, view.axis) if varies else None


def _tell_pin(history: RunHistory, probe: int, split: Split) -> tuple[int, str]:
    """Shows in words when the probe was learned; returns its class and these words."""
    number = history.started.probes[probe]
    true_class = int(split.labels[number])
    trail = describe_trail(history.answer_trail(probe, true_class), split.class_names)
    story = f"{split.class_names[true_class]}, test image {number:,}: {trail}"
    st.markdown(f"**When did it learn this?** {story}")
    return true_class, story
