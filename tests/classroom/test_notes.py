"""Notes and stars on runs."""

import pytest

from fmnist_core.classroom.notes import MAX_NOTE_LENGTH, forget_runs, notes, star, stars, write_note
from fmnist_core.classroom.people import LOCAL, Person, person_id
from fmnist_core.classroom.permission import NotAllowedError, note_owner, owners
from fmnist_core.runs.folders import STARTER_ID, RunError
from tests.hostile_texts import HOSTILE, LONG
from tests.written_runs import write_run

ANNA, BEN, TEACHER = Person(person_id("Anna")), Person(person_id("Ben")), Person("teacher", is_teacher=True)


@pytest.fixture
def annas() -> str:
    run_id = write_run([], "finished").id
    note_owner(run_id, ANNA.id)
    return run_id


def test_a_note_is_the_owners_and_the_teachers(annas: str) -> None:
    assert write_note(annas, "A first try", by=ANNA) == "A first try"
    assert write_note(annas, "Well done", by=TEACHER) == "Well done"
    with pytest.raises(NotAllowedError):
        write_note(annas, "Bad", by=BEN)
    with pytest.raises(NotAllowedError):
        write_note(STARTER_ID, "Bad", by=TEACHER)
    assert notes() == {annas: "Well done"}
    assert write_note(annas, " \n\u200b ", by=ANNA) == ""
    assert notes() == {}


@pytest.mark.parametrize(("text", "shown"), HOSTILE.items(), ids=lambda text: text[:30])
def test_a_note_is_one_visible_line(annas: str, text: str, shown: str) -> None:
    assert write_note(annas, text, by=ANNA) == shown == notes()[annas]


def test_a_note_has_a_limit(annas: str) -> None:
    assert write_note(annas, LONG * 1_000, by=ANNA) == "x" * MAX_NOTE_LENGTH


def test_stars_are_everybodys_own(annas: str) -> None:
    other = write_run([], "finished").id
    star([annas, other, STARTER_ID], True, by=ANNA)
    star([annas, annas], True, by=BEN)
    star([annas], True, by=LOCAL)
    assert stars() == {annas: frozenset({ANNA.id, BEN.id, ""}), other: frozenset({ANNA.id}), STARTER_ID: frozenset({ANNA.id})}
    star([annas, other], False, by=ANNA)
    assert stars() == {annas: frozenset({BEN.id, ""}), STARTER_ID: frozenset({ANNA.id})}


@pytest.mark.parametrize("run_id", ["no-such-run", "../runs", "x'; DROP TABLE stars; --"])
def test_only_runs_get_notes_and_stars(run_id: str) -> None:
    with pytest.raises(RunError):
        star([run_id], True, by=ANNA)
    with pytest.raises(RunError):
        write_note(run_id, "Bad", by=LOCAL)
    star([run_id], False, by=ANNA)
    assert stars() == {}
    assert notes() == {}


def test_nobody_fills_the_database_with_stars(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fmnist_core.classroom.notes._MAX_STARS", 2)
    ids = [write_run([], "finished").id for _ in range(3)]
    star(ids[:2], True, by=ANNA)
    with pytest.raises(RunError, match="You can star at most 2 runs"):
        star(ids, True, by=ANNA)
    assert stars() == {run_id: frozenset({ANNA.id}) for run_id in ids[:2]}


def test_what_was_deleted_for_good_is_forgotten(annas: str) -> None:
    write_note(annas, "A note", by=ANNA)
    star([annas], True, by=BEN)
    forget_runs([annas])
    assert notes() == {annas: "A note"}, "it still exists"
    with_database_only = "20260101-000000-0000"
    note_owner(with_database_only, BEN.id)
    forget_runs([with_database_only])
    assert owners() == {annas: ANNA.id}
