"""When a waiting run may begin to train, from how fast the latest runs were."""

import heapq
from collections.abc import Iterable, Sequence
from statistics import median

from fmnist_core.classroom.records import records
from fmnist_core.runs.record import RunRecord
from fmnist_core.runs.results import read_remaining_s
from fmnist_core.settings.config import MAX_TRAINING_IMAGES, TrainConfig

_LATEST = 10  # runs from which the pace is estimated
_SHORTEST_S = 0.5  # a pace that was measured over less says nothing


def note_pace(run: RunRecord, *, since_epoch: int, seconds: float) -> None:
    """Remembers how long a run took for its epochs after `since_epoch`."""
    images = (run.epoch - since_epoch) * _images_per_epoch(run.config)
    if images <= 0 or seconds < _SHORTEST_S:
        return
    with records().write() as connection:
        connection.execute("INSERT OR REPLACE INTO paces (run, images, seconds) VALUES (?, ?, ?)", (run.id, images, seconds))
        connection.execute("DELETE FROM paces WHERE rowid NOT IN (SELECT rowid FROM paces ORDER BY rowid DESC LIMIT ?)", (_LATEST,))


def usual_pace() -> float | None:
    """Images per second of the latest runs, evaluations included; None if there has been none."""
    with records().read() as connection:
        found = connection.execute("SELECT images / seconds FROM paces").fetchall()
    return median(pace for (pace,) in found) if found else None


def _images_per_epoch(config: TrainConfig) -> int:
    """About how many images the network learns from per epoch."""
    return max(1, (config.training_images or MAX_TRAINING_IMAGES) - config.validation_images)


def needed_s(run: RunRecord, pace: float) -> float:
    """Seconds until this run ends once it trains.

    Args:
        pace: images per second.
    """
    reported = read_remaining_s(run.folder) if run.state in ("training", "paused") else None
    return reported if reported is not None else (run.epochs - run.epoch) * _images_per_epoch(run.config) / pace


def starts_in_s(training: Iterable[float], waiting: Sequence[float], slots: int) -> list[float]:
    """Seconds until each waiting run starts, if nobody pauses, stops or adds one.

    Args:
        training: the seconds that each run in a slot still needs.
        waiting: the seconds that each waiting run will need, in the order in which they will be placed.
    """
    free_at = [*[0.0] * slots, *sorted(training)][-slots:]  # in order, and so a heap; of more runs than slots, the last to end count
    starts = []
    for needed in waiting:
        start = heapq.heappop(free_at)
        starts.append(start)
        heapq.heappush(free_at, start + needed)
    return starts
