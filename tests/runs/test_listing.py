"""A listing that remembers gives what one that reads everything gives, whatever has changed in between."""

import os
import random
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fmnist_core.runs import listing, record
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import RunError, is_run, list_run_ids, run_folder, runs_folder
from fmnist_core.runs.listing import RememberedRuns
from fmnist_core.runs.record import DamagedRun, RunRecord, list_runs, load_run, scan_runs
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.files import write_json
from tests.written_runs import write_run


def scan_all_files() -> tuple[list[RunRecord], list[DamagedRun]]:
    """What `scan_runs` gave before it remembered anything."""
    found, damaged = [], []
    for run_id in list_run_ids():
        try:
            found.append(load_run(run_id))
        except RunError as error:
            if is_run(runs_folder() / run_id):
                damaged.append(DamagedRun(run_id, str(error)))
    found.sort(key=lambda run: (run.created_at, run.id), reverse=True)
    return found, sorted(damaged, key=lambda run: run.id)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """The listing believes that everything was written long ago, and so remembers it."""
    monkeypatch.setattr(listing, "CLOCK_TICK_NS", -(10**12))


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the runs whose files were read, in this order."""
    ids: list[str] = []

    def load(run_id: str) -> RunRecord:
        ids.append(run_id)
        return load_run(run_id)

    monkeypatch.setattr(record, "_REMEMBERED", RememberedRuns(load))
    return ids


@dataclass
class Home:
    """Runs that change at random.

    Attributes:
        keeps_size: whether files are edited without changing their size, so that only their times tell.
    """

    chance: random.Random
    keeps_size: bool = False
    writers: list[RunWriter] = field(default_factory=list)

    def change(self) -> str:
        """Makes one change and returns what it was."""
        changes: list[Callable[[], object]] = [
            self.create,
            self.edit,
            self.replace,
            self.save,
            self.lose,
            self.delete,
            self.train,
            self.end,
        ]
        chosen = self.chance.choice(changes)
        chosen()
        return chosen.__name__

    def pick(self) -> Path:
        ids = [run_id for run_id in list_run_ids() if is_run(runs_folder() / run_id)]
        return run_folder(self.chance.choice(ids) if ids else create_run(TrainConfig()))

    def create(self) -> None:
        write_run([], self.chance.choice(("finished", "waiting", "stopped")), has_weights=self.chance.random() < 0.5)
        create_run(TrainConfig(), queued=True)

    def edit(self) -> None:
        """In place, as by hand."""
        file = self.pick() / self.chance.choice(("config.json", "status.json"))
        if file.exists():
            content = file.read_text()
            if self.chance.random() < 0.7:
                file.write_text(content.replace("0", "1", 1) + ("" if self.keeps_size else " "))
            else:
                file.write_text(self.chance.choice(("", "{}", content[:-9])))

    def replace(self) -> None:
        """As the trainer does."""
        folder = self.pick()
        state = self.chance.choice(("training", "finished", "interrupted", "diverged"))
        write_json(folder / "status.json", {"state": state, "epoch": self.chance.randrange(3), "test_accuracy": 0.5, "message": ""})

    def save(self) -> None:
        name = self.chance.choice(("epoch-001.safetensors", "last.safetensors", "resume.safetensors"))
        (self.pick() / "checkpoints" / name).write_bytes(b"weights")

    def lose(self) -> None:
        files = [file for file in self.pick().rglob("*") if file.is_file()]
        if files:
            self.chance.choice(files).unlink()

    def delete(self) -> None:
        if len(list_run_ids()) > 4:
            shutil.rmtree(self.pick())

    def train(self) -> None:
        try:
            self.writers.append(RunWriter(self.pick().name))
            self.writers[-1].change_state("training")
        except RunError:  # damaged, or trained already
            return

    def end(self) -> None:
        """Sometimes as a process that is killed, whose lock is released with it."""
        if self.writers:
            writer = self.writers.pop()
            if self.chance.random() < 0.5 and writer.folder.exists():
                writer.end("stopped")


def check_while_it_changes(home: Home) -> None:
    for _ in range(6):
        home.create()
    done = []
    for _ in range(40):
        done.append(home.change())
        assert scan_runs() == scan_all_files(), done
        assert scan_runs() == scan_all_files(), "from memory"


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.usefixtures("later")
def test_it_is_what_reading_all_files_gives(seed: int) -> None:
    check_while_it_changes(Home(random.Random(seed)))


@pytest.mark.parametrize("seed", range(4))
def test_changes_within_one_tick_of_the_file_systems_clock_are_seen(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """This file system's clock ticks once per second, so two writes of the same size often leave no trace."""
    take_stamp = listing._stamp

    def take_coarse_stamp(folder: str) -> tuple[int, ...]:
        stamp = take_stamp(folder)
        return tuple(value - value % 10**9 if place % 4 < 2 else value for place, value in enumerate(stamp))

    monkeypatch.setattr(listing, "_stamp", take_coarse_stamp)
    check_while_it_changes(Home(random.Random(seed), keeps_size=True))


@pytest.mark.usefixtures("later")
def test_what_has_not_changed_is_not_read_again(loaded: list[str]) -> None:
    ids = [write_run([], state, has_weights=True).id for state in ("finished", "stopped", "diverged", "interrupted")]
    live = create_run(TrainConfig())
    assert len(list_runs()) == 5
    assert sorted(loaded) == sorted([*ids, live])
    loaded.clear()
    assert len(list_runs()) == 5
    assert loaded == []
    write_json(run_folder(ids[1]) / "status.json", {"state": "finished", "epoch": 1, "test_accuracy": 0.5, "message": ""})
    list_runs()
    assert loaded == [ids[1]]


@pytest.mark.usefixtures("later")
def test_what_waits_in_the_queue_is_read_once(loaded: list[str]) -> None:
    run_id = create_run(TrainConfig(), queued=True)
    assert [run.state for run in list_runs() + list_runs()] == ["waiting", "waiting"]
    assert loaded == [run_id]
    writer = RunWriter(run_id)
    writer.change_state("training")
    assert list_runs()[0].state == "training"
    writer.end("stopped")
    assert list_runs()[0].state == "stopped"


@pytest.mark.usefixtures("later")
def test_a_claim_that_ends_is_noticed(loaded: list[str]) -> None:
    run_id = create_run(TrainConfig())
    writer = RunWriter(run_id)
    writer.change_state("training")
    assert [run.state for run in list_runs() + list_runs()] == ["training", "training"]
    assert loaded == [run_id]
    writer._claim.release()  # as the operating system does when its process dies
    assert [run.state for run in list_runs() + list_runs()] == ["interrupted", "interrupted"]
    assert loaded == [run_id, run_id]


def test_what_has_just_changed_is_read_again(loaded: list[str]) -> None:
    run_id = write_run([], "finished").id
    list_runs()
    list_runs()
    assert loaded == [run_id, run_id]


def test_a_clock_that_was_set_back_only_costs_time(monkeypatch: pytest.MonkeyPatch, loaded: list[str]) -> None:
    run_id = write_run([], "finished").id
    monkeypatch.setattr(listing, "CLOCK_TICK_NS", 0)
    in_an_hour = time.time() + 3600
    os.utime(run_folder(run_id) / "status.json", (in_an_hour, in_an_hour))
    list_runs()
    list_runs()
    assert loaded == [run_id, run_id]


@pytest.mark.usefixtures("later")
def test_what_a_link_leads_to_is_not_trusted(tmp_path: Path) -> None:
    run = write_run([], "finished", has_weights=True)
    target = tmp_path / "elsewhere"
    (run.folder / "checkpoints" / "resume.safetensors").rename(target)
    (run.folder / "checkpoints" / "resume.safetensors").symlink_to(target)
    assert list_runs()[0].has_checkpoint
    target.unlink()
    assert not list_runs()[0].has_checkpoint


@pytest.mark.usefixtures("later")
def test_a_rebuilt_record_is_read_again_because_it_follows_from_more_files(trained_run: RunRecord) -> None:
    (trained_run.folder / "status.json").write_text("{")
    assert list_runs()[0].state == "finished"
    (trained_run.folder / "events.jsonl").unlink()
    assert list_runs()[0].state == "interrupted"


@pytest.mark.usefixtures("later", "loaded")
def test_deleted_runs_are_forgotten_and_another_home_is_another_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (write_run([], "finished") for _ in range(2))
    list_runs()
    shutil.rmtree(first.folder)
    assert [run.id for run in list_runs()] == [second.id]
    assert len(record._REMEMBERED) == 1
    monkeypatch.setenv("FMNIST_HOME", str(tmp_path / "another"))
    assert list_runs() == []
    shutil.copytree(second.folder, run_folder(create_run(TrainConfig())).parent / second.id)
    assert second.id in {run.id for run in list_runs()}
    assert all(run.folder.is_relative_to(tmp_path / "another") for run in list_runs())


@pytest.mark.usefixtures("later")
def test_it_never_holds_more_than_its_limit(monkeypatch: pytest.MonkeyPatch, loaded: list[str]) -> None:
    monkeypatch.setattr(listing, "_MOST_RUNS", 2)
    for _ in range(4):
        write_run([], "finished")
    assert len(list_runs()) == len(list_runs()) == 4
    assert len(record._REMEMBERED) == 2
    assert len(loaded) == 6


@pytest.mark.usefixtures("later")
def test_threads_list_while_runs_come_and_go() -> None:
    keep, problems, done = write_run([], "finished").id, [], threading.Event()

    def read() -> None:
        while not done.is_set():
            try:
                assert keep in {run.id for run in list_runs()}
            except Exception as error:
                problems.append(error)
                return

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        shutil.rmtree(write_run([], "finished").folder)
    done.set()
    for thread in threads:
        thread.join()
    assert problems == []
    assert scan_runs() == scan_all_files()
