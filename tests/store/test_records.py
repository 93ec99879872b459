import dataclasses
from typing import Any, Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_core.store.records import IN_MEMORY, RecordError, from_fields, from_tagged, to_fields, to_tagged


@dataclasses.dataclass(frozen=True)
class Walk:
    steps: int
    pace_km_per_h: float = 5.0
    with_dog: bool | None = None
    way: Literal["out", "back"] = "out"
    photo: bytes | None = dataclasses.field(default=None, metadata=IN_MEMORY)


@dataclasses.dataclass(frozen=True, eq=False)
class Heights:
    metres: NDArray[np.float32]


KINDS: dict[str, type[Any]] = {"Walk": Walk, "Heights": Heights}


def test_a_record_survives_a_round_trip_except_for_in_memory_fields() -> None:
    walk = Walk(steps=9, pace_km_per_h=4.5, with_dog=True, way="back", photo=b"png")
    fields = to_fields(walk)
    assert fields == {"steps": 9, "pace_km_per_h": 4.5, "with_dog": True, "way": "back"}
    assert from_fields(Walk, fields) == dataclasses.replace(walk, photo=None)


def test_arrays_are_read_from_lists() -> None:
    heights = from_fields(Heights, {"metres": [[1, 2], [3, 4.5]]})
    assert heights.metres.dtype == np.float32
    np.testing.assert_array_equal(heights.metres, [[1, 2], [3, 4.5]])


def test_missing_fields_get_defaults_and_unknown_fields_are_ignored() -> None:
    assert from_fields(Walk, {"steps": 9, "weather": "sun"}) == Walk(steps=9)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"pace_km_per_h": 5}, "It is no Walk: Object missing required field `steps`"),
        ({"steps": "many"}, r"It is no Walk: Expected `int`, got `str` - at `\$.steps`"),
        ({"steps": 9, "way": "up"}, "It is no Walk: Invalid enum value 'up'"),
        ([9], "It is no Walk: Expected `object`, got `array`"),
        (None, "It is no Walk: Expected `object`, got `null`"),
    ],
)
def test_data_that_do_not_fit_are_refused_with_the_reason(fields: object, sentence: str) -> None:
    with pytest.raises(RecordError, match=sentence):
        from_fields(Walk, fields)


def test_data_that_are_not_an_array_are_refused() -> None:
    with pytest.raises(RecordError, match="It is no Heights"):
        from_fields(Heights, {"metres": [[1, 2], [3]]})
    with pytest.raises(RecordError, match="It is no Heights"):
        from_fields(Heights, {"metres": ["high"]})


def test_the_tag_determines_the_class() -> None:
    walk = Walk(steps=9)
    assert to_tagged(walk)["type"] == "Walk"
    assert from_tagged(KINDS, to_tagged(walk)) == walk
    assert isinstance(from_tagged(KINDS, {"type": "Heights", "metres": [1.0]}), Heights)


@pytest.mark.parametrize("fields", [{"type": "Run"}, {"steps": 9}, ["Walk"], "Walk", None, {"type": ["Walk"]}])
def test_an_unknown_tag_is_refused(fields: object) -> None:
    with pytest.raises(RecordError, match="It is none of Walk, Heights"):
        from_tagged(KINDS, fields)
