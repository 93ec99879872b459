"""Frozen dataclasses to JSON and back: what is read has the types that its class declares, or is refused."""

import dataclasses
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record")
IN_MEMORY = {"in_memory": True}  # metadata of a field that is not written; a record that was read has its default


class RecordError(ValueError):
    """What was read is not such a record; the message says why."""


def parse_json(text: bytes) -> Any:
    """The value that JSON text stands for; raises RecordError if it is not JSON, whatever is wrong with it."""
    if not text.strip():
        raise RecordError("It is empty.")
    try:
        return json.loads(text)
    except Exception as error:  # ValueError as a rule; RecursionError if it is nested deeply
        raise RecordError("It is not JSON.") from error


def to_fields(record: "DataclassInstance") -> dict[str, Any]:
    """The record's fields by name, without those kept in memory only."""
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record) if field.metadata != IN_MEMORY}


def from_fields(kind: type[Record], fields: Any) -> Record:
    """A record of this class.

    Args:
        fields: what `json.loads` gave; unknown names are ignored, so that files of newer versions can be read.
    Raises:
        RecordError: if a field is missing or has another type.
    """
    try:
        return msgspec.convert(fields, kind, dec_hook=_decode)
    except Exception as error:  # OverflowError, for example, for an infinite number in place of a whole one
        raise RecordError(f"It is no {kind.__name__}: {error}.") from error


def to_tagged(record: "DataclassInstance") -> dict[str, Any]:
    """The fields, with the class's name as "type"."""
    return {"type": type(record).__name__} | to_fields(record)


def from_tagged(kinds: Mapping[str, type[Record]], fields: Any) -> Record:
    """A record of the class that "type" names; raises RecordError as `from_fields` does, or if there is no such class."""
    kind = kinds.get(str(fields.get("type"))) if isinstance(fields, dict) else None
    if kind is None:
        raise RecordError(f"It is none of {', '.join(kinds)}.")
    return from_fields(kind, {name: value for name, value in fields.items() if name != "type"})


def _decode(kind: Any, value: Any) -> Any:
    """Called by msgspec for a type that JSON does not have: arrays."""
    import numpy as np

    if getattr(kind, "__origin__", kind) is not np.ndarray:
        raise TypeError(f"{kind} cannot be read from JSON")
    return np.asarray(value, np.float32)
