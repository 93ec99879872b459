import dataclasses
import errno
import io
import json
import math
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fmnist_core.runs import event_log
from fmnist_core.runs.event_log import EventReader, event_from_json, event_to_json, read_events, write_event
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.store.records import RecordError
from fmnist_core.training.checkpoint import Checkpoint
from fmnist_core.training.events import Diverged, EpochDone, Event, Finished, RateChanged, Resumed, Started, StepDone
from tests.runs.long_events import write_long_events
from tests.written_runs import append_events, epoch_done, started, step_done, write_run

EVENTS: tuple[Event, ...] = (
    started(validation_images=3, threads=2),
    Resumed(epoch=2, step=5, steps_per_epoch=4, elapsed_s=6.5, device="CPU, 2 cores", precision="bfloat16", threads=2),
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


def test_bad_lines_are_left_out_and_counted_and_the_others_are_read() -> None:
    run = write_run([started(), step_done(1, [2.0], 1.0)])
    append(run, *(line.encode() for line in BAD_LINES))
    append_events(run.id, [step_done(2, [1.5], 2.0)])
    events, reader = read_all(run)
    assert [type(event).__name__ for event in events] == ["Started", "StepDone", "StepDone"]
    assert reader.skipped == len(BAD_LINES)
    assert read_events(run.folder)[1] == reader.end == (run.folder / "events.jsonl").stat().st_size


def report(**fields: Any) -> str:
    """A line with a report of which some fields are replaced."""
    return json.dumps(event_to_json(step_done(3, [1.0, 2.0, 3.0], 1.0)) | fields)


BAD_LINES = [
    "not JSON",
    "[]",
    "null",
    '"StepDone"',
    "[" * 100_000,
    '{"type":' * 100_000,
    '{"type": "RateChanged", "epoch": 1, "step": 2, "learning_rate": 0.1',
    '{"type": "RateChanged", "epoch": 1, "step": 2, "learning_rate": ' + "9" * 5_000 + "}",
    '{"type": "RateChanged", "epoch": 1, "step": 2, "learning_rate": NaN}',
    '{"type": "Resumed", "epoch": 1, "step": 12000001, "steps_per_epoch": 4, "elapsed_s": 1}',
    '{"type": "Started", "steps_per_epoch": 4, "probes": [-1]}',
    json.dumps({"type": "Started", "steps_per_epoch": 4, "device": 1_001 * "x"}),
    json.dumps({"type": "Started", "steps_per_epoch": 4, "threads": 10_001}),
    report(threads=-1),
    json.dumps({"type": "Started", "steps_per_epoch": 4, "probes": [0] * 101}),
    '{"type": "Diverged", "epoch": 1, "step": 1, "message": "", "losses": [1, 2]}',
    report(step=10**15),
    report(step=-1),
    report(step=2),  # it has three losses
    report(step=3.5),
    report(epoch=202),
    report(elapsed_s=-1),
    report(elapsed_s=float("inf")),
    report(remaining_s=float("nan")),
    report(images_per_s=None),
    report(losses=[[1.0]]),
    report(losses="12"),
    report(losses=[float("nan")], probes=5),  # with NaN it is read another way
    report(losses=[float("nan")], epoch="1"),
    report(probes=5),
    report(probes=[5]),
    report(probes=[[]]),
    report(probes=[[100] * 9]),
    report(probes=[[100] * 10, [100] * 9]),
    report(probes=[[100] * 10] * 101),
    report(probes=[[1001] + [0] * 9]),
    report(probes=[[-1] + [0] * 9]),
    report(probes=[[float("nan")] * 10]),
    report(probes=[["a"] * 10]),
    report(probes=[[{}] * 10]),
    report(probes=[[[100] * 10]]),
    report(probes=[[1e300] * 10]),
]


@pytest.mark.parametrize("line", BAD_LINES, ids=range(len(BAD_LINES)))
def test_no_bad_line_is_an_event(line: str) -> None:
    run = write_run([])
    append(run, line.encode())
    events, reader = read_all(run)
    assert (events, reader.skipped) == ([], 1)


def test_bytes_that_are_not_utf_8_are_left_out() -> None:
    run = write_run([started()])
    append(run, b"\xff\xfe\x00", bytes(range(11, 256)))
    assert read_all(run)[1].skipped == 2


def test_empty_lines_are_no_loss() -> None:
    run = write_run([started()])
    append(run, b"", b"  ", b"\r")
    events, reader = read_all(run)
    assert (len(events), reader.skipped) == (1, 0)


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_losses_need_not_be_numbers(loss: float) -> None:
    """After the weights have become infinite, for example, the loss on the validation images is."""
    epoch = epoch_done(1, 4, 5.0, test_loss=loss, train_loss=loss, validation_loss=loss)
    run = write_run([epoch, step_done(4, [loss], 1.0)])
    (again, step), reader = read_all(run)
    assert isinstance(again, EpochDone)
    assert isinstance(step, StepDone)
    np.testing.assert_array_equal([again.test_loss, again.train_loss, again.validation_loss, *step.losses], [loss] * 4)
    assert reader.skipped == 0


def test_a_message_can_say_nan() -> None:
    event = Diverged(epoch=1, step=3, message="At step 3 the loss became not a number (NaN).", losses=(2.5,))
    assert read_all(write_run([event]))[0] == [event]


def test_the_longest_possible_run_is_read() -> None:
    """Two hundred epochs of 60,000 images in batches of one; when it is resumed before its end, its next epoch would be the 201st."""
    events: list[Event] = [
        started(60_000),
        step_done(12_000_000, [1.0], 1e6, epoch=200, probes=np.full((100, 10), 0.1, np.float32)),
        Resumed(epoch=201, step=12_000_000, steps_per_epoch=60_000, elapsed_s=1e6),
    ]
    assert len(read_all(write_run(events))[0]) == 3


@pytest.mark.parametrize("block", [1, 7, 64, 100_000])
def test_blocks_of_any_size_give_the_same_events(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run(EVENTS)
    append(run, b"x" * 150, b"y" * 2_000, b"z" * 3_000, b"")
    append_events(run.id, EVENTS)
    monkeypatch.setattr(event_log, "_BLOCK_BYTES", block)
    monkeypatch.setattr(event_log, "_LONGEST_LINE_BYTES", 1_000)
    events, reader = read_all(run)
    assert [type(event) for event in events] == 2 * [type(event) for event in EVENTS]
    assert reader.skipped == 3
    assert reader.end == (run.folder / "events.jsonl").stat().st_size


@pytest.mark.parametrize("last_block_bytes", [10, 10_000])
def test_a_line_that_is_too_long_is_never_held_whole(last_block_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It can be written in parts, between which somebody reads."""
    monkeypatch.setattr(event_log, "_BLOCK_BYTES", 10)
    monkeypatch.setattr(event_log, "_LONGEST_LINE_BYTES", 1_000)
    run, reader = write_run([started()]), EventReader()
    file = run.folder / "events.jsonl"
    assert len(list(reader.read(run.folder))) == 1
    for _ in range(5):
        with file.open("ab") as appended:
            appended.write(b"x" * 1_500)
        assert list(reader.read(run.folder)) == []
        assert file.stat().st_size - reader.end <= 1_010
    append(run, b"")
    append_events(run.id, [epoch_done(1, 4, 5.0), epoch_done(2, 8, 10.0)])
    monkeypatch.setattr(event_log, "_BLOCK_BYTES", last_block_bytes)
    assert [event.epoch for event in reader.read(run.folder) if isinstance(event, EpochDone)] == [1, 2]
    assert reader.skipped == 1


def test_reading_in_two_parts_gives_the_same_as_at_once() -> None:
    run = write_run(EVENTS)
    content = (run.folder / "events.jsonl").read_bytes()
    whole = [event_to_json(event) for event in read_all(run)[0]]
    for cut in range(0, len(content), 37):
        (run.folder / "events.jsonl").write_bytes(content[:cut])
        reader = EventReader()
        events = list(reader.read(run.folder))
        with (run.folder / "events.jsonl").open("ab") as file:
            file.write(content[cut:])
        assert [event_to_json(event) for event in (*events, *reader.read(run.folder))] == whole


# Files that are not what they should be


def test_a_file_is_the_same_longer_or_another() -> None:
    run, reader = write_run([started()]), EventReader()
    assert reader.state(run.folder) == "longer"
    list(reader.read(run.folder))
    assert reader.state(run.folder) == "same"
    with (run.folder / "events.jsonl").open("ab") as file:
        file.write(b"{")
    assert reader.state(run.folder) == "longer"
    list(reader.read(run.folder))
    assert reader.state(run.folder) == "same", "an unfinished line is looked at once"


@pytest.mark.parametrize("longer", [False, True])
def test_another_file_is_recognised_even_if_it_is_longer(longer: bool) -> None:
    run, reader = write_run([started(), step_done(1, [2.0], 1.5)]), EventReader()
    list(reader.read(run.folder))
    (run.folder / "events.jsonl").unlink()
    assert reader.state(run.folder) == "other"
    append_events(run.id, [started(), step_done(1, [2.0], 1.6), *([step_done(2, [1.9], 2.0)] if longer else [])])
    assert reader.state(run.folder) == "other"
    assert list(reader.read(run.folder)) == []


def test_a_file_that_was_cut_is_another() -> None:
    run, reader = write_run([started(), step_done(1, [2.0], 1.5)]), EventReader()
    list(reader.read(run.folder))
    os.truncate(run.folder / "events.jsonl", 100)
    assert reader.state(run.folder) == "other"
    assert read_events(run.folder, reader.end) == ([], 0)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda file: file.symlink_to(file.name)])
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders")
def test_what_is_not_a_file_has_no_events(make: Callable[[Path], None]) -> None:
    """Opening a named pipe that nobody writes to would wait for ever."""
    run, reader = write_run([]), EventReader()
    make(run.folder / "events.jsonl")
    assert list(reader.read(run.folder)) == []
    assert (reader.state(run.folder), reader.unread_bytes(run.folder)) == ("same", 0)
    assert read_events(run.folder) == ([], 0)


def test_a_disk_that_fails_ends_the_events(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.BytesIO):
        def read(self, _size: int | None = -1, /) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    run = write_run([started()])
    monkeypatch.setattr(event_log, "open_regular", lambda _file: Failing())
    monkeypatch.setattr(event_log, "_size", lambda _log: 100)
    reader = EventReader()
    assert list(reader.read(run.folder)) == []
    assert (reader.end, reader.skipped) == (0, 0)


def test_a_copy_reads_on_independently() -> None:
    run, reader = write_run([started()]), EventReader()
    list(reader.read(run.folder))
    append_events(run.id, [step_done(1, [2.0], 1.0)])
    again = reader.copy()
    assert len(list(again.read(run.folder))) == 1
    assert reader.unread_bytes(run.folder) > 0 == again.unread_bytes(run.folder)


def append(run: RunRecord, *lines: bytes) -> None:
    with (run.folder / "events.jsonl").open("ab") as file:
        file.write(b"".join(line + b"\n" for line in lines))


def read_all(run: RunRecord) -> tuple[list[Event], EventReader]:
    reader = EventReader()
    return list(reader.read(run.folder)), reader


def test_the_long_run_for_measurements_is_written_as_by_its_trainer(tmp_path: Path) -> None:
    steps = write_long_events(tmp_path, 3)
    reader = EventReader()
    events = list(reader.read(tmp_path))
    assert reader.skipped == 0
    assert 3e6 <= reader.end < 3.01e6
    assert [json.dumps(event_to_json(event)) for event in events] == (tmp_path / "events.jsonl").read_text().splitlines()
    assert sum(len(event.losses) for event in events if isinstance(event, StepDone)) == steps
    assert [event.step for event in events if isinstance(event, EpochDone)] == [55_000]


def test_a_field_of_a_later_version_is_passed_over() -> None:
    fields = event_to_json(RateChanged(epoch=1, step=2, learning_rate=0.1)) | {"colour": "blue"}
    assert isinstance(event_from_json(fields), RateChanged)


def test_every_line_is_appended_whole() -> None:
    run = write_run([])
    for event in EVENTS:
        write_event(run.folder, event)
    lines = (run.folder / "events.jsonl").read_text().splitlines()
    assert [json.loads(line)["type"] for line in lines] == [type(event).__name__ for event in EVENTS]
