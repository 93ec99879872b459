import json
import os
import re
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fmnist_core.runs import creation, writer
from fmnist_core.runs.claim import claim_start, is_claimed, release_start
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.record import RunRecord, list_runs, load_run
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.files import write_json
from tests.runs.run_files import read_status


def test_a_new_run_waits_in_its_own_folder(home: Path) -> None:
    run = load_run(create_run(TrainConfig(epochs=3), "  Team\nblue \x00 "))
    assert run.folder.parent == home / "runs"
    assert (run.name, run.config.epochs, run.state, run.is_live, run.has_weights) == ("Team blue", 3, "waiting", True, False)


def test_names_are_given_cut_and_never_paths(home: Path) -> None:
    first = load_run(create_run(TrainConfig()))
    long = load_run(create_run(TrainConfig(), "../../etc/" + "x" * 200))
    assert first.name == "Run 1"
    assert len(long.name) == 60
    assert long.folder.parent == home / "runs"


def test_what_a_killed_process_left_unfinished_is_deleted_after_an_hour(home: Path) -> None:
    old, new = (home / "runs" / f".20200101-000000-{name}.new" for name in ("aaaa", "bbbb"))
    for draft in (old, new):
        (draft / "checkpoints").mkdir(parents=True)
    os.utime(old, (0, 0))
    create_run(TrainConfig())
    assert not old.exists()
    assert new.exists()


def test_a_home_folder_that_cannot_be_written_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("FMNIST_HOME", str(blocked))
    with pytest.raises(RunError, match=r"Cannot write to .* set FMNIST_HOME"):
        create_run(TrainConfig())
    assert list_runs() == []


def test_a_home_folder_with_a_name_that_is_too_long_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_HOME", "/" + "a/" * 3_000)
    with pytest.raises(RunError, match=r"Cannot write to /a/a.*….*a/runs \(File name too long\): set FMNIST_HOME") as raised:
        create_run(TrainConfig())
    assert len(str(raised.value)) < 350


def test_a_new_run_is_written_in_full(home: Path) -> None:
    config = TrainConfig(epochs=3, seed=9)
    run_id = create_run(config, "Blue")
    folder = home / "runs" / run_id
    assert re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{4}", run_id)
    about = json.loads((folder / "config.json").read_text())
    assert (about["name"], about["config"]) == ("Blue", config.to_json())
    created = datetime.fromisoformat(about["created_at"])
    assert (created.utcoffset(), f"{created:%Y%m%d-%H%M%S}") == (timedelta(0), run_id[:15])
    assert read_status(run_id) == {
        "state": "waiting",
        "epoch": 0,
        "test_accuracy": None,
        "message": "",
        "epochs": None,
        "best_epoch": None,
        "pid": os.getpid(),
        "is_queued": False,
    }
    assert (folder / "reserve").read_bytes() == bytes(65_536)
    assert list((folder / "checkpoints").iterdir()) == []
    assert [file.name for file in (home / "runs").iterdir()] == [run_id]
    assert is_claimed(folder)


def test_until_its_settings_are_written_a_run_is_seen_by_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, list[RunRecord], bool]] = []

    def look(file: Path, content: Any, *, durable: bool) -> None:
        seen.append((file.name, list_runs(), is_claimed(file.parent)))
        write_json(file, content, durable=durable)

    for module in (creation, writer):
        monkeypatch.setattr(module, "write_json", look)
    run_id = create_run(TrainConfig())
    assert seen == [("status.json", [], True), ("config.json", [], True)]
    assert [run.id for run in list_runs()] == [run_id]


def test_two_runs_of_one_second_never_share_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    endings = ["0000", "0000", "0001"]
    monkeypatch.setattr(creation, "datetime", SimpleNamespace(now=lambda zone: datetime(2026, 1, 1, tzinfo=zone)))
    monkeypatch.setattr("secrets.token_hex", lambda size: endings.pop(0) if size == 2 else "temporary")
    first = create_run(TrainConfig(), "first")
    second = create_run(TrainConfig(), "second")
    assert [first, second] == ["20260101-000000-0000", "20260101-000000-0001"]
    assert load_run(first).name == "first"


def test_without_a_free_id_nothing_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(creation, "datetime", SimpleNamespace(now=lambda zone: datetime(2026, 1, 1, tzinfo=zone)))
    monkeypatch.setattr("secrets.token_hex", lambda size: "0" * 2 * size)
    create_run(TrainConfig(), "first")
    with pytest.raises(RunError, match="File exists"):
        create_run(TrainConfig(), "second")
    assert [run.name for run in list_runs()] == ["first"]


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_run_that_cannot_be_created_leaves_nothing(written: int, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [written]

    def fail(*arguments: Any, **options: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        write_json(*arguments, **options)

    def reserve(_folder: Path) -> None:
        if written == 2:
            raise OSError(28, "No space left on device")

    for module in (creation, writer):
        monkeypatch.setattr(module, "write_json", fail)
    monkeypatch.setattr(creation, "reserve_space", reserve)
    with pytest.raises(RunError, match="No space left on device"):
        create_run(TrainConfig())
    assert list((home / "runs").iterdir()) == []


def test_runs_without_a_name_are_numbered() -> None:
    names = [load_run(create_run(TrainConfig(), name)).name for name in ("", "Blue", " \n", "\x00")]
    assert names == ["Run 1", "Blue", "Run 3", "Run 4"]


@pytest.mark.parametrize("name", [".20200101-000000-aaaa.new", "20200101-000000-aaaa"])
@pytest.mark.parametrize(("age_s", "stays"), [(0, True), (3_600, True), (3_601, False)])
def test_a_draft_is_deleted_when_it_is_older_than_an_hour(
    name: str, age_s: int, stays: bool, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = home / "runs" / name
    (draft / "checkpoints").mkdir(parents=True)
    os.utime(draft, (5_000, 5_000))
    monkeypatch.setattr(creation, "time", SimpleNamespace(time=lambda: 5_000 + age_s))
    create_run(TrainConfig())
    assert draft.exists() is stays


@pytest.mark.parametrize("name", ["archive", "20200101-000000-aaaa", ".20200101-000000-aaaa.new"])
def test_a_persons_own_folder_is_never_deleted(name: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = home / "runs" / name / "notes" / "run.txt"
    own.parent.mkdir(parents=True)
    own.touch()
    monkeypatch.setattr(creation, "time", SimpleNamespace(time=lambda: 1e12))
    create_run(TrainConfig())
    assert own.exists()


@pytest.mark.parametrize("left", ["events.jsonl", "config.json", "checkpoints/epoch-001.safetensors", "checkpoints/last.safetensors"])
def test_a_run_that_lost_its_settings_is_never_mistaken_for_a_draft(left: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = home / "runs" / "20200101-000000-aaaa"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / left).touch()
    monkeypatch.setattr(creation, "time", SimpleNamespace(time=lambda: 1e12))
    create_run(TrainConfig())
    assert (folder / left).exists()


def test_a_draft_that_is_being_written_stays_whatever_the_clock_says(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draft = home / "runs" / "20200101-000000-aaaa"
    draft.mkdir(parents=True)
    assert claim_start(draft)
    monkeypatch.setattr(creation, "time", SimpleNamespace(time=lambda: 1e12))
    create_run(TrainConfig())
    assert draft.exists()
    release_start(draft)


def test_a_draft_that_another_process_deletes_first_is_ignored(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("aaaa", "bbbb"):
        (home / "runs" / f".20200101-000000-{name}.new").mkdir(parents=True)
    monkeypatch.setattr(creation, "time", SimpleNamespace(time=lambda: 1e12))
    monkeypatch.setattr(creation, "shutil", SimpleNamespace(rmtree=lambda draft: draft.rmdir() or draft.rmdir()))
    create_run(TrainConfig())
    assert list((home / "runs").glob(".*.new")) == []
