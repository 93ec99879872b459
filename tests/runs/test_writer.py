import json
import os
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors.numpy
import torch

from fmnist_core.dataset.split import Split
from fmnist_core.evaluation.evaluation import Evaluation
from fmnist_core.runs import writer
from fmnist_core.runs.claim import claim_training, is_claimed
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.event_log import read_events
from fmnist_core.runs.folders import RunError, epoch_file, last_file, run_folder
from fmnist_core.runs.kept import kept_stamp
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.results import read_live_kernels
from fmnist_core.runs.transitions import prepare_resume
from fmnist_core.runs.weights import load_checkpoint, load_model, save_checkpoint
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.files import read_json
from fmnist_core.training.events import Event, RateChanged, Resumed, StepDone
from fmnist_core.training.loop import train
from tests.runs.run_files import checkpoint_at, put_status
from tests.written_runs import epoch_done, started, step_done


def test_weights_of_an_epoch_cut_short_are_the_newest(trained_run: RunRecord, small_splits: tuple[Split, Split]) -> None:
    step = next(event for event in train(TrainConfig(), *small_splits) if isinstance(event, StepDone))
    prepare_resume(trained_run.id, 1)
    writer = RunWriter(trained_run.id)
    assert not writer.keep_unfinished_epoch()
    before = kept_stamp(trained_run)
    writer.write_event(step)
    assert writer.keep_unfinished_epoch()
    newest = load_model(load_run(trained_run.id)).state_dict()
    np.testing.assert_array_equal(newest["fc.weight"].numpy(), step.weights["fc.weight"])
    of_epoch = load_model(trained_run, epoch=1).state_dict()
    assert not torch.equal(of_epoch["fc.weight"], newest["fc.weight"])
    assert kept_stamp(trained_run) != before


def test_the_writer_claims_the_run_for_its_process() -> None:
    run_id = create_run(TrainConfig())
    writer = RunWriter(run_id)
    assert json.loads((run_folder(run_id) / "status.json").read_text())["pid"] == os.getpid()
    assert is_claimed(run_folder(run_id))
    writer.end("stopped")
    assert not is_claimed(run_folder(run_id))


def saved_step(run_id: str) -> int | None:
    """The step of the checkpoint on the disk."""
    checkpoint = load_checkpoint(load_run(run_id))
    return None if checkpoint is None else checkpoint.step


def weight_in(file: Path) -> float:
    return float(safetensors.numpy.load_file(file)["layer1.0.weight"].max())


EVALUATION = Evaluation(np.array([3, 3, 3, 3], np.uint8), np.eye(10, dtype=np.float32)[[3, 5, 3, 3]], 0.5)


def test_a_writer_takes_over_a_run_as_it_is() -> None:
    run_id = create_run(TrainConfig(epochs=4))
    put_status(run_id, epoch=2, test_accuracy=0.5, message="Before.", epochs=6, best_epoch=1)
    folder = run_folder(run_id)
    (folder / "reserve").unlink()
    running = RunWriter(run_id)
    assert (running.run_id, running.folder, running.epochs, running.is_evaluated) == (run_id, folder, 6, False)
    run = load_run(run_id)
    assert (run.state, run.epoch, run.test_accuracy, run.message, run.epochs, run.best_epoch) == ("waiting", 2, 0.5, "", 6, 1)
    assert claim_training(folder, 0) is None
    assert (folder / "reserve").stat().st_size == 65_536


def test_a_run_that_another_process_trains_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig())
    monkeypatch.setattr(writer, "claim_training", lambda _folder: None)
    with pytest.raises(RunError) as raised:
        RunWriter(run_id)
    assert str(raised.value) == f'The run "{run_id}" is being trained by another process.'


def test_events_before_a_checkpoint_are_kept_and_without_one_are_not() -> None:
    run_id = create_run(TrainConfig())
    events = run_folder(run_id) / "events.jsonl"
    events.write_bytes(b'{"whole": 1}\n{"ha')
    RunWriter(run_id)
    assert not events.exists()
    events.write_bytes(b'{"whole": 1}\n{"ha')
    save_checkpoint(checkpoint_at(5), run_folder(run_id))
    RunWriter(run_id)
    assert events.read_bytes() == b'{"whole": 1}\n'


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes in folders")
def test_a_reserve_that_is_not_a_file_is_replaced_and_not_opened() -> None:
    """Opening a named pipe that nobody reads from would wait for ever."""
    run_id = create_run(TrainConfig())
    reserve = run_folder(run_id) / "reserve"
    reserve.unlink()
    os.mkfifo(reserve)
    RunWriter(run_id)
    assert reserve.read_bytes() == bytes(65_536)


def test_a_full_disk_has_no_room_for_the_reserve_and_the_run_continues() -> None:
    run_id = create_run(TrainConfig())
    (run_folder(run_id) / "reserve").unlink()
    (run_folder(run_id) / "reserve").mkdir()
    running = RunWriter(run_id)
    running.change_state("training")
    assert load_run(run_id).state == "training"


@pytest.mark.parametrize("event", [started(), Resumed(epoch=1, step=3, steps_per_epoch=4, elapsed_s=1.0)])
def test_a_run_that_starts_or_resumes_is_training(event: Event) -> None:
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)
    running.write_event(event)
    assert load_run(run_id).state == "training"
    assert [type(written) for written in read_events(run_folder(run_id))[0]] == [type(event)]


def test_reports_save_the_kernels_and_every_thirty_seconds_a_checkpoint(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(writer, "time", SimpleNamespace(monotonic=lambda: now, time=time.time))
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)
    saved = []
    for step, now in ((1, 0.0), (2, 29.9), (3, 30.0), (4, 59.9), (5, 60.5), (6, 90.4), (7, 90.5)):  # `now` is read above
        running.write_event(step_done(step, [1.0], now, checkpoint=checkpoint_at(step)))
        kernels = read_live_kernels(run_folder(run_id))
        assert kernels is not None
        assert (kernels.shape, kernels.max()) == ((16, 5, 5), step)
        saved.append(saved_step(run_id))
    assert saved == [1, 1, 3, 3, 5, 5, 7]
    assert json.loads((run_folder(run_id) / "live.json").read_text())["step"] == 7
    assert len(read_events(run_folder(run_id))[0]) == 7


def test_events_without_a_checkpoint_are_only_written() -> None:
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)
    before = sorted(file.name for file in run_folder(run_id).iterdir())
    for event in (step_done(1, [1.0], 1.0), RateChanged(epoch=1, step=1, learning_rate=0.1), epoch_done(1, 4, 2.0)):
        running.write_event(event)
    running.save_checkpoint()
    assert not running.keep_unfinished_epoch()
    assert sorted(file.name for file in run_folder(run_id).iterdir()) == sorted([*before, "events.jsonl"])
    assert load_run(run_id).epoch == 0


def test_the_checkpoint_after_an_epoch_is_the_last_that_is_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run killed before it resumes with the epoch unreported, one killed after it has all that was reported."""
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)
    seen: list[tuple[int, int | None]] = []
    monkeypatch.setattr(writer, "save_checkpoint", lambda *_: seen.append((load_run(run_id).epoch, load_run(run_id).best_epoch)))
    running.write_event(epoch_done(1, 4, 2.0, is_best=True, validation_accuracy=0.5, checkpoint=checkpoint_at(4)))
    assert seen == [(1, 1)]


def test_a_changed_rate_saves_a_checkpoint_at_once() -> None:
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)
    running.write_event(step_done(1, [1.0], 1.0, checkpoint=checkpoint_at(1)))
    running.write_event(RateChanged(epoch=1, step=2, learning_rate=0.1, checkpoint=checkpoint_at(2)))
    assert saved_step(run_id) == 2


def test_a_checkpoint_is_saved_once_and_after_the_events_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig())
    running, done = RunWriter(run_id), []
    monkeypatch.setattr(writer, "os", SimpleNamespace(fsync=lambda file: done.append(os.fstat(file).st_size)))
    monkeypatch.setattr(writer, "save_checkpoint", lambda checkpoint, _folder: done.append(-checkpoint.step))
    running.save_checkpoint()
    assert done == []
    running.write_event(step_done(1, [1.0], 1.0, checkpoint=checkpoint_at(1)))
    size = (run_folder(run_id) / "events.jsonl").stat().st_size
    assert done == [size, -1]
    running.save_checkpoint()
    assert done == [size, -1]
    running.write_event(step_done(2, [1.0], 1.0, checkpoint=checkpoint_at(2)))
    assert done == [size, -1], "it is too early for another"
    running.save_checkpoint()
    assert done == [size, -1, (run_folder(run_id) / "events.jsonl").stat().st_size, -2]


def test_an_epoch_saves_its_weights_its_figures_and_a_checkpoint() -> None:
    run_id = create_run(TrainConfig())
    folder, running = run_folder(run_id), RunWriter(run_id)
    last_file(folder).touch()
    running.write_event(epoch_done(1, 4, 1.0, 0.6, checkpoint=checkpoint_at(4), evaluation=EVALUATION))
    assert (weight_in(epoch_file(folder, 1)), saved_step(run_id), last_file(folder).exists()) == (4, 4, False)
    run = load_run(run_id)
    assert (run.epoch, run.best_epoch, run.test_accuracy, running.is_evaluated) == (1, None, 0.6, True)
    assert read_json(folder / "evaluation.json") == EVALUATION.to_json()
    running.write_event(epoch_done(2, 8, 2.0, 0.7, checkpoint=checkpoint_at(8)))
    run = load_run(run_id)
    assert (run.epoch, run.best_epoch, run.test_accuracy, running.is_evaluated) == (2, None, 0.7, False)
    assert (weight_in(epoch_file(folder, 1)), weight_in(epoch_file(folder, 2))) == (4, 8)


def test_with_validation_images_the_best_epoch_is_in_use() -> None:
    run_id = create_run(TrainConfig(validation_images=40))
    folder, running = run_folder(run_id), RunWriter(run_id)
    figures = []
    for epoch, is_best in ((1, True), (2, False), (3, True), (4, False)):
        running.write_event(
            epoch_done(
                epoch,
                4 * epoch,
                1.0,
                epoch / 10,
                validation_accuracy=0.5,
                is_best=is_best,
                checkpoint=checkpoint_at(4 * epoch),
                evaluation=EVALUATION,
            )
        )
        run = load_run(run_id)
        figures.append((run.epoch, run.best_epoch, run.test_accuracy, running.is_evaluated))
        (folder / "evaluation.json").unlink(missing_ok=not is_best)
    assert figures == [(1, 1, 0.1, True), (2, 1, 0.1, True), (3, 3, 0.3, True), (4, 3, 0.3, True)]
    assert not (folder / "evaluation.json").exists(), "only that of a best epoch is written"


def test_an_epoch_seen_in_one_view_is_no_evaluation_of_several() -> None:
    run_id = create_run(TrainConfig(test_views="mirrored"))
    running = RunWriter(run_id)
    running.write_event(epoch_done(1, 4, 1.0, 0.6, checkpoint=checkpoint_at(4), evaluation=EVALUATION))
    assert not running.is_evaluated
    assert not (run_folder(run_id) / "evaluation.json").exists()
    assert load_run(run_id).test_accuracy == 0.6


@pytest.mark.parametrize("is_best", [True, False])
def test_weights_of_an_unfinished_epoch_are_not_evaluated_yet_unless_others_are_in_use(is_best: bool) -> None:
    run_id = create_run(TrainConfig(validation_images=40 if is_best else 0))
    folder, running = run_folder(run_id), RunWriter(run_id)
    accuracy = 0.5 if is_best else None
    running.write_event(
        epoch_done(1, 4, 1.0, validation_accuracy=accuracy, is_best=is_best, checkpoint=checkpoint_at(4), evaluation=EVALUATION)
    )
    assert not running.keep_unfinished_epoch()
    assert not last_file(folder).exists()
    assert running.is_evaluated
    running.write_event(step_done(5, [1.0], 1.0, checkpoint=checkpoint_at(5, epoch_images=100)))
    assert saved_step(run_id) == 4
    assert running.keep_unfinished_epoch()
    assert (saved_step(run_id), weight_in(last_file(folder))) == (5, 5)
    assert running.is_evaluated is is_best


def test_an_evaluation_at_the_end_is_in_the_status() -> None:
    run_id = create_run(TrainConfig())
    RunWriter(run_id).write_evaluation(EVALUATION)
    assert load_run(run_id).test_accuracy == 0.75
    assert read_json(run_folder(run_id) / "evaluation.json") == EVALUATION.to_json()


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_run_that_ends_gives_up_its_claim_and_its_reserve(is_lost: bool) -> None:
    run_id = create_run(TrainConfig())
    folder, running = run_folder(run_id), RunWriter(run_id)
    if is_lost:
        (folder / "trainer.lock").unlink()
        (folder / "reserve").unlink()
    running.end("diverged", "It grew.")
    assert not (folder / "reserve").exists()
    assert not is_claimed(folder)
    assert (load_run(run_id).state, load_run(run_id).message) == ("diverged", "It grew.")


def test_the_last_status_is_written_before_the_claim_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)
    seen: list[bool] = []
    monkeypatch.setattr(writer, "write_json", lambda file, _content, **_: seen.append(is_claimed(file.parent)))
    running.end("stopped")
    assert seen == [True]
    assert not is_claimed(run_folder(run_id))


def test_a_run_whose_last_status_cannot_be_written_gives_up_its_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer, "write_json", fail)
    with pytest.raises(OSError, match="No space left"):
        running.end("stopped")
    assert not is_claimed(run_folder(run_id))
    assert load_run(run_id).state == "interrupted"


def test_a_failed_run_keeps_its_unfinished_epoch_and_says_why() -> None:
    run_id = create_run(TrainConfig())
    running = RunWriter(run_id)
    running.write_event(step_done(1, [1.0], 1.0, checkpoint=checkpoint_at(1, epoch_images=100)))
    running.fail("The disk is full.")
    run = load_run(run_id)
    assert (run.state, run.message, run.has_weights, run.has_checkpoint) == ("failed", "The disk is full.", True, True)
    assert not (run.folder / "reserve").exists()


def test_a_failed_run_is_marked_even_if_nothing_else_can_be_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = create_run(TrainConfig())
    running, tried = RunWriter(run_id), []

    def fail(*_: object, **__: object) -> None:
        tried.append((run_folder(run_id) / "reserve").exists())
        raise OSError("full")

    monkeypatch.setattr(writer, "save_weights", fail)
    running.write_event(step_done(1, [1.0], 1.0, checkpoint=checkpoint_at(1, epoch_images=100)))
    running.fail("The disk is full.")
    assert tried == [False], "the reserve was given up first"
    assert load_run(run_id).state == "failed"
    monkeypatch.setattr(writer, "write_json", fail)
    running.fail("Again.")
    assert load_run(run_id).message == "The disk is full."
