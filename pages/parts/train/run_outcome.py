"""The outcome of a run: how it ended, what its figures show, and how they were measured."""

from collections.abc import Sequence

import streamlit as st

from fmnist_core.runs.comparability import own_loss_differs
from fmnist_core.runs.diagnosis import Finding
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.record import RunRecord
from fmnist_core.settings.presets import find_question
from pages.parts.shared.wording import count, escape, format_duration, percent
from pages.parts.train.run_words import describe_threads

_ICONS = {
    "diverged": ":material/trending_up:",
    "not-moving": ":material/trending_flat:",
    "memorising": ":material/menu_book:",
    "noisy": ":material/ssid_chart:",
    "blind-to-class": ":material/visibility_off:",
    "learned": ":material/school:",
}
_FAULTS = set(_ICONS) - {"learned"}


def show_outcome(run: RunRecord, history: RunHistory, findings: Sequence[Finding]) -> None:
    """How the run ended, in a sentence, and what went wrong, if its figures show it."""
    seconds = format_duration(history.elapsed_s)
    result, message = "", escape(run.message)
    if run.test_accuracy is not None:
        result = f"It classifies {percent(run.test_accuracy)} of the test images correctly."
    faults = " ".join(escape(finding.sentence) for finding in findings if finding.kind in _FAULTS)
    match run.state:
        case "finished":
            sentence = f"Finished {count(run.epochs, 'epoch')} in {seconds}. {result} {faults}".strip()
            if any(finding.kind in ("diverged", "not-moving") for finding in findings):  # not a success
                st.info(sentence, icon=":material/flag:")
            else:
                st.success(sentence, icon=":material/check_circle:")
        case "stopped":
            when = f"Stopped in epoch {min(run.epoch + 1, run.epochs)} after {seconds}; its weights are kept."
            st.info(f"{message or when} {result} {faults}".strip(), icon=":material/stop:")
        case "diverged":
            st.error(f"Training diverged in epoch {run.epoch + 1} after {seconds}. {message}", icon=":material/error:")
        case "failed":
            st.error(f"The run failed. {message} {result}", icon=":material/warning:")
        case "interrupted":
            kept = f"The weights of epoch {run.epoch} are kept. {result}" if run.has_weights else "Nothing was saved yet: start it again."
            if run.is_resumable and not run.has_weights:
                kept = f"It can continue from its last checkpoint, in epoch {run.epoch + 1}."
            why = message or "Its training process stopped unexpectedly."
            st.warning(f"Interrupted. {why} {kept}", icon=":material/power_off:")


def show_findings(run: RunRecord, findings: Sequence[Finding]) -> None:
    """What the run's own figures show, and the question that was asked before it."""
    question = find_question(run.config)
    if not findings and not question:
        return
    with st.container(border=True, key="findings"):
        if question:
            st.markdown(f"**What did you expect?** {question}")
        if findings:
            st.markdown("**What its figures show**" if not question else "**What happened**")
        for finding in findings:
            st.markdown(f"{_ICONS.get(finding.kind, ':material/info:')} {escape(finding.sentence)}")


def show_how_measured(run: RunRecord, history: RunHistory) -> None:
    """How the run was computed, and what each accuracy means."""
    parts = [_describe_best(run, history)] if run.best_epoch is not None else []
    parts += [sentence for sentence in (own_loss_differs(run.full_config),) if sentence]
    if history.started.precision:
        where = f"{escape(history.started.precision)} on {escape(history.started.device)}"
        parts.append(f"Computed in {where}{describe_threads(history)}.")
    if history.started.validation_images:
        parts.append(
            f"The {history.started.validation_images:,} validation images, held out of the training images, choose the best epoch. "
            "The test images do not choose anything; they only measure the accuracy that is reported."
        )
    elif history.epochs:
        parts.append("No images were held out, so the latest weights are used. The test images only measure the accuracy that is reported.")
    if run.config.test_views != "one":
        parts.append(
            "For the test accuracy in the text, the network saw each test image in several views, mirrored and shifted a little, "
            "and its probabilities were averaged; for the charts and the table it saw each image once, unchanged."
        )
    if history.finished is not None and history.finished.train_accuracy is not None:
        parts.append(
            "Training accuracy in the charts and the table is the mean over each epoch, while the weights were still changing; "
            f"with the final weights it is {percent(history.finished.train_accuracy)}, measured on up to 5,000 training images."
        )
    if parts:
        st.caption(" ".join(parts))


def _describe_best(run: RunRecord, history: RunHistory) -> str:
    """Which epoch's weights the other pages use, of a run that held out images to choose it."""
    images = history.started.validation_images
    held_out = f"the {images:,} validation images" if images else "the validation images"
    if run.epoch <= 1:
        return "It trained for one epoch: the other pages use its weights."
    if run.best_epoch == run.epoch:
        return f"Its last epoch did best on {held_out}: the other pages use its weights."
    return f"Epoch {run.best_epoch} did best on {held_out}: the other pages use its weights. Those of epoch {run.epoch} are kept too."
