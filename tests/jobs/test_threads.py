"""The number of threads, from made-up paces and made-up work of others; and that exact runs keep theirs."""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
import torch

from fmnist_core.classroom.people import LOCAL
from fmnist_core.dataset.split import Split
from fmnist_core.jobs import threads
from fmnist_core.jobs.control import stop
from fmnist_core.jobs.threads import ThreadTuner, TrainingThreads, most_threads, recorded_threads, room_for_threads, use_threads
from fmnist_core.jobs.worker import train_run
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.record import load_run
from fmnist_core.runs.transitions import prepare_resume
from fmnist_core.settings.config import Precision, TrainConfig
from fmnist_core.training.events import EpochDone, Event, Finished, RateChanged, Request, Resumed, Started, StepDone
from fmnist_core.training.loop import train
from tests.jobs.trained import EXACT, assert_same_result, events_of, result_of
from tests.written_runs import epoch_done, started, step_done, write_run

REPORT_S = 0.3125  # exact in binary, as are the paces
ALONE = {1: 160, 2: 256, 4: 384, 8: 320}  # steps per second by number of threads


@dataclass
class Machine:
    """A training with a tuner: what it reports, on cores that others use too.

    Attributes:
        paces: steps per second by number of threads.
        busy: how many cores others keep busy; None if the system does not tell.
        used: the threads that computed each report.
    """

    cores: int = 2
    paces: dict[int, int] = field(default_factory=ALONE.copy)
    busy: float | None = 0.0
    used: list[int] = field(default_factory=list)
    step: int = 0
    elapsed_s: float = 0.0
    clock_s: float = 1_000.0

    def __post_init__(self) -> None:
        self.tuner = ThreadTuner(self.cores, lambda: self.busy, clock=lambda: self.clock_s)
        self.take(started(1_000))
        self.pass_time(0.4, steps=1)  # a first step that is slow
        self.report()

    def take(self, event: Event) -> int:
        return self.tuner.after(event)

    def pass_time(self, seconds: float, steps: int = 0) -> None:
        self.step, self.elapsed_s, self.clock_s = self.step + steps, self.elapsed_s + seconds, self.clock_s + seconds

    def report(self) -> int:
        return self.take(step_done(self.step, [0.5], self.elapsed_s))

    def train(self, reports: int, seconds: float = REPORT_S) -> list[int]:
        """The threads that computed each of the next reports."""
        used = []
        for _ in range(reports):
            used.append(self.tuner.threads)
            self.pass_time(seconds, steps=round(seconds * self.paces[self.tuner.threads]))
            self.report()
        self.used += used
        return used


def test_a_second_thread_is_tried_on_an_idle_machine_and_kept_if_it_is_faster() -> None:
    machine = Machine()
    assert machine.train(30) == [1, 1] + 28 * [2]  # 0.6 s to know the pace of one


def test_threads_are_doubled_while_that_is_faster() -> None:
    machine = Machine(cores=8)
    assert machine.train(13) == [1, 1, 2, 2, 2, 4, 4, 4, 8, 8, 8, 4, 4]


def test_no_more_threads_than_cores_are_tried() -> None:
    machine = Machine(cores=3, paces={1: 160, 2: 256, 3: 384})
    assert machine.train(9) == [1, 1, 2, 2, 2, 3, 3, 3, 3]


@pytest.mark.parametrize(("gain", "is_kept"), [(1.07, False), (1.10, True)])
def test_a_gain_must_be_clear(gain: float, is_kept: bool) -> None:
    machine = Machine(paces={1: 3_200, 2: round(3_200 * gain)})
    assert machine.train(6) == [1, 1, 2, 2, 2, 2 if is_kept else 1]


def test_a_trial_that_is_much_slower_ends_with_its_first_report() -> None:
    machine = Machine(paces={1: 160, 2: 96})
    assert machine.train(5) == [1, 1, 2, 1, 1]


def test_trials_without_a_gain_become_rare() -> None:
    """They wait for 2, 4, 8, 16 and then always 20 s, counted in reports, with the trial itself."""
    machine = Machine(paces={1: 160, 2: 96})
    machine.train(300)
    tried = [report for report, used in enumerate(machine.used) if used == 2]
    assert np.diff(tried).tolist() == [7 + 1, 13 + 1, 26 + 1, 52 + 1, 64 + 1, 64 + 1, 64 + 1]


def test_one_thread_at_the_next_report_when_others_need_the_cores() -> None:
    machine = Machine()
    assert machine.train(10)[-1] == 2
    machine.busy = 0.9
    assert machine.train(40) == [2] + 39 * [1]
    machine.busy = 0.0
    assert machine.train(4) == [1, 1, 2, 2], "the pace of one thread is measured again"


@pytest.mark.parametrize(
    ("cores", "busy", "room"), [(2, 0.0, 2), (2, 0.2, 2), (2, 0.3, 1), (4, 1.0, 1), (8, 1.0, 3), (8, 7.9, 1), (1, 0.0, 1)]
)
def test_half_of_what_others_leave_is_left_free(cores: int, busy: float, room: int) -> None:
    assert room_for_threads(cores, busy) == room


def test_nothing_is_tried_beside_other_work() -> None:
    assert set(Machine(busy=1.0).train(100)) == {1}


def test_nothing_is_tried_where_the_system_does_not_tell() -> None:
    assert set(Machine(busy=None).train(100)) == {1}


def test_work_that_begins_in_a_trial_or_a_check_ends_it() -> None:
    machine = Machine()
    machine.train(3)
    assert machine.tuner.threads == 2
    machine.busy = 1.0
    assert machine.train(2) == [2, 1]
    machine = Machine()
    while machine.train(1) != [2] or machine.tuner.threads != 1:
        pass
    machine.busy = 1.0
    assert set(machine.train(3)) == {1}
    machine.busy = 0.0
    assert set(machine.train(4)) == {1}, "the check is not continued, but more threads are tried later"


def test_one_thread_at_the_next_report_when_the_pace_collapses() -> None:
    """As it does on a machine whose owner gives the cores to somebody else, which no counter shows."""
    machine = Machine()
    machine.train(10)
    machine.paces = {1: 128, 2: 96}
    assert machine.train(3) == [2, 1, 1]


def test_a_slightly_lower_pace_must_last() -> None:
    """Single reports scatter, most of all those of augmented images."""
    machine = Machine()
    machine.train(10)
    machine.paces = {1: 160, 2: 144}
    machine.train(1)
    machine.paces = ALONE.copy()
    assert machine.train(5) == 5 * [2]
    machine.paces = {1: 160, 2: 144}
    assert machine.train(8)[-2:] == [1, 1]


def test_fewer_are_tried_again_every_ten_seconds_for_one_report() -> None:
    machine = Machine()
    machine.train(100)
    checks = [report for report, threads in enumerate(machine.used) if threads == 1][2:]
    assert len(checks) == 2
    assert checks[1] - checks[0] == 33  # 10 s and the check itself


def test_fewer_are_kept_if_they_have_become_as_fast() -> None:
    machine = Machine()
    machine.train(10)
    machine.paces = {1: 240, 2: 256}
    assert machine.train(50)[-3:] == [1, 1, 1]


def test_raised_threads_that_did_not_last_are_tried_less_often() -> None:
    """Beside a server that is clicked on every few seconds."""
    machine = Machine()
    for _ in range(30):
        machine.busy = 0.0
        machine.train(9)
        machine.busy = 1.0
        machine.train(1)
    early, late = machine.used[:100].count(2), machine.used[-100:].count(2)
    assert late < early
    assert late < 30


def test_threads_that_lasted_are_tried_again_soon() -> None:
    machine = Machine()
    for _ in range(5):  # their time to wait becomes 20 s
        machine.busy = 0.0
        while machine.tuner.threads == 1:
            machine.train(1)
        machine.busy = 1.0
        machine.train(1)
    machine.busy = 0.0
    machine.train(150)
    machine.busy = 1.0
    machine.train(1)
    machine.busy = 0.0
    assert machine.train(8) == 7 * [1] + [2], "2 s later"


# What is not a pace


def test_an_evaluation_is_not_counted_as_training() -> None:
    """Its time would make the report after it look slow, and two threads a loss."""
    machine = Machine()
    for _ in range(20):
        machine.train(3)
        machine.pass_time(0.9)
        machine.take(epoch_done(1, machine.step, machine.elapsed_s))
    assert machine.used.count(2) > 50


def test_epochs_as_short_as_a_report_are_tuned_too() -> None:
    machine = Machine()
    for _ in range(10):
        machine.train(1)
        machine.pass_time(0.9)
        machine.take(epoch_done(1, machine.step, machine.elapsed_s))
    assert machine.used == [1, 1] + 8 * [2]


def test_the_first_step_of_a_process_is_not_counted() -> None:
    """It took 0.4 s here, so that anything would be faster."""
    machine = Machine(paces={1: 3_200, 2: 3_232})
    assert machine.train(6) == [1, 1, 2, 2, 2, 1]


def test_the_short_last_report_of_an_epoch_is_not_counted() -> None:
    machine = Machine()
    machine.train(10)
    machine.pass_time(0.01)
    assert machine.report() == 2, "no step in it"
    machine.pass_time(0.05, steps=1)
    assert machine.report() == 2, "20 steps per second, if it counted"


def test_single_steps_are_computed_with_the_threads_there_are() -> None:
    machine = Machine()
    for _ in range(500):
        machine.pass_time(0.01, steps=1)
        machine.report()
    assert machine.tuner.threads == 1


def test_a_pause_starts_the_tuning_over() -> None:
    machine = Machine()
    machine.train(10)
    machine.clock_s += 60
    assert machine.train(5) == [2, 1, 1, 2, 2]


def test_a_new_learning_rate_changes_nothing() -> None:
    machine = Machine()
    for _ in range(10):
        machine.train(1)
        machine.take(RateChanged(1, machine.step, 0.1))
    assert machine.used == [1, 1] + 8 * [2]


def test_a_resumed_run_is_tuned_from_its_step_on() -> None:
    machine = Machine()
    machine.take(Resumed(1, 5, 1_000, 0.2))
    assert machine.train(4)[-1] == 2


# The process


@pytest.fixture(autouse=True)
def one_thread_before_and_after() -> Iterator[None]:
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(1)


@pytest.fixture
def set_numbers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Two cores, and the numbers of threads that PyTorch was told to use."""
    numbers: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", numbers.append)
    monkeypatch.setattr(threads, "usable_cores", lambda: frozenset({0, 1}))
    return numbers


@pytest.mark.parametrize(("has_bfloat16", "precision", "is_exact"), [(True, "auto", False), (True, "float32", True), (False, "auto", True)])
def test_only_a_run_that_computes_in_float32_keeps_its_number(
    has_bfloat16: bool, precision: str, is_exact: bool, set_numbers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: has_bfloat16)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    monkeypatch.setattr(ThreadTuner, "after", lambda _tuner, _event: 2)
    run = write_run([], config=TrainConfig(precision=precision))  # type: ignore[arg-type]  # one of the two that there are
    following = TrainingThreads(run)
    assert set_numbers == [1]
    following.follow(step_done(1, [2.3], 0.1))
    assert set_numbers == ([1] if is_exact else [1, 2])
    following.settle()
    assert set_numbers == ([1] if is_exact else [1, 2, 1])


@pytest.mark.parametrize(("recorded", "cores", "expected"), [(2, 2, 2), (2, 4, 2), (4, 2, 1), (0, 2, 1)])
def test_the_recorded_number_is_used_where_there_are_so_many_cores(recorded: int, cores: int, expected: int) -> None:
    run = write_run([started(threads=recorded), step_done(1, [2.3], 0.1, threads=1), Resumed(1, 1, 4, 0.1, threads=1)])
    assert recorded_threads(run, cores) == expected


def test_a_run_that_has_not_begun_gets_one_thread() -> None:
    assert recorded_threads(write_run([]), 2) == 1


@pytest.mark.parametrize(("chosen", "expected"), [(None, 4), ("", 4), ("2", 2), (" 3,1", 3), ("0", 1), ("16", 4), ("many", 4)])
def test_the_usual_environment_variable_limits_the_number(chosen: str | None, expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    if chosen is None:
        monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    else:
        monkeypatch.setenv("OMP_NUM_THREADS", chosen)
    assert most_threads(4) == expected
    tuner = ThreadTuner(4, lambda: 0.0, most=expected)
    tuner.after(started())
    assert tuner._room == expected


def test_an_exact_run_that_is_resumed_keeps_its_number_and_gives_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads round other sums than one, so that a change in the middle would show."""
    config = replace(EXACT, epochs=3)
    monkeypatch.setattr(threads, "usable_cores", lambda: frozenset({0, 1}))
    with monkeypatch.context() as patch:
        patch.setattr(threads, "recorded_threads", lambda _run, _cores: 2)
        unbroken = create_run(config)
        train_run(unbroken, lambda _event: None)
        run_id = create_run(config)

        def stop_in_the_second_epoch(event: Event) -> None:
            if isinstance(event, StepDone) and event.epoch == 2:
                stop(run_id, by=LOCAL)

        assert train_run(run_id, stop_in_the_second_epoch) == "stopped"
    prepare_resume(run_id)
    assert train_run(run_id, lambda _event: None) == "finished"
    run = load_run(run_id)
    assert [event.threads for event in events_of(run, Started)] == [2]
    assert [event.threads for event in events_of(run, Resumed)] == [2]
    assert {event.threads for event in events_of(run, StepDone)} == {2}
    assert_same_result(result_of(run_id), result_of(unbroken))


@pytest.mark.parametrize(("precision", "tolerance"), [("float32", 1e-2), ("auto", 5e-2)])
def test_a_number_that_changes_changes_nothing_but_the_rounding(
    precision: Precision, tolerance: float, small_splits: tuple[Split, Split]
) -> None:
    """oneDNN once computed wrong numbers where it got fewer threads than it had planned with."""
    config = replace(EXACT, epochs=2, precision=precision)

    def losses(numbers: tuple[int, ...]) -> list[float]:
        found: list[float] = []
        with contextlib.closing(train(config, *small_splits)) as events:
            event = next(events)
            for number in itertools.cycle(numbers):
                if isinstance(event, StepDone):
                    assert len(event.losses) == 1
                    found += event.losses
                elif isinstance(event, Finished):
                    return found
                use_threads(number)
                event = events.send(Request(report_every_step=True))
        raise AssertionError

    np.testing.assert_allclose(losses((1, 2, 2, 1, 3)), losses((1,)), rtol=tolerance)


def test_a_tuned_run_records_every_number_it_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    monkeypatch.setattr(ThreadTuner, "after", lambda _tuner, event: 2 if isinstance(event, EpochDone) else 1)
    run_id = create_run(TrainConfig(epochs=2, batch_size=500))
    train_run(run_id, lambda _event: None)
    run = load_run(run_id)
    assert torch.get_num_threads() == 1, "for what follows the training"
    assert [event.threads for event in events_of(run, Started)] == [1]
    assert [event.threads for event in events_of(run, StepDone)] == [1, 2]
