"""Teacher: the PIN, what trains, limits, closed pages, sending, archives and clearing; and what each does on a student's page."""

import errno
import shutil
import time
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fmnist_core.classroom import teacher
from fmnist_core.classroom.archives import delete_archive, list_archives, new_archive_file
from fmnist_core.classroom.attempts import Attempts
from fmnist_core.classroom.lesson import Lesson, change_lesson, lesson, send
from fmnist_core.classroom.people import LOCAL, Person, load_person, rename_person
from fmnist_core.classroom.permission import NotAllowedError, note_owner, owner_of
from fmnist_core.classroom.records import records
from fmnist_core.classroom.teacher import is_teacher, sign_in, sign_out
from fmnist_core.exports import clearing
from fmnist_core.exports.archive import write_archive
from fmnist_core.jobs import control
from fmnist_core.jobs.control import start_run
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import archives_folder, list_run_ids
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.trash import list_deleted
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig
from pages.parts.shared import lesson_notice
from tests.pages.conftest import open_page, person_of, press, query, unescaped, words

PIN = "tulip"
TEACHER, STUDENT = "teacher's secret", "student's secret"
QUICK = TrainConfig(epochs=1, training_images=100)


@pytest.fixture(autouse=True)
def fresh_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has tried a PIN or opened anything yet, and no process trains what is started."""
    monkeypatch.setattr(teacher, "_tries", Attempts(5, 30, 60.0))
    monkeypatch.setattr(lesson_notice, "_handled", {})
    monkeypatch.setattr(control, "ensure_dispatcher", lambda: None)


@pytest.fixture
def pin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_TEACHER_PIN", PIN)


@pytest.fixture
def signed_in(monkeypatch: pytest.MonkeyPatch) -> Person:
    """The teacher, who has typed the PIN."""
    monkeypatch.setenv("FMNIST_TEACHER_PIN", PIN)
    sign_in(person_of(TEACHER).id, PIN)
    return Person(person_of(TEACHER).id, is_teacher=True)


def open_teacher(by: str = TEACHER) -> AppTest:
    at = open_page("teacher", by=by)
    assert not at.exception
    return at


def press_label(at: AppTest, label: str) -> AppTest:
    next(button for button in at.button if button.label == label).click().run()
    assert not at.exception
    return at


def headings(at: AppTest) -> list[str]:
    return [element.value for element in at.subheader]


def try_pin(at: AppTest, typed: str) -> AppTest:
    at.text_input(key="typed_pin").set_value(typed)
    return press_label(at, "Sign in")


def test_without_a_pin_the_page_is_open_and_says_how_to_set_one() -> None:
    at = open_teacher()
    assert "No PIN is set" in words(at)
    assert "FMNIST_TEACHER_PIN" in words(at)
    assert "Clear the room" in headings(at)
    assert "they have no effect" in words(at)


def test_a_database_that_cannot_be_used_is_a_sentence_and_not_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_teacher()
    monkeypatch.setattr("fmnist_core.store.database.FileLock.take", refuse_locks)
    records().close()
    assert not at.run().exception
    assert "SQLite needs a local disk" in words(at)
    assert "No locks available" in words(open_teacher())


def refuse_locks(*_arguments: object) -> bool:
    raise OSError(errno.ENOLCK, "No locks available")


@pytest.mark.usefixtures("pin")
def test_with_a_pin_nothing_is_shown_until_it_is_typed() -> None:
    at = open_teacher()
    assert headings(at) == []
    assert "That is not the PIN." in words(try_pin(at, "rose"))
    assert headings(at) == []
    assert at.text_input(key="typed_pin").value == "", "what was typed does not stay on the screen"
    try_pin(at, PIN)
    assert "Limits and pages" in headings(at)
    assert headings(open_teacher()) != [], "the browser is remembered"
    assert headings(open_teacher(STUDENT)) == []
    press(at, "sign_out")
    assert headings(at) == []
    assert not is_teacher(person_of(TEACHER).id)


@pytest.mark.usefixtures("pin")
def test_after_five_tries_the_right_pin_is_refused_too() -> None:
    at = open_teacher()
    for _ in range(5):
        try_pin(at, "rose")
    assert "Too many tries: try again in" in words(try_pin(at, PIN))
    assert headings(at) == []
    assert headings(try_pin(open_teacher(STUDENT), PIN)) != [], "another browser has tries of its own"


def test_an_odd_pin_is_reported_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_TEACHER_PIN", "1")
    assert "too easy to guess" in words(try_pin(open_teacher(), "1"))


@pytest.mark.usefixtures("signed_in")
def test_limits_are_saved_and_bind_students_on_train() -> None:
    at = open_teacher()
    at.number_input(key="limit_max_epochs").set_value(3)
    at.number_input(key="limit_max_minutes").set_value(10)
    at.multiselect(key="limit_presets").set_value(["quick"])
    press(at, "save_limits")
    assert lesson() == Lesson(max_epochs=3, max_minutes=10, presets=("quick",))
    assert "Saved." in words(at)
    student = open_page("train", by=STUDENT, preset="best")
    press(student, "train")
    assert "A run may have at most 3 epochs in this lesson, not 60." in words(student)
    assert list_run_ids() == []
    press(open_page("train", by=TEACHER, preset="best"), "train")
    assert len(list_run_ids()) == 1, "the teacher is exempt"
    at.number_input(key="limit_max_minutes").set_value(None)
    at.multiselect(key="limit_presets").set_value([])
    press(at, "save_limits")
    assert lesson() == Lesson(max_epochs=3)


@pytest.mark.usefixtures("signed_in")
def test_a_closed_page_says_so_to_students_only() -> None:
    at = open_teacher()
    at.multiselect(key="limit_hidden_pages").set_value(["evaluation"])
    press(at, "save_limits")
    student = open_page("evaluate", by=STUDENT)
    assert [unescaped(element.value) for element in student.info] == ["Your teacher has closed this page for the lesson."]
    assert student.title[0].value == "Evaluate"
    assert not student.get("metric")
    assert open_page("evaluate", by=TEACHER).get("metric")
    at.multiselect(key="limit_hidden_pages").set_value([])
    press(at, "save_limits")
    assert open_page("evaluate", by=STUDENT).get("metric")


def test_a_page_that_is_open_already_starts_nothing_once_it_is_closed(signed_in: Person) -> None:
    student = open_page("train", by=STUDENT)
    change_lesson(signed_in, hidden_pages=("training",))
    press(student, "train")
    assert "closed this page" in words(student)
    assert list_run_ids() == []


@pytest.mark.usefixtures("signed_in")
def test_neither_home_nor_teacher_can_be_closed() -> None:
    options = open_teacher().multiselect(key="limit_hidden_pages").options
    assert "Train" in options
    assert not {"Home", "Teacher"} & set(options)


@pytest.mark.usefixtures("signed_in")
def test_the_teacher_sees_all_live_runs_and_stops_one_with_a_reason() -> None:
    anna = rename_person(person_of("Anna's secret"), "Anna *")
    run_id, other = start_run(QUICK, "my :smile: run", by=anna), start_run(QUICK, "other", by=person_of(STUDENT))
    at = open_teacher()
    assert "my :smile: run** by Anna * · waiting" in words(at)
    assert "0 training, 0 paused, 2 waiting." in words(at)
    at.text_input(key="stop_reason").set_value("We begin\ntogether.")
    press(at, f"stop_{run_id}")
    assert (load_run(run_id).state, load_run(run_id).message) == ("stopped", "The teacher stopped it: We begin together.")
    assert load_run(other).state == "waiting"
    assert "my :smile: run" not in words(at)
    press(at, "stop_all")
    assert load_run(other).message == "The teacher stopped it: We begin together."


@pytest.mark.usefixtures("signed_in")
def test_new_trainings_are_paused_and_released() -> None:
    at = press(open_teacher(), "pause_trainings")
    assert lesson().paused
    assert "New runs are paused" in words(at)
    start_run(QUICK, by=person_of(STUDENT))
    press(at, "pause_trainings")
    assert not lesson().paused


@pytest.mark.parametrize("key", ["pause_trainings", "send", "stop_all", "archive"])
def test_buttons_that_are_still_on_the_screen_do_nothing_after_signing_out_elsewhere(key: str, signed_in: Person) -> None:
    run_id = start_run(QUICK, by=person_of(STUDENT))
    at = open_teacher()
    sign_out(signed_in.id)
    press(at, key)
    assert lesson() == Lesson()
    assert load_run(run_id).state == "waiting"
    assert list_archives() == []
    assert headings(at) == []


def notice(at: AppTest) -> str:
    """What the bar at the foot of the page says; "" without one."""
    return next((unescaped(element.value) for element in at.markdown if element.value.startswith("Your teacher sent you")), "")


@pytest.mark.usefixtures("signed_in")
def test_a_preset_is_offered_to_every_student_and_opens_on_train() -> None:
    at = open_teacher()
    at.selectbox(key="send_preset").set_value("few-images").run()
    press(at, "send")
    assert "Sent: **the preset 100 training images**" in words(at)
    assert notice(at) == "", "not to the sender"
    student = open_page("predict", by=STUDENT)
    assert notice(student) == "Your teacher sent you: **the preset 100 training images**"
    press_label(student, "Open")
    assert student.title[0].value == "Train"
    assert "Settings: 100 training images" in headings(student)
    assert notice(student) == ""
    assert notice(open_page("home", by=STUDENT)) == "", "a reload does not offer it again"
    assert notice(open_page("home", by="another")) != ""
    press(at, "take_back")
    assert notice(open_page("home", by="a third")) == ""


def test_a_test_image_opens_on_predict_even_if_a_drawing_is_shown_there(signed_in: Person) -> None:
    student = open_page("predict", by=STUDENT, source="Drawing", item="7")
    send(signed_in, "item", "42")
    student.run()
    assert student.radio(key="source").value == "Drawing"
    press_label(student, "Open")
    assert student.radio(key="source").value == "Test item"
    assert student.number_input(key="item").value == 42


def test_what_is_to_open_at_once_does_so_once(signed_in: Person) -> None:
    student = open_page("home", by=STUDENT)
    send(signed_in, "page", "samples", opens=True)
    student.run()
    assert student.title[0].value == "Browse"
    student.switch_page("pages/home.py").run()
    assert "Watch a network learn" in student.title[0].value


def test_not_now_closes_the_bar_for_good(signed_in: Person) -> None:
    send(signed_in, "preset", "quick")
    student = press_label(open_page("home", by=STUDENT), "Not now")
    assert notice(student) == ""
    send(signed_in, "preset", "quick")
    assert notice(student.run()) != "", "sent once more, it is offered once more"


def test_the_class_board_stays_on_the_projector(signed_in: Person) -> None:
    board = open_page("board", by="the projector's browser")
    send(signed_in, "page", "samples", opens=True)
    board.run()
    assert not board.exception
    assert "Browse" not in [element.value for element in board.title]
    assert notice(board) == ""
    send(signed_in, "preset", "quick")
    assert notice(board.run()) == ""


def test_an_old_message_and_an_unknown_page_are_not_shown(signed_in: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    send(signed_in, "page", "no_such_page")
    assert notice(open_page("home", by=STUDENT)) == ""
    send(signed_in, "page", "samples")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3601)
    assert notice(open_page("home", by=STUDENT)) == ""


@pytest.mark.usefixtures("signed_in", "trained_run")
def test_an_archive_is_made_and_deleted() -> None:
    at = press(open_teacher(), "archive")
    assert "1 run archived." in words(at)
    (file,) = list_archives()
    assert at.get("link_button")[0].proto.url == f"/archives/{file.name}"
    press(at, f"gone_{file.name}")
    assert list_archives() == []


@pytest.mark.usefixtures("signed_in")
def test_an_archive_is_imported_and_its_run_opens_on_evaluate(
    trained_run: RunRecord, small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(small_data))
    file = tmp_path / "runs.zip"
    assert [step.problem for step in write_archive([trained_run.id], file)] == [""]
    shutil.rmtree(trained_run.folder)
    at = open_teacher()
    at.file_uploader(key="import_file").upload(file.name, file.read_bytes(), "application/zip").run()
    press(at, "import")
    assert "1 run imported." in words(at)
    assert load_run(trained_run.id).owner_name == ""
    evaluate = open_page("evaluate", by=STUDENT, run=trained_run.id)
    assert not evaluate.exception
    assert query(evaluate, "run") == trained_run.id
    assert evaluate.get("metric")


@pytest.mark.usefixtures("signed_in")
def test_a_bad_archive_is_refused_with_a_sentence() -> None:
    at = open_teacher()
    at.file_uploader(key="import_file").upload("runs.zip", b"PK no zip file", "application/zip").run()
    press(at, "import")
    assert "does not end like one" in words(at)
    assert list_run_ids() == []


def ended_run(name: str, by: Person) -> str:
    run_id = create_run(QUICK, name, owner=by.id, owner_name=by.name)
    note_owner(run_id, by.id)
    RunWriter(run_id).end("stopped")
    return run_id


def test_the_room_is_cleared_only_after_the_word(signed_in: Person) -> None:
    anna = rename_person(person_of(STUDENT), "Anna")
    theirs, teachers, nobodys = ended_run("theirs", anna), ended_run("the teacher's", signed_in), ended_run("nobody's", LOCAL)
    waiting = start_run(QUICK, "waiting", by=anna)
    at = open_teacher()
    assert "deletes 2 runs of the class" in words(at)
    press_label(at, "Clear the room")
    assert "Nothing was cleared" in words(at)
    assert len(list_run_ids()) == 4
    at.text_input(key="clear_typed").set_value("Clear ")
    press_label(at, "Clear the room")
    assert "The room is clear." in words(at)
    assert set(list_run_ids()) == {teachers, nobodys}
    assert {run.id for run in list_deleted()} == {theirs, waiting}
    assert load_person(anna.id) == Person(anna.id)
    assert len(list_archives()) == 1
    assert not lesson().paused
    assert is_teacher(signed_in.id)


@pytest.mark.usefixtures("signed_in")
def test_nobody_else_clears_the_room_or_deletes_an_archive() -> None:
    student = person_of(STUDENT)
    theirs = ended_run("theirs", student)
    list(write_archive([theirs], new_archive_file()))
    (archive,) = list_archives()
    with pytest.raises(NotAllowedError):
        list(clearing.clear_room(by=student, archive=None))
    with pytest.raises(NotAllowedError):
        delete_archive(archive.name, by=student)
    assert (list_run_ids(), list_archives(), lesson()) == ([theirs], [archive], Lesson())


@pytest.mark.usefixtures("signed_in")
def test_without_an_archive_nothing_is_deleted() -> None:
    theirs = ended_run("theirs", person_of(STUDENT))
    archives_folder().parent.mkdir(exist_ok=True)
    archives_folder().write_text("not a folder")
    at = open_teacher()
    at.text_input(key="clear_typed").set_value("clear")
    press_label(at, "Clear the room")
    assert "was not written" in words(at)
    assert list_run_ids() == [theirs]
    assert not lesson().paused


def test_clearing_that_is_stopped_keeps_the_rest(signed_in: Person) -> None:
    runs = {ended_run(name, person_of(STUDENT)) for name in ("a", "b")}
    steps = clearing.clear_room(by=signed_in, archive=None)
    first = next(steps)
    steps.close()
    assert set(list_run_ids()) == runs - {first.run_id}
    assert not lesson().paused


def test_an_imported_run_is_nobodys_even_if_its_owner_deleted_it_here(signed_in: Person) -> None:
    theirs = ended_run("theirs", person_of(STUDENT))
    list(clearing.clear_room(by=signed_in, archive=new_archive_file()))
    at = open_teacher()
    at.file_uploader(key="import_file").upload("runs.zip", list_archives()[0].read_bytes(), "application/zip").run()
    press(at, "import")
    assert list_run_ids() == [theirs]
    assert owner_of(theirs) == ""


def test_train_says_what_is_limited_before_it_refuses(signed_in: Person) -> None:
    assert "In this lesson" not in words(open_page("train", by=STUDENT))
    change_lesson(signed_in, max_epochs=1, max_minutes=10, presets=("quick", "best"))
    limits = "In this lesson: at most 1 epoch per run; only the settings of Quick or Best (the epochs and the seed may be changed); "
    assert f"{limits}a run stops after 10 minutes of training." in words(open_page("train", by=STUDENT))
    assert "In this lesson" not in words(open_page("train", by=TEACHER))


def test_a_run_that_waits_for_the_teacher_says_so(signed_in: Person) -> None:
    change_lesson(signed_in, paused=True)
    run_id = start_run(QUICK, by=person_of(STUDENT))
    student = open_page("train", by=STUDENT, run=run_id)
    assert not student.exception
    assert "Waiting until the teacher lets new runs start." in [each.value for each in student.info]
