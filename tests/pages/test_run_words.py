"""Sentences about the figures of a run, with one of a thing and with many."""

import pytest

from fmnist_core.jobs.line import Waiting
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.record import RunRecord
from fmnist_core.training.events import RateChanged
from pages.parts.train.run_words import (
    describe_accuracy,
    describe_loss,
    describe_pace,
    describe_place,
    describe_rate,
    describe_skipped,
    describe_threads,
    loss_format,
)
from tests.written_runs import epoch_done, started, step_done, write_run


def read(run: RunRecord) -> RunHistory:
    history = RunHistory()
    history.read_new(run)
    return history


def tell_loss(losses: list[float], *, log: bool = False) -> str:
    run = write_run([started(), step_done(len(losses), losses, 1.0)])
    return describe_loss(run, read(run), 0.0, log=log)


def test_the_loss_of_one_step_and_of_many() -> None:
    assert tell_loss([2.3]) == "Loss against step for Written: 2.30 at step 1."
    assert tell_loss([2.3, 1.5, 0.0042]) == "Loss against step for Written: from 2.30 at step 1 to about 0.0042 at step 3."
    assert describe_loss(write_run([]), RunHistory(), 0.9) == "Loss against step for Written: no step yet."


def test_a_huge_loss_is_a_power_of_ten_and_a_peak_is_named() -> None:
    assert tell_loss([2.3, 159073305955422.6250, 35.0]) == (
        "Loss against step for Written: from 2.30 at step 1 to about 35.00 at step 3. Its peak was 1.6 × 10¹⁴ at step 2."
    )


def test_on_a_logarithmic_scale_the_last_value_is_that_of_the_chart() -> None:
    run = write_run([started(), step_done(3, [1.0, 100.0, 1.0], 1.0)])
    history = read(run)
    assert "to about 3.73 at step 3" in describe_loss(run, history, 0.5, log=True), "10 to the power of 2 · (1/2) / (1/4 + 1/2 + 1)"
    assert "to about 29.29 at step 3" in describe_loss(run, history, 0.5)


def test_changed_rates_are_written_without_exponents() -> None:
    run = write_run([started(), step_done(1, [2.3], 1.0), RateChanged(epoch=1, step=1, learning_rate=0.00005)])
    assert describe_loss(run, read(run), 0.9).endswith("The learning rate was changed to 0.00005 after step 1.")


def test_a_rate_that_never_changed_has_no_range() -> None:
    assert describe_rate(RunHistory()) == "Learning rate against step: none recorded yet."
    constant = read(write_run([started(), step_done(1, [2.3], 1.0), step_done(2, [2.2], 2.0)]))
    assert describe_rate(constant) == "Learning rate against step: 0.001 now, and at every step so far."
    varying = read(write_run([started(), step_done(1, [2.3], 1.0), step_done(2, [2.2], 2.0, learning_rate=0.05)]))
    assert describe_rate(varying) == "Learning rate against step: 0.05 now, from 0.001 to 0.05 so far."


def test_accuracies_name_their_epochs() -> None:
    assert describe_accuracy(RunHistory()) == "Test accuracy against epoch: no epoch finished yet."
    history = read(write_run([started(), epoch_done(1, 4, 1.0, 0.8)]))
    assert describe_accuracy(history) == "Test accuracy against epoch. epoch 1: 80.00 %."


@pytest.mark.parametrize(
    ("people", "tabs", "pace_s", "words"),
    [
        (1, 1, 1.0, "A run is watched in 1 tab, so pages refresh only every second, to leave the processor to training."),
        (1, 3, 2.0, "A run is watched in 3 tabs, so pages refresh only every 2 seconds, to leave the processor to training."),
        (30, 31, 12.0, "30 people are watching a run, so pages refresh only every 12 seconds, to leave the processor to training."),
    ],
)
def test_the_pace_of_refreshes(people: int, tabs: int, pace_s: float, words: str) -> None:
    assert describe_pace(people, tabs, pace_s) == words


@pytest.mark.parametrize(("ahead", "words"), [(0, "no run ahead of it"), (1, "1 run ahead of it"), (2, "2 runs ahead of it")])
def test_a_place_in_line(ahead: int, words: str) -> None:
    waiting = Waiting("me", "", 1, tuple(f"run {number}" for number in range(ahead)), None)
    assert describe_place(waiting) == f"Waiting for its turn: number 1 in line, {words}"


@pytest.mark.parametrize(("threads", "words"), [((0, 0), ""), ((1, 1), ", with 1 thread"), ((2, 2), ", with 2 threads")])
def test_threads(threads: tuple[int, int], words: str) -> None:
    assert describe_threads(RunHistory(threads=threads)) == words


def test_nothing_was_left_out() -> None:
    assert describe_skipped(RunHistory()) == ""


def test_a_table_of_losses_has_powers_of_ten_if_one_is_huge() -> None:
    assert loss_format([0.5, None, 99.0]) == "%.4f"
    assert loss_format([0.5, 159073305955422.6250]) == "scientific"
