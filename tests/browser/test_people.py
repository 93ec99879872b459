"""What only browsers show of people: their cookies, and what each of two sees."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from fmnist_core.classroom.people import LOCAL
from fmnist_core.classroom.permission import NotAllowedError
from fmnist_core.jobs.control import stop
from fmnist_core.runs.record import list_runs
from tests.browser.conftest import Server, open_page, place_of, start_server, visitor_of, wait_until_drawn, wait_until_still
from tests.browser.test_accessibility import check
from tests.written_runs import write_run

QUESTION = "What should we call you?"


def question(page: Page) -> Locator:
    """The button that asks for a name, until it is answered."""
    return page.get_by_role("button", name="Your name?")


def answer(page: Page, name: str | None) -> None:
    """Types a name, or skips the question."""
    question(page).click()
    if name is None:
        page.get_by_role("button", name="Skip").click()
        return
    page.get_by_role("textbox", name=QUESTION).fill(name)
    page.keyboard.press("Enter")


def name_button(page: Page, name: str) -> Locator:
    return page.locator(".st-key-header_tools").get_by_role("button", name=name)


# The name


def test_a_name_survives_a_reload_and_is_this_browsers_only(server: Server, page: Page, new_page: Callable[..., Page]) -> None:
    open_page(page, server, "/samples")
    answer(page, "Anna *Lee*")
    expect(name_button(page, "Anna *Lee*")).to_be_visible()
    expect(question(page)).to_have_count(0)
    page.reload()
    wait_until_drawn(page)
    expect(name_button(page, "Anna *Lee*")).to_be_visible()
    expect(question(page)).to_have_count(0)
    tab = page.context.new_page()
    open_page(tab, server, "/training")
    expect(name_button(tab, "Anna *Lee*")).to_be_visible()
    other = new_page()  # another browser behind the same address
    open_page(other, server, "/training")
    expect(question(other)).to_be_visible()


def test_skip_survives_a_reload_and_the_name_can_be_changed_by_keyboard(server: Server, page: Page) -> None:
    open_page(page, server, "/samples")
    answer(page, None)
    expect(question(page)).to_have_count(0)
    page.reload()
    wait_until_drawn(page)
    expect(name_button(page, "Your name")).to_be_visible()
    expect(question(page)).to_have_count(0)
    for before, after in (("Your name", "Ben"), ("Ben", "Benjamin")):
        name_button(page, before).focus()
        page.keyboard.press("Enter")
        field = page.get_by_role("textbox", name=QUESTION)
        field.focus()
        page.keyboard.press("ControlOrMeta+A")
        page.keyboard.type(after)
        page.keyboard.press("Enter")
        expect(name_button(page, after)).to_be_visible()
        expect(field).not_to_be_visible()  # it closes


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_the_name_stands_in_the_header_and_covers_nothing(server: Server, new_page: Callable[..., Page], width: int, scheme: str) -> None:
    page = new_page(viewport={"width": width, "height": 844}, color_scheme=scheme)
    open_page(page, server, "/samples")
    answer(page, "W" * 30)
    button = name_button(page, "WWW")
    expect(button).to_be_visible()
    wait_until_still(page)
    name, header, heading = place_of(button), place_of(page.get_by_test_id("stHeader")), place_of(page.get_by_role("heading", level=1))
    assert header["y"] <= name["y"]
    assert name["y"] + name["height"] <= header["y"] + header["height"] <= heading["y"]
    for control in page.get_by_test_id("stHeader").locator("a, button").all():
        box = control.bounding_box()
        assert box is None or box["x"] >= name["x"] + name["width"] or box["x"] + box["width"] <= name["x"], control.inner_text()
    check(page)
    button.click()
    expect(page.get_by_text("visible to everyone in this room")).to_be_visible()
    wait_until_still(page)
    check(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") == width


# Mine and theirs


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory, small_data: Path) -> Iterator[Server]:
    """A dashboard with a teacher's PIN, 500 training images, and one slot."""
    environment = {"FMNIST_DATA": str(small_data), "FMNIST_SLOTS": "1", "FMNIST_TEACHER_PIN": "a-pin-that-nobody-types"}
    with start_server(tmp_path_factory.mktemp("school") / "home", **environment) as running:
        yield running


@pytest.fixture
def schools_home(school: Server, small_data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes the test use the server's home and data; runs that are still live at its end are stopped."""
    for name, value in (("FMNIST_HOME", str(school.home)), ("FMNIST_DATA", str(small_data)), ("FMNIST_SLOTS", "1")):
        monkeypatch.setenv(name, value)
    yield
    for run in list_runs():
        if run.is_live:
            stop(run.id, by=LOCAL)


def arrive(page: Page, server: Server, name: str) -> None:
    """Opens Train as a person with this name."""
    open_page(page, server, "/training")
    answer(page, name)
    expect(name_button(page, name)).to_be_visible()


def train(page: Page, name: str) -> str:
    """Starts a run that is longer than any test, and returns its id."""
    for label, setting, typed in (("Epochs", "epochs", "200"), ("Batch size", "batch_size", "1")):
        page.get_by_label(label, exact=True).fill(typed)
        page.keyboard.press("Enter")
        page.wait_for_url(re.compile(f"{setting}(=|%3D){typed}(&|%26|$)"))  # what is typed while the page is drawn again can get lost
    page.get_by_label("Name (optional)", exact=True).fill(name)
    page.keyboard.press("Enter")
    main_button(page, "Train").click()
    expect(main_button(page, "Stop")).to_be_visible()
    page.wait_for_url("**/training?*run=*")
    return page.url.split("run=")[1].split("&")[0]


def line_of(page: Page) -> Locator:
    """What Train says of the run on show."""
    return page.locator(".st-key-run_line")


def main_button(page: Page, name: str) -> Locator:
    return page.get_by_test_id("stMain").get_by_role("button", name=name, exact=True)


@pytest.mark.usefixtures("schools_home")
def test_a_queue_seen_from_two_students_and_a_stranger_cannot_stop_my_run(
    school: Server, page: Page, new_page: Callable[..., Page]
) -> None:
    anna, ben = page, new_page()
    arrive(anna, school, "Anna")
    first = train(anna, "Long one")
    expect(anna.get_by_test_id("stProgress")).to_contain_text("Step ")
    arrive(ben, school, "Ben")
    line = re.compile(r"^Anna trains “Long one” \(.*\), epoch \d+ of 200 · Watch$")
    expect(ben.get_by_role("link", name=line)).to_be_visible()
    second = train(ben, "Waits")
    expect(line_of(ben)).to_contain_text("Waiting for its turn: number 1 in line, 1 run ahead of it")
    expect(line_of(ben)).to_contain_text("Ahead of it: Anna trains “Long one”")
    expect(main_button(ben, "Pause")).to_be_disabled()

    open_page(anna, school, "/training")
    assert first in anna.url, "her own run"
    anna.get_by_role("link", name="Ben waits to train “Waits”").click()
    expect(anna.get_by_text("Only Ben, who started this run, and the teacher can pause, stop or change it.")).to_be_visible()
    expect(main_button(anna, "Stop")).to_have_count(0)
    expect(line_of(anna)).to_contain_text("Waiting for its turn")
    check(anna)
    with pytest.raises(NotAllowedError, match="Only the person who started this run"):
        stop(second, by=visitor_of(anna))

    stop(first, by=visitor_of(anna))
    expect(ben.get_by_test_id("stProgress")).to_contain_text("Step ")  # his turn
    expect(anna.get_by_test_id("stProgress")).to_contain_text("Step ")
    main_button(ben, "Stop").click()
    expect(ben.get_by_text("its weights are kept")).to_be_visible()
    expect(anna.get_by_text("its weights are kept")).to_be_visible()
    expect(main_button(anna, "Continue")).to_have_count(0)
    expect(main_button(ben, "Continue")).to_be_visible()


@pytest.mark.usefixtures("schools_home")
def test_my_network_is_my_default_and_nobody_elses(school: Server, page: Page, new_page: Callable[..., Page]) -> None:
    open_page(page, school, "/samples")
    mine = write_run([], "finished", name="Mine", owner=visitor_of(page), epoch=1, test_accuracy=0.8, has_weights=True)
    chosen = page.get_by_role("combobox", name="Network")
    for path in ("/evaluation", "/kernels", "/prediction"):
        open_page(page, school, path)
        expect(chosen).to_have_value(re.compile("^Mine · 80.00 %"))
        assert mine.id in page.url
    other = new_page()
    open_page(other, school, "/prediction")
    expect(other.get_by_role("combobox", name="Network")).to_have_value(re.compile("^Starter model"))
