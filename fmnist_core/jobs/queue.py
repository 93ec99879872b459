"""The queue: how many runs train at once, and which waiting run is next."""

import os

from fmnist_core.runs.record import RunRecord, list_runs, load_run


def training_slots() -> int:
    """How many runs train at once: the environment variable FMNIST_SLOTS, or one for every two cores."""
    chosen = os.environ.get("FMNIST_SLOTS", "").strip()
    return max(1, int(chosen)) if chosen.isdigit() else max(1, (os.cpu_count() or 1) // 2)


def threads_per_run() -> int:
    """Threads per training process, so that all slots together use the whole machine."""
    return max(1, (os.cpu_count() or 1) // training_slots())


def runs_ahead(run: RunRecord) -> int:
    """How many runs are training or have waited longer than this one; it can train once these are fewer than `training_slots()`."""
    others = [other for other in list_runs() if other.id != run.id]
    return sum(
        other.state == "training" or (other.state == "waiting" and (other.created_at, other.id) < (run.created_at, run.id))
        for other in others
    )


def has_turn(run_id: str) -> bool:
    """Whether the run may train now."""
    return runs_ahead(load_run(run_id)) < training_slots()
