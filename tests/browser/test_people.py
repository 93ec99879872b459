"""What only browsers show of people: their cookies, and what each of two sees."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Server, open_page, place_of, wait_until_drawn, wait_until_still
from tests.browser.test_accessibility import check

QUESTION = "What should we call you?"


def question(page: Page) -> Locator:
    return page.get_by_test_id("stForm").filter(has=page.get_by_role("button", name="Skip"))


def name_button(page: Page, name: str) -> Locator:
    return page.locator(".st-key-header_tools").get_by_role("button", name=name)


# The name


def test_a_name_survives_a_reload_and_is_this_browsers_only(server: Server, page: Page, new_page: Callable[..., Page]) -> None:
    open_page(page, server, "/samples")
    question(page).get_by_role("textbox", name=QUESTION).fill("Anna *Lee*")
    page.keyboard.press("Enter")
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
    question(page).get_by_role("button", name="Skip").click()
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
    question(page).get_by_role("textbox", name=QUESTION).fill("W" * 30)
    question(page).get_by_role("button", name="Save").click()
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
