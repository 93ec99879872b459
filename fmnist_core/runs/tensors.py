"""Reads a run's safetensors files, whatever stands in them, and checks them before they reach a network or an optimizer."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fmnist_core.store.files import read_whole
from fmnist_core.store.records import RecordError, parse_json

MAX_TENSOR_BYTES = 16_000_000  # a checkpoint with averaged weights has 0.6 MB
_OF_NETWORKS = ("float32", "int64")  # BatchNorm's step counter is the only whole number


def read_tensors(
    file: Path, *, max_bytes: int = MAX_TENSOR_BYTES, dtypes: Collection[str] = _OF_NETWORKS
) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """The arrays of a safetensors file by name, and its metadata.

    Args:
        dtypes: the types that an array may have.
    Raises:
        RecordError: if it cannot be read, is not a safetensors file, is too large, or has arrays of another type.
    """
    import safetensors.numpy

    try:
        content = read_whole(file, max_bytes)
        tensors = safetensors.numpy.load(content)
        header_bytes = int.from_bytes(content[:8], "little")  # the format: a length, a header in JSON, the arrays
        metadata = parse_json(content[8 : 8 + header_bytes]).get("__metadata__", {})
    except Exception as error:  # SafetensorError or OSError as a rule, or whatever a damaged file causes
        raise RecordError(f"It is not a safetensors file: {str(error)[:200]}.") from error
    for name, array in tensors.items():
        if str(array.dtype) not in dtypes:
            raise RecordError(f"{name[:80]} is of the type {array.dtype}.")
    return tensors, metadata
