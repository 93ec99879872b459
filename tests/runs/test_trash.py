"""Deleted runs: in one place or the other at every moment, restored as they were, and gone after thirty days."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fmnist_core.runs import trash
from fmnist_core.runs.claim import claim_start, claim_training, is_claimed, release_start
from fmnist_core.runs.creation import create_run, rename_run
from fmnist_core.runs.folders import STARTER_ID, RunError, run_folder, runs_folder, trash_folder
from fmnist_core.runs.record import RunRecord, list_runs, load_run
from fmnist_core.runs.transitions import prepare_resume
from fmnist_core.runs.trash import KEPT_DAYS, delete_run, erase_old_runs, erase_run, list_deleted, load_deleted, restore_run
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig
from tests.faults.isolation import Child
from tests.hostile_texts import HOSTILE, LONG
from tests.written_runs import write_run


@pytest.fixture
def ended() -> RunRecord:
    return write_run([], "finished", name="Blue", has_weights=True, epoch=1, test_accuracy=0.5)


def set_deleted_at(run_id: str, moment: datetime | str) -> None:
    (trash_folder() / run_id / "deleted.json").write_text(json.dumps({"deleted_at": str(moment), "by": "anna"}))


def ids_in_trash() -> list[str]:
    return [run.id for run in list_deleted()]


def test_a_deleted_run_is_in_the_trash_alone_and_comes_back_as_it_was(ended: RunRecord) -> None:
    files = {file.relative_to(ended.folder): file.read_bytes() for file in ended.folder.rglob("*") if file.is_file()}
    delete_run(ended.id, by="anna", by_name="Anna")
    assert list_runs() == []
    with pytest.raises(RunError, match="There is no run"):
        load_run(ended.id)
    (deleted,) = list_deleted()
    assert (deleted.id, deleted.name, deleted.by, deleted.by_name) == (ended.id, "Blue", "anna", "Anna")
    assert datetime.now(UTC) - deleted.deleted_at < timedelta(minutes=5)
    assert deleted.kept_until - deleted.deleted_at == timedelta(days=KEPT_DAYS)
    restore_run(ended.id)
    assert list_runs() == [ended]
    assert list_deleted() == []
    assert {name: (ended.folder / name).read_bytes() for name in files} == files
    new = {file.name for file in ended.folder.rglob("*")} - {name.name for name in files}
    assert new == {"checkpoints", "trainer.lock"}


def test_the_run_is_not_claimed_afterwards_and_can_be_continued_when_it_is_back() -> None:
    run = write_run([], "stopped")
    delete_run(run.id)
    restore_run(run.id)
    assert not is_claimed(run.folder)
    prepare_resume(run.id)
    assert load_run(run.id).state == "waiting"


@pytest.mark.parametrize("state", ["waiting", "training", "paused"])
def test_a_live_run_is_not_deleted(state: str) -> None:
    run = write_run([], state)  # type: ignore[arg-type]
    with pytest.raises(RunError, match="is still training or waiting: stop it first"):
        delete_run(run.id)
    assert load_run(run.id).state == state
    assert not trash_folder().exists()


def test_a_run_that_another_process_holds_is_not_deleted(ended: RunRecord) -> None:
    claim = claim_training(ended.folder)
    assert claim is not None
    with pytest.raises(RunError, match="Another process is still working on this run"):
        delete_run(ended.id)
    claim.release()
    claim_start(ended.folder)
    with pytest.raises(RunError, match="is being started"):
        delete_run(ended.id)
    release_start(ended.folder)
    delete_run(ended.id)


def test_a_run_that_is_continued_while_it_is_being_deleted_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    run = write_run([], "stopped")

    def continue_first(folder: Path) -> bool:
        prepare_resume(run.id)
        writer = RunWriter(run.id)
        writer.end("stopped", "again")
        return claim_start(folder)

    monkeypatch.setattr(trash, "claim_start", continue_first)
    with pytest.raises(RunError, match="has just changed"):
        delete_run(run.id)
    assert load_run(run.id).message == "again"
    assert not is_claimed(run.folder)


def test_of_two_who_delete_a_run_one_succeeds(ended: RunRecord) -> None:
    delete_run(ended.id)
    with pytest.raises(RunError, match=r"^This run has been deleted already\.$"):
        delete_run(ended.id)
    restore_run(ended.id)
    with pytest.raises(RunError, match="There is no deleted run"):
        restore_run(ended.id)


def test_of_two_in_the_same_moment_the_later_is_told_the_truth(ended: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one moves the folder between the checks and the first thing written into it."""

    def move(_file: Path, _about: object) -> None:
        trash_folder().mkdir()
        ended.folder.rename(trash_folder() / ended.id)
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(trash, "write_json", move)
    with pytest.raises(RunError, match=r"^This run has been deleted already\.$"):
        delete_run(ended.id)


def test_two_may_empty_the_trash_at_the_same_moment(ended: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    delete_run(ended.id)
    remove = shutil.rmtree

    def lose(folder: Path) -> None:
        remove(folder)
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(shutil, "rmtree", lose)
    erase_run(ended.id)
    assert list_deleted() == []


def test_the_starter_stays() -> None:
    with pytest.raises(RunError, match="cannot be deleted"):
        delete_run(STARTER_ID)


@pytest.mark.parametrize("run_id", ["", "..", "../runs", "a/b", "a\\b", ".gone-x", "x" * 65, "starter\x00", "/etc"])
@pytest.mark.parametrize("do", [delete_run, restore_run, erase_run, load_deleted])
def test_what_could_not_be_an_id_never_becomes_a_path(run_id: str, do: Callable[[str], object]) -> None:
    with pytest.raises(RunError, match="is not the id of a run"):
        do(run_id)


def test_a_run_whose_settings_are_lost_can_be_deleted_and_restored(ended: RunRecord) -> None:
    (ended.folder / "config.json").write_text("{")
    delete_run(ended.id)
    assert [(run.id, run.name) for run in list_deleted()] == [(ended.id, ended.id)]
    restore_run(ended.id)
    assert (ended.folder / "config.json").read_text() == "{"


def test_a_run_is_not_restored_over_another(ended: RunRecord) -> None:
    delete_run(ended.id)
    (runs_folder() / ended.id).mkdir()
    with pytest.raises(RunError, match="already: delete that first"):
        restore_run(ended.id)
    assert ids_in_trash() == [ended.id]


def test_a_run_that_came_back_from_an_archive_can_be_deleted_again(ended: RunRecord, tmp_path: Path) -> None:
    shutil.copytree(ended.folder, tmp_path / "copy")
    delete_run(ended.id)
    shutil.copytree(tmp_path / "copy", ended.folder)
    rename_run(ended.id, "from the archive")
    delete_run(ended.id)
    assert [run.name for run in list_deleted()] == ["from the archive"]


def test_those_deleted_last_come_first(home: Path) -> None:
    runs = [write_run([], "finished") for _ in range(3)]
    for number, run in enumerate((runs[1], runs[0], runs[2])):
        delete_run(run.id, at=datetime(2026, 1, 1 + number, tzinfo=UTC))
    assert ids_in_trash() == [runs[2].id, runs[0].id, runs[1].id]
    assert sorted(folder.name for folder in (home / "trash").iterdir()) == sorted(ids_in_trash())


def test_after_thirty_days_it_is_gone() -> None:
    old, young = write_run([], "finished"), write_run([], "finished")
    delete_run(old.id)
    delete_run(young.id)
    set_deleted_at(old.id, datetime.now(UTC) - timedelta(days=KEPT_DAYS, minutes=1))
    set_deleted_at(young.id, datetime.now(UTC) - timedelta(days=KEPT_DAYS, minutes=-1))
    assert erase_old_runs() == [old.id]
    assert ids_in_trash() == [young.id]
    assert sorted(folder.name for folder in trash_folder().iterdir()) == [young.id]


@pytest.mark.parametrize(
    "content", ["", "{", '{"deleted_at": 5}', '{"deleted_at": "0001-01-01T00:00:00"}', '{"deleted_at": "9999-12-31T23:59:59Z"}']
)
def test_a_run_whose_date_is_lost_is_kept_for_thirty_days_from_when_it_was_moved(ended: RunRecord, content: str) -> None:
    os.utime(ended.folder, (0, 0))
    delete_run(ended.id)
    os.utime(trash_folder() / ended.id, (0, 0))
    (trash_folder() / ended.id / "deleted.json").write_text(content)
    assert erase_old_runs() == []
    assert datetime.now(UTC) - list_deleted()[0].deleted_at < timedelta(minutes=5)


def test_a_date_in_the_future_is_now(ended: RunRecord) -> None:
    delete_run(ended.id)
    set_deleted_at(ended.id, datetime.now(UTC) + timedelta(days=400))
    assert list_deleted()[0].deleted_at <= datetime.now(UTC)


def test_what_stands_in_the_trash_is_read_whatever_it_is(ended: RunRecord, tmp_path: Path) -> None:
    delete_run(ended.id, by="x", by_name="".join(HOSTILE)[:200])
    trash_folder().joinpath("a-file").write_text("")
    trash_folder().joinpath("An Upper Case Folder").mkdir()
    trash_folder().joinpath("a-link").symlink_to(tmp_path)
    (tmp_path / "precious").write_text("kept")
    assert ended.id in ids_in_trash()
    assert all(run.by_name.isprintable() for run in list_deleted())
    set_deleted_at(ended.id, datetime(2020, 1, 1, tzinfo=UTC))
    assert erase_old_runs() == [ended.id]
    with pytest.raises(RunError):
        erase_run("a-link")
    assert (tmp_path / "precious").read_text() == "kept"


def test_a_home_without_permission_is_a_sentence(ended: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(RunError, match=r"cannot be deleted \(Permission denied\): check the permissions"):
        delete_run(ended.id)
    assert [run.id for run in list_runs()] == [ended.id]


# Killed at any moment


def kill_before(place: int, work: Callable[[], object]) -> int:
    """Does the work in this process, which kills itself before this file operation; returns how many there were."""
    seen, is_done = 0, False

    def watch(event: str, _arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if not is_done and event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "shutil.rmtree"):
            seen += 1
            if seen > place:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    work()
    is_done = True
    return seen


def die_everywhere(work: Callable[[], object], check: Callable[[], None]) -> None:
    """Calls `check` after the work was killed before each of its file operations in turn, and at last done."""
    for place in range(10_000):
        outcome = Child(lambda place=place: kill_before(place, work)).wait()  # type: ignore[misc]
        check()
        if outcome.problem == "":
            assert place > 1, "it does more than that"
            return
        assert outcome.problem == "killed by SIGKILL"


pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs forks")


def test_kill_9_while_deleting_leaves_the_run_in_one_place_or_the_other(ended: RunRecord) -> None:
    def check() -> None:
        where = ([run.id for run in list_runs()], ids_in_trash())
        assert where in (([ended.id], []), ([], [ended.id]))
        if where[1]:
            assert (load_deleted(ended.id).name, load_deleted(ended.id).by) == ("Blue", "anna")
            restore_run(ended.id)
        assert load_run(ended.id) == ended

    die_everywhere(lambda: delete_run(ended.id, by="anna"), check)


def test_kill_9_while_restoring_leaves_the_run_in_one_place_or_the_other(ended: RunRecord) -> None:
    delete_run(ended.id)

    def check() -> None:
        where = ([run.id for run in list_runs()], ids_in_trash())
        assert where in (([ended.id], []), ([], [ended.id]))
        if where[0]:
            assert load_run(ended.id) == ended
            delete_run(ended.id)

    die_everywhere(lambda: restore_run(ended.id), check)


def test_kill_9_while_deleting_for_good_never_offers_half_a_run(ended: RunRecord, tmp_path: Path) -> None:
    delete_run(ended.id)
    shutil.copytree(trash_folder(), tmp_path / "trash")
    files = sorted(file.name for file in (trash_folder() / ended.id).rglob("*"))

    def check() -> None:
        if ids_in_trash():
            assert sorted(file.name for file in (trash_folder() / ended.id).rglob("*")) == files
        erase_old_runs()
        assert {folder.name for folder in trash_folder().iterdir()} <= {ended.id}, "what was left over is gone"
        shutil.rmtree(trash_folder())
        shutil.copytree(tmp_path / "trash", trash_folder())

    die_everywhere(lambda: erase_run(ended.id), check)


def test_kill_9_while_renaming_leaves_the_old_name_or_the_new_one(ended: RunRecord) -> None:
    die_everywhere(lambda: rename_run(ended.id, "Red"), lambda: check_name(ended.id, "Blue", "Red"))
    assert load_run(ended.id).name == "Red"


def check_name(run_id: str, *names: str) -> None:
    assert load_run(run_id).name in names


# Renaming


def test_a_new_name_is_cleaned_and_nothing_else_is_changed(ended: RunRecord) -> None:
    file = ended.folder / "config.json"
    before = json.loads(file.read_text()) | {"of_a_newer_version": [1, 2]}
    file.write_text(json.dumps(before))
    assert rename_run(ended.id, "  a\u202eb\n c" + LONG) == "ab c" + "x" * 56
    assert json.loads(file.read_text()) == before | {"name": "ab c" + "x" * 56}
    assert list_runs()[0].name == "ab c" + "x" * 56


@pytest.mark.parametrize("name", ["", "  ", "\u200b", "\n\x00"])
def test_a_name_that_nobody_can_see_is_refused(ended: RunRecord, name: str) -> None:
    with pytest.raises(RunError, match="A run needs a name"):
        rename_run(ended.id, name)
    assert load_run(ended.id).name == "Blue"


def test_a_live_run_can_be_renamed() -> None:
    run_id = create_run(TrainConfig(), "Blue")
    writer = RunWriter(run_id)
    writer.change_state("training")
    rename_run(run_id, "Red")
    writer.end("finished")
    assert (load_run(run_id).name, load_run(run_id).state) == ("Red", "finished")


def test_a_name_that_cannot_be_written_is_reported(ended: RunRecord, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(30, "Read-only file system")

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(RunError, match=r"\(Read-only file system\), so the run keeps its name"):
        rename_run(ended.id, "Red")
    assert sorted(file.name for file in run_folder(ended.id).glob(".*")) == []
