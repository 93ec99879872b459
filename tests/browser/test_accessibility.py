from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, open_page, unfold, wait_until_still
from tests.browser.views import VIEWS


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_pages_are_accessible(server: Server, new_page: Callable[..., Page], view: str, scheme: str) -> None:
    page = new_page(color_scheme=scheme)
    open_page(page, server, view)
    wait_until_still(page)
    check(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_uploaded_pictures_are_accessible(server: Server, new_page: Callable[..., Page], scheme: str, tmp_path: Path) -> None:
    """With two pictures: the table, every step and the manual tools; and nothing is wider than a phone."""
    pixels = np.full((200, 160, 3), 220, np.uint8)
    pixels[40:170, 50:110] = (90, 30, 40)
    for name in ("one.png", "two.png"):
        Image.fromarray(pixels).save(tmp_path / name)
    page = new_page(color_scheme=scheme, viewport={"width": 390, "height": 844})
    open_page(page, server, "/prediction?run=starter&source=Upload")
    page.locator('input[type="file"]').set_input_files([tmp_path / "one.png", tmp_path / "two.png"])
    expect(page.get_by_role("heading", name="2 pictures")).to_be_visible()
    unfold(page, "Correct it by hand: turn, crop, paint")
    expect(page.get_by_role("application", name="Picture to paint on")).to_be_visible()
    page.get_by_text("Why does it say so?").click()
    expect(page.get_by_text("The five training images")).to_be_visible()
    wait_until_still(page)
    check(page)
    assert page.evaluate("() => document.querySelector('[data-testid=\"stMain\"]').scrollWidth") == 390


def check(page: Page) -> None:
    """Asserts that axe finds nothing serious and that every picture has alternative text."""
    found = Axe().run(page).response["violations"]
    serious = [
        f"{violation['id']}: {node['html'][:200]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
    assert serious == []
    assert page.locator("img:not([alt]), img[alt='']").count() == 0


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_wider_than_a_phone(server: Server, new_page: Callable[..., Page], view: str) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    open_page(page, server, view)
    wait_until_still(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    assert page.evaluate("() => document.querySelector('[data-testid=\"stMain\"]').scrollWidth") == 390
