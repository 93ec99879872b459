"""The charts of a run, the same ones in every state: they are updated, never replaced. And its table and downloads."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from fmnist_core.dataset.split import Split
from fmnist_core.exports.report import export_html, write_table
from fmnist_core.figures.live_charts import draw_live_accuracy, draw_live_answers, draw_live_loss, draw_live_rate
from fmnist_core.figures.run_charts import draw_accuracy, draw_loss, draw_rate
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.record import RunRecord
from fmnist_core.settings.presets import PRESETS
from pages.parts.shared.charts import show_options
from pages.parts.shared.wording import describe_settings
from pages.parts.train.probes import describe_trail, pinned_probe
from pages.parts.train.run_view import View, describe_others
from pages.parts.train.run_words import describe_accuracy, describe_loss, describe_rate, loss_format

_ANSWER_POINTS = 100  # per class, sent with every refresh
_HEIGHT_PX = 300  # until the stylesheet gives them what the window has
_SMALL_BUTTONS = {"itemSize": 14, "itemGap": 6}  # beside the name of the axis of a narrow chart
_PLANNED = PRESETS[0].config


def show_charts(run: RunRecord, history: RunHistory, view: View) -> None:
    """Loss, accuracy and learning rate; while nothing trains, the first two to zoom into."""
    total_steps, zoom = history.started.steps_per_epoch * run.epochs, _can_zoom(run)
    with st.container(key="loss_place"):
        loss = draw_live_loss(
            history,
            total_steps,
            view.smoothing,
            view.axis,
            view.log,
            view.others,
            whole_plan=view.whole_plan,
            zoom=zoom,
            quantity=view.quantity,
        )
        alt = describe_loss(run, history, view.smoothing, log=view.log) + describe_others(view)
        show_options(loss, height_px=_HEIGHT_PX, key="live_loss", alt=alt)
    with st.container(key="accuracy_place"):
        accuracy = draw_live_accuracy(history, run.epochs, view.others, whole_plan=view.whole_plan, zoom=zoom)
        if zoom:
            accuracy["toolbox"] |= _SMALL_BUTTONS
        show_options(accuracy, height_px=_HEIGHT_PX, key="live_accuracy", alt=describe_accuracy(history) + describe_others(view))
    with st.container(key="rate_place"):
        rate = draw_live_rate(history, total_steps, run.config.learning_rate, view.axis, whole_plan=view.whole_plan)
        show_options(rate, height_px=_HEIGHT_PX, key="live_rate", alt=describe_rate(history))


def show_empty_charts() -> None:
    """The same charts before any run, so that the browser has loaded the code that draws them when the first point comes."""
    nothing = RunHistory()
    with st.container(key="loss_place"):
        show_options(draw_live_loss(nothing, 0, 0.9), height_px=_HEIGHT_PX, key="live_loss", alt="Loss against step: no run yet.")
    with st.container(key="accuracy_place"):
        accuracy = draw_live_accuracy(nothing, _PLANNED.epochs)
        show_options(accuracy, height_px=_HEIGHT_PX, key="live_accuracy", alt="Test accuracy against epoch: no run yet.")
    with st.container(key="rate_place"):
        rate = draw_live_rate(nothing, 0, _PLANNED.learning_rate)
        show_options(rate, height_px=_HEIGHT_PX, key="live_rate", alt="Learning rate against step: no run yet.")


def show_pin(run: RunRecord, history: RunHistory, view: View, split: Split) -> None:
    """When the pinned probe was learned, in words, and its ten probabilities over time."""
    probe = pinned_probe(history)
    if probe is None:
        return
    number = history.started.probes[probe]
    true_class = int(split.labels[number])
    trail = describe_trail(history.answer_trail(probe, true_class), split.class_names)
    story = f"{split.class_names[true_class]}, test image {number:,}: {trail}"
    st.markdown(f"**When did it learn this?** {story}")
    steps, probabilities = history.probabilities_over_time(probe, _ANSWER_POINTS)
    x, total_steps = history.x_values(view.axis, steps), history.started.steps_per_epoch * run.epochs
    options = draw_live_answers(
        history,
        x,
        probabilities,
        split.class_names,
        true_class,
        total_steps,
        view.axis,
        whole_plan=view.whole_plan,
        zoom=_can_zoom(run),
    )
    show_options(options, height_px=_HEIGHT_PX, key="live_answers", alt=f"Ten probabilities against {view.axis}. {story}")


def show_epochs(history: RunHistory) -> None:
    """The figures of every epoch as a table."""
    number = st.column_config.NumberColumn
    running = "The mean over the epoch, while the weights were still changing, with the labels that the network was given"
    held_out = "Measured on the training images that were held out to choose the best epoch"
    table = history.epoch_table()

    def loss(label: str, column: str, help: str | None = None) -> Any:
        return number(label, format=loss_format(table[column]) if column in table else None, help=help)

    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        column_config={
            "epoch": number("Epoch"),
            "train_loss": loss("Training loss (running)", "train_loss", running),
            "train_accuracy": number("Training accuracy (running)", format="%.2f %%", help=running),
            "validation_loss": loss("Validation loss", "validation_loss", held_out),
            "validation_accuracy": number("Validation accuracy", format="%.2f %%", help=held_out),
            "test_loss": loss("Test loss", "test_loss"),
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
        figures = [draw_loss(history, axis=view.axis, smoothing=view.smoothing, log=view.log, others=view.others)]
        if history.epochs:
            figures.append(draw_accuracy(history, view.others))
        if history.rate_table()["learning_rate"].nunique() > 1:
            figures.append(draw_rate(history, view.axis))
        charts = f"{describe_loss(run, history, view.smoothing, log=view.log)} {describe_accuracy(history)}"
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


def _can_zoom(run: RunRecord) -> bool:
    """While a run trains, each refresh would undo the zoom."""
    return run.state == "paused" or not run.is_live
