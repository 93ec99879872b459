from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, open_page, start_server, wait_until_drawn

PAGES = {
    "Browse": "/samples",
    "Train": "/training",
    "Evaluate": "/evaluation",
    "Look inside": "/kernels",
    "Predict": "/prediction",
}


@pytest.mark.parametrize(("path", "title"), [("/training", "Train"), ("/kernels?part=Second+layer", "Look inside")])
def test_the_first_visit_to_a_new_server_may_be_a_deep_link(tmp_path: Path, page: Page, path: str, title: str) -> None:
    with start_server(tmp_path / "home") as server:
        open_page(page, server, path)
        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.goto("about:blank")


def test_home_leads_to_every_page(server: Server, page: Page) -> None:
    open_page(page, server, "/")
    for number, (title, path) in enumerate(PAGES.items(), start=1):
        page.get_by_role("link", name=f"{number}. {title}").click()
        expect(page.get_by_role("heading", name=title, level=1, exact=True)).to_be_visible()
        wait_until_drawn(page)
        assert page.url.startswith(server.url + path)
        page.get_by_role("link", name="Home").first.click()
        expect(page.get_by_role("heading", name="Watch a network learn")).to_be_visible()


def test_two_tabs_keep_their_own_choices(server: Server, new_page: Callable[..., Page]) -> None:
    one, two = new_page(), new_page()
    open_page(one, server, "/samples?seed=1")
    open_page(two, server, "/samples?seed=2")
    one.reload()
    expect(one.get_by_text("20 training images · All classes · seed 1", exact=True)).to_be_visible()
    expect(two.get_by_text("20 training images · All classes · seed 2", exact=True)).to_be_visible()
