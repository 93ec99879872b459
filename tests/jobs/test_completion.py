"""Runs without kept results are completed: by one process at a time, with what a fresh evaluation gives, and never in an endless loop."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fmnist_core.evaluation.prediction import evaluate
from fmnist_core.jobs import completion, keeping
from fmnist_core.jobs.completion import Completion, complete_run, ensure_kept, stop_completion
from fmnist_core.jobs.keeping import completion_steps, keep_likeness
from fmnist_core.jobs.worker import _load_splits, train_run
from fmnist_core.runs import kept
from fmnist_core.runs.claim import claim_start, claim_training, is_claimed, release_start
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import STARTER_ID, RunError, epoch_file, run_folder
from fmnist_core.runs.kept import read_answers, read_likeness
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.transitions import prepare_resume
from fmnist_core.runs.weights import load_model
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.locks import FileLock


@pytest.fixture
def run() -> RunRecord:
    """A finished run, on the small data, that has kept nothing, as runs of earlier versions."""
    return old_run()


def old_run(config: TrainConfig | None = None) -> RunRecord:
    run_id = create_run(config or TrainConfig(epochs=1, batch_size=50))
    train_run(run_id, lambda _event: None)
    run = load_run(run_id)
    for file in (run.folder / "likeness.safetensors", run.folder / "answers" / "epoch-001.safetensors"):
        file.unlink()
    return run


def has_all(run: RunRecord) -> bool:
    train, test = _load_splits()
    return read_answers(run, test) is not None and read_likeness(run, train, test) is not None


def wait_for(what: Callable[[], bool]) -> None:
    """Waits for what must come; two minutes are for a machine that has other work."""
    deadline = time.monotonic() + 120
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ignore(_completion: Completion) -> None:
    pass


# What the trainer keeps


@pytest.mark.parametrize("validation_images", [0, 40])
def test_the_trainer_keeps_its_answers_after_each_epoch_and_the_rest_at_the_end(validation_images: int) -> None:
    seen: list[tuple[int, int, bool]] = []
    run_id = create_run(TrainConfig(epochs=3, batch_size=50, validation_images=validation_images))
    folder = run_folder(run_id)
    test = _load_splits()[1]

    def look(_event: object) -> None:
        run = load_run(run_id)
        answers = read_answers(run, test)
        if answers is not None:
            assert answers.evaluation(test).accuracy == run.test_accuracy
        seen.append((run.epoch, len(list((folder / "answers").glob("*"))) if run.epoch else 0, (folder / "likeness.safetensors").exists()))

    train_run(run_id, look)
    assert {(epoch, answers) for epoch, answers, _ in seen} == {(0, 0), (1, 1), (2, 2), (3, 3)}
    assert not any(has_likeness for _, _, has_likeness in seen)
    run = load_run(run_id)
    assert has_all(run)
    for epoch in (1, 2, 3):
        answers = read_answers(run, test, epoch)
        assert answers is not None
        fresh = evaluate(load_model(run, epoch), test)
        np.testing.assert_array_equal(answers.predictions, fresh.predictions)
        np.testing.assert_allclose(answers.evaluation(test).probabilities, fresh.probabilities, atol=2e-4)


def test_with_several_views_the_reported_answers_are_kept() -> None:
    run_id = create_run(TrainConfig(epochs=1, batch_size=50, test_views="mirrored"))
    train_run(run_id, lambda _event: None)
    run, test = load_run(run_id), _load_splits()[1]
    answers = read_answers(run, test)
    assert answers is not None
    assert answers.views == "mirrored"
    assert answers.evaluation(test).accuracy == run.test_accuracy
    np.testing.assert_array_equal(answers.predictions, evaluate(load_model(run), test, views="mirrored").predictions)


def test_answers_of_an_epoch_cut_short_are_kept_until_the_epoch_has_ended() -> None:
    run_id = create_run(TrainConfig(epochs=1, batch_size=50))
    train, test = _load_splits()
    writer = RunWriter(run_id)
    from fmnist_core.training.loop import train as events_of

    events = iter(events_of(load_run(run_id).config, train, test))
    writer.write_event(next(events))
    writer.write_event(next(events))
    assert writer.keep_unfinished_epoch()
    writer.write_evaluation(evaluate(load_model(load_run(run_id)), test))
    answers = read_answers(load_run(run_id), test)
    assert answers is not None
    np.testing.assert_array_equal(answers.predictions, evaluate(load_model(load_run(run_id)), test).predictions)
    for event in events:
        writer.write_event(event)
    assert [file.name for file in (writer.folder / "answers").iterdir()] == ["epoch-001.safetensors"]
    writer.end("stopped")


def test_the_run_has_ended_before_the_likeness_is_kept_and_is_claimed_until_then(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, bool]] = []
    run_id = create_run(TrainConfig(epochs=1, batch_size=50))
    whole = kept.write_likeness

    def look(folder: Path, *arguments: object) -> None:
        seen.append((load_run(run_id).state, is_claimed(folder)))
        whole(folder, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(keeping, "write_likeness", look)
    train_run(run_id, lambda _event: None)
    assert seen == [("finished", True)]
    assert not is_claimed(run_folder(run_id))


def test_whoever_continues_the_run_does_not_wait_for_its_likeness(run: RunRecord) -> None:
    prepare_resume(run.id, more_epochs=1)
    writer = RunWriter(run.id)
    writer.end("finished", keep_claim=True)
    assert claim_start(run.folder)
    keep_likeness(writer, *_load_splits())
    release_start(run.folder)
    assert not (run.folder / "likeness.safetensors").exists()
    prepare_resume(run.id, more_epochs=1)  # the claim was given up
    assert load_run(run.id).state == "waiting"
    RunWriter(run.id).end("stopped")


def test_a_run_has_ended_even_if_its_likeness_cannot_be_kept(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keeping, "write_likeness", fail)
    run_id = create_run(TrainConfig(epochs=1, batch_size=50))
    assert train_run(run_id, lambda _event: None) == "finished"
    run = load_run(run_id)
    assert (run.state, run.message, is_claimed(run.folder)) == ("finished", "", False)
    assert "No space left on device" in capsys.readouterr().err


def test_a_run_is_trained_even_if_its_answers_cannot_be_kept() -> None:
    run_id = create_run(TrainConfig(epochs=1, batch_size=50))
    (run_folder(run_id) / "answers").write_text("in the way")
    assert train_run(run_id, lambda _event: None) == "finished"
    run = load_run(run_id)
    assert run.test_accuracy is not None
    assert read_answers(run, _load_splits()[1]) is None


# What is computed later


@pytest.mark.parametrize("views", ["one", "mirrored", "mirrored-and-shifted"])
def test_a_run_of_an_earlier_version_is_completed(views: str) -> None:
    run = old_run(TrainConfig(epochs=1, batch_size=50, test_views=views))  # type: ignore[arg-type]
    told: list[Completion] = []
    complete_run(run.id, told.append)
    train, test = _load_splits()
    answers = read_answers(run, test)
    assert answers is not None
    fresh = evaluate(load_model(run), test, views=views)  # type: ignore[arg-type]
    np.testing.assert_array_equal(answers.predictions, fresh.predictions)
    assert (answers.views, answers.loss, answers.evaluation(test).accuracy) == (views, fresh.loss, run.test_accuracy)
    assert read_likeness(run, train, test) is not None
    shares = [each.share for each in told]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0, 1)
    assert not (run.folder / "completion.json").exists()
    assert not is_claimed(run.folder)


def test_only_what_is_missing_is_computed(run: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    complete_run(run.id, ignore)
    (run.folder / "likeness.safetensors").unlink()
    monkeypatch.setattr(keeping, "write_answers", lambda *_: pytest.fail("the answers were there"))
    complete_run(run.id, ignore)
    assert has_all(run)
    monkeypatch.setattr(keeping, "write_likeness", lambda *_: pytest.fail("everything was there"))
    complete_run(run.id, ignore)


def test_a_process_completes_a_run_and_there_is_one_at_a_time(run: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    other, launched = old_run(), list[str]()
    launch = completion._launch

    def count(run_id: str) -> "subprocess.Popen[bytes]":
        launched.append(run_id)
        return launch(run_id)

    monkeypatch.setattr(completion, "_launch", count)
    first = ensure_kept(run.id)
    assert (first.sentence, first.problem) == ("Starting", "")
    assert ensure_kept(run.id).problem == ""
    assert ensure_kept(other.id).sentence == "Waiting until another network's results have been computed"
    assert launched == [run.id]
    process = completion._attempts[run.id].process
    assert process.wait(120) == 0
    assert has_all(run)
    assert not has_all(other)
    ensure_kept(other.id)
    assert launched == [run.id, other.id]
    assert completion._attempts[other.id].process.wait(120) == 0
    assert has_all(other)


def test_two_processes_for_one_run_do_not_compute_it_twice(run: RunRecord) -> None:
    lock = FileLock(run.folder / "completion.lock")
    assert lock.take()
    complete_run(run.id, lambda _: pytest.fail("it was computed a second time"))
    assert not has_all(run)
    assert ensure_kept(run.id).problem == ""
    assert not completion._attempts
    lock.release()


def test_it_waits_for_the_machine_and_can_be_stopped_meanwhile(run: RunRecord, home: Path) -> None:
    machine = FileLock(home / "completion.lock")
    assert machine.take()
    assert ensure_kept(run.id).sentence.startswith("Waiting until another")
    assert not completion._attempts

    def stop(told: Completion) -> None:
        assert told.sentence.startswith("Waiting until another")
        stop_completion(run.id)

    with pytest.raises(ValueError, match="It was stopped"):
        complete_run(run.id, stop)
    machine.release()


def test_a_stopped_one_is_not_started_again_by_itself(run: RunRecord) -> None:
    with pytest.raises(ValueError, match="It was stopped"):
        complete_run(run.id, lambda _: stop_completion(run.id))
    for _ in range(3):
        assert ensure_kept(run.id) == Completion(problem="It was stopped.")
    assert not completion._attempts
    assert ensure_kept(run.id, again=True).problem == ""
    assert completion._attempts[run.id].process.wait(120) == 0
    assert has_all(run)


def test_progress_can_be_read_while_it_is_at_work(run: RunRecord) -> None:
    seen: list[Completion] = []
    complete_run(run.id, lambda _: seen.append(ensure_kept(run.id)))
    assert [(each.problem, each.can_stop) for each in seen] == [("", True)] * len(seen)
    assert {"Loading the network and the images", "Done"} <= {each.sentence for each in seen}
    assert seen[-1].share == 1
    assert seen[0].remaining_s is None


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_process_is_a_sentence_and_no_loop(run: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    monkeypatch.setattr(completion, "_launch", lambda _run_id: subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE))
    ensure_kept(run.id)
    process = completion._attempts[run.id].process
    process.wait(60)
    for _ in range(3):
        assert ensure_kept(run.id).problem == f"The process that computed the results ended unexpectedly, with code {-signal.SIGKILL}."
    assert completion._attempts[run.id].process is process


def test_results_that_do_not_fit_the_servers_data_are_no_loop_either(run: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "_launch", lambda _run_id: subprocess.Popen([sys.executable, "-c", ""], stderr=subprocess.PIPE))
    ensure_kept(run.id)
    completion._attempts[run.id].process.wait(60)
    assert "restart the server" in ensure_kept(run.id).problem


def test_what_a_process_prints_when_it_cannot_write_is_told(run: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import sys; print('a warning', file=sys.stderr); sys.exit('The disk is \x1b[31mfull.')"
    monkeypatch.setattr(completion, "_launch", lambda _run_id: subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE))
    ensure_kept(run.id)
    attempt = completion._attempts[run.id]
    wait_for(lambda: attempt.said != "")
    assert ensure_kept(run.id).problem == "The disk is [31mfull."


def test_without_data_there_is_a_sentence(run: RunRecord, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="nowhere does not exist"):
        complete_run(run.id, ignore)
    assert "nowhere does not exist" in ensure_kept(run.id).problem


def test_on_a_full_disk_there_is_a_sentence(run: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(file: Path, _content: bytes) -> None:
        raise OSError(28, "No space left on device", str(file))

    monkeypatch.setattr(kept, "write_whole", fail)
    with pytest.raises(OSError, match="No space left"):
        complete_run(run.id, ignore)
    problem = ensure_kept(run.id).problem
    assert problem.startswith("Cannot write to ")
    assert problem.endswith("(No space left on device): check its permissions and the space on its disk.")


def test_a_folder_that_cannot_be_written_is_a_sentence_and_no_process(run: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "_launch", lambda _run_id: pytest.fail("a process was started"))

    def refuse(_lock: FileLock, _patience_s: float = 0.5) -> bool:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(FileLock, "take", refuse)
    assert "(Read-only file system)" in ensure_kept(run.id).problem


def test_a_home_that_is_a_file_is_a_sentence_for_the_starter(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "_launch", lambda _run_id: pytest.fail("a process was started"))
    home.write_text("in the way")
    assert ensure_kept(STARTER_ID).problem.startswith("Cannot write to ")


def test_the_starter_is_completed_in_the_home(home: Path, small_data: Path) -> None:
    starter = load_run(STARTER_ID)
    assert os.environ["FMNIST_DATA"] == str(small_data)
    before = {file: file.stat().st_mtime_ns for file in starter.folder.rglob("*")}
    complete_run(STARTER_ID, ignore)
    assert has_all(starter)
    assert (home / "starter" / "likeness.safetensors").is_file()
    assert {file: file.stat().st_mtime_ns for file in starter.folder.rglob("*")} == before


def test_damaged_weights_and_endless_numbers_are_sentences(run: RunRecord) -> None:
    import safetensors.numpy

    file = epoch_file(run.folder, 1)
    tensors = safetensors.numpy.load(file.read_bytes())
    tensors["fc.bias"] = np.full(10, np.nan, np.float32)
    file.write_bytes(safetensors.numpy.save(tensors))
    with pytest.raises(RunError, match="not finite numbers"):
        complete_run(run.id, ignore)
    assert "not finite numbers" in ensure_kept(run.id).problem
    file.write_bytes(b"nothing")
    with pytest.raises(RunError, match="does not hold this network's weights"):
        complete_run(run.id, ignore)
    assert "does not hold this network's weights" in ensure_kept(run.id).problem


def test_a_problem_of_other_weights_is_forgotten(run: RunRecord) -> None:
    with pytest.raises(ValueError, match="It was stopped"):
        complete_run(run.id, lambda _: stop_completion(run.id))
    file = epoch_file(run.folder, 1)
    os.utime(file, ns=(1, 1))
    assert ensure_kept(run.id).problem == ""


def test_damaged_progress_is_passed_over(run: RunRecord) -> None:
    for content in ("", "[]", "{", '{"share": 2}', json.dumps({"problem": 3, "stamp": []})):
        (run.folder / "completion.json").write_text(content)
        lock = FileLock(run.folder / "completion.lock")
        assert lock.take()
        assert ensure_kept(run.id) == Completion(sentence="Starting", can_stop=True)
        lock.release()


def test_a_live_run_is_left_to_its_trainer(run: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(completion, "_launch", lambda _run_id: pytest.fail("a process was started"))
    prepare_resume(run.id, more_epochs=1)
    writer = RunWriter(run.id)
    writer.change_state("training")
    assert ensure_kept(run.id).sentence.startswith("This run has not ended.")
    writer.end("finished", keep_claim=True)
    assert ensure_kept(run.id).sentence == "The training process is keeping its last results."
    writer.release()


def test_nothing_is_written_to_a_run_that_is_trained_again_meanwhile(run: RunRecord) -> None:
    steps = completion_steps(run.id)
    next(steps)
    claim = claim_training(run.folder)
    assert claim is not None
    with pytest.raises(RunError, match="being trained again"):
        list(steps)
    claim.release()
    steps = completion_steps(run.id)
    next(steps)
    next(steps)
    epoch_file(run.folder, 1).write_bytes(epoch_file(run.folder, 1).read_bytes() + b" ")
    with pytest.raises(RunError, match="trained further"):
        list(steps)
    assert not has_all(run)
