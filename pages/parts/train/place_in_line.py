"""A waiting run's place in line, and what is ahead of it."""

import contextlib

from fmnist_core.jobs.line import Waiting, place_of
from fmnist_core.jobs.queue import training_slots
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.store.database import DatabaseError
from pages.parts.shared.live_lines import describe_live_run
from pages.parts.shared.visitor import whose_runs

_NAMED = 3  # of the runs ahead


def place_in_line(run: RunRecord) -> Waiting | None:
    """The run's place in line; None if it is about to start, does not wait, or the line cannot be read."""
    with contextlib.suppress(DatabaseError):
        waiting = place_of(run.id)
        if waiting is not None and len(waiting.ahead) >= training_slots():
            return waiting
    return None


def describe_ahead(waiting: Waiting) -> str:
    """Which runs are ahead of a waiting one, as Markdown: those that train, then those whose turn comes before; "" if none is known."""
    ownership, named = whose_runs(), []
    for run_id in waiting.ahead[:_NAMED]:
        with contextlib.suppress(RunError):  # it has just been deleted
            other = load_run(run_id)
            if other.is_live:  # it has not just ended
                named.append(describe_live_run(other, ownership))
    more = len(waiting.ahead) - len(named)
    return f"Ahead of it: {'; '.join(named)}{f'; and {more} more' if more else ''}." if named else ""
