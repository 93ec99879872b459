import threading
from collections.abc import Iterator

import pytest

from fmnist_core.runs.event_log import EventReader
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.record import RunRecord
from fmnist_core.runs.shared_histories import SharedHistories
from fmnist_core.training.events import Event
from tests.runs.long_events import write_long_events
from tests.written_runs import append_events, started, step_done, write_run

_PATIENCE_S = 30


def test_all_share_one_history_that_does_not_change() -> None:
    shared, run = SharedHistories(), write_run([started(), step_done(1, [2.0], 1.0)])
    first = shared.read(run)
    assert shared.read(run) is first
    append_events(run.id, [step_done(2, [1.0], 2.0)])
    assert shared.unread_bytes(run) > 0
    second = shared.read(run)
    assert second is shared.read(run) is not first
    assert (first.losses.means.tolist(), first.steps) == ([2], 1)
    assert (second.losses.means.tolist(), second.steps) == ([2, 1], 2)
    assert shared.unread_bytes(run) == 0


def test_a_long_record_can_be_read_in_parts() -> None:
    run = write_run([], "finished")
    steps = write_long_events(run.folder, 5)
    whole, shared = SharedHistories().read(run), SharedHistories()
    parts = [shared.read(run, 1_000_000)]
    while (history := shared.read(run, 1_000_000)) is not parts[-1]:
        parts.append(history)
    assert len(parts) == 5
    assert [part.steps for part in parts] == sorted(part.steps for part in parts)
    assert 0 < parts[0].steps < parts[-1].steps == whole.steps == steps
    assert parts[-1].losses.means.tolist() == whole.losses.means.tolist()
    assert shared.unread_bytes(run) == 0


def test_an_unfinished_line_is_no_news() -> None:
    shared, run = SharedHistories(), write_run([started()])
    with (run.folder / "events.jsonl").open("ab") as file:
        file.write(b"{")
    assert shared.read(run) is shared.read(run)


def test_the_runs_looked_at_most_recently_are_kept() -> None:
    shared = SharedHistories(most_runs=2)
    one, two, three = (write_run([started()], name=name) for name in ("one", "two", "three"))
    first, second = shared.read(one), shared.read(two)
    assert shared.read(one) is first
    shared.read(three)
    assert len(shared) == 2
    assert shared.read(one) is first
    assert shared.read(two) is not second


def test_their_size_is_bounded_but_the_latest_stays() -> None:
    one, two = (write_run([started(), step_done(1, [2.0], 1.0)], name=name) for name in ("one", "two"))
    size = SharedHistories().read(one).nbytes
    assert 2_000 < size < 20_000
    for most, kept in ((2 * size, 2), (2 * size - 1, 1), (0, 1)):
        shared = SharedHistories(most_bytes=most)
        shared.read(one)
        latest = shared.read(two)
        assert len(shared) == kept
        assert shared.read(two) is latest


class _SlowReading:
    """Reading that begins and then waits to be released, for the run with this name."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, run: RunRecord) -> None:
        self.begun, self.released, self.times = threading.Event(), threading.Event(), 0
        read = EventReader.read

        def wait(reader: EventReader, folder: object, max_bytes: int | None = None) -> Iterator[Event]:
            if folder == run.folder:
                self.times += 1
                self.begun.set()
                assert self.released.wait(_PATIENCE_S)
            return read(reader, run.folder if folder == run.folder else folder, max_bytes)  # type: ignore[arg-type]

        monkeypatch.setattr(EventReader, "read", wait)


def test_one_reads_while_others_wait_and_other_runs_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    shared, other = SharedHistories(), write_run([started(8)], name="other")
    run = write_run([started(), step_done(1, [2.0], 1.0)])
    slow, found = _SlowReading(monkeypatch, run), list[RunHistory]()
    threads = [threading.Thread(target=lambda: found.append(shared.read(run))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert slow.begun.wait(_PATIENCE_S)
    assert shared.read(other).started.steps_per_epoch == 8
    assert shared.unread_bytes(run) > 0, "a page can tell that it will have to wait"
    assert found == []
    slow.released.set()
    for thread in threads:
        thread.join(_PATIENCE_S)
    assert len(found) == 3
    assert found[0] is found[1] is found[2]
    assert (slow.times, found[0].steps) == (1, 1)


def test_a_reading_that_fails_leaves_the_history_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    shared, run = SharedHistories(), write_run([started(), step_done(1, [2.0], 1.0)])
    before = shared.read(run)
    append_events(run.id, [step_done(2, [1.0], 2.0)])
    with monkeypatch.context() as patch:
        patch.setattr(RunHistory, "_take", lambda *_: (_ for _ in ()).throw(MemoryError))
        with pytest.raises(MemoryError):
            shared.read(run)
    assert (before.steps, before.losses.means.tolist()) == (1, [2])
    assert shared.read(run).losses.means.tolist() == [2, 1]
