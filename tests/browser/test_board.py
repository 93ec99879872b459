"""The class board in Chromium: whoever comes appears on it, and whoever leaves is away."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, open_page, wait_until_drawn
from tests.browser.test_accessibility import check
from tests.browser.test_people import answer


def test_a_student_appears_on_the_board_and_leaves_it(server: Server, page: Page, new_page: Callable[..., Page]) -> None:
    open_page(page, server, "/class")
    board = page.locator(".st-key-board")
    student = new_page()
    open_page(student, server, "/samples")
    answer(student, "Cleo on the board")
    expect(student.locator(".st-key-header_tools").get_by_role("button", name="Cleo on the board")).to_be_visible()
    mine = board.get_by_role("listitem").filter(has_text="Cleo")
    expect(mine).to_contain_text("Browse")
    student.close()
    expect(mine).to_have_count(0)


def test_the_board_is_accessible(server: Server, page: Page) -> None:
    open_page(page, server, "/class")
    wait_until_drawn(page)
    check(page)
