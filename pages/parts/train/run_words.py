"""A run in words: times, counts, and what its charts show, for those who do not see them."""

import numpy as np

from fmnist_core.runs.history import RunHistory, smooth
from fmnist_core.runs.record import RunRecord
from fmnist_core.settings.declaration import as_decimal

_NAMED_EPOCHS = 10


def format_duration(seconds: float) -> str:
    """A time as people say it, such as "8 s" or "2 min 05 s"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def count(number: int, noun: str) -> str:
    """ "1 epoch" or "1,200 epochs"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def percent(share: float) -> str:
    """A share from 0 to 1 as "90.25 %"."""
    return f"{100 * share:.2f} %"


def describe_loss(run: RunRecord, history: RunHistory, smoothing: float) -> str:
    """The loss of a run so far; the last value is smoothed as the chart's thick line is."""
    if not history.losses:
        return f"Loss against step for {run.name}: no step yet."
    first, last = history.losses[0], smooth(np.asarray(history.losses), smoothing)[-1]
    said = f"Loss against step for {run.name}: from {first:.2f} at step 1 to about {last:.2f} at step {len(history.losses):,}."
    changes = [f"to {as_decimal(change['learning_rate'])} after step {change['step']:,}" for change in history.rate_changes]
    return f"{said} The learning rate was changed {', '.join(changes)}." if changes else said


def describe_accuracy(history: RunHistory) -> str:
    """The accuracies of the newest epochs."""
    if not history.epochs:
        return "Test accuracy against epoch: no epoch finished yet."
    points = []
    for epoch in history.epochs[-_NAMED_EPOCHS:]:
        held_out = epoch.get("validation_accuracy")
        validation = "" if held_out is None else f" (validation {percent(held_out)})"
        points.append(f"epoch {epoch['epoch']}: {percent(epoch['test_accuracy'])}{validation}")
    return f"Test accuracy against epoch. {', '.join(points)}."


def describe_rate(history: RunHistory) -> str:
    """The learning rate now and its range."""
    rates = history.rate_table()["learning rate"]
    if rates.empty:
        return "Learning rate against step: none recorded yet."
    return f"Learning rate against step: {rates.iloc[-1]:.3g} now, from {rates.min():.3g} to {rates.max():.3g} so far."


def describe_progress(history: RunHistory, total_steps: int) -> str:
    """How far a run is that trains or is paused."""
    if not total_steps:
        return "Starting …"
    if history.steps == total_steps:
        return "Testing the finished network …"
    return f"Step {history.steps:,} of {total_steps:,}"
