"""Home in Chromium: the five links lead where they say, and nothing overflows a phone's screen."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from fmnist_core.dataset.classes import CLASS_NAMES
from tests.browser.conftest import Server, open_page, wait_until_drawn, wait_until_still

STEPS = {
    "1. Browse": ("samples", "Browse"),
    "2. Train": ("training", "Train"),
    "3. Evaluate": ("evaluation", "Evaluate"),
    "4. Look inside": ("kernels", "Look inside"),
    "5. Predict": ("prediction", "Predict"),
}


MOVING = "stages => stages.getAnimations({ subtree: true }).length"


@pytest.mark.parametrize("label", STEPS)
def test_each_step_leads_to_its_page(server: Server, page: Page, label: str) -> None:
    path, title = STEPS[label]
    open_page(page, server, "/")
    page.get_by_role("link", name=label).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page).to_have_url(re.compile(f"/{path}([?]|$)"))


def test_the_steps_work_from_the_keyboard(server: Server, page: Page) -> None:
    open_page(page, server, "/")
    page.get_by_role("link", name="4. Look inside").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Look inside")


def test_ten_pictures_and_the_network_are_shown_with_alternative_text(server: Server, page: Page) -> None:
    open_page(page, server, "/")
    for name in CLASS_NAMES:
        picture = page.get_by_role("img", name=f"{name}, test image")
        expect(picture).to_be_visible()
        assert picture.evaluate("image => image.complete && image.naturalWidth") == 28
    expect(page.get_by_role("img", name="Its 16 maps after the first block, 14×14 each")).to_be_visible()
    expect(page.get_by_role("img", name="Its 32 maps after the second block, 7×7 each")).to_be_visible()
    expect(page.get_by_role("row", name="Ankle boot")).to_be_visible()


def test_a_chosen_picture_travels_through_the_network(server: Server, page: Page) -> None:
    open_page(page, server, "/")
    maps = page.get_by_role("img", name="Its 16 maps after the first block")
    expect(page.get_by_text("Prediction: Ankle boot")).to_be_visible()
    wait_until_still(page)
    before = maps.get_attribute("src")
    page.get_by_role("button", name="Bag, test image").click()
    assert page.locator(".stages").evaluate(MOVING) > 0
    expect(page.get_by_text("Prediction: Bag")).to_be_visible()
    assert maps.get_attribute("src") != before
    expect(page).to_have_url(re.compile("sent=8"))
    page.reload()
    wait_until_drawn(page)
    expect(page.get_by_text("Prediction: Bag")).to_be_visible()


def test_pictures_are_chosen_from_the_keyboard_and_nothing_moves_for_those_who_prefer_that(
    server: Server, new_page: Callable[..., Page]
) -> None:
    page = new_page(reduced_motion="reduce")
    open_page(page, server, "/")
    page.get_by_role("button", name="Ankle boot, test image").focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Prediction: Bag")).to_be_visible()
    expect(page.get_by_role("button", name="Bag, test image")).to_have_attribute("aria-pressed", "true")
    assert page.locator(".stages").evaluate(MOVING) == 0


def test_a_network_opens_in_evaluate(server: Server, page: Page) -> None:
    open_page(page, server, "/")
    page.get_by_role("link", name="See its mistakes").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Evaluate")
    expect(page).to_have_url(re.compile("run="))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows_on_a_phone(server: Server, new_page: Callable[..., Page], scheme: str) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    open_page(page, server, "/")
    expect(page.get_by_text("Prediction:")).to_be_visible()
    wait_until_drawn(page)
    outside = page.evaluate("""() => [...document.querySelectorAll('[data-testid=stMain] *')]
      .flatMap((each) => [each, ...(each.shadowRoot?.querySelectorAll('*') ?? [])])
      .filter((each) => each.matches('figure, button, table, img, a') && each.getBoundingClientRect().right > innerWidth + 1)
      .map((each) => each.outerHTML.slice(0, 80))""")
    assert outside == []
