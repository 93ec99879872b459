"""Which network somebody sees unless they choose one: their own, and never one that failed, or another person's."""

import functools
from collections.abc import Iterable

from fmnist_core.classroom.lesson import is_like
from fmnist_core.classroom.ownership import Ownership
from fmnist_core.runs.diagnosis import LITTLE_KNOWN
from fmnist_core.runs.record import RunRecord
from fmnist_core.settings.config import TrainConfig
from fmnist_core.settings.presets import PRESETS


def learned_something(run: RunRecord) -> bool:
    """Whether a run finished with a network that tells clothes apart; not one that was meant to fail, however well it did."""
    if run.state != "finished" or not run.has_weights or run.test_accuracy is None:
        return False
    return run.test_accuracy >= LITTLE_KNOWN and not is_meant_to_fail(run.config)


@functools.lru_cache(maxsize=4096)
def is_meant_to_fail(config: TrainConfig) -> bool:
    """Whether a run with these settings, whatever its epochs and seed, fails on purpose, learns wrong labels, or never sees a class."""
    is_failure = any(is_like(config, preset.config) for preset in PRESETS if preset.group == "failure")
    return is_failure or config.shuffled_labels or config.left_out_class is not None


def default_networks(runs: Iterable[RunRecord], ownership: Ownership) -> list[RunRecord]:
    """The networks to show whoever has chosen none, the first of which that can be read is to be shown.

    Args:
        runs: all that can be shown, the starter among them.
    Returns:
        Their own that learned something, the newest first, and at the end the starter.
    """
    found = list(runs)
    mine = [run for run in found if ownership.is_mine(run) and learned_something(run)]
    mine.sort(key=lambda run: (run.created_at, run.id), reverse=True)
    return [*mine, *(run for run in found if run.is_starter)]


def best_network(runs: Iterable[RunRecord]) -> RunRecord | None:
    """The run with the highest test accuracy of all that learned something, the oldest of several; None if none did. Not the starter."""
    learned = [run for run in runs if not run.is_starter and learned_something(run)]
    return min(learned, key=lambda run: (-(run.test_accuracy or 0), run.created_at, run.id), default=None)
