"""The teacher's PIN, and what the teacher does on a student's screen; each with a browser of their own."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Server, open_page, place_of, start_server, wait_until_drawn, wait_until_still
from tests.browser.test_accessibility import check
from tests.browser.test_people import answer, question

PIN = "tulip 42"
STOPPED_BY = "The teacher stopped it: We begin together."


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a PIN."""
    with start_server(tmp_path_factory.mktemp("classroom") / "home", FMNIST_TEACHER_PIN=PIN) as running:
        yield running


@pytest.fixture
def student(new_page: Callable[..., Page]) -> Page:
    return new_page(color_scheme="dark")


@pytest.fixture
def teacher(new_page: Callable[..., Page], classroom: Server) -> Page:
    """The Teacher page after the PIN was typed."""
    page = new_page()
    open_page(page, classroom, "/lesson")
    sign_in(page, PIN)
    expect(page.get_by_text("You are the teacher in this browser")).to_be_visible()
    wait_until_drawn(page)
    return page


def sign_in(page: Page, typed: str) -> None:
    page.get_by_label("PIN", exact=True).fill(typed)
    page.get_by_label("PIN", exact=True).press("Enter")


def notice(page: Page) -> Locator:
    return page.locator(".st-key-lesson_notice")


def choose(page: Page, label: str, option: str) -> None:
    """Adds an option to a list."""
    page.get_by_role("combobox", name=label).fill(option)
    page.get_by_role("option", name=option, exact=True).click()
    page.keyboard.press("Escape")


def test_the_pin_is_refused_after_five_tries_and_another_browser_is_not(classroom: Server, student: Page, teacher: Page) -> None:
    open_page(student, classroom, "/lesson")
    check(student)
    for _ in range(5):
        sign_in(student, "rose")
        expect(student.get_by_text("That is not the PIN.")).to_be_visible()
        expect(student.get_by_label("PIN", exact=True)).to_have_value("")
        wait_until_drawn(student)
    sign_in(student, PIN)
    expect(student.get_by_text(re.compile("Too many tries: try again in [0-9]+ s."))).to_be_visible()
    expect(student.get_by_role("heading", name="Training runs")).to_have_count(0)
    teacher.reload()
    expect(teacher.get_by_text("You are the teacher in this browser")).to_be_visible()
    teacher.get_by_role("button", name="Sign out").click()
    expect(teacher.get_by_label("PIN", exact=True)).to_be_visible()


def test_the_teacher_stops_a_students_run_and_the_student_sees_why(classroom: Server, student: Page, teacher: Page) -> None:
    open_page(student, classroom, "/training?preset=best")
    student.get_by_label("Name (optional)").fill("sixty epochs")
    student.get_by_role("button", name="Train", exact=True).click()
    expect(student.get_by_role("button", name="Pause", exact=True)).to_be_visible()
    line = teacher.get_by_text("sixty epochs")
    expect(line).to_be_visible()
    wait_until_still(teacher)
    check(teacher)
    teacher.get_by_label("Reason for stopping, which the owner reads").fill("We begin together.")
    teacher.get_by_label("Reason for stopping, which the owner reads").press("Tab")
    teacher.locator('[class*="st-key-stop_2"]').get_by_role("button").click()
    expect(student.get_by_text(STOPPED_BY)).to_be_visible()
    expect(line).to_have_count(0)


def test_a_closed_page_leaves_the_navigation_within_seconds_and_its_address_says_so(
    classroom: Server, student: Page, teacher: Page
) -> None:
    open_page(student, classroom, "/prediction")
    links = student.get_by_test_id("stTopNavLink")
    expect(links.filter(has_text="Predict")).to_be_visible()
    choose(teacher, "Pages closed for this lesson", "Predict")
    teacher.get_by_role("button", name="Save").last.click()
    expect(student.get_by_text("Your teacher has closed this page for the lesson.")).to_be_visible()
    expect(links.filter(has_text="Predict")).to_have_count(0)
    expect(links.filter(has_text="Browse")).to_be_visible()
    expect(teacher.get_by_test_id("stTopNavLink").filter(has_text="Predict")).to_be_visible()
    teacher.get_by_role("button", name="Clear all").last.click()
    teacher.get_by_role("button", name="Save").last.click()
    expect(student.get_by_role("radio", name="Drawing")).to_be_attached()


def test_what_the_teacher_sends_appears_without_moving_the_page_and_opens_by_keyboard(
    classroom: Server, student: Page, teacher: Page
) -> None:
    open_page(student, classroom, "/prediction?source=Drawing")
    answer(student, None)
    expect(question(student)).to_have_count(0)
    canvas = student.locator("canvas").first
    before = place_of(canvas)
    teacher.get_by_role("button", name="Send", exact=True).click()
    expect(notice(student)).to_contain_text("the preset The article")
    assert place_of(canvas) == before
    check(student)
    expect(student.get_by_role("status").filter(has_text="Your teacher sent you: the preset The article.")).to_be_attached()
    expect(notice(teacher)).to_have_count(0)
    notice(student).get_by_role("button", name="Open").press("Enter")
    student.wait_for_url("**/training*")
    expect(student.get_by_role("heading", name="Settings: The article")).to_be_visible()
    expect(notice(student)).to_have_count(0)


def test_an_archive_is_downloaded_by_the_teacher_only(classroom: Server, student: Page, teacher: Page) -> None:
    teacher.get_by_role("button", name="Archive all runs", exact=True).click()
    link = teacher.get_by_role("link", name=re.compile("fashion-mnist-runs-.*zip"))
    expect(link.first).to_be_visible()
    address = classroom.url + str(link.first.get_attribute("href"))
    assert teacher.request.get(address).body()[:2] == b"PK"
    open_page(student, classroom, "/start")
    assert student.request.get(address).status == 403
    assert teacher.request.get(f"{classroom.url}/archives/classroom.sqlite3").status == 404
    assert teacher.request.get(f"{classroom.url}/archives/..%2Fclassroom.sqlite3").status in (400, 404)
    assert teacher.request.get(address, headers={"Origin": "http://evil.example"}).status == 403


def test_a_pin_that_is_easy_to_guess_is_reported_when_the_server_starts(tmp_path: Path) -> None:
    with start_server(tmp_path / "home", FMNIST_TEACHER_PIN="1"):
        log = (tmp_path / "home.log").read_text()
    assert "The teacher's PIN is too easy to guess: choose six digits or more, or a word." in log
