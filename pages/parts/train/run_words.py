"""What a run's charts show, in words, for people who cannot see them; and its progress."""

from fmnist_core.jobs.line import Waiting
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.record import RunRecord
from fmnist_core.settings.declaration import as_decimal
from pages.parts.shared.wording import count, format_duration, percent

_NAMED_EPOCHS = 10


def describe_loss(run: RunRecord, history: RunHistory, smoothing: float) -> str:
    """The loss so far; the last value is smoothed like the chart's thick line."""
    if not history.losses:
        return f"Loss against step for {run.name}: no step yet."
    first, last = history.losses.first, history.losses.smoothed(smoothing)[-1]
    text = f"Loss against step for {run.name}: from {first:.2f} at step 1 to about {last:.2f} at step {len(history.losses):,}."
    changes = [f"to {as_decimal(change.learning_rate)} after step {change.step:,}" for change in history.rate_changes]
    return f"{text} The learning rate was changed {', '.join(changes)}." if changes else text


def describe_accuracy(history: RunHistory) -> str:
    """The accuracies of the latest epochs."""
    if not history.epochs:
        return "Test accuracy against epoch: no epoch finished yet."
    points = []
    for epoch in history.epochs[-_NAMED_EPOCHS:]:
        validation = "" if epoch.validation_accuracy is None else f" (validation {percent(epoch.validation_accuracy)})"
        points.append(f"epoch {epoch.epoch}: {percent(epoch.test_accuracy)}{validation}")
    return f"Test accuracy against epoch. {', '.join(points)}."


def describe_rate(history: RunHistory) -> str:
    """The learning rate now and its range."""
    rates = history.rate_table()["learning_rate"]
    if rates.empty:
        return "Learning rate against step: none recorded yet."
    return f"Learning rate against step: {rates.iloc[-1]:.3g} now, from {rates.min():.3g} to {rates.max():.3g} so far."


def describe_progress(history: RunHistory, total_steps: int) -> str:
    """The progress of a live run."""
    if not total_steps:
        return "Starting …"
    if history.steps == total_steps:
        return "Evaluating the finished network …"
    return f"Step {history.steps:,} of {total_steps:,}"


def describe_place(waiting: Waiting) -> str:
    """A waiting run's place in line and about when it starts."""
    ahead = count(len(waiting.ahead), "run")
    text = f"Waiting for its turn: number {waiting.place} in line, {ahead} ahead of it"
    if waiting.starts_in_s is None:
        return text
    return f"{text}, starts in about {format_duration(max(1.0, waiting.starts_in_s))}"


def describe_threads(history: RunHistory) -> str:
    """How many threads computed, to follow the name of the device; "" if that was not recorded."""
    fewest, most = history.threads
    if fewest < most:
        return f", with {count(fewest, 'thread')}, and up to {most} while the machine was otherwise idle"
    return f", with {count(most, 'thread')}" if most else ""


def describe_skipped(history: RunHistory) -> str:
    """How many lines of the run's record are missing; "" if none is."""
    skipped = history.skipped_lines
    were = "was" if skipped == 1 else "were"
    return f"{count(skipped, 'line')} of this run's record could not be read and {were} left out." if skipped else ""
