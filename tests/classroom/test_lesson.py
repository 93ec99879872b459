"""What the teacher decides, whom it binds, and that the core refuses what it forbids."""

import dataclasses
from typing import Any

import pytest

from fmnist_core.classroom import teacher
from fmnist_core.classroom.lesson import (
    Lesson,
    change_lesson,
    check_may_open,
    check_may_start,
    lesson,
    lesson_version,
    lift_limits,
    may_open,
    minutes_allowed,
    send,
)
from fmnist_core.classroom.people import LOCAL, Person, person_id
from fmnist_core.classroom.permission import NotAllowedError
from fmnist_core.classroom.records import records
from fmnist_core.classroom.teacher import sign_in
from fmnist_core.settings.config import TrainConfig
from fmnist_core.settings.presets import find_preset

STUDENT, TEACHER = Person(person_id("a student's secret")), Person(person_id("the teacher's secret"), is_teacher=True)
QUICK = find_preset("quick").config


def test_nothing_is_limited_until_the_teacher_decides() -> None:
    assert lesson() == Lesson()
    check_may_start(STUDENT, TrainConfig(epochs=200))
    check_may_open(STUDENT, "training")
    assert minutes_allowed(STUDENT.id) is None


def test_only_the_teacher_changes_the_lesson() -> None:
    with pytest.raises(NotAllowedError, match="Only the teacher"):
        change_lesson(STUDENT, paused=True)
    with pytest.raises(NotAllowedError, match="Only the teacher"):
        send(STUDENT, "preset", "quick")
    assert lesson() == Lesson()
    assert change_lesson(TEACHER, paused=True, max_queued=2) == lesson() == Lesson(paused=True, max_queued=2)
    change_lesson(LOCAL, paused=False)
    assert lesson() == Lesson(max_queued=2), "what is not named stays"


def test_what_another_process_changes_is_seen_at_once() -> None:
    change_lesson(TEACHER, max_epochs=7)
    records().close()
    assert lesson().max_epochs == 7
    with records().write() as connection:
        connection.execute("UPDATE settings SET value = '{\"max_epochs\": 9}' WHERE name = 'lesson'")
    assert lesson() == Lesson(max_epochs=9)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_epochs": 0},
        {"max_epochs": 201},
        {"max_epochs": "5"},
        {"max_queued": 0},
        {"max_minutes": -1},
        {"presets": ("unknown",)},
        {"hidden_pages": ("../etc",)},
        {"paused": None},
    ],
)
def test_values_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"cannot be changed|no preset"):
        change_lesson(TEACHER, **wrong)
    assert lesson() == Lesson()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"max_epochs": -1}', '{"presets": ["gone"]}', "{" * 100_000])
def test_a_lesson_that_cannot_be_read_limits_nothing(text: str) -> None:
    with records().write() as connection:
        connection.execute("INSERT INTO settings (name, value) VALUES ('lesson', ?)", (text,))
    assert lesson() == Lesson()


def test_more_epochs_than_allowed_are_refused_except_to_the_teacher() -> None:
    change_lesson(TEACHER, max_epochs=5)
    check_may_start(STUDENT, TrainConfig(epochs=5))
    with pytest.raises(NotAllowedError, match="at most 5 epochs in this lesson, not 6"):
        check_may_start(STUDENT, TrainConfig(epochs=6))
    check_may_start(TEACHER, TrainConfig(epochs=200))
    check_may_start(LOCAL, TrainConfig(epochs=200))


def test_of_allowed_presets_only_epochs_and_seed_may_differ() -> None:
    change_lesson(TEACHER, presets=("article", "quick"))
    check_may_start(STUDENT, dataclasses.replace(QUICK, epochs=9, seed=3))
    for other in (dataclasses.replace(QUICK, learning_rate=0.02), find_preset("best").config):
        with pytest.raises(NotAllowedError, match='settings of "The article" or "Quick"'):
            check_may_start(STUDENT, other)
        check_may_start(TEACHER, other)
    change_lesson(TEACHER, presets=())
    with pytest.raises(NotAllowedError, match="allows no settings"):
        check_may_start(STUDENT, QUICK)


def test_a_hidden_page_cannot_be_opened_nor_a_run_started_while_train_is_hidden() -> None:
    change_lesson(TEACHER, hidden_pages=("training", "prediction"))
    with pytest.raises(NotAllowedError, match="closed the Train page"):
        check_may_start(STUDENT, QUICK)
    check_may_start(TEACHER, QUICK)
    assert [page for page in ("training", "evaluation", "prediction") if not may_open(STUDENT, page)] == ["training", "prediction"]
    with pytest.raises(NotAllowedError, match="closed this page"):
        check_may_open(STUDENT, "prediction")
    check_may_open(TEACHER, "prediction")


def test_minutes_bind_runs_of_students_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_TEACHER_PIN", "tulip")
    sign_in(TEACHER.id, "tulip")
    change_lesson(TEACHER, max_minutes=10)
    monkeypatch.delenv("FMNIST_TEACHER_PIN")  # as in a dispatcher that was started before there was a PIN
    assert [minutes_allowed(owner) for owner in (STUDENT.id, TEACHER.id, LOCAL.id)] == [10, None, None]


def test_without_a_pin_no_minutes_bind_anybody() -> None:
    assert change_lesson(TEACHER, max_minutes=10, max_epochs=5) == lesson() == Lesson(max_epochs=5)
    assert minutes_allowed(STUDENT.id) is None


def test_what_is_sent_has_a_new_id_each_time() -> None:
    first, second = (send(TEACHER, "item", "42", opens=True).sent for _ in range(2))
    assert first is not None
    assert second is not None
    assert (first.kind, first.value, first.opens) == ("item", "42", True)
    assert first.id != second.id
    assert first.by == TEACHER.id
    assert lesson().sent == second
    assert change_lesson(TEACHER, sent=None).sent is None


@pytest.mark.parametrize(("kind", "value"), [("preset", "unknown"), ("item", "60000"), ("item", "²"), ("item", "-1"), ("other", "x")])
def test_only_what_exists_can_be_sent(kind: Any, value: str) -> None:
    with pytest.raises(ValueError, match=r"no preset|no test image|cannot be changed"):
        send(TEACHER, kind, value)
    assert lesson().sent is None


def test_a_server_without_a_pin_lifts_what_an_earlier_lesson_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(teacher, "secret_files", tuple)
    monkeypatch.setenv("FMNIST_TEACHER_PIN", "tulip")
    change_lesson(TEACHER, max_minutes=1, hidden_pages=("training",))
    lift_limits()
    assert lesson().max_minutes == 1
    monkeypatch.delenv("FMNIST_TEACHER_PIN")
    lift_limits()
    assert lesson() == Lesson()


def test_the_version_changes_with_every_change() -> None:
    versions = [lesson_version()]
    for changes in ({"paused": True}, {"paused": False}, {"max_epochs": 3}):
        change_lesson(TEACHER, **changes)
        versions.append(lesson_version())
    assert len(set(versions)) == 4
    assert lesson_version() == versions[-1]
