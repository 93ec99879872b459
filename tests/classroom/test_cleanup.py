"""The clean-up deletes what it has shown, and nothing else."""

import os
import time
from pathlib import Path

import pytest

from fmnist_core.classroom.cleanup import Part, carry_out, plan_cleanup, suggest_oldest
from fmnist_core.classroom.notes import notes, star, write_note
from fmnist_core.classroom.people import Person, person_id
from fmnist_core.classroom.permission import note_owner
from fmnist_core.classroom.run_changes import delete_runs, restore_runs
from fmnist_core.runs.disk import LIMIT, disk_use
from fmnist_core.runs.folders import STARTER_FOLDER, archives_folder
from fmnist_core.runs.record import RunRecord, list_runs, load_run
from fmnist_core.runs.transitions import prepare_resume
from fmnist_core.runs.trash import list_deleted
from fmnist_core.runs.weights import load_model
from tests.written_runs import write_run

ANNA, BEN, TEACHER = Person(person_id("Anna")), Person(person_id("Ben")), Person("teacher", is_teacher=True)
WEIGHTS = next((STARTER_FOLDER / "checkpoints").glob("*.safetensors")).read_bytes()


def run_of(person: Person, epochs: int = 1, best_epoch: int | None = None, state: str = "finished") -> RunRecord:
    """A run with the weights of so and so many epochs, and the answers of each."""
    run = write_run([], state, epoch=epochs, best_epoch=best_epoch, test_accuracy=0.5)  # type: ignore[arg-type]
    (run.folder / "answers").mkdir()
    for epoch in range(1, epochs + 1):
        (run.folder / "checkpoints" / f"epoch-{epoch:03d}.safetensors").write_bytes(WEIGHTS)
        (run.folder / "answers" / f"epoch-{epoch:03d}.safetensors").write_bytes(bytes(1_000))
    note_owner(run.id, person.id)
    return load_run(run.id)


def weights_of(run: RunRecord) -> list[str]:
    return sorted(file.name[6:9] for file in (run.folder / "checkpoints").glob("epoch-*"))


def names_of(folder: Path) -> list[str]:
    return sorted(file.name[6:9] for file in folder.iterdir())


def test_weights_of_epochs_that_are_not_in_use_are_deleted_with_their_answers() -> None:
    best, last = run_of(ANNA, 5, best_epoch=3), run_of(ANNA, 4)
    plan = plan_cleanup(ANNA, deleted=False, weights=True, oldest=0)
    one = len(WEIGHTS) + 1_000
    assert {(part.kind, part.run_id, part.size) for part in plan} == {("weights", run.id, 3 * one) for run in (best, last)}
    before = disk_use(now=True).used
    assert sorted(carry_out(plan, by=ANNA).done) == sorted([best.id, last.id])
    assert (weights_of(best), weights_of(last)) == (["003", "005"], ["004"])
    assert names_of(best.folder / "answers") == ["003", "005"]
    assert load_model(load_run(best.id)) is not None
    assert before - disk_use().used >= 2 * 3 * len(WEIGHTS)
    assert plan_cleanup(ANNA, deleted=False, weights=True, oldest=0) == []


def test_the_oldest_runs_that_nobody_starred_are_deleted_for_good() -> None:
    runs = [run_of(ANNA) for _ in range(5)]
    runs.sort(key=lambda run: (run.created_at, run.id))
    live = run_of(ANNA, state="training")
    star([runs[1].id], True, by=BEN)
    write_note(runs[0].id, "A note", by=ANNA)
    plan = plan_cleanup(ANNA, deleted=False, weights=False, oldest=2)
    assert [(part.kind, part.run_id) for part in plan] == [("run", runs[0].id), ("run", runs[2].id)]
    assert all(part.size >= len(WEIGHTS) for part in plan)
    assert carry_out(plan, by=ANNA).done == [runs[0].id, runs[2].id]
    assert {run.id for run in list_runs()} == {runs[1].id, runs[3].id, runs[4].id, live.id}
    assert list_deleted() == []
    assert notes() == {}


def test_the_trash_is_emptied() -> None:
    first, second = run_of(ANNA), run_of(ANNA)
    delete_runs([first.id], by=ANNA)
    plan = plan_cleanup(ANNA, deleted=True, weights=False, oldest=0)
    assert [(part.kind, part.run_id) for part in plan] == [("deleted", first.id)]
    assert carry_out(plan, by=ANNA).done == [first.id]
    assert list_deleted() == []
    assert [run.id for run in list_runs()] == [second.id]


def test_nobody_deletes_what_is_anothers() -> None:
    theirs, deleted = run_of(BEN, 3), run_of(BEN)
    delete_runs([deleted.id], by=BEN)
    assert plan_cleanup(ANNA, deleted=True, weights=True, oldest=99) == []
    plan = plan_cleanup(TEACHER, deleted=True, weights=True, oldest=1)
    assert [(part.kind, part.run_id) for part in plan] == [("deleted", deleted.id), ("run", theirs.id)]
    assert set(carry_out(plan, by=ANNA).refused) == {deleted.id, theirs.id}, "a plan that somebody else made"
    assert [run.id for run in list_runs()] == [theirs.id]
    assert [run.id for run in list_deleted()] == [deleted.id]


def test_what_has_changed_since_the_plan_stays() -> None:
    starred, continued, restored, thinned = run_of(ANNA), run_of(ANNA, state="stopped"), run_of(ANNA), run_of(ANNA, 3)
    delete_runs([restored.id], by=ANNA)
    plan = plan_cleanup(ANNA, deleted=True, weights=False, oldest=2)
    plan = [part for part in plan if part.run_id == restored.id]
    plan += [Part("run", run.id, run.name, 1) for run in (starred, continued)] + [Part("weights", thinned.id, "x", 1)]
    star([starred.id], True, by=BEN)
    (continued.folder / "checkpoints" / "resume.safetensors").write_bytes(WEIGHTS)
    (thinned.folder / "checkpoints" / "resume.safetensors").write_bytes(WEIGHTS)
    prepare_resume(continued.id)
    prepare_resume(thinned.id, 1)
    restore_runs([restored.id], by=ANNA)
    outcome = carry_out(plan, by=ANNA)
    assert outcome.done == []
    assert set(outcome.refused) == {run.id for run in (starred, continued, restored, thinned)}
    assert len(list_runs()) == 4
    assert weights_of(thinned) == ["001", "002", "003"]


@pytest.mark.parametrize(("share", "suggested"), [(0.1, 0), (0.69, 0), (0.95, 3), (2.0, 7), (100.0, 10)])
def test_as_many_runs_are_suggested_as_bring_it_to_seventy_percent(share: float, suggested: int, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [run_of(ANNA) for _ in range(10)]
    monkeypatch.setenv(LIMIT, str(disk_use(now=True).used / share / 10**9))
    assert suggest_oldest(disk_use(now=True), runs, 0) == suggested
    assert suggest_oldest(disk_use(now=True), runs, disk_use().used) == 0


def write_archive_file(name: str, age_s: float = 0.0) -> Path:
    archives_folder().mkdir(parents=True, exist_ok=True)
    file = archives_folder() / name
    file.write_bytes(bytes(100_000))
    os.utime(file, (time.time() - age_s,) * 2)
    return file


def test_the_teacher_clears_archives_and_halves_of_them() -> None:
    run = run_of(ANNA)
    archive = write_archive_file("fashion-mnist-runs-20260101-000000.zip")
    half = write_archive_file(".fashion-mnist-runs-20260101-000001.zip.part", age_s=7_200)
    growing = write_archive_file(".fashion-mnist-runs-20260101-000002.zip.part")
    foreign = write_archive_file("something else.zip", age_s=7_200)
    assert plan_cleanup(TEACHER, deleted=True, weights=True, oldest=0) == []
    assert plan_cleanup(ANNA, deleted=True, weights=True, oldest=0, archives=True) == []
    plan = plan_cleanup(TEACHER, deleted=True, weights=True, oldest=0, archives=True)
    assert [(part.kind, part.run_id, part.name) for part in plan] == [("archive", file.name, file.name) for file in (archive, half)]
    assert all(part.size >= 100_000 for part in plan)
    assert set(carry_out(plan, by=ANNA).refused) == {archive.name, half.name}, "a plan that somebody else made"
    forged = [
        Part("archive", name, name, 1) for name in (growing.name, foreign.name, "../classroom.sqlite3", f"../runs/{run.id}/config.json")
    ]
    assert set(carry_out(forged, by=TEACHER).refused) == {part.run_id for part in forged}
    before = disk_use(now=True).used
    assert carry_out(plan, by=TEACHER).done == [archive.name, half.name]
    assert sorted(archives_folder().iterdir()) == sorted([growing, foreign])
    assert before - disk_use().used >= 200_000
    assert [each.id for each in list_runs()] == [run.id]
