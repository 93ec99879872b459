"""What a run's charts show, in words, for people who cannot see them; and its progress."""

from collections.abc import Iterable

from fmnist_core.jobs.line import Waiting
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.record import RunRecord
from fmnist_core.settings.declaration import as_decimal
from fmnist_core.settings.number_words import LONGEST_LOSS, count, format_loss
from pages.parts.shared.wording import format_duration, percent

_NAMED_EPOCHS = 10
_FAR_ABOVE = 2  # times the first and the last loss: a peak that is worth its own words


def describe_loss(run: RunRecord, history: RunHistory, smoothing: float, *, log: bool = False) -> str:
    """The loss so far; the last value is smoothed like the chart's thick line.

    Args:
        log: whether the chart's scale is logarithmic.
    """
    if not history.losses:
        return f"Loss against step for {run.name}: no step yet."
    first, last, steps = history.losses.first, float(history.losses.smoothed(smoothing, log=log)[-1]), len(history.losses)
    peak, peak_step = history.losses.peak
    if steps == 1:
        text = f"Loss against step for {run.name}: {format_loss(first)} at step 1."
    else:
        text = f"Loss against step for {run.name}: from {format_loss(first)} at step 1 to about {format_loss(last)} at step {steps:,}."
    if peak > _FAR_ABOVE * max(first, last):
        text += f" Its peak was {format_loss(peak)} at step {peak_step:,}."
    changes = [f"to {as_decimal(change.learning_rate)} after step {change.step:,}" for change in history.rate_changes]
    return f"{text} The learning rate was changed {', '.join(changes)}." if changes else text


def loss_format(losses: Iterable[float | None]) -> str:
    """How a table shows a column of losses: with four decimals or, if one of them is huge, as powers of ten."""
    return "scientific" if any(loss is not None and abs(loss) >= LONGEST_LOSS for loss in losses) else "%.4f"


def describe_pace(people: int, tabs: int, pace_s: float) -> str:
    """Why pages are refreshed less often than they could be.

    Args:
        pace_s: seconds between two refreshes.
    """
    often = "every second" if pace_s == 1 else f"every {pace_s:g} seconds"
    watched = f"{people:,} people are watching a run" if people > 1 else f"A run is watched in {count(tabs, 'tab')}"
    return f"{watched}, so pages refresh only {often}, to leave the processor to training."


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
    if rates.min() == rates.max():
        return f"Learning rate against step: {as_decimal(rates.iloc[-1])} now, and at every step so far."
    now, lowest, highest = (as_decimal(float(f"{rate:.3g}")) for rate in (rates.iloc[-1], rates.min(), rates.max()))
    return f"Learning rate against step: {now} now, from {lowest} to {highest} so far."


def describe_progress(history: RunHistory, total_steps: int) -> str:
    """The progress of a live run."""
    if not total_steps:
        return "Starting …"
    if history.steps == total_steps:
        return "Evaluating the finished network …"
    return f"Step {history.steps:,} of {total_steps:,}"


def describe_place(waiting: Waiting) -> str:
    """A waiting run's place in line and about when it starts."""
    ahead = count(len(waiting.ahead), "run") if waiting.ahead else "no run"
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
