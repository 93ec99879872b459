"""A run's events as lines of JSON: what train() yielded, read back as the same dataclasses."""

import json
from pathlib import Path
from typing import Any, get_args

import numpy as np

from fmnist_core.store.files import append_line, read_lines
from fmnist_core.store.records import from_tagged, to_tagged
from fmnist_core.training.events import Event, StepDone

_KINDS = {kind.__name__: kind for kind in get_args(Event)}
_PER_MILLE = 1000  # probabilities are written as whole thousandths: 20 × 10 of them with every report


def write_event(folder: Path, event: Event) -> None:
    """Appends the event to the log of the run in this folder."""
    append_line(folder / "events.jsonl", event_to_json(event))


def read_events(folder: Path, offset: int = 0) -> tuple[list[Event], int]:
    """Events appended since `offset`, without what lives in memory only, and the offset for the next call.

    Raises:
        RecordError: if a line is no event.
    """
    lines, end = read_lines(folder / "events.jsonl", offset)
    return [event_from_json(json.loads(line)) for line in lines], end


def event_to_json(event: Event) -> dict[str, Any]:
    """The event as JSON has it: its type's name and its fields, losses with six decimals, probabilities in whole per mille."""
    fields = to_tagged(event)
    if "losses" in fields:
        fields["losses"] = [round(loss, 6) for loss in fields["losses"]]
    if isinstance(event, StepDone) and event.probes is not None:
        # The step after which the weights are no numbers any more still had a loss that was one.
        fields["probes"] = np.nan_to_num(_PER_MILLE * event.probes).round().astype(int).tolist()
    return fields


def event_from_json(fields: Any) -> Event:
    """The event of what `event_to_json` gave; raises RecordError if it is none."""
    event: Event = from_tagged(_KINDS, fields)
    if isinstance(event, StepDone) and event.probes is not None:
        event.probes[:] /= _PER_MILLE
    return event
