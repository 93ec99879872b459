"""The header in Chromium: projector mode, the phone's menu, and Streamlit's own signs that do not appear."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, open_page, place_of, wait_until_still
from tests.browser.measures import smallest_texts
from tests.browser.test_accessibility import check
from tests.browser.views import VIEWS, projected


def root_px(page: Page) -> float:
    size: float = page.evaluate("() => parseFloat(getComputedStyle(document.documentElement).fontSize)")
    return size


def test_the_projector_switch_is_kept_in_the_link_and_on_every_page(server: Server, new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 1920, "height": 1080})
    open_page(page, server, "/samples")
    assert root_px(page) == 16
    page.get_by_role("button", name="Projector").click()
    page.wait_for_url("**projector=yes*")
    page.wait_for_function("() => getComputedStyle(document.documentElement).fontSize === '24px'")
    page.get_by_test_id("stTopNavLink").filter(has_text="Evaluate").click()
    expect(page.get_by_role("heading", level=1, name="Evaluate")).to_be_visible()
    page.wait_for_url("**/evaluation?*projector=yes*")
    assert root_px(page) == 24
    page.reload()
    page.get_by_role("button", name="Projector: on").click()
    page.wait_for_function("() => getComputedStyle(document.documentElement).fontSize === '16px'")
    assert "projector" not in page.url


def test_in_projector_mode_pictures_are_larger(server: Server, new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 1920, "height": 1080})
    open_page(page, server, "/prediction?run=starter&item=2")
    picture = page.get_by_alt_text("Test image 2, label Trouser, enlarged")
    expect(picture).to_have_css("width", "336px")
    page.get_by_role("button", name="Projector").click()
    expect(picture).to_have_css("width", "504px")
    expect(page.get_by_alt_text("Training image").first).to_have_css("width", "126px")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_in_projector_mode_every_text_can_be_read_from_the_back(
    server: Server, new_page: Callable[..., Page], view: str, scheme: str
) -> None:
    page = new_page(viewport={"width": 1920, "height": 1080}, color_scheme=scheme)
    open_page(page, server, projected(view))
    wait_until_still(page)
    assert smallest_texts(page, 20, 18) == []
    assert page.evaluate("() => document.documentElement.scrollWidth") == 1920
    check(page)


def test_a_text_that_is_too_small_is_found(page: Page) -> None:
    page.set_content("<p style='font-size: 20px'>large</p><p style='font-size: 19px'>small</p><svg><text font-size='18'>axis</text></svg>")
    assert smallest_texts(page, 20, 18) == ["19 px: small"]
    assert smallest_texts(page, 19, 18.5) == ["18 px: axis"]


def test_the_phones_menu_closes_when_a_page_is_chosen(server: Server, new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    open_page(page, server, "/")
    page.get_by_test_id("stExpandSidebarButton").tap()
    link = page.get_by_test_id("stSidebarNavLink").filter(has_text="Browse")
    expect(link).to_be_in_viewport()
    link.tap()
    expect(page.get_by_role("heading", level=1, name="Browse")).to_be_visible()
    expect(link).not_to_be_in_viewport()


def test_the_question_for_a_name_moves_nothing_on_the_page(server: Server, page: Page) -> None:
    open_page(page, server, "/samples")
    heading = place_of(page.get_by_role("heading", level=1))
    page.get_by_role("button", name="Your name?").click()
    page.get_by_role("button", name="Skip").click()
    expect(page.get_by_role("button", name="Your name?")).to_have_count(0)
    assert place_of(page.get_by_role("heading", level=1)) == heading
