import dataclasses
import json

import numpy as np
import pytest

from fmnist_core.runs.event_log import event_from_json, event_to_json, read_events, write_event
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.store.records import RecordError
from fmnist_core.training.checkpoint import Checkpoint
from fmnist_core.training.events import Diverged, EpochDone, Event, Finished, RateChanged, Resumed, Started, StepDone
from tests.written_runs import epoch_done, started, step_done, write_run

EVENTS: tuple[Event, ...] = (
    started(validation_images=3),
    Resumed(epoch=2, step=5, steps_per_epoch=4, elapsed_s=6.5, device="CPU, 1 thread", precision="bfloat16"),
    RateChanged(epoch=1, step=2, learning_rate=0.1),
    epoch_done(1, 4, 5.0, validation_accuracy=0.75, validation_loss=0.5, is_best=True),
    Diverged(epoch=1, step=3, message="It grew.", losses=(2.5, 300.0)),
    Finished(epoch=2, step=8, test_accuracy=0.8, elapsed_s=9.0, train_accuracy=0.9, best_epoch=1),
)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_an_event_keeps_its_type_and_its_fields(event: Event) -> None:
    again = event_from_json(json.loads(json.dumps(event_to_json(event))))
    assert type(again) is type(event)
    assert {field.name: getattr(again, field.name) for field in dataclasses.fields(event)} == vars(event)


def test_a_report_keeps_six_decimals_and_per_mille() -> None:
    event = step_done(2, [2.12345678, 1e-9], 1.0)
    fields = event_to_json(event)
    assert (fields["type"], fields["losses"]) == ("StepDone", [2.123457, 0.0])
    assert sorted(set(np.ravel(fields["probes"]).tolist())) == [11, 900]
    again = event_from_json(json.loads(json.dumps(fields)))
    assert isinstance(again, StepDone)
    assert again.losses == (2.123457, 0.0)
    assert again.probes is not None
    assert event.probes is not None
    assert again.probes.dtype == np.float32
    np.testing.assert_allclose(again.probes, event.probes, atol=1e-6)


def test_probabilities_that_are_not_numbers_are_written_as_none() -> None:
    probes = np.full((2, 10), np.nan, np.float32)
    assert np.ravel(event_to_json(step_done(1, [1.0], 1.0, probes=probes))["probes"]).tolist() == [0] * 20


def test_what_lives_in_memory_is_not_written(trained_run: RunRecord) -> None:
    checkpoint = Checkpoint({}, None)  # type: ignore[arg-type]
    for live in (step_done(1, [1.0], 1.0, checkpoint=checkpoint), epoch_done(1, 4, 1.0, checkpoint=checkpoint)):
        assert not {"checkpoint", "evaluation"} & set(event_to_json(live))
    for event in read_events(trained_run.folder)[0]:
        if isinstance(event, StepDone | EpochDone):
            assert event.checkpoint is None
            with pytest.raises(ValueError, match="has no weights"):
                _ = event.weights


def test_a_trained_runs_events_come_in_order(trained_run: RunRecord) -> None:
    events, end = read_events(trained_run.folder)
    assert [type(event).__name__ for event in (events[0], *events[-2:])] == ["Started", "EpochDone", "Finished"]
    assert read_events(trained_run.folder, end) == ([], end)
    assert end == (trained_run.folder / "events.jsonl").stat().st_size


def test_an_unfinished_line_is_not_read_yet(trained_run: RunRecord) -> None:
    file = trained_run.folder / "events.jsonl"
    _, end = read_events(trained_run.folder)
    with file.open("ab") as appended:
        appended.write(b'{"type": "RateChanged", "epoch": 1, ')
    assert read_events(trained_run.folder, end) == ([], end)
    with file.open("ab") as appended:
        appended.write(b'"step": 3, "learning_rate": 0.5}\n')
    (event,), _ = read_events(trained_run.folder, end)
    assert isinstance(event, RateChanged)
    assert (event.step, event.learning_rate) == (3, 0.5)


def test_a_run_without_events_has_none() -> None:
    assert read_events(write_run([]).folder) == ([], 0)


def test_the_starters_old_events_are_read_and_lack_what_is_newer() -> None:
    events, _ = read_events(load_run(STARTER_ID).folder)
    first, finished = events[0], events[-1]
    assert isinstance(first, Started)
    assert (first.train_images, first.validation_images, first.precision, first.probes) == (60_000, 0, "", ())
    reports = [event for event in events if isinstance(event, StepDone)]
    assert {event.learning_rate for event in reports} == {None}
    assert {event.train_accuracy for event in events if isinstance(event, EpochDone)} == {None}
    assert sum(len(event.losses) for event in reports) == 18_760
    assert isinstance(finished, Finished)
    assert (finished.test_accuracy, finished.train_accuracy) == (0.915, None)


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "{}",
        '{"type": "Nothing"}',
        '{"type": "RateChanged", "epoch": 1, "step": 2}',
        '{"type": "RateChanged", "epoch": "1", "step": 2, "learning_rate": 0.1}',
        '{"type": "Diverged", "epoch": 1, "step": 2, "message": null}',
        '{"type": "StepDone", "epoch": 1, "step": 1, "losses": [1], "images_per_s": 1, "elapsed_s": 1, "remaining_s": 1, "probes": ["a"]}',
    ],
)
def test_a_line_that_is_no_event_is_refused(line: str) -> None:
    with pytest.raises(RecordError):
        event_from_json(json.loads(line))


def test_a_field_of_a_later_version_is_passed_over() -> None:
    fields = event_to_json(RateChanged(epoch=1, step=2, learning_rate=0.1)) | {"colour": "blue"}
    assert isinstance(event_from_json(fields), RateChanged)


def test_every_line_is_appended_whole() -> None:
    run = write_run([])
    for event in EVENTS:
        write_event(run.folder, event)
    lines = (run.folder / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["type"] for line in lines] == [type(event).__name__ for event in EVENTS]
