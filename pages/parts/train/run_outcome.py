"""What came of a run that ended: how it ended, what its own figures say, how it was computed and what they are for."""

from collections.abc import Sequence

import streamlit as st

from fmnist_core.runs.diagnosis import Finding
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.record import RunRecord
from pages.parts.train.preset_cards import question_of
from pages.parts.train.run_words import count, format_duration, percent

_ICONS = {
    "diverged": ":material/trending_up:",
    "not-moving": ":material/trending_flat:",
    "memorising": ":material/menu_book:",
    "noisy": ":material/ssid_chart:",
    "blind-to-class": ":material/visibility_off:",
    "learned": ":material/school:",
}


def show_outcome(run: RunRecord, history: RunHistory, findings: Sequence[Finding]) -> None:
    """State, time and test accuracy in a sentence."""
    seconds = format_duration(history.elapsed_s)
    result = (
        "" if run.test_accuracy is None else f"It answers {percent(run.test_accuracy)} of the test images right. {_say_best(run, history)}"
    )
    match run.state:
        case "finished":
            sentence = f"Finished {count(run.epochs, 'epoch')} in {seconds}. {result}"
            if any(finding.kind in ("diverged", "not-moving") for finding in findings):  # nothing to be congratulated on
                st.info(sentence, icon=":material/flag:")
            else:
                st.success(sentence, icon=":material/check_circle:")
        case "stopped":
            place = f"Stopped in epoch {min(run.epoch + 1, run.epochs)} after {seconds}; what it had learned is kept."
            st.info(f"{run.message or place} {result}", icon=":material/stop:")
        case "diverged":
            st.error(f"The run broke off in epoch {run.epoch + 1} after {seconds}. {run.message}", icon=":material/error:")
        case "failed":
            st.error(f"The run failed. {run.message} {result}", icon=":material/warning:")
        case "interrupted":
            kept = f"The weights of epoch {run.epoch} are kept. {result}" if run.has_weights else "Nothing was saved yet: start it again."
            if run.is_resumable and not run.has_weights:
                kept = f"It can go on where it last saved, in epoch {run.epoch + 1}."
            why = run.message or "Its training process ended without a word."
            st.warning(f"Interrupted. {why} {kept}", icon=":material/power_off:")


def show_findings(run: RunRecord, findings: Sequence[Finding]) -> None:
    """What the run's own figures say, and the question that was asked before it."""
    question = question_of(run)
    if not findings and not question:
        return
    with st.container(border=True, key="findings"):
        if question:
            st.markdown(f"**What did you expect?** {question}")
        if findings:
            st.markdown("**What its figures say**" if not question else "**What happened**")
        for finding in findings:
            st.markdown(f"{_ICONS.get(finding.kind, ':material/info:')} {_plain(finding.sentence)}")


def show_how_measured(run: RunRecord, history: RunHistory) -> None:
    """How it was computed, and what the accuracies are for."""
    parts = []
    if history.precision:
        parts.append(f"Computed in {history.precision} on {history.device}.")
    if history.validation_images:
        parts.append(
            f"The {history.validation_images:,} validation images, held out of the training images, choose the best epoch. "
            "The test images choose nothing; they are there for the figure that is reported."
        )
    elif history.epochs:
        parts.append("No images were held out, so the newest weights are used. The test images are there for the figure that is reported.")
    if run.config.test_views != "one":
        parts.append(
            "For the test accuracy in the text, each test image was seen in several ways, mirrored and moved a little, "
            "and the probabilities were averaged; in the charts and the table each was seen once, as it is."
        )
    checked = (history.finished or {}).get("train_accuracy")
    if checked is not None:
        parts.append(
            "Training accuracy in the charts and the table is the mean over each epoch, while the weights were still changing; "
            f"with the final weights it is {percent(checked)}, measured on up to 5,000 training images."
        )
    if parts:
        st.caption(" ".join(parts))


def _say_best(run: RunRecord, history: RunHistory) -> str:
    if run.best_epoch is None:
        return ""
    held_out = f"the {history.validation_images:,} validation images" if history.validation_images else "the validation images"
    if run.best_epoch == run.epoch:
        return f"Its last epoch, {run.best_epoch}, did best on {held_out}; the other pages use its weights."
    return f"Epoch {run.best_epoch} did best on {held_out}: the other pages use its weights. Those of epoch {run.epoch} are kept too."


def _plain(text: str) -> str:
    """Text that Markdown shows as it is, in which nothing but a name can hold signs."""
    return text.replace("$", r"\$").replace("*", r"\*").replace("_", r"\_")
