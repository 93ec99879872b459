import numpy as np
import pytest

from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.history import RunHistory, Trail
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.training.events import Event, Finished, RateChanged, Resumed
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
    assert len(history.loss_table(0.9, "seconds")) <= 400


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


def test_a_resumed_run_forgets_what_will_come_again() -> None:
    change = RateChanged(epoch=2, step=6, learning_rate=0.1)
    before: list[Event] = [started(), step_done(4, [4.0, 3.0, 2.0, 1.0], 4.0), epoch_done(1, 4, 5.0), step_done(6, [9.0, 9.0], 7.0), change]
    run = write_run([*before, step_done(8, [9.0, 9.0], 9.0), epoch_done(2, 8, 10.0)])
    history = read(run)
    assert (history.steps, len(history.epochs)) == (8, 2)
    append_events(run.id, [Resumed(epoch=2, step=5, steps_per_epoch=4, elapsed_s=6.0)])
    history.read_new(run)
    assert history.losses == [4.0, 3.0, 2.0, 1.0, 9.0]
    assert (history.steps, history.elapsed_s, len(history.epochs), history.rate_changes) == (5, 6.0, 1, [])
    append_events(run.id, [step_done(8, [0.3, 0.2, 0.1], 9.0), epoch_done(2, 8, 10.0)])
    history.read_new(run)
    assert history.losses == [4.0, 3.0, 2.0, 1.0, 9.0, 0.3, 0.2, 0.1]
    np.testing.assert_allclose(history.x_values("seconds", [5, 6, 8]), [6, 7, 9], rtol=1e-6)
    assert [epoch.epoch for epoch in history.epochs] == [1, 2]


def test_losses_of_a_report_that_was_lost_leave_a_gap() -> None:
    resumed = Resumed(epoch=1, step=3, steps_per_epoch=4, elapsed_s=2.0)
    history = read(write_run([started(), step_done(1, [2.3], 1.0), resumed, step_done(4, [1.0], 3.0)]))
    np.testing.assert_array_equal(history.losses, [2.3, np.nan, np.nan, 1.0])
    assert len(history.loss_table(0.9)) == 4


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


def read(run: RunRecord) -> RunHistory:
    history = RunHistory()
    history.read_new(run)
    return history
