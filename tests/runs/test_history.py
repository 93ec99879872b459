import math
from dataclasses import FrozenInstanceError
from types import SimpleNamespace

import numpy as np
import pytest

from fmnist_core.runs.event_log import EventReader, read_events
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.history import RunHistory, Trail
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.series import smooth
from fmnist_core.training.events import Diverged, Event, Finished, RateChanged, Resumed, Started, StepDone
from tests.loss_tables import loss_table
from tests.runs.long_events import write_long_events
from tests.written_runs import LABELS, append_events, epoch_done, started, step_done, write_run


def test_a_history_grows_with_its_run(trained_run: RunRecord) -> None:
    history = read(trained_run)
    assert len(history.losses) == history.started.steps_per_epoch == 10
    history.read_new(trained_run)
    assert len(history.losses) == 10
    assert history.finished is not None
    assert (history.steps, history.elapsed_s) == (10, history.finished.elapsed_s)
    assert len(history.started.probes) == 20
    assert history.started.precision in ("bfloat16", "float32")
    table = history.epoch_table()
    assert [*table.columns] == ["epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "learning_rate", "elapsed_s"]
    answers = history.newest_probabilities()
    assert answers is not None
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=0.01)


def test_the_starter_lacks_what_newer_runs_record() -> None:
    history = read(load_run(STARTER_ID))
    assert len(history.losses) == history.steps == 18_760
    assert (history.started.precision, history.started.probes) == ("", ())
    assert (history.newest_probabilities(), history.answer_trail(0, 0)) == (None, None)
    assert [*history.epoch_table().columns] == ["epoch", "train_loss", "test_loss", "test_accuracy", "elapsed_s"]
    assert history.accuracy_table().columns.tolist() == ["epoch", "test_accuracy"]
    assert len(history.rate_table()) == 0
    assert history.step_table()["learning_rate"].isna().all()
    assert len(loss_table(history, 0.9, "seconds")) <= 400


def test_three_axes_by_hand() -> None:
    run = write_run(
        [started(), step_done(1, [2.3], 1.0), step_done(4, [2.0, 1.5, 1.0], 4.0), epoch_done(1, 4, 10.0), step_done(5, [0.9], 11.0)]
    )
    history = read(run)
    steps = [1, 2, 4, 5]
    assert history.x_values("step", steps).tolist() == [1, 2, 4, 5]
    assert history.x_values("epoch", steps).tolist() == [0.25, 0.5, 1, 1.25]
    np.testing.assert_allclose(history.x_values("seconds", steps), [1, 2, 4, 11])  # the test after step 4 took six seconds of its own
    table = history.step_table()
    assert table["epoch"].tolist() == [1, 1, 1, 1, 2]
    assert table["loss"].tolist() == [2.3, 2.0, 1.5, 1.0, 0.9]
    assert table["seconds"].tolist() == [1, 2, 3, 4, 11]


def test_a_changed_rate_jumps_between_two_steps() -> None:
    change = RateChanged(epoch=1, step=2, learning_rate=0.1)
    run = write_run([started(), step_done(2, [2.3, 2.2], 1.0), change, step_done(4, [2.0, 1.5], 2.0, learning_rate=0.1)])
    history = read(run)
    np.testing.assert_allclose(history.rates_at(np.array([1, 2, 3, 4])), [0.001, 0.001, 0.1, 0.1])
    assert [(change.step, change.learning_rate) for change in history.rate_changes] == [(2, 0.1)]
    np.testing.assert_allclose(history.rate_table()["learning_rate"], [0.001, 0.001, 0.1, 0.1])


def test_a_resumed_run_forgets_what_will_be_reported_again() -> None:
    change = RateChanged(epoch=2, step=6, learning_rate=0.1)
    before: list[Event] = [started(), step_done(4, [4.0, 3.0, 2.0, 1.0], 4.0), epoch_done(1, 4, 5.0), step_done(6, [9.0, 9.0], 7.0), change]
    run = write_run([*before, step_done(8, [9.0, 9.0], 9.0), epoch_done(2, 8, 10.0)])
    history = read(run)
    assert (history.steps, len(history.epochs)) == (8, 2)
    append_events(run.id, [Resumed(epoch=2, step=5, steps_per_epoch=4, elapsed_s=6.0)])
    history.read_new(run)
    assert history.losses.means.tolist() == [4.0, 3.0, 2.0, 1.0, 9.0]
    assert (history.steps, history.elapsed_s, len(history.epochs), history.rate_changes) == (5, 6.0, 1, [])
    append_events(run.id, [step_done(8, [0.3, 0.2, 0.1], 9.0), epoch_done(2, 8, 10.0)])
    history.read_new(run)
    assert history.losses.means.tolist() == [4.0, 3.0, 2.0, 1.0, 9.0, 0.3, 0.2, 0.1]
    np.testing.assert_allclose(history.x_values("seconds", [5, 6, 8]), [6, 7, 9], rtol=1e-6)
    assert [epoch.epoch for epoch in history.epochs] == [1, 2]


def test_losses_of_a_report_that_was_lost_leave_a_gap() -> None:
    resumed = Resumed(epoch=1, step=3, steps_per_epoch=4, elapsed_s=2.0)
    history = read(write_run([started(), step_done(1, [2.3], 1.0), resumed, step_done(4, [1.0], 3.0)]))
    np.testing.assert_array_equal(history.losses.means, [2.3, np.nan, np.nan, 1.0])
    assert len(loss_table(history, 0.9)) == 4


def test_more_epochs_after_the_end() -> None:
    finished = Finished(epoch=1, step=4, test_accuracy=0.8, elapsed_s=5.0, train_accuracy=0.9)
    run = write_run([started(), step_done(4, [4.0, 3.0, 2.0, 1.0], 4.0), epoch_done(1, 4, 5.0), finished])
    history = read(run)
    assert history.finished == finished
    append_events(run.id, [Resumed(epoch=2, step=4, steps_per_epoch=4, elapsed_s=5.0), step_done(5, [0.9], 6.0)])
    later = read(run)
    assert later.finished is None
    assert (later.steps, len(later.epochs)) == (5, 1)


def test_accuracies_are_in_percent_and_the_best_epoch_is_the_last_that_was_best() -> None:
    best = {"validation_loss": 0.5, "is_best": True}
    epochs = [
        epoch_done(1, 4, 5.0, 0.7, validation_accuracy=0.71, **best),
        epoch_done(2, 8, 9.0, 0.8, validation_accuracy=0.82, **best),
    ]
    history = read(write_run([started(), *epochs, epoch_done(3, 12, 13.0, 0.9, validation_accuracy=0.81)]))
    assert history.accuracy_table()["validation_accuracy"].tolist() == pytest.approx([71, 82, 81])
    assert history.epoch_table()["is_best"].tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("right", "expected"),
    [
        ([False, True, True], Trail(predicted=0, is_correct=True, correct_since=2, last_correct=3, changes=1)),
        ([True, True, True], Trail(predicted=0, is_correct=True, correct_since=1, last_correct=3, changes=0)),
        ([True, False, True], Trail(predicted=0, is_correct=True, correct_since=3, last_correct=3, changes=2)),
        ([True, False, False], Trail(predicted=1, is_correct=False, correct_since=None, last_correct=1, changes=1)),
        ([False, False, False], Trail(predicted=1, is_correct=False, correct_since=None, last_correct=None, changes=0)),
    ],
)
def test_when_a_probe_was_learned(right: list[bool], expected: Trail) -> None:
    reports = [step_done(step, [1.0], float(step), right=is_right) for step, is_right in enumerate(right, start=1)]
    assert read(write_run([started(), *reports])).answer_trail(0, LABELS[0]) == expected


def test_probabilities_over_time_are_downsampled_and_stay_in_place() -> None:
    reports = [step_done(step, [1.0], float(step), right=step > 500) for step in range(1, 1_001)]
    run = write_run([started(2_000), *reports])
    history = read(run)
    steps, probabilities = history.probabilities_over_time(2)
    assert len(steps) <= 401
    assert steps[-1] == 1_000
    np.testing.assert_allclose(probabilities[steps > 500][:, LABELS[2]], 0.9)
    np.testing.assert_allclose(probabilities[steps <= 500][:, LABELS[2]], 0.011)
    append_events(run.id, [step_done(step, [1.0], float(step)) for step in range(1_001, 1_010)])
    history.read_new(run)
    assert set(steps[:-1].tolist()) <= set(history.probabilities_over_time(2)[0].tolist())


def test_before_its_first_event_a_run_has_no_history() -> None:
    history = read(write_run([]))
    assert history.started == Started(steps_per_epoch=0)
    assert (history.steps, history.elapsed_s, history.remaining_s, history.best_epoch, history.latest) == (0, 0.0, None, None, None)
    assert history.x_values("epoch", [3]).tolist() == [3]
    assert history.x_values("seconds", [3]).tolist() == [0]
    assert np.isnan(history.rates_at(np.array([1, 2]))).tolist() == [True, True]
    for table, columns in (
        (loss_table(history, 0.9), ["step", "loss", "smoothed"]),
        (history.rate_table(), ["step", "learning_rate"]),
        (history.accuracy_table(), ["epoch", "test_accuracy"]),
        (history.epoch_table(), ["epoch", "elapsed_s"]),
        (history.step_table(), ["step", "epoch", "seconds", "loss", "learning_rate"]),
    ):
        assert (len(table), table.columns.tolist()) == (0, columns)
    steps, probabilities = history.probabilities_over_time(0)
    assert (steps.shape, probabilities.shape) == ((0,), (0, 10))


def test_a_run_without_probes_has_no_answers() -> None:
    for probes in (None, np.zeros((0, 10), np.float32)):
        history = read(write_run([started(), step_done(1, [2.3], 1.0, probes=probes)]))
        assert history.steps == 1
        assert (history.newest_probabilities(), history.answer_trail(0, 0)) == (None, None)


def test_the_newest_answers_are_those_of_the_latest_report() -> None:
    history = read(write_run([started(), step_done(1, [2.3], 1.0, right=False), step_done(2, [2.2], 2.0)]))
    newest = history.newest_probabilities()
    assert newest is not None
    assert newest.argmax(axis=1).tolist() == list(LABELS)


def test_a_report_says_how_long_it_will_take_and_a_resumed_run_does_not_know() -> None:
    run = write_run([started(), step_done(1, [2.3], 1.5, remaining_s=42.0)])
    history = read(run)
    assert (history.steps, history.elapsed_s, history.remaining_s) == (1, 1.5, 42.0)
    append_events(run.id, [Resumed(epoch=1, step=1, steps_per_epoch=4, elapsed_s=1.6)])
    history.read_new(run)
    assert (history.steps, history.elapsed_s, history.remaining_s) == (1, 1.6, None)


def test_the_time_of_training_is_the_latest_of_all_events() -> None:
    report, epoch = step_done(4, [4.0, 3.0, 2.0, 1.0], 4.0), epoch_done(1, 4, 5.0)
    finished = Finished(epoch=1, step=4, test_accuracy=0.8, elapsed_s=6.0)
    assert read(write_run([started(), report])).elapsed_s == 4
    assert read(write_run([started(), report, epoch])).elapsed_s == 5
    assert read(write_run([started(), report, epoch, finished])).elapsed_s == 6
    assert read(write_run([started(), report, epoch, step_done(5, [0.9], 7.0)])).elapsed_s == 7


def test_the_losses_of_a_run_that_diverged_end_before_the_infinite_one() -> None:
    history = read(write_run([started(), step_done(1, [2.3], 1.0), Diverged(epoch=1, step=4, message="It grew.", losses=(9.0, 80.0))]))
    assert history.losses.means.tolist() == [2.3, 9.0, 80.0]
    assert history.steps == 1
    at_once = read(write_run([started(), Diverged(epoch=1, step=1, message="It grew.")]))
    assert (len(at_once.losses), at_once.steps) == (0, 0)
    assert read(write_run([started(), Diverged(epoch=1, step=3, message="It grew.", losses=(9.0, 80.0))])).steps == 2


def test_it_knows_the_fewest_and_the_most_threads() -> None:
    run = write_run([started(threads=1), step_done(1, [2.3], 1.0)])
    history = read(run)
    assert history.threads == (0, 0), "an earlier version did not record them"
    append_events(run.id, [step_done(2, [2.2], 2.0, threads=2), step_done(3, [2.1], 3.0, threads=4), step_done(4, [2.0], 4.0, threads=1)])
    history.read_new(run)
    assert history.threads == (1, 4)
    append_events(run.id, [started()])
    history.read_new(run)
    assert history.threads == (0, 0), "it has started over"


def test_a_report_without_losses_forgets_none() -> None:
    history = read(write_run([started(), step_done(2, [2.3, 2.2], 1.0), step_done(2, [], 2.0)]))
    assert history.losses.means.tolist() == [2.3, 2.2]


def test_an_epoch_reported_again_replaces_itself_and_later_ones() -> None:
    epochs = [epoch_done(1, 4, 1.0, 0.1), epoch_done(2, 8, 2.0, 0.2), epoch_done(3, 12, 3.0, 0.3), epoch_done(2, 8, 4.0, 0.4)]
    history = read(write_run([started(), *epochs]))
    assert [(epoch.epoch, epoch.test_accuracy) for epoch in history.epochs] == [(1, 0.1), (2, 0.4)]


def test_a_run_that_starts_over_forgets_everything() -> None:
    change = RateChanged(epoch=1, step=0, learning_rate=0.5)
    finished = Finished(epoch=1, step=2, test_accuracy=0.8, elapsed_s=5.0)
    events: list[Event] = [started(2), step_done(1, [9.0], 3.0), change, step_done(2, [9.0], 4.0), epoch_done(1, 2, 5.0), finished]
    history = read(write_run([*events, started(8)]))
    assert (history.started.steps_per_epoch, len(history.losses), history.epochs, history.latest, history.finished) == (
        8,
        0,
        [],
        None,
        None,
    )
    assert history.newest_probabilities() is None
    assert history.x_values("seconds", [1, 2]).tolist() == [0, 0]


def test_a_resumed_run_keeps_its_clock_rates_and_answers_up_to_the_checkpoint() -> None:
    run = write_run(
        [
            started(2),
            step_done(1, [2.3], 1.0, learning_rate=0.001),
            step_done(2, [2.2], 2.0, learning_rate=0.002),
            epoch_done(1, 2, 5.0),
            RateChanged(epoch=1, step=2, learning_rate=0.1),
            step_done(3, [9.0], 6.0, learning_rate=0.1, right=False),
            RateChanged(epoch=2, step=3, learning_rate=0.7),
            step_done(4, [9.0], 7.0, learning_rate=0.7, right=False),
            epoch_done(2, 4, 8.0),
        ]
    )
    history = read(run)
    append_events(run.id, [Resumed(epoch=2, step=2, steps_per_epoch=2, elapsed_s=5.5), step_done(4, [1.0, 0.5], 9.5, learning_rate=0.1)])
    history.read_new(run)
    assert history.losses.means.tolist() == [2.3, 2.2, 1.0, 0.5]
    assert [epoch.epoch for epoch in history.epochs] == [1]
    assert [(change.step, change.learning_rate) for change in history.rate_changes] == [(2, 0.1)]
    np.testing.assert_allclose(history.x_values("seconds", [0, 1, 2, 3, 4]), [0, 1, 2, 7.5, 9.5], rtol=1e-5)
    np.testing.assert_allclose(history.x_values("seconds", np.array([2.00001])), [5.5], rtol=1e-5)
    np.testing.assert_allclose(history.rates_at(np.array([1, 2, 3, 4])), [0.001, 0.002, 0.1, 0.1], rtol=1e-5)
    np.testing.assert_allclose(history.rate_table()["step"], [1, 2, 2, 2, 4], atol=1e-5)
    steps, probabilities = history.probabilities_over_time(0)
    assert steps.tolist() == [1, 2, 4]
    np.testing.assert_allclose(probabilities[:, LABELS[0]], 0.9)


def test_a_rate_jumps_within_a_millionth_of_a_step() -> None:
    change = RateChanged(epoch=1, step=2, learning_rate=0.1)
    history = read(write_run([started(), step_done(2, [2.3, 2.2], 1.0), change, step_done(4, [2.0, 1.5], 2.0, learning_rate=0.2)]))
    np.testing.assert_allclose(history.rates_at(np.array([2, 2.000001, 3])), [0.001, 0.1, 0.15], rtol=1e-5)
    table = history.rate_table("epoch")
    assert table.columns.tolist() == ["epoch", "learning_rate"]
    assert table["epoch"].tolist() == [0.5, 0.5, 2.000001 / 4, 1]
    assert table["learning_rate"].tolist() == [0.001, 0.001, 0.1, 0.2]


def test_a_rate_changed_before_any_report_starts_the_curve() -> None:
    history = read(write_run([started(), RateChanged(epoch=1, step=0, learning_rate=0.1), step_done(1, [2.3], 1.0, learning_rate=0.1)]))
    assert history.rate_table()["learning_rate"].tolist() == [0.1, 0.1]


def test_an_evaluation_takes_time_and_no_step() -> None:
    history = read(write_run([started(2), step_done(2, [2.3, 2.2], 2.0), epoch_done(1, 2, 8.0), step_done(4, [2.1, 2.0], 10.0)]))
    np.testing.assert_allclose(history.x_values("seconds", np.array([1, 2, 2.000001, 3, 4])), [1, 2, 8, 9, 10], rtol=1e-5)


def test_losses_are_drawn_at_their_step_smoothed_and_as_they_are() -> None:
    run = write_run([started(2), step_done(3, [2.0, 4.0, 8.0], 6.0)])
    history = read(run)
    table = loss_table(history, 0.5)
    assert table["step"].tolist() == [1, 2, 3]
    assert table["loss"].tolist() == [2, 4, 8]
    np.testing.assert_allclose(table["smoothed"], [2, 5 / 1.5, 10.5 / 1.75])
    assert loss_table(history, 0.0, "epoch")["epoch"].tolist() == [0.5, 1, 1.5]
    assert loss_table(history, 0.0, "seconds")["seconds"].tolist() == [2, 4, 6]
    append_events(run.id, [step_done(4, [7.0], 8.0)])
    history.read_new(run)
    assert loss_table(history, 0.0, max_points=3)["loss"].tolist() == [2, 8, 7]


@pytest.mark.parametrize(("count", "rows"), [(400, 400), (401, 201)])
def test_four_hundred_points_are_drawn_and_no_more(count: int, rows: int) -> None:
    """Of 401 rising losses, the first and last of every four, and the 401st."""
    history = read(
        write_run([started(500), *[step_done(step, [float(step)], step, learning_rate=0.001 * step) for step in range(1, count + 1)]])
    )
    assert len(loss_table(history, 0.0)) == len(history.rate_table()) == rows
    assert len(history.probabilities_over_time(0)[0]) == (400 if count == 400 else 201)


@pytest.mark.parametrize(
    ("count", "max_points", "shown"),
    [(4, 4, [1, 2, 3, 4]), (5, 4, [1, 3, 5]), (9, 3, [1, 5, 9]), (10, 3, [1, 5, 9, 10]), (1, 1, [1]), (2, 1, [1, 2])],
)
def test_every_second_fourth_or_eighth_answer_and_the_latest_are_drawn(count: int, max_points: int, shown: list[int]) -> None:
    history = read(write_run([started(20), *[step_done(step, [1.0], step, right=step % 2 == 0) for step in range(1, count + 1)]]))
    steps, probabilities = history.probabilities_over_time(19, max_points)
    assert steps.tolist() == shown
    np.testing.assert_allclose(probabilities[:, LABELS[19]], [0.9 if step % 2 == 0 else 0.011 for step in shown])


def test_steps_are_numbered_within_their_epochs_and_seconds_have_three_decimals() -> None:
    table = read(write_run([started(2), step_done(5, [5.0, 4.0, 3.0, 2.0, 1.0], 6.1728)])).step_table()
    assert table["step"].tolist() == [1, 2, 3, 4, 5]
    assert table["epoch"].tolist() == [1, 1, 2, 2, 3]
    assert table["seconds"].tolist() == [1.235, 2.469, 3.704, 4.938, 6.173]
    assert table["loss"].tolist() == [5, 4, 3, 2, 1]
    assert table["learning_rate"].tolist() == [0.001] * 5
    assert read(write_run([started(1), step_done(2, [2.0, 1.0], 1.0)])).step_table()["epoch"].tolist() == [1, 2]


def test_an_epoch_is_a_row_with_accuracies_in_percent() -> None:
    epochs = [epoch_done(1, 2, 3.5, 0.5, train_accuracy=0.25), epoch_done(2, 4, 7.0, 0.75, train_accuracy=None, learning_rate=None)]
    history = read(write_run([started(2), *epochs]))
    table = history.epoch_table()
    assert table.columns.tolist() == ["epoch", "train_loss", "train_accuracy", "test_loss", "test_accuracy", "learning_rate", "elapsed_s"]
    assert table["train_accuracy"][0] == 25
    assert math.isnan(table["train_accuracy"][1])
    assert table["test_accuracy"].tolist() == [50, 75]
    assert (table["epoch"].tolist(), table["elapsed_s"].tolist()) == ([1, 2], [3.5, 7])
    accuracies = history.accuracy_table()
    assert accuracies.columns.tolist() == ["epoch", "test_accuracy", "train_accuracy"]
    assert accuracies["train_accuracy"][0] == 25


def test_the_best_epoch_is_marked_in_the_table_alone() -> None:
    best = {"validation_accuracy": 0.5, "validation_loss": 1.0}
    history = read(write_run([started(2), epoch_done(1, 2, 1.0, is_best=True, **best), epoch_done(2, 4, 2.0, **best)]))
    assert history.best_epoch is not None
    assert history.best_epoch.epoch == 1
    assert history.epoch_table()["is_best"].tolist() == [True, False]
    assert history.epoch_table()["validation_accuracy"].tolist() == [50, 50]


def test_a_trail_stays_as_it_is() -> None:
    trail = Trail(predicted=0, is_correct=True, correct_since=1, last_correct=1, changes=0)
    with pytest.raises(FrozenInstanceError):
        trail.changes = 1  # type: ignore[misc]


def test_each_probe_has_a_trail_of_its_own() -> None:
    first = [True] * 10 + [False] * 10
    reports = [step_done(3, [1.0], 1.0, right=first), step_done(7, [1.0], 2.0, right=False), step_done(9, [1.0], 3.0, right=first)]
    history = read(write_run([started(20), *reports]))
    assert history.answer_trail(2, LABELS[2]) == Trail(predicted=1, is_correct=True, correct_since=9, last_correct=9, changes=2)
    assert history.answer_trail(19, LABELS[19]) == Trail(predicted=0, is_correct=False, correct_since=None, last_correct=None, changes=0)
    assert history.answer_trail(3, LABELS[3] + 1) == Trail(predicted=1, is_correct=False, correct_since=None, last_correct=7, changes=2)


# Runs of many steps, and files that are not what they should be


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunHistory, list[Event]]:
    """The history of a run of 96,000 steps in batches of one, with its evaluations, and its events."""
    folder = tmp_path_factory.mktemp("long")
    write_long_events(folder, 3)
    history = RunHistory()
    history.read_new(SimpleNamespace(folder=folder))  # type: ignore[arg-type]
    return history, read_events(folder)[0]


def test_a_run_of_many_steps_is_thinned(long_run: tuple[RunHistory, list[Event]]) -> None:
    history, events = long_run
    losses = np.concatenate([event.losses for event in events if isinstance(event, StepDone)])
    assert len(history.losses) == history.steps == len(losses) > 90_000
    assert history.losses.stride == 2
    pairs = np.pad(losses, (0, len(losses) % 2), constant_values=np.nan).reshape(-1, 2)
    table = history.step_table()
    np.testing.assert_allclose(table["loss"], np.nanmean(pairs, axis=1))
    assert table["step"].tolist() == [*range(2, len(losses), 2), len(losses)]
    assert table["epoch"].tolist() == [-(-step // 55_000) for step in table["step"]]
    shown = loss_table(history, 0.9)
    assert len(shown) <= 400
    assert (shown["loss"].max(), shown["loss"].min()) == (losses.max(), losses.min())
    assert shown["smoothed"].iloc[-1] == pytest.approx(smooth(losses, 0.9)[-1], abs=0.2)


def test_clock_rates_and_answers_of_many_reports_are_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fmnist_core.runs.history._MOST_REPORTS", 16)
    reports: list[Event] = []
    for step in range(1, 101):
        rate = 0.001 if step <= 50 else 0.1
        reports.append(step_done(step, [1.0], float(step if step <= 40 else step + 60), learning_rate=rate, right=step > 70))
        if step == 40:
            reports.append(epoch_done(1, 40, 100.0))
        if step == 50:
            reports.append(RateChanged(epoch=2, step=50, learning_rate=0.1))
    history = read(write_run([started(40), *reports]))
    assert len(history.losses) == 100
    np.testing.assert_allclose(history.x_values("seconds", [10, 40, 41, 70, 100]), [10, 40, 101, 130, 160], rtol=1e-5)
    np.testing.assert_allclose(history.rates_at(np.array([1, 50, 51, 100])), [0.001, 0.001, 0.1, 0.1], rtol=1e-4)
    assert len(history.rate_table()) <= 16
    steps, _ = history.probabilities_over_time(0)
    assert steps.tolist() == [*range(1, 101, 8), 100]
    assert history.answer_trail(0, LABELS[0]) == Trail(0, is_correct=True, correct_since=73, last_correct=100, changes=1, stride=8)
    newest = history.newest_probabilities()
    assert newest is not None
    assert newest[0, LABELS[0]] == np.float32(0.9)


def test_the_largest_history_takes_less_than_five_megabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve million steps in 12,000 reports, each with a hundred probes."""
    run, probes, losses = write_run([started(60_000, probes=tuple(range(100)))]), np.full((100, 10), 0.1, np.float32), (1.0,) * 1_000
    history = read(run)

    def report(step: int) -> StepDone:
        return step_done(step, losses, step / 100, epoch=1, probes=probes)

    monkeypatch.setattr(EventReader, "read", lambda *_: map(report, range(1_000, 12_000_001, 1_000)))
    history.read_new(run)
    assert (history.steps, len(history.losses), history.losses.stride) == (12_000_000, 12_000_000, 512)
    assert len(history.probabilities_over_time(99)[0]) <= 401
    assert 2_000_000 < history.nbytes < 5_000_000
    assert isinstance(history.latest, StepDone)
    assert (history.latest.losses, history.latest.probes) == ((), None)


def test_bad_lines_and_steps_of_another_run_are_left_out_and_counted() -> None:
    run = write_run([started(), step_done(1, [2.0], 1.0)])
    with (run.folder / "events.jsonl").open("a") as file:
        file.write("not an event\n")
    append_events(run.id, [step_done(801, [9.0], 2.0), step_done(800, [1.0], 3.0, epoch=200), step_done(2, [1.5], 2.0)])
    history = read(run)
    assert history.skipped_lines == 2
    assert history.losses.means.tolist() == [2.0, 1.5]


def test_answers_for_other_probes_than_the_runs_are_left_out() -> None:
    few = np.full((3, 10), 0.1, np.float32)
    history = read(write_run([started(), step_done(1, [2.0], 1.0, right=False), step_done(2, [1.5], 2.0, probes=few)]))
    assert history.losses.means.tolist() == [2.0, 1.5]
    assert history.probabilities_over_time(19)[0].tolist() == [1]


def test_a_run_whose_first_line_was_lost_still_has_losses() -> None:
    history = read(write_run([step_done(1, [2.0], 1.0)]))
    assert (history.losses.means.tolist(), history.newest_probabilities(), history.skipped_lines) == ([2.0], None, 0)


def test_a_new_file_makes_a_new_history() -> None:
    run = write_run([started(8), step_done(1, [2.0], 1.0), epoch_done(1, 8, 9.0)])
    history = read(run)
    file = run.folder / "events.jsonl"
    with file.open("a") as appended:
        appended.write("not an event\n")
    history.read_new(run)
    assert history.skipped_lines == 1
    file.unlink()
    append_events(run.id, [step_done(1, [7.0], 1.0), step_done(2, [6.0], 2.0)])
    history.read_new(run)
    assert (history.started, history.losses.means.tolist(), history.epochs) == (Started(0), [7.0, 6.0], [])
    assert history.skipped_lines == 0
    file.unlink()
    history.read_new(run)
    assert (len(history.losses), history.latest) == (0, None)


def test_the_latest_changes_of_the_rate_are_kept() -> None:
    changes: list[Event] = [RateChanged(epoch=1, step=1, learning_rate=0.001 * number) for number in range(1, 301)]
    history = read(write_run([started(), step_done(1, [2.0], 1.0), *changes]))
    assert len(history.rate_changes) == 256
    assert history.rate_changes[-1].learning_rate == 0.3
    assert history.rates_at(np.array([2])).tolist() == [0.3]


def test_a_copy_reads_on_independently() -> None:
    run = write_run([started(), step_done(1, [2.0], 1.0), epoch_done(1, 4, 2.0)])
    history = read(run)
    append_events(run.id, [RateChanged(epoch=1, step=1, learning_rate=0.1), step_done(2, [1.0], 3.0, right=False), epoch_done(2, 8, 4.0)])
    assert history.has_news(run)
    again = history.copy()
    again.read_new(run)
    assert not again.has_news(run)
    assert (history.losses.means.tolist(), len(history.epochs), history.rate_changes) == ([2.0], 1, [])
    assert history.probabilities_over_time(0)[0].tolist() == [1]
    assert (again.losses.means.tolist(), len(again.epochs), len(again.rate_changes)) == ([2.0, 1.0], 2, 1)
    assert again.probabilities_over_time(0)[0].tolist() == [1, 2]


def read(run: RunRecord) -> RunHistory:
    history = RunHistory()
    history.read_new(run)
    return history


def test_a_rate_changed_by_hand_is_a_step_however_few_points_are_drawn() -> None:
    """Between the lowest and the highest rate of a stretch, the line would be a ramp."""
    history = RunHistory()
    events: list[Event] = [started(1000)]
    for step in range(1, 900):
        events.append(step_done(step, [1.0], step / 10, learning_rate=0.001 if step <= 500 else 0.05))
        if step == 500:
            events.append(RateChanged(epoch=1, step=500, learning_rate=0.05))
    history.read_new(write_run(events))
    table = history.rate_table("step", 20)
    assert len(table) <= 22
    jumps = table[table["learning_rate"].diff() != 0].iloc[1:]
    assert jumps["step"].tolist() == [pytest.approx(500, abs=1e-5)]
    assert table["step"][jumps.index[0] - 1] == 500
