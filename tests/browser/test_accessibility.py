from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.browser.conftest import Server, open_page

VIEWS = (
    "/",
    "/samples",
    "/training",
    "/evaluation?run=starter&cell=6-0",
    "/kernels?run=starter",
    "/kernels?run=starter&part=An+item+on+its+way+through",
    "/prediction?run=starter",
    "/prediction?run=starter&source=Upload",
    "/prediction?run=starter&source=Drawing",
)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_nobody_is_shut_out(server: Server, new_page: Callable[..., Page], view: str, scheme: str) -> None:
    page = new_page(color_scheme=scheme)
    open_page(page, server, view)
    page.wait_for_timeout(2_500)  # charts draw themselves after the script has run, and captions fade in
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
def test_a_phone_is_wide_enough(server: Server, new_page: Callable[..., Page], view: str) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    open_page(page, server, view)
    page.wait_for_timeout(1_000)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 390
    assert page.evaluate("() => document.querySelector('[data-testid=\"stMain\"]').scrollWidth") == 390
