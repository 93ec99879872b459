import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from fmnist_core import jobs, runs
from fmnist_core.config import TrainConfig
from fmnist_core.data import DataError
from fmnist_core.events import Event, StepDone
from fmnist_core.files import read_json, write_whole
from fmnist_core.prediction import evaluate
from fmnist_core.runs import RunError, RunRecord, RunWriter

LONG = TrainConfig(epochs=200, batch_size=10)


@pytest.fixture(autouse=True)
def small_data_in_use(small_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(small_data))


@pytest.fixture(autouse=True)
def no_run_outlives_its_test() -> Iterator[None]:
    yield
    for run in runs.list_runs():
        if run.is_live:
            jobs.stop(run.id)
            wait_until(run.id, lambda run: not run.is_live)


def wait_until(run_id: str, is_so: Callable[[RunRecord], bool]) -> RunRecord:
    """Waits for a state that must come; two minutes are for a machine that has other work."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        run = runs.load_run(run_id)
        if is_so(run):
            return run
        time.sleep(0.05)
    raise AssertionError(f"still {runs.load_run(run_id)}")


def test_a_process_of_its_own_trains_the_run() -> None:
    run_id = jobs.start(TrainConfig(epochs=1, batch_size=100), "From a page")
    assert runs.load_run(run_id).name == "From a page"
    run = wait_until(run_id, lambda run: not run.is_live)
    assert (run.state, run.epoch) == ("finished", 1)
    assert (run.folder / "evaluation.json").is_file()


@pytest.mark.parametrize("validation_images", [0, 40])
def test_test_accuracy_is_one_figure_measured_once(validation_images: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """That of the epoch in use, in the events, the record and evaluation.json, and of its weights when they are tested again."""
    run_id = runs.create_run(TrainConfig(epochs=3, batch_size=50, learning_rate=0.01, validation_images=validation_images))
    with monkeypatch.context() as patch:
        patch.setattr("fmnist_core.prediction.evaluate", lambda *_, **__: pytest.fail("the final weights were tested a second time"))
        assert jobs.carry_out(run_id, lambda _event: None) == "finished"
    run = runs.load_run(run_id)
    epochs, (finished,) = events_of(run, "EpochDone"), events_of(run, "Finished")
    in_use = epochs[(run.best_epoch or run.epoch) - 1]["test_accuracy"]
    assert validation_images == 0 or run.best_epoch is not None
    written = read_json(run.folder / "evaluation.json")["accuracy"]
    assert in_use == run.test_accuracy == finished["test_accuracy"] == written
    assert evaluate(runs.load_model(run), jobs._load_splits()[1]).accuracy == written


def test_weights_of_an_epoch_cut_short_are_tested_too() -> None:
    run_id = runs.create_run(replace(LONG, batch_size=50))

    def stop_in_the_second_epoch(event: Event) -> None:
        if isinstance(event, StepDone) and event.epoch == 2:
            jobs.stop(run_id)

    assert jobs.carry_out(run_id, stop_in_the_second_epoch) == "stopped"
    run = runs.load_run(run_id)
    assert (run.folder / "checkpoints" / "last.safetensors").is_file()
    assert read_json(run.folder / "evaluation.json") == evaluate(runs.load_model(run), jobs._load_splits()[1]).to_json()


def test_several_views_of_a_test_image_are_taken_at_the_end() -> None:
    run_id = runs.create_run(TrainConfig(epochs=1, batch_size=50, test_views="mirrored"))
    jobs.carry_out(run_id, lambda _event: None)
    run = runs.load_run(run_id)
    expected = evaluate(runs.load_model(run), jobs._load_splits()[1], views="mirrored").accuracy
    assert run.test_accuracy == read_json(run.folder / "evaluation.json")["accuracy"] == expected


def test_stopping_keeps_what_was_learned() -> None:
    run_id = jobs.start(LONG)
    wait_until(run_id, lambda run: run.epoch >= 1)
    jobs.stop(run_id)
    run = wait_until(run_id, lambda run: not run.is_live)
    assert run.state == "stopped"
    assert run.epoch < LONG.epochs
    assert run.test_accuracy is not None
    runs.load_model(run)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL; os.kill there ends a process as TerminateProcess does")
def test_a_killed_trainer_leaves_an_interrupted_run_that_opens() -> None:
    run_id = jobs.start(LONG)
    run = wait_until(run_id, lambda run: run.epoch >= 1)
    status = read_json(run.folder / "status.json")
    os.kill(int(status["process"]["pid"]), signal.SIGKILL)
    run = wait_until(run_id, lambda run: not run.is_live)
    assert run.state == "interrupted"
    assert run.epoch >= 1
    runs.load_model(run)


def test_a_spare_process_takes_the_next_run() -> None:
    jobs.keep_spare()
    spare = jobs._spare
    jobs.keep_spare()
    assert spare is not None
    assert jobs._spare is spare
    run = wait_until(jobs.start(TrainConfig(epochs=1)), lambda run: not run.is_live)
    assert run.state == "finished"
    assert read_json(run.folder / "status.json")["process"]["pid"] == spare.process.pid
    assert jobs._spare is None


def test_a_spare_that_reads_elsewhere_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs.keep_spare()
    spare = jobs._spare
    assert spare is not None
    monkeypatch.setenv("FMNIST_HOME", str(tmp_path / "elsewhere"))
    run = wait_until(jobs.start(TrainConfig(epochs=1)), lambda run: not run.is_live)
    assert run.state == "finished"
    assert spare.process.poll() is not None


def test_a_spare_ends_with_the_one_that_keeps_it() -> None:
    keeper = "from fmnist_core import jobs; jobs.keep_spare(); print(jobs._spare.process.pid)"
    printed = subprocess.run(
        [sys.executable, "-c", keeper], capture_output=True, text=True, check=True, cwd=Path(jobs.__file__).parent.parent
    )
    deadline = time.monotonic() + 60
    while psutil.pid_exists(int(printed.stdout)):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_runs_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_SLOTS", "1")
    first = jobs.start(LONG)
    wait_until(first, lambda run: run.state == "training")
    second = jobs.start(TrainConfig(epochs=1))
    assert jobs.runs_ahead(runs.load_run(second)) == 1
    time.sleep(1)
    assert runs.load_run(second).state == "waiting"
    jobs.stop(first)
    assert wait_until(second, lambda run: not run.is_live).state == "finished"


def test_a_waiting_run_can_be_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_SLOTS", "1")
    first, second = jobs.start(LONG), jobs.start(LONG)
    jobs.stop(second)
    run = wait_until(second, lambda run: not run.is_live)
    assert (run.state, run.message) == ("stopped", "It was stopped before its turn came.")
    assert runs.load_run(first).is_live


def test_slots_and_threads_fill_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.delenv("FMNIST_SLOTS", raising=False)
    assert (jobs.training_slots(), jobs.threads_per_run()) == (4, 2)
    monkeypatch.setenv("FMNIST_SLOTS", "2")
    assert (jobs.training_slots(), jobs.threads_per_run()) == (2, 4)
    monkeypatch.setenv("FMNIST_SLOTS", "none")
    assert jobs.training_slots() == 4


def test_bad_data_fails_the_run_with_its_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(tmp_path / "nowhere"))
    run_id = runs.create_run(TrainConfig())
    jobs._load_splits.cache_clear()
    with pytest.raises(DataError):
        jobs.carry_out(run_id, lambda _event: None)
    run = runs.load_run(run_id)
    assert run.state == "failed"
    assert "nowhere does not exist" in run.message


def test_a_process_that_dies_before_it_speaks_is_spoken_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    run = wait_until(jobs.start(TrainConfig()), lambda run: not run.is_live)
    assert run.state == "failed"
    assert "ended with code 1 before it began" in run.message


def test_the_writer_claims_the_run_for_its_process() -> None:
    run_id = runs.create_run(TrainConfig())
    writer = RunWriter(run_id)
    assert read_json(runs.run_folder(run_id) / "status.json")["process"]["pid"] == os.getpid()
    writer.end("stopped")


# In the learner's hand


def send_while_training(config: TrainConfig) -> str:
    run_id = jobs.start(config)
    wait_until(run_id, lambda run: bool(steps_of(run)))
    return run_id


def steps_of(run: RunRecord) -> list[int]:
    return [event["step"] for event in runs.read_events(run)[0] if event["type"] == "StepDone"]


def events_of(run: RunRecord, kind: str) -> list[dict[str, Any]]:
    return [event for event in runs.read_events(run)[0] if event["type"] == kind]


def losses_of(run: RunRecord) -> list[float]:
    """One a step, as somebody who reads the events sees them: what comes after `Resumed` takes the place of what was there."""
    losses: list[float] = []
    for event in runs.read_events(run)[0]:
        if event["type"] == "Resumed":
            del losses[event["step"] :]
        losses += event.get("losses", [])
    return losses


EXACT = TrainConfig(epochs=30, batch_size=50, seed=4, schedule="one-cycle", learning_rate=0.005, validation_images=40, precision="float32")


@dataclass(frozen=True)
class Result:
    """What must be the same to the bit, whatever happened on the way."""

    losses: list[float]
    tensors: Mapping[str, np.ndarray]
    best_epoch: int | None
    evaluation: dict[str, Any]


def result_of(run_id: str) -> Result:
    run = runs.load_run(run_id)
    assert run.state == "finished", run.message
    checkpoint = runs.load_checkpoint(run)
    assert checkpoint is not None
    return Result(losses_of(run), checkpoint.tensors, run.best_epoch, read_json(run.folder / "evaluation.json"))


def unbroken(config: TrainConfig) -> Result:
    run_id = runs.create_run(config)
    jobs.carry_out(run_id, lambda _event: None)
    return result_of(run_id)


@pytest.fixture(scope="module")
def exact(small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The result of EXACT in one go."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FMNIST_DATA", str(small_data))
        patch.setenv("FMNIST_HOME", str(tmp_path_factory.mktemp("unbroken")))
        jobs._load_splits.cache_clear()
        return unbroken(EXACT)


def assert_same_result(one: Result, two: Result) -> None:
    assert one.losses == two.losses
    assert one.tensors.keys() == two.tensors.keys()
    assert all(np.array_equal(array, two.tensors[name]) for name, array in one.tensors.items())
    assert (one.best_epoch, one.evaluation) == (two.best_epoch, two.evaluation)


def test_pausing_stepping_and_going_on_gives_the_same_bits_as_not(exact: Result) -> None:
    run_id = send_while_training(EXACT)
    jobs.pause(run_id)
    run = wait_until(run_id, lambda run: run.state == "paused")
    before = steps_of(run)[-1]
    assert before < 300, "30 epochs of 10 steps were over before the pause came"
    time.sleep(0.5)
    assert steps_of(run)[-1] == before

    jobs.do_step(run_id)
    run = wait_until(run_id, lambda run: steps_of(run)[-1] == before + 1 and run.state == "paused")
    assert steps_of(run)[-2:] == [before, before + 1]

    jobs.do_epoch(run_id)
    run = wait_until(run_id, lambda run: run.epoch > before // 10 and run.state == "paused")
    assert steps_of(run)[-1] % 10 == 0
    assert run.epoch == steps_of(run)[-1] // 10

    jobs.go_on(run_id)
    wait_until(run_id, lambda run: not run.is_live)
    assert_same_result(result_of(run_id), exact)


def test_a_changed_rate_comes_into_force_also_while_paused() -> None:
    run_id = send_while_training(LONG)
    jobs.pause(run_id)
    wait_until(run_id, lambda run: run.state == "paused")
    jobs.change_rate(run_id, 0.02)
    run = wait_until(run_id, lambda run: bool(events_of(run, "RateChanged")))
    assert events_of(run, "RateChanged")[0]["learning_rate"] == 0.02
    assert run.state == "paused"
    jobs.do_step(run_id)
    run = wait_until(run_id, lambda run: steps_of(run)[-1] > events_of(run, "RateChanged")[0]["step"])
    assert events_of(run, "StepDone")[-1]["learning_rate"] == pytest.approx(0.02)
    with pytest.raises(ValueError, match="far too high"):
        jobs.change_rate(run_id, 1000)


def test_a_paused_run_lets_others_train(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_SLOTS", "1")
    first = send_while_training(LONG)
    jobs.pause(first)
    wait_until(first, lambda run: run.state == "paused")
    second = send_while_training(LONG)
    jobs.go_on(first)
    wait_until(first, lambda run: run.state == "waiting")
    jobs.stop(second)
    wait_until(second, lambda run: not run.is_live)
    wait_until(first, lambda run: run.state == "training")


def test_a_pause_too_long_puts_the_run_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "PAUSE_LIMIT_S", 0.2)
    run_id = runs.create_run(LONG)
    runs.send_command(run_id, "pause")
    assert jobs.carry_out(run_id, lambda _event: None) == "stopped"
    run = runs.load_run(run_id)
    assert "put away to free its memory" in run.message
    assert run.is_resumable


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_run_goes_on_to_exactly_the_result_of_an_unbroken_one(exact: Result) -> None:
    run_id = send_while_training(EXACT)
    run = wait_until(run_id, lambda run: run.epoch >= 2)
    os.kill(int(read_json(run.folder / "status.json")["process"]["pid"]), signal.SIGKILL)
    run = wait_until(run_id, lambda run: not run.is_live)
    assert run.state == "interrupted"
    assert run.is_resumable
    with (run.folder / "events.jsonl").open("ab") as events:
        events.write(b'{"type": "StepDone", "los')  # what a power cut leaves
    jobs.resume(run_id)
    run = wait_until(run_id, lambda run: not run.is_live)
    assert events_of(run, "Resumed")
    assert_same_result(result_of(run_id), exact)


def test_a_stopped_run_goes_on_where_it_was(exact: Result) -> None:
    run_id = send_while_training(EXACT)
    jobs.stop(run_id)
    run = wait_until(run_id, lambda run: not run.is_live)
    assert run.state == "stopped"
    stopped_at = steps_of(run)[-1]
    jobs.resume(run_id)
    run = wait_until(run_id, lambda run: not run.is_live)
    assert events_of(run, "Resumed")[0]["step"] == stopped_at
    assert_same_result(result_of(run_id), exact)


def test_a_finished_run_gets_more_epochs() -> None:
    config = TrainConfig(epochs=2, batch_size=50, seed=4, precision="float32")
    unbroken(config)
    run_id = runs.list_runs()[0].id
    with pytest.raises(RunError, match="give it some more"):
        jobs.resume(run_id)
    with pytest.raises(ValueError, match="at most 200 in all, and this one has 2"):
        jobs.train_more(run_id, 199)
    jobs.train_more(run_id, 3)
    run = wait_until(run_id, lambda run: not run.is_live)
    assert (run.state, run.epoch, run.epochs) == ("finished", 5, 5)
    assert_same_result(result_of(run_id), unbroken(replace(config, epochs=5)))


def test_what_cannot_go_on_says_why() -> None:
    with pytest.raises(RunError, match="nothing this run could go on from"):
        jobs.resume(runs.STARTER_ID)
    waiting = runs.create_run(LONG)
    with pytest.raises(RunError, match="already going on"):
        jobs.resume(waiting)
    RunWriter(waiting).end("diverged", "It grew and grew.")
    with pytest.raises(RunError, match="nothing this run could go on from"):
        jobs.resume(waiting)


# Only the half of a file that was being written may be lost.
KILLED_IN_A_CHECKPOINT = """
import os, signal, sys
from fmnist_core import jobs, runs
whole, count = runs.write_whole, 0
def die_in_the_third(file, content, *, durable=False):
    global count
    count += file.name == "resume.safetensors"
    if count == 3:
        file.with_name(f".{file.name}.{os.getpid()}.tmp").write_bytes(content[: len(content) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    whole(file, content, durable=durable)
runs.write_whole = die_in_the_third
jobs.carry_out(sys.argv[1], lambda event: None)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_death_in_the_middle_of_a_checkpoint_loses_that_checkpoint_alone() -> None:
    config = replace(EXACT, epochs=4)
    run_id = runs.create_run(config)
    root = Path(jobs.__file__).parent.parent
    died = subprocess.run([sys.executable, "-c", KILLED_IN_A_CHECKPOINT, run_id], cwd=root, check=False)
    assert died.returncode == -signal.SIGKILL
    run = runs.load_run(run_id)
    assert run.state == "interrupted"
    kept = runs.load_checkpoint(run)
    assert kept is not None
    assert kept.step == 10  # the first came with the first step, the second with the first epoch, the third would have been the second's
    assert jobs.carry_out(run_id, lambda _event: None) == "finished"
    assert_same_result(result_of(run_id), unbroken(config))


def test_whether_somebody_asked_it_to_stop_since_it_last_went_on() -> None:
    run_id = runs.create_run(LONG)
    said = []
    for command in ("pause", "stop", "resume", "pause", "stop"):
        runs.send_command(run_id, command)
        said.append(jobs.stop_requested(runs.load_run(run_id)))
    RunWriter(run_id).end("stopped")
    assert said == [False, True, False, False, True]


def test_two_cannot_train_one_run() -> None:
    run_id = send_while_training(LONG)
    with pytest.raises(RunError, match="already going on"):
        jobs.resume(run_id)
    with pytest.raises(RunError, match="is being trained by another process"):
        RunWriter(run_id)
    assert runs.load_run(run_id).state == "training"


# What may go wrong with the machine


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_said_and_what_was_learned_is_kept() -> None:
    run_id = runs.create_run(EXACT)
    events = runs.run_folder(run_id) / "events.jsonl"

    def fill_the_disk(event: object) -> None:
        if type(event).__name__ == "EpochDone":
            events.unlink()
            events.symlink_to("/dev/full")

    with pytest.raises(OSError, match="No space left"):
        jobs.carry_out(run_id, fill_the_disk)
    run = runs.load_run(run_id)
    assert run.state == "failed"
    assert run.message.startswith("The disk is full: free some space where ")
    assert run.has_weights
    assert run.is_resumable
    events.unlink()
    assert jobs.carry_out(run_id, lambda _event: None) == "finished"


def test_a_checkpoint_that_does_not_fit_leaves_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = runs.create_run(EXACT)
    whole = write_whole

    def fail_after_the_first_epoch(file: Path, content: bytes, *, durable: bool = False) -> None:
        if file.name == "epoch-002.safetensors":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))
        whole(file, content, durable=durable)

    monkeypatch.setattr(runs, "write_whole", fail_after_the_first_epoch)
    with pytest.raises(OSError, match="No space left"):
        jobs.carry_out(run_id, lambda _event: None)
    run = runs.load_run(run_id)
    assert (run.state, run.epoch, run.best_epoch) == ("failed", 1, 1)
    assert "The disk is full" in run.message
    runs.load_model(run)
    monkeypatch.undo()


def test_a_folder_that_may_not_be_written_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = runs.create_run(EXACT)

    def refuse(_writer: RunWriter) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(RunWriter, "save_checkpoint", refuse)
    with pytest.raises(PermissionError):
        jobs.carry_out(run_id, lambda _event: None)
    assert "see to its permissions" in runs.load_run(run_id).message


OUT_OF_MEMORY = """
import resource, sys
from fmnist_core import jobs, runs
def leave_little_room(event):
    if type(event).__name__ == "Started":
        held = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (held + 50_000_000,) * 2)
jobs.carry_out(sys.argv[1], leave_little_room)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits the memory of a process as Linux does")
def test_too_little_memory_is_said() -> None:
    run_id = runs.create_run(TrainConfig(epochs=1, batch_size=10_000, precision="float32"))
    root = Path(jobs.__file__).parent.parent
    died = subprocess.run([sys.executable, "-c", OUT_OF_MEMORY, run_id], cwd=root, check=False, capture_output=True, text=True)
    assert died.returncode == 1, died.stderr
    run = runs.load_run(run_id)
    assert run.state == "failed"
    assert run.message.startswith("There was not enough memory for batches of 10,000: start a new run with smaller ones.")
