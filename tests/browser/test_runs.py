"""Runs in Chromium: rows ticked with the pointer and runs chosen with the keyboard, deleted and brought back; and a thousand of them."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from fmnist_core.runs.record import LIVE_STATES, State, list_runs
from fmnist_core.runs.trash import list_deleted
from fmnist_core.training.events import Event
from tests.browser.conftest import Server, open_page, place_of, start_server, unfold, wait_until_still
from tests.browser.test_accessibility import check
from tests.written_runs import append_events, epoch_done, started, step_done, write_many, write_run

_ROW_PX, _TICK_PX = 35, 20  # the height of a row of the table, and where its box is
_MANY = 1_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard with a home of its own."""
    with start_server(tmp_path_factory.mktemp("runs") / "home") as running:
        yield running


@pytest.fixture(autouse=True)
def server_home(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets a test write runs into the server's home; they are moved out of it afterwards."""
    monkeypatch.setenv("FMNIST_HOME", str(server.home))
    yield
    for folder in ("runs", "trash"):
        if (server.home / folder).exists():
            (server.home / folder).rename(server.home / f"{folder}-{len(list(server.home.iterdir()))}")


def write(name: str, state: State = "finished") -> str:
    events: list[Event] = [started(), step_done(4, [2.0, 1.5, 1.0, 0.5], 1.0), epoch_done(1, 4, 1.0)]
    return write_run(events, state, name=name, epoch=1, test_accuracy=0.8, has_weights=True).id


def table(page: Page) -> Locator:
    return page.get_by_test_id("stDataFrame").first


def tick(page: Page, row: int) -> None:
    """Ticks the box of a row of the table, counted from 1."""
    box = place_of(table(page))
    page.mouse.click(box["x"] + _TICK_PX, box["y"] + _ROW_PX * (row + 0.5))


def chosen(page: Page) -> Locator:
    return page.get_by_test_id("stMultiSelect").first.locator("[data-tag]")


def type_name(page: Page, name: str) -> None:
    """Chooses a run with the keyboard."""
    field = page.get_by_role("combobox", name="Chosen runs")
    field.focus()
    page.keyboard.type(name)
    expect(page.get_by_role("option", name=name)).to_be_visible()
    page.keyboard.press("Enter")
    expect(chosen(page).filter(has_text=name)).to_be_visible()


def press(page: Page, name: str) -> None:
    """Moves on with Tab to the button with this name, and presses Enter."""
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name=name, exact=True)).to_be_visible()
    wait_until_still(page)
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("() => document.activeElement.innerText ?? ''").endswith(name):
            page.keyboard.press("Enter")
            return
    raise AssertionError(f"Tab does not lead to {name}")


def test_rows_are_ticked_with_the_pointer(server: Server, page: Page) -> None:
    for name in ("Blue", "Red", "Green"):
        write(name)
    open_page(page, server, "/trainings?sort=By+name")
    wait_until_still(page)
    tick(page, 1)
    expect(chosen(page)).to_have_text(["Blue"])
    tick(page, 3)
    expect(chosen(page)).to_have_text(["Blue", "Red"])
    expect(page.get_by_role("heading", name="2 runs compared")).to_be_visible()
    expect(page).to_have_url(re.compile("chosen="))
    tick(page, 1)
    expect(chosen(page)).to_have_text(["Red"])
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("Red was deleted")).to_be_visible()
    assert [run.name for run in list_deleted()] == ["Red"]
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Restored 1 run")).to_be_visible()
    assert sorted(run.name for run in list_runs()) == ["Blue", "Green", "Red"]


def test_a_tick_means_the_run_that_was_seen_whatever_came_since(server: Server, page: Page) -> None:
    write("Blue")
    open_page(page, server, "/trainings?sort=By+name")
    wait_until_still(page)
    write("Arrived since")
    tick(page, 1)
    expect(chosen(page)).to_have_text(["Blue"])
    tick(page, 1)
    expect(chosen(page)).to_have_text(["Blue", "Arrived since"])


def test_everything_works_from_the_keyboard(server: Server, page: Page) -> None:
    for name in ("Blue", "Red"):
        write(name)
    open_page(page, server, "/trainings")
    wait_until_still(page)
    type_name(page, "Blue")
    press(page, "Star")
    expect(page.get_by_role("button", name="Remove star")).to_be_visible()
    page.get_by_role("textbox", name="Name").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("Azure")
    page.keyboard.press("Enter")
    expect(chosen(page)).to_have_text(["Azure"])
    type_name(page, "Red")
    page.get_by_role("combobox", name="Chosen runs").focus()
    press(page, "Delete 2 runs")
    expect(page.get_by_text("2 runs were deleted")).to_be_visible()
    assert list_runs() == []
    page.get_by_role("heading", name="Runs", exact=True).click()
    press(page, "Undo")
    expect(page.get_by_text("Restored 2 runs")).to_be_visible()
    assert sorted(run.name for run in list_runs()) == ["Azure", "Red"]


def test_what_trains_is_shown_until_it_ends(server: Server, page: Page) -> None:
    run_id = write("Blue", "training")
    open_page(page, server, "/trainings")
    expect(page.get_by_text("Training or waiting now")).to_be_visible()
    append_events(run_id, [epoch_done(2, 8, 2.0)])
    status = server.home / "runs" / run_id / "status.json"
    status.write_text(status.read_text().replace(LIVE_STATES[1], "finished"))
    expect(page.get_by_text("Training or waiting now")).to_be_hidden()
    expect(table(page)).to_be_visible()


def test_a_thousand_runs_can_be_scrolled_searched_and_opened(server: Server, page: Page) -> None:
    write_many(_MANY)
    open_page(page, server, "/trainings?sort=By+name")
    expect(page.get_by_text(f"{_MANY + 1:,} runs of {_MANY + 1:,}")).to_be_visible()
    wait_until_still(page)
    page.get_by_role("textbox", name="Search").fill("nr-777-")
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"1 run of {_MANY + 1:,}")).to_be_visible()
    tick(page, 1)
    expect(chosen(page)).to_have_text(["Nr-777-"])
    page.get_by_test_id("stMain").get_by_role("link", name="Train").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Train")
    expect(page.get_by_text("Nr-777-").first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_accessible_with_runs_chosen_and_in_its_dialog(server: Server, new_page: Callable[..., Page], scheme: str) -> None:
    ids = [write(name) for name in ("Blue", "Red", "Green")]
    write("Live", "paused")
    page = new_page(color_scheme=scheme)
    open_page(page, server, f"/trainings?chosen={','.join(ids[:2])}")
    wait_until_still(page)
    check(page)
    page.get_by_role("button", name="Delete 2 runs").click()
    expect(page.get_by_text("2 runs were deleted")).to_be_visible()
    unfold(page, "2 deleted runs")
    page.get_by_text("Disk: ").click()
    wait_until_still(page)
    check(page)
    page.get_by_role("button", name="Clean up …").click()
    expect(page.get_by_role("dialog", name="Clean up")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Delete .* for good"))).to_be_visible()
    wait_until_still(page)
    check(page)
    page.get_by_role("button", name=re.compile("Delete .* for good")).click()
    expect(page.get_by_text("Cleaned up: ")).to_be_visible()
    expect(page.get_by_role("dialog")).to_be_hidden()
    assert list_deleted() == []


def test_nothing_is_wider_than_a_phone(server: Server, new_page: Callable[..., Page]) -> None:
    ids = [write(name) for name in ("Blue", "x" * 60)]
    page = new_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    open_page(page, server, f"/trainings?chosen={','.join(ids)}")
    wait_until_still(page)
    assert page.evaluate("() => document.querySelector('[data-testid=\"stMain\"]').scrollWidth") == 390
