"""A run's events as lines of JSON, read back as the dataclasses that train() yielded."""

import json
from pathlib import Path
from typing import Any, get_args

import numpy as np

from fmnist_core.store.files import append_line, read_lines
from fmnist_core.store.records import from_tagged, to_tagged
from fmnist_core.training.events import Event, StepDone

_KINDS = {kind.__name__: kind for kind in get_args(Event)}
_PER_MILLE = 1000  # probabilities are written as whole thousandths, because each report has 20 × 10 of them


def write_event(folder: Path, event: Event) -> None:
    """Appends the event to the log of the run in this folder."""
    append_line(folder / "events.jsonl", event_to_json(event))


def read_events(folder: Path, offset: int = 0) -> tuple[list[Event], int]:
    """Events appended since `offset`, without what is kept in memory only, and the offset for the next call.

    Raises:
        RecordError: if a line is not an event.
    """
    lines, end = read_lines(folder / "events.jsonl", offset)
    return [event_from_json(json.loads(line)) for line in lines], end


def event_to_json(event: Event) -> dict[str, Any]:
    """The event for JSON: the name of its type and its fields, losses with six decimals, probabilities in whole thousandths."""
    fields = to_tagged(event)
    if "losses" in fields:
        fields["losses"] = [round(loss, 6) for loss in fields["losses"]]
    if isinstance(event, StepDone) and event.probes is not None:
        # NaN, because a step whose loss is still finite can turn the weights into NaN.
        fields["probes"] = np.nan_to_num(_PER_MILLE * event.probes).round().astype(int).tolist()
    return fields


def event_from_json(fields: Any) -> Event:
    """The event that `event_to_json` wrote; raises RecordError if it is not an event."""
    event: Event = from_tagged(_KINDS, fields)
    if isinstance(event, StepDone) and event.probes is not None:
        event.probes[:] /= _PER_MILLE
    return event
