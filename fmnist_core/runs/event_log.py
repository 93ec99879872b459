"""A run's events as lines of JSON, read back as the dataclasses that train() yielded."""

import copy
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Literal, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from fmnist_core.settings.number_words import count
from fmnist_core.store.files import append_line, open_regular
from fmnist_core.store.records import RecordError, from_tagged, parse_json, to_tagged
from fmnist_core.training.events import MAX_PROBES, Diverged, Event, StepDone

_KINDS = {kind.__name__: kind for kind in get_args(Event)}
_PER_MILLE = 1000  # probabilities are written as whole thousandths, because each report has 20 × 10 of them
_CLASSES = 10
_BLOCK_BYTES = 2**20
_LONGEST_LINE_BYTES = 2**20  # the losses of 50,000 steps; a report has those of 0.3 s
_KNOWN_BYTES = 1024  # nearly a line, with times that no other run has


def write_event(folder: Path, event: Event) -> None:
    """Appends the event to the log of the run in this folder."""
    append_line(folder / "events.jsonl", event_to_json(event))


class EventReader:
    """Reads a run's events as they are written, in bounded memory, and raises for nothing that can stand in the file.

    A line that is not an event is left out and counted. A run that starts over writes a new file: then `state` is "other", and whoever
    reads it has to start over too, with a new reader.

    Attributes:
        skipped: complete lines so far that are not events.
        end: bytes of the file that have been read.
    """

    def __init__(self, end: int = 0) -> None:
        self.skipped, self.end = 0, end
        self._seen = -1  # the size of the file when it was last read
        self._before_end = b""  # by which the file is recognised
        self._is_overlong = False  # whether `end` is inside a line that is too long

    def copy(self) -> "EventReader":
        """A reader that continues from the same place."""
        return copy.copy(self)

    def state(self, folder: Path) -> Literal["same", "longer", "other"]:
        """Whether there is more to read, or another file than the one read so far."""
        with _open_log(folder) as log:
            if log is None:
                is_there = os.path.isfile(folder / "events.jsonl")  # noqa: PTH113  # never raises, unlike that of Path
                return "same" if self.end == 0 or is_there else "other"
            if not self._continues(log):
                return "other"
            return "same" if _size(log) == self._seen else "longer"

    def unread_bytes(self, folder: Path) -> int:
        """How much there is to read."""
        with _open_log(folder) as log:
            return 0 if log is None else max(0, _size(log) - self.end)

    def read(self, folder: Path, max_bytes: int | None = None) -> Iterator[Event]:
        """The events since the last call, without what is kept in memory only; to be consumed whole.

        An unfinished last line is left for the next call. There is nothing to read from another file than the one read so far.

        Args:
            max_bytes: leave the rest for the next call after about this many bytes; None reads everything.
        """
        start = self.end
        with _open_log(folder) as log:
            if log is None or not self._continues(log):
                return
            log.seek(self.end)
            self._seen, rest = _size(log), b""
            while block := _read(log, _BLOCK_BYTES):
                whole, newline, after = block.rpartition(b"\n")
                if newline:
                    for line in self._take_lines(rest + whole + newline):
                        event = self._parse(line)
                        if event is not None:
                            yield event
                    rest = after
                else:
                    rest += block
                if len(rest) > _LONGEST_LINE_BYTES:
                    self._leave_out(rest)
                    rest = b""
                if max_bytes is not None and self.end - start >= max_bytes:
                    self._seen = self.end
                    return

    def _continues(self, log: BinaryIO) -> bool:
        """Whether the file still has what was read last, just before `end`."""
        if _size(log) < self.end:
            return False
        log.seek(self.end - len(self._before_end))
        return _read(log, len(self._before_end)) == self._before_end

    def _take_lines(self, whole: bytes) -> list[bytes]:
        """These lines, without the end of one that is too long."""
        self._pass(whole)
        lines = whole.split(b"\n")[:-1]
        if self._is_overlong:
            self._is_overlong = False
            return lines[1:]
        return lines

    def _leave_out(self, part: bytes) -> None:
        """Counts a line that is too long once, however many parts it has."""
        self._pass(part)
        self.skipped += not self._is_overlong
        self._is_overlong = True

    def _pass(self, content: bytes) -> None:
        self.end += len(content)
        self._before_end = (self._before_end + content[-_KNOWN_BYTES:])[-_KNOWN_BYTES:]

    def _parse(self, line: bytes) -> Event | None:
        if not line.strip():
            return None
        try:
            if len(line) > _LONGEST_LINE_BYTES:
                raise RecordError("It is too long.")
            return _event_from_line(line)
        except RecordError:
            self.skipped += 1
            return None


def read_events(folder: Path, offset: int = 0) -> tuple[list[Event], int]:
    """All events from `offset` on, as `EventReader` reads them, and the offset for the next call: 0 if the file has become shorter."""
    reader = EventReader(offset)
    if reader.state(folder) == "other":
        return [], 0
    return list(reader.read(folder)), reader.end


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
    """The event that `event_to_json` wrote; raises RecordError if it is not an event, or none that training can report."""
    event: Event = from_tagged(_KINDS, fields)
    return _checked(event)


def _event_from_line(line: bytes) -> Event:
    """The event on a line of JSON; raises RecordError whatever else stands there."""
    try:
        kind = _TAGS.decode(line).type
        return _checked(_DECODERS[kind].decode(line))
    except RecordError:
        raise
    except Exception as error:  # RecursionError if it is nested deeply, ValueError for a ragged array
        if b"NaN" in line or b"Infinity" in line:  # a loss can be, but msgspec reads JSON strictly
            return event_from_json(parse_json(line))
        raise RecordError("It is no event.") from error


def _checked(event: Event) -> Event:
    """The event, with probabilities from 0 to 1; raises RecordError if a step has two losses, or probabilities are none."""
    if isinstance(event, StepDone | Diverged) and len(event.losses) > event.step:
        raise RecordError(f"There cannot be {count(len(event.losses), 'loss', 'losses')} in {count(event.step, 'step')}.")
    if isinstance(event, StepDone) and event.probes is not None and event.probes.shape != (0,):
        probes = event.probes
        if probes.ndim != 2 or probes.shape[1] != _CLASSES or len(probes) > MAX_PROBES:
            raise RecordError(f"Probabilities have the shape {probes.shape}.")
        if not (probes.min() >= 0 and probes.max() <= _PER_MILLE):
            raise RecordError("There are probabilities below 0 or above 1.")
        probes /= _PER_MILLE
    return event


def _as_array(kind: Any, value: Any) -> NDArray[np.float32]:  # noqa: ARG001  # called by msgspec for the only type JSON lacks
    return np.asarray(value, np.float32)


class _Tag(msgspec.Struct):
    type: str


_TAGS = msgspec.json.Decoder(_Tag)
# Reading the type first and then the line as that type takes half as long as making a dictionary and converting it.
_DECODERS = {name: msgspec.json.Decoder(kind, dec_hook=_as_array) for name, kind in _KINDS.items()}


@contextmanager
def _open_log(folder: Path) -> Iterator[BinaryIO | None]:
    """The run's events; None if there is no such file, or none that can be opened."""
    try:
        log = open_regular(folder / "events.jsonl")
    except OSError:
        yield None
        return
    with log:
        yield log


def _size(log: BinaryIO) -> int:
    return os.fstat(log.fileno()).st_size


def _read(log: BinaryIO, count: int) -> bytes:
    """At most so many bytes; none if the disk fails."""
    try:
        return log.read(count)
    except OSError:
        return b""
