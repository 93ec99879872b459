import math
import time
from dataclasses import asdict, dataclass

import numpy as np
import pytest
import torch

from fmnist_core.evaluation.evaluation import Evaluation
from fmnist_core.training.checkpoint import Counters
from fmnist_core.training.progress import Progress


@dataclass
class Clock:
    """A clock that a test can set."""

    now_s: float = 1_000.0

    def read_s(self) -> float:
        return self.now_s


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "perf_counter", clock.read_s)
    return clock


def planned(steps_per_epoch: int = 5, epochs: int = 3) -> Progress:
    progress = Progress()
    progress.plan(steps_per_epoch, epochs)
    return progress


def count(progress: Progress, *losses: float, right: int = 1, wrong: int = 1) -> None:
    """Counts steps with these losses, in whose batches this many images are classified correctly and wrongly."""
    labels = torch.full((right + wrong,), 3)
    answers = torch.tensor([3] * right + [4] * wrong)
    for loss in losses:
        progress.count_step(torch.tensor(loss), torch.eye(10)[answers], labels)


def of_accuracy(right: int) -> Evaluation:
    """An evaluation of ten images of class 0, of which this many are classified correctly."""
    probabilities = np.zeros((10, 10), np.float32)
    probabilities[:right, 0] = probabilities[right:, 1] = 1
    return Evaluation(np.zeros(10, np.uint8), probabilities, 0.5)


def test_a_new_run_has_counted_nothing() -> None:
    progress = planned()
    assert (progress.epoch, progress.step, progress.step_in_epoch, progress.elapsed_s, progress.remaining_s) == (1, 0, 0, 0, 0)
    nothing = Counters(0, 0, 0.0, 0, 0, None, -1.0, 0.0, 0.0, rate_scale=1.0, last_rate=0.5, averaged_steps=2)
    assert progress.count(rate_scale=1.0, last_rate=0.5, averaged_steps=2) == nothing


def test_the_clock_counts_only_while_it_runs(clock: Clock) -> None:
    progress = planned()
    clock.now_s += 100
    assert progress.elapsed_s == 0
    progress.start_clock()
    clock.now_s += 3
    assert progress.elapsed_s == 3
    progress.stop_clock()
    clock.now_s += 100
    assert progress.elapsed_s == 3
    progress.start_clock()
    clock.now_s += 4
    assert progress.elapsed_s == 7


def test_the_remaining_time_assumes_the_same_pace(clock: Clock) -> None:
    progress = planned(steps_per_epoch=5, epochs=3)
    progress.start_clock()
    count(progress, 1, 1, 1, 1)
    clock.now_s += 8
    assert progress.remaining_s == 8 / 4 * (15 - 4)


def test_a_resumed_run_only_counts_the_pace_since_then(clock: Clock) -> None:
    """The steps before may have been taken on another machine."""
    before = planned(steps_per_epoch=5, epochs=3)
    before.start_clock()
    count(before, 1, 1, 1, 1, 1, 1)
    clock.now_s += 600
    progress = planned(steps_per_epoch=5, epochs=3)
    progress.restore(before.count(1.0, 0.001, 0))
    assert (progress.elapsed_s, progress.remaining_s) == (600, 0)
    progress.start_clock()
    count(progress, 1, 1)
    clock.now_s += 3
    assert progress.elapsed_s == 603
    assert progress.remaining_s == 3 / 2 * (15 - 8)
    progress.take_losses()
    assert progress.take_pace() == 4 / 3


def test_the_first_step_and_the_last_of_each_epoch_are_reported(clock: Clock) -> None:
    progress = planned(steps_per_epoch=4, epochs=2)
    progress.start_clock()
    due = []
    for step in range(1, 9):
        count(progress, 1.0)
        due.append(progress.is_due())
        if step == 4:
            progress.take_losses()
            progress.end_epoch()
    assert due == [True, False, False, True, False, False, False, True]
    assert clock.now_s == 1_000, "the clock was not moved"


def test_a_report_is_due_0_3_s_after_the_last(clock: Clock) -> None:
    clock.now_s = 0.0
    progress = planned(steps_per_epoch=100)
    progress.start_clock()
    count(progress, 1, 1)
    due = {}
    for now_s in (0.0, 0.29, 0.3, 0.4):
        clock.now_s = now_s
        due[now_s] = progress.is_due()
    assert due == {0.0: False, 0.29: False, 0.3: True, 0.4: True}
    progress.take_losses()
    progress.take_pace()
    assert not progress.is_due()
    clock.now_s = 0.69
    assert not progress.is_due()
    clock.now_s = 0.71
    assert progress.is_due()


def test_every_step_is_reported_on_request(clock: Clock) -> None:
    progress = planned(steps_per_epoch=100)
    progress.start_clock()
    count(progress, 1, 1)
    clock.now_s += 0.001
    assert not progress.is_due()
    progress.report_every_step = True
    assert progress.is_due()


def test_each_loss_is_returned_once_in_order() -> None:
    progress = planned()
    count(progress, 2.5, 1.5)
    assert progress.take_losses() == (2.5, 1.5)
    count(progress, 0.5)
    assert progress.take_losses() == (0.5,)


def test_an_epochs_figures_are_means_over_its_images() -> None:
    """Two images with a loss of 3, one of them correct, and eight with 0.5, six of them correct."""
    progress = planned()
    count(progress, 3.0, right=1, wrong=1)
    progress.take_losses()
    count(progress, 0.5, right=6, wrong=2)
    progress.take_losses()
    assert progress.end_epoch() == ((2 * 3.0 + 8 * 0.5) / 10, 7 / 10)
    count(progress, 4.0, right=0, wrong=5)
    progress.take_losses()
    assert progress.end_epoch() == (4.0, 0.0), "the next epoch starts from zero"
    assert progress.epoch == 3


def test_an_epochs_figures_include_the_steps_before_a_checkpoint() -> None:
    before = planned()
    count(before, 3.0, right=2, wrong=0)
    before.take_losses()
    progress = planned()
    progress.restore(before.count(1.0, 0.001, 0))
    count(progress, 1.0, right=0, wrong=2)
    progress.take_losses()
    assert progress.end_epoch() == (2.0, 0.5)


def test_the_pace_counts_images_since_the_last_report(clock: Clock) -> None:
    progress = planned()
    progress.start_clock()
    count(progress, 1, 1, right=3, wrong=5)
    progress.take_losses()
    clock.now_s += 0.5
    assert progress.take_pace() == 16 / 0.5
    count(progress, 1, right=3, wrong=5)
    progress.take_losses()
    clock.now_s += 4
    assert progress.take_pace() == 8 / 4


def test_a_step_that_took_no_time_has_a_finite_pace(clock: Clock) -> None:
    """The clocks of some systems are that coarse."""
    progress = planned()
    progress.start_clock()
    count(progress, 1)
    progress.take_losses()
    pace = progress.take_pace()
    assert pace > 1e6
    assert math.isfinite(pace)
    assert clock.now_s == 1_000


def test_the_first_epoch_with_the_highest_validation_accuracy_is_the_best() -> None:
    progress = planned()
    validated, tested = [5, 4, 7, 7, 6], [3, 9, 6, 8, 9]
    best = [
        progress.note_best(epoch, of_accuracy(t), of_accuracy(v)) for epoch, (t, v) in enumerate(zip(tested, validated, strict=True), 1)
    ]
    assert best == [True, False, True, False, False]
    assert (progress.best_epoch, progress.best_test_accuracy) == (3, 0.6)


def test_an_epoch_that_gets_nothing_right_is_still_better_than_none() -> None:
    progress = planned()
    assert progress.note_best(1, of_accuracy(2), of_accuracy(0))
    assert (progress.best_epoch, progress.best_test_accuracy) == (1, 0.2)


def test_without_validation_images_no_epoch_is_best_and_the_latest_counts() -> None:
    progress = planned()
    assert [progress.note_best(epoch, of_accuracy(right), None) for epoch, right in enumerate((5, 9, 7), 1)] == [False] * 3
    assert (progress.best_epoch, progress.best_test_accuracy) == (None, 0.7)


def test_a_resumed_run_remembers_the_best_epoch() -> None:
    before = planned()
    before.note_best(1, of_accuracy(6), of_accuracy(8))
    progress = planned()
    progress.restore(before.count(1.0, 0.001, 0))
    assert (progress.best_epoch, progress.best_test_accuracy) == (1, 0.6)
    assert not progress.note_best(2, of_accuracy(9), of_accuracy(8))
    assert progress.note_best(3, of_accuracy(5), of_accuracy(9))


def test_all_counters_are_restored() -> None:
    """All numbers differ, so that a mix-up would be noticed."""
    counters = Counters(
        step=7,
        tested_epochs=1,
        epoch_loss=2.5,
        epoch_right=3,
        epoch_images=4,
        best_epoch=6,
        best_validation_accuracy=0.75,
        best_test_accuracy=0.5,
        elapsed_s=12.5,
        rate_scale=0.25,
        last_rate=0.125,
        averaged_steps=9,
    )
    assert len(set(asdict(counters).values())) == 12
    progress = planned()
    progress.restore(counters)
    assert (progress.epoch, progress.step_in_epoch) == (2, 2)
    assert progress.count(rate_scale=0.25, last_rate=0.125, averaged_steps=9) == counters
