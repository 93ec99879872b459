"""Runs renamed, deleted and restored by those who may, and by nobody else."""

from datetime import UTC, datetime, timedelta

import pytest

from fmnist_core.classroom.notes import notes, star, stars, write_note
from fmnist_core.classroom.people import LOCAL, Person, person_id
from fmnist_core.classroom.permission import NotAllowedError, note_owner, owner_of, owners
from fmnist_core.classroom.records import records
from fmnist_core.classroom.run_changes import delete_runs, erase_old_runs, erase_runs, rename_run, restore_runs
from fmnist_core.runs import trash
from fmnist_core.runs.claim import release_start
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import run_folder
from fmnist_core.runs.record import list_runs, load_run
from fmnist_core.runs.trash import list_deleted
from fmnist_core.settings.config import TrainConfig
from tests.written_runs import write_run

ANNA, BEN = Person(person_id("Anna"), "Anna"), Person(person_id("Ben"), "Ben")
TEACHER = Person("teacher", "The teacher", is_teacher=True)
REFUSED = "Only the person who started this run, and the teacher, can change it."


def run_of(person: Person, name: str = "Written") -> str:
    run_id = write_run([], "finished", name=name).id
    note_owner(run_id, person.id)
    return run_id


def listed() -> set[str]:
    return {run.id for run in list_runs()}


def test_another_persons_run_is_not_renamed() -> None:
    run_id = run_of(ANNA, "Blue")
    with pytest.raises(NotAllowedError):
        rename_run(run_id, "Mine now", by=BEN)
    assert load_run(run_id).name == "Blue"
    assert rename_run(run_id, "Red", by=ANNA) == load_run(run_id).name == "Red"
    assert rename_run(run_id, "Green", by=TEACHER) == load_run(run_id).name == "Green"


def test_several_are_deleted_and_restored_at_once_and_the_others_are_left_out() -> None:
    mine, theirs, live = run_of(ANNA), run_of(BEN), write_run([], "training").id
    note_owner(live, ANNA.id)
    outcome = delete_runs([mine, theirs, live, "no-such-run", "../etc", mine], by=ANNA)
    assert outcome.done == [mine]
    assert outcome.refused[theirs] == outcome.refused["no-such-run"] == outcome.refused["../etc"] == REFUSED
    assert outcome.refused[live] == "This run is still training or waiting: stop it first."
    assert listed() == {theirs, live}
    assert [(run.id, run.by, run.by_name) for run in list_deleted()] == [(mine, ANNA.id, "Anna")]
    assert restore_runs([mine, theirs], by=ANNA).done == [mine]
    assert listed() == {mine, theirs, live}


def test_many_are_deleted_together() -> None:
    ids = [run_of(ANNA) for _ in range(30)]
    assert delete_runs(ids, by=ANNA).done == ids
    assert len({run.deleted_at for run in list_deleted()}) == 1
    assert restore_runs(ids, by=ANNA).done == ids
    assert listed() == set(ids)


def test_what_others_deleted_is_not_restored_and_not_erased() -> None:
    mine, by_teacher = run_of(ANNA), run_of(ANNA)
    delete_runs([mine], by=ANNA)
    delete_runs([by_teacher], by=TEACHER)
    for do in (restore_runs, erase_runs):
        assert do([mine], by=BEN).refused == {mine: "Only the person who deleted this run, and the teacher, can restore it."}
        assert do([by_teacher], by=ANNA).done == [], "the teacher had a reason"
        assert do([mine, by_teacher], by=Person("")).done == []
    assert restore_runs([mine, by_teacher], by=TEACHER).done == [mine, by_teacher]


def test_the_command_line_and_a_server_without_a_pin_may_do_everything() -> None:
    mine, nobodys = run_of(ANNA), write_run([], "finished").id
    assert delete_runs([mine, nobodys], by=LOCAL).done == [mine, nobodys]
    assert restore_runs([mine, nobodys], by=LOCAL).done == [mine, nobodys]


def test_a_restored_run_has_its_owner_note_and_stars() -> None:
    run_id = run_of(ANNA)
    write_note(run_id, "A note", by=ANNA)
    star([run_id], True, by=BEN)
    delete_runs([run_id], by=ANNA)
    restore_runs([run_id], by=ANNA)
    assert (owner_of(run_id), notes(), stars()) == (ANNA.id, {run_id: "A note"}, {run_id: frozenset({BEN.id})})


def test_if_the_database_is_lost_meanwhile_the_owner_can_still_restore_it() -> None:
    run_id = create_run(TrainConfig(), owner=ANNA.id, owner_name="Anna")
    release_start(run_folder(run_id))
    note_owner(run_id, ANNA.id)
    assert delete_runs([run_id], by=ANNA).done == [run_id]
    records().file.unlink()
    assert owners() == {}
    assert restore_runs([run_id], by=BEN).done == []
    assert restore_runs([run_id], by=ANNA).done == [run_id]
    assert owners() == {run_id: ANNA.id}


def test_what_is_deleted_for_good_leaves_nothing_behind() -> None:
    kept, erased, old = run_of(ANNA), run_of(ANNA), run_of(ANNA)
    for run_id in (kept, erased, old):
        write_note(run_id, "A note", by=ANNA)
        star([run_id], True, by=ANNA)
    delete_runs([erased], by=ANNA)
    trash.delete_run(old, at=datetime.now(UTC) - timedelta(days=31))
    assert erase_runs([kept, erased], by=ANNA).done == [erased]
    assert erase_old_runs() == [old]
    assert erase_old_runs() == []
    assert list_deleted() == []
    assert set(notes()) == set(stars()) == set(owners()) == listed() == {kept}
