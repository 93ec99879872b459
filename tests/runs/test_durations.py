"""How long runs have trained."""

import pytest

from fmnist_core.runs import durations
from fmnist_core.runs.durations import trained_s
from fmnist_core.training.events import Diverged, Event, Finished, RateChanged
from tests.written_runs import append_events, epoch_done, started, step_done, write_run


@pytest.mark.parametrize(
    ("events", "seconds"),
    [
        ([], None),
        ([started()], None),
        ([started(), step_done(4, [1.0] * 4, 1.5)], 1.5),
        ([started(), step_done(4, [1.0] * 4, 1.5), epoch_done(1, 4, 2.5)], 2.5),
        ([step_done(4, [1.0] * 4, 1.5), RateChanged(1, 4, 0.1), Diverged(1, 5, "It grew.")], 1.5),
        ([epoch_done(1, 4, 2.5), Finished(1, 4, 0.5, 3.5)], 3.5),
    ],
)
def test_it_is_that_of_the_last_event_that_says_it(events: list[Event], seconds: float | None) -> None:
    assert trained_s(write_run(events, "stopped")) == seconds


def test_more_events_are_noticed_and_what_is_none_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run([step_done(4, [1.0] * 4, 1.5)], "stopped")
    assert trained_s(run) == 1.5
    append_events(run.id, [step_done(8, [1.0] * 4, 4.0)])
    assert trained_s(run) == 4.0
    with (run.folder / "events.jsonl").open("ab") as log:
        log.write(b'{"type": "StepDone", "elapsed_s": 99}\n[[[\n\xff\n{"type": "Fini')
    assert trained_s(run) == 4.0
    monkeypatch.setattr(durations, "_read", lambda _log: pytest.fail("it has not changed"))
    assert trained_s(run) == 4.0


def test_without_a_record_nothing_is_known() -> None:
    run = write_run([], "stopped")
    (run.folder / "events.jsonl").unlink(missing_ok=True)
    assert trained_s(run) is None
    (run.folder / "events.jsonl").mkdir()
    assert trained_s(run) is None
