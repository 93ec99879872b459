"""How much of the disk runs use, and that new ones are refused at the limit."""

import math
import os
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from fmnist_core.runs import disk
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.disk import GB, check_room_on_disk, disk_use, format_bytes, limit_bytes
from fmnist_core.runs.folders import RunError, archives_folder
from fmnist_core.runs.trash import delete_run, restore_run
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig
from tests.written_runs import epoch_done, started, step_done, write_run

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk with 100 GB to spare and the default limit, whatever this machine has."""
    monkeypatch.delenv(disk.LIMIT, raising=False)
    free(monkeypatch, 100 * GB)


def free(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: Usage(200 * GB, 0, size))


def size_of(folder: Path) -> int:
    """What all files in a folder take on the disk."""
    return sum(file.lstat().st_blocks * 512 for file in folder.rglob("*") if not file.is_dir())


def test_the_sizes_of_runs_and_of_the_trash() -> None:
    small, large, deleted = write_run([], "finished"), write_run([], "finished", has_weights=True), write_run([], "finished")
    delete_run(deleted.id)
    use = disk_use(now=True)
    assert use.by_run == {small.id: size_of(small.folder), large.id: size_of(large.folder)}
    assert set(use.by_deleted) == {deleted.id}
    assert use.by_run[large.id] > use.by_run[small.id] + 200_000
    assert use.used == sum(use.by_run.values()) + sum(use.by_deleted.values())
    assert (use.limit, use.free) == (20 * GB, 100 * GB)


def test_archives_count_and_are_named_when_there_is_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run([], "finished")
    archives_folder().mkdir()
    for name in ("fashion-mnist-runs-20260101-000000.zip", ".fashion-mnist-runs-20260101-000001.zip.part"):
        (archives_folder() / name).write_bytes(bytes(500_000))
    use = disk_use(now=True)
    assert len(use.by_archive) == 2
    assert sum(use.by_archive.values()) == size_of(archives_folder()) >= 10**6
    assert use.used == size_of(run.folder) + size_of(archives_folder())
    monkeypatch.setenv(disk.LIMIT, str(use.used / GB))
    disk_use(now=True)
    with pytest.raises(RunError, match=r"^Runs and archives use \d.* MB, and \d.* MB are allowed: clean up on the page Runs"):
        check_room_on_disk()


def test_what_comes_and_goes_is_counted() -> None:
    run_id = create_run(TrainConfig())
    writer = RunWriter(run_id)
    for event in (started(), step_done(4, [1.0] * 4, 1.0), epoch_done(1, 4, 1.0)):
        writer.write_event(event)
        assert disk_use(now=True).by_run == {run_id: size_of(writer.folder)}
    (writer.folder / "checkpoints" / "epoch-001.safetensors").write_bytes(bytes(500_000))
    assert disk_use(now=True).by_run == {run_id: size_of(writer.folder)}
    (writer.folder / "new" / "deep").mkdir(parents=True)
    (writer.folder / "new" / "deep" / "file").write_bytes(bytes(300_000))
    assert disk_use(now=True).by_run == {run_id: size_of(writer.folder)}
    shutil.rmtree(writer.folder / "new")
    writer.end("stopped")
    assert disk_use(now=True).by_run == {run_id: size_of(writer.folder)}
    delete_run(run_id)
    assert disk_use(now=True).by_run == {}
    restore_run(run_id)
    assert list(disk_use(now=True).by_run) == [run_id]


def test_what_has_not_changed_is_not_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [write_run([], "finished", has_weights=True) for _ in range(3)]
    before = disk_use(now=True)
    read: list[str] = []
    scan = os.scandir
    monkeypatch.setattr(os, "scandir", lambda folder: read.append(str(folder)) or scan(folder))  # type: ignore[func-returns-value]
    assert disk_use(now=True) == before
    assert read == []
    (runs[1].folder / "note").write_text("new")
    disk_use(now=True)
    assert read == [str(runs[1].folder), str(runs[1].folder / "checkpoints")]


def test_it_is_measured_again_after_some_seconds_only(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_000.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    first = disk_use()
    run = write_run([], "finished")
    assert disk_use() is first
    now += disk._FRESH_S + 1
    assert list(disk_use().by_run) == [run.id]


def test_links_lead_nowhere(tmp_path: Path) -> None:
    run = write_run([], "finished")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "large").write_bytes(bytes(10**7))
    (run.folder / "link").symlink_to(tmp_path / "elsewhere")
    (run.folder / "file-link").symlink_to(tmp_path / "elsewhere" / "large")
    assert disk_use(now=True).used < 10**6


def test_without_a_home_nothing_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", refuse_usage)
    use = disk_use(now=True)
    assert (use.used, use.free, use.left, use.is_nearly_full) == (0, math.inf, 20 * GB, False)
    check_room_on_disk()


def refuse_usage(_folder: object) -> None:
    raise OSError(5, "Input/output error")


@pytest.mark.parametrize(
    ("chosen", "limit"),
    [
        ("", 20 * GB),
        ("5", 5 * GB),
        (" 0.5 ", GB / 2),
        ("0", math.inf),
        ("many", 20 * GB),
        ("-1", 20 * GB),
        ("nan", 20 * GB),
        ("inf", 20 * GB),
    ],
)
def test_the_limit_can_be_chosen(chosen: str, limit: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(disk.LIMIT, chosen)
    assert limit_bytes() == limit


def test_it_warns_before_the_limit_and_refuses_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run([], "finished", has_weights=True)
    used = size_of(run.folder)
    for share, is_nearly_full, is_full in ((0.5, False, False), (0.79, False, False), (0.81, True, False), (1.0, True, True)):
        monkeypatch.setenv(disk.LIMIT, str(used / share / GB))
        assert disk_use(now=True).is_nearly_full is is_nearly_full, share
        if is_full:
            with pytest.raises(RunError, match=r"The runs use \d+ KB, and \d+ KB are allowed: clean up on the page Runs, or start"):
                check_room_on_disk()
        else:
            check_room_on_disk()


def test_it_warns_and_refuses_when_the_disk_is_nearly_full_too(monkeypatch: pytest.MonkeyPatch) -> None:
    free(monkeypatch, 900_000_000)
    assert disk_use(now=True).is_nearly_full
    check_room_on_disk()
    free(monkeypatch, 150_000_000)
    disk_use(now=True)
    with pytest.raises(RunError, match=r"Only 150 MB are left on the disk of .*: free some space, for example on the page Runs"):
        check_room_on_disk()


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0 KB"), (1, "1 KB"), (999_000, "999 KB"), (1_500_000, "1.5 MB"), (20_000_000, "20 MB"), (12_345_678_901, "12.3 GB")],
)
def test_sizes_in_words(size: int, text: str) -> None:
    assert format_bytes(size) == text
