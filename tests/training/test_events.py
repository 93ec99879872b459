import dataclasses
from typing import get_args

import numpy as np
import pytest

from fmnist_core.training.checkpoint import Checkpoint, Counters
from fmnist_core.training.events import Diverged, EpochDone, Event, Finished, RateChanged, Request, Resumed, Started, StepDone

CHECKPOINT = Checkpoint({"trained.fc.bias": np.arange(10.0)}, Counters(7, 1, 2.5, 3, 4, None, -1.0, 0.5, 12.5, 1.0, 0.125, 9))
EVENTS: list[Event] = [
    Started(8),
    Resumed(1, 2, 8, 3.5),
    StepDone(1, 2, (0.5,), 100.0, 3.5, 4.5),
    EpochDone(1, 8, 0.5, 0.4, 0.75, 3.5),
    RateChanged(1, 2, 0.01),
    Diverged(1, 2, "…"),
    Finished(2, 16, 0.75, 3.5),
]


def test_there_is_an_example_of_every_event() -> None:
    assert {type(event) for event in EVENTS} == set(get_args(Event))


@pytest.mark.parametrize("event", [*EVENTS, Request()], ids=lambda event: type(event).__name__)
def test_events_are_immutable(event: Event | Request) -> None:
    name = dataclasses.fields(event)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(event, name, 3)


@pytest.mark.parametrize("kind", [StepDone, EpochDone, RateChanged])
def test_events_that_hold_arrays_are_not_compared(kind: type[Event]) -> None:
    event = next(event for event in EVENTS if type(event) is kind)
    assert event != dataclasses.replace(event)
    assert len({event, dataclasses.replace(event)}) == 2


def test_fields_that_earlier_versions_did_not_record_have_defaults() -> None:
    assert Started(8) == Started(8, 0, 0, 0, "", "", (), 0)
    assert Resumed(1, 2, 8, 3.5) == Resumed(1, 2, 8, 3.5, "", "", 0)
    assert StepDone(1, 2, (0.5,), 100.0, 3.5, 4.5).threads == 0
    assert EpochDone(1, 8, 0.5, 0.4, 0.75, 3.5).is_best is False


@pytest.mark.parametrize("kind", [StepDone, EpochDone])
def test_weights_come_from_the_checkpoint_which_an_event_in_a_file_lacks(kind: type[StepDone | EpochDone]) -> None:
    event = next(event for event in EVENTS if isinstance(event, kind))
    with pytest.raises(ValueError, match="weights"):
        _ = event.weights
    np.testing.assert_array_equal(dataclasses.replace(event, checkpoint=CHECKPOINT).weights["fc.bias"], np.arange(10))
