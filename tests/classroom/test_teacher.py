"""The PIN: where it is read from, who has typed it, and how often it can be tried."""

import os
import time
from pathlib import Path

import pytest

from fmnist_core.classroom import teacher
from fmnist_core.classroom.attempts import Attempts
from fmnist_core.classroom.people import person_id
from fmnist_core.classroom.records import records
from fmnist_core.classroom.teacher import PinError, has_pin, has_typed_pin, is_teacher, read_pin, sign_in, sign_out

ANNA, BEN = person_id("secret of Anna"), person_id("secret of Ben")


class Clock:
    """Seconds that a test sets."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Nothing has been tried yet, and the time is the test's own."""
    own = Clock()
    monkeypatch.setattr(teacher, "_tries", Attempts(5, 30, 60.0, own))
    return own


@pytest.fixture
def pin(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("FMNIST_TEACHER_PIN", "483 Ω2")
    return "483 Ω2"


@pytest.fixture
def secrets_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the secrets.toml of the project would be."""
    file = tmp_path / "project" / ".streamlit" / "secrets.toml"
    file.parent.mkdir(parents=True)
    monkeypatch.setattr(teacher, "secret_files", lambda: (file, tmp_path / "home" / ".streamlit" / "secrets.toml"))
    return file


def test_without_a_pin_everybody_is_the_teacher() -> None:
    assert not has_pin()
    assert is_teacher(ANNA)
    with pytest.raises(PinError, match="No PIN is set"):
        sign_in(ANNA, "")


def test_whoever_types_the_pin_is_the_teacher_until_they_sign_out(pin: str) -> None:
    assert not is_teacher(ANNA)
    assert not is_teacher("")
    with pytest.raises(PinError, match="not the PIN"):
        sign_in(ANNA, "483Ω2")
    assert not is_teacher(ANNA)
    sign_in(ANNA, f" {pin} ")
    assert is_teacher(ANNA)
    assert has_typed_pin(ANNA)
    assert not is_teacher(BEN)
    sign_out(ANNA)
    assert not is_teacher(ANNA)
    assert not has_typed_pin(ANNA)


def test_another_pin_locks_everybody_out(pin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(ANNA, pin)
    monkeypatch.setenv("FMNIST_TEACHER_PIN", "another")
    assert not is_teacher(ANNA)
    monkeypatch.setenv("FMNIST_TEACHER_PIN", pin)
    assert is_teacher(ANNA)


def test_whoever_typed_an_earlier_pin_is_forgotten_when_the_teacher_types_another(pin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The dispatcher, which may not know the PIN, would otherwise not limit their runs, and clearing the room would leave them."""
    sign_in(ANNA, pin)
    monkeypatch.setenv("FMNIST_TEACHER_PIN", "another")
    sign_in(BEN, "another")
    assert (has_typed_pin(ANNA), has_typed_pin(BEN)) == (False, True)
    sign_in(ANNA, "another")
    assert has_typed_pin(BEN), "several may be the teacher"


@pytest.mark.parametrize("typed", ["caf\u00e9", "cafe\u0301"])
@pytest.mark.parametrize("set_as", ["caf\u00e9", "cafe\u0301"])
def test_a_letter_with_an_accent_may_be_one_character_or_two(set_as: str, typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_TEACHER_PIN", set_as)
    sign_in(ANNA, typed)
    assert is_teacher(ANNA)
    with pytest.raises(PinError, match="not the PIN"):
        sign_in(BEN, "cafe")


def test_a_sign_in_expires_after_twelve_hours(pin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sign_in(ANNA, pin)
    start = time.time()
    monkeypatch.setattr(time, "time", lambda: start + 12 * 3600 - 60)
    assert is_teacher(ANNA)
    monkeypatch.setattr(time, "time", lambda: start + 12 * 3600 + 60)
    assert not is_teacher(ANNA)
    assert not has_typed_pin(ANNA)
    sign_in(BEN, pin)
    with records().read() as connection:
        assert [row[0] for row in connection.execute("SELECT person FROM teachers")] == [BEN], "what has expired is deleted"


def test_the_database_holds_no_pin(pin: str) -> None:
    sign_in(ANNA, pin)
    records().close()
    content = b"".join(file.read_bytes() for file in records().file.parent.glob("classroom.sqlite3*"))
    assert ANNA.encode() in content
    assert pin.encode() not in content


def test_five_tries_a_minute_then_the_right_pin_is_refused_too(pin: str, clock: Clock) -> None:
    for _ in range(5):
        with pytest.raises(PinError, match="not the PIN"):
            sign_in(ANNA, "wrong")
    clock.now += 20.5
    with pytest.raises(PinError, match="try again in 40 s"):
        sign_in(ANNA, pin)
    assert not is_teacher(ANNA)
    sign_in(BEN, pin)
    clock.now += 39.5
    sign_in(ANNA, pin)
    assert is_teacher(ANNA)


def test_thirty_tries_a_minute_in_all_whoever_they_say_they_are(pin: str, clock: Clock) -> None:
    for visitor in range(30):
        with pytest.raises(PinError, match="not the PIN"):
            sign_in(person_id(str(visitor)), "wrong")
        clock.now += 0.5
    with pytest.raises(PinError, match="try again in 45 s"):
        sign_in(ANNA, pin)
    clock.now += 45
    sign_in(ANNA, pin)


def test_refused_tries_do_not_make_the_wait_longer(clock: Clock) -> None:
    tries = Attempts(2, 10, 60.0, clock)
    assert [tries.take("a"), tries.take("a")] == [0.0, 0.0]
    for _ in range(100):
        assert tries.take("a") == 60.0
    clock.now += 60
    assert tries.take("a") == 0.0


@pytest.mark.parametrize(
    ("text", "problem"),
    [("1", "easy to guess"), ("000000", "easy to guess"), ("ab" * 51, "hard to type"), ("48\u202e21", "hard to type"), ("4821", "")],
)
def test_an_odd_pin_counts_and_is_reported(text: str, problem: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_TEACHER_PIN", text)
    assert read_pin().is_set
    assert problem in read_pin().problem
    assert bool(problem) == bool(read_pin().problem)
    sign_in(ANNA, text)
    assert is_teacher(ANNA)


def test_an_empty_pin_is_none_and_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_TEACHER_PIN", "  ")
    assert not has_pin()
    assert "is empty" in read_pin().problem


def test_the_pin_can_stand_in_secrets_toml(secrets_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets_file.write_text('other = "x"\n')
    assert not has_pin()
    _write(secrets_file, 'FMNIST_TEACHER_PIN = "tulip"\n')
    sign_in(ANNA, "tulip")
    assert is_teacher(ANNA)
    _write(secrets_file, "FMNIST_TEACHER_PIN = 482193\n")
    assert read_pin().text == "482193"
    monkeypatch.setenv("FMNIST_TEACHER_PIN", "environment")
    assert read_pin().text == "environment"


def test_the_home_folders_secrets_count_if_the_projects_have_no_pin(secrets_file: Path) -> None:
    users = teacher.secret_files()[1]
    users.parent.mkdir(parents=True)
    users.write_text('FMNIST_TEACHER_PIN = "from home"\n')
    assert read_pin().text == "from home"
    secrets_file.write_text('FMNIST_TEACHER_PIN = "from the project"\n')
    assert read_pin().text == "from the project"


@pytest.mark.parametrize("content", ["FMNIST_TEACHER_PIN = tulip", "FMNIST_TEACHER_PIN = true", "FMNIST_TEACHER_PIN = ''", "\udcff"])
def test_secrets_that_cannot_be_read_let_nobody_in(content: str, secrets_file: Path) -> None:
    secrets_file.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert has_pin()
    assert not is_teacher(ANNA)
    for typed in ("", "true", "True", "tulip"):
        with pytest.raises(PinError, match="no PIN is accepted"):
            sign_in(ANNA, typed)


def test_secrets_are_looked_for_where_streamlit_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "user"))
    expected = [tmp_path / ".streamlit" / "secrets.toml", tmp_path / "user" / ".streamlit" / "secrets.toml"]
    assert list(teacher.secret_files()) == expected


def _write(file: Path, text: str) -> None:
    """Writes a file with a later time, however fast the test is."""
    before = file.stat().st_mtime_ns
    file.write_text(text)
    os.utime(file, ns=(before + 10**9, before + 10**9))
