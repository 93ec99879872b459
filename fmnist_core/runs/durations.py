"""How long runs have trained, from the last of their events, which are read again only when there are more."""

import contextlib
import json
import os
from pathlib import Path

from fmnist_core.runs.event_log import event_from_json
from fmnist_core.runs.record import RunRecord
from fmnist_core.store.files import read_last_lines

_MOST_RUNS = 20_000

_known: dict[Path, tuple[tuple[int, int], float | None]] = {}


def trained_s(run: RunRecord) -> float | None:
    """Seconds of training so far, without pauses; None if its events do not say. Any thread can ask."""
    log = run.folder / "events.jsonl"
    try:
        found = os.stat(log)  # noqa: PTH116  # a list asks this of a thousand runs
    except OSError:
        return None
    stamp = (found.st_mtime_ns, found.st_size)
    known = _known.get(run.folder)
    if known is not None and known[0] == stamp:
        return known[1]
    seconds = _read(log)
    if len(_known) >= _MOST_RUNS:
        _known.clear()
    _known[run.folder] = (stamp, seconds)
    return seconds


def _read(log: Path) -> float | None:
    for line in reversed(read_last_lines(log)[0]):
        with contextlib.suppress(Exception):  # a line can be anything
            seconds = getattr(event_from_json(json.loads(line)), "elapsed_s", None)
            if seconds is not None:
                return float(seconds)
    return None
