"""People and what is theirs."""

import pytest

from fmnist_core.classroom.people import LOCAL, Person, load_person, names_of, person_id, rename_person, tell_apart
from fmnist_core.classroom.permission import NotAllowedError, check_may_change, may_change, note_owner, owner_of, owners
from fmnist_core.classroom.records import records
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig

ANNA, BEN = Person(person_id("secret of Anna")), Person(person_id("secret of Ben"))


def test_a_name_is_remembered_and_made_visible() -> None:
    assert load_person(ANNA.id) == Person(ANNA.id, "", was_asked=False)
    assert rename_person(ANNA, "  Anna\u202e\n Lee  " + "x" * 10_000).name == "Anna Lee " + "x" * 21
    assert load_person(ANNA.id).was_asked
    rename_person(BEN, "Ben")
    assert names_of([BEN.id, "unknown"]) == {BEN.id: "Ben"}


def test_people_with_the_same_name_are_told_apart_and_the_first_to_take_it_keeps_it() -> None:
    third = Person(person_id("secret of the third"))
    rename_person(BEN, "Ben")
    rename_person(ANNA, "Anna")
    rename_person(third, "anna")
    rename_person(BEN, "Anna")
    rename_person(ANNA, "Anna")  # the name she has already
    assert names_of([ANNA.id, BEN.id, third.id]) == {ANNA.id: "Anna", third.id: "anna (2)", BEN.id: "Anna (3)"}
    assert names_of([BEN.id]) == {BEN.id: "Anna (3)"}, "whoever else is listed"


def test_no_name_is_told_twice_whatever_people_call_themselves() -> None:
    names = [("a", "Anna (2)"), ("b", "Anna"), ("c", "Anna"), ("d", "Anna (2)"), ("e", "ANNA")]
    assert tell_apart(names) == {"a": "Anna (2)", "b": "Anna", "c": "Anna (3)", "d": "Anna (2) (2)", "e": "ANNA (4)"}


def test_names_that_only_look_alike_are_told_apart_too() -> None:
    composed, decomposed, wide = "Zo\u00eb", "Zoe\u0308", "\uff3a\uff4f\u00eb"
    told = tell_apart([("a", composed), ("b", decomposed), ("c", wide)])
    assert told == {"a": composed, "b": f"{decomposed} (2)", "c": f"{wide} (3)"}


def test_skipping_the_question_is_remembered_too() -> None:
    rename_person(ANNA, "")
    assert load_person(ANNA.id) == Person(ANNA.id, "", was_asked=True)


def test_only_the_owner_and_the_teacher_may_change_a_run() -> None:
    note_owner("some-run", ANNA.id)
    note_owner("other-run", LOCAL.id)
    assert owners() == {"some-run": ANNA.id}
    check_may_change(ANNA, "some-run")
    check_may_change(Person("any", is_teacher=True), "some-run")
    with pytest.raises(NotAllowedError, match="Only the person who started this run"):
        check_may_change(BEN, "some-run")
    assert not may_change(BEN, "other-run")
    assert not may_change(Person(""), "other-run"), "nobody is not the owner of what nobody owns"
    assert not may_change(LOCAL, STARTER_ID)


def test_owners_and_the_queue_are_rebuilt_from_the_folders_when_the_database_is_lost() -> None:
    first = create_run(TrainConfig(), "first", owner=ANNA.id, owner_name="Anna", queued=True)
    second = create_run(TrainConfig(), "second", owner=BEN.id, owner_name="Ben", queued=True)
    ended = create_run(TrainConfig(), "ended", owner=BEN.id, owner_name="Ben")
    nobodys = create_run(TrainConfig(), "nobody's", queued=True)
    RunWriter(ended).end("stopped")
    records().file.unlink(missing_ok=True)
    assert owners() == {first: ANNA.id, second: BEN.id, ended: BEN.id}
    assert owner_of(nobodys) == ""
    assert load_person(BEN.id).name == "Ben"
    with records().read() as connection:
        waiting = [row[0] for row in connection.execute("SELECT run FROM queue ORDER BY place")]
    assert sorted(waiting) == sorted([first, second, nobodys])


def test_a_run_that_trains_keeps_its_slot_when_the_database_is_lost() -> None:
    """Otherwise more runs would train at once than there are slots."""
    training = create_run(TrainConfig(), owner=ANNA.id)
    writer = RunWriter(training)
    writer.change_state("training")
    records().file.unlink(missing_ok=True)
    with records().read() as connection:
        assert connection.execute("SELECT run, person, state, starts FROM queue").fetchall() == [(training, ANNA.id, "placed", 1)]
    writer.end("stopped")
