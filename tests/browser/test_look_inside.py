"""Look inside in Chromium: tiles are drawn and described, a click shows a kernel's numbers, and choices live in the URL."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from fmnist_core.figures.shades import contrast
from fmnist_core.insight.maps import second_kernels
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import load_run
from fmnist_core.runs.weights import load_model
from tests.browser.conftest import Server, open_page, wait_until_drawn

ITEM = "/kernels?run=starter&part=An+item+on+its+way+through"


def wall_of(page: Page, title: str) -> Locator:
    return page.get_by_role("group", name=re.compile(title))


def numbers_of(page: Page, heading: str) -> list[float]:
    """The numbers of the chosen kernel, row by row."""
    table = page.get_by_role("table", name=f"weights of {heading}", exact=True)
    expect(table).to_be_visible()
    return [float(text.replace("−", "-")) for text in table.get_by_role("cell").all_inner_texts()]


def test_both_layers_are_drawn(server: Server, page: Page) -> None:
    open_page(page, server, "/kernels?run=starter")
    expect(wall_of(page, "^The 16 kernels of the first layer").get_by_role("button")).to_have_count(16)
    page.get_by_text("As in the article", exact=True).click()
    expect(page.get_by_text("Black is the lowest weight, white the highest")).to_be_visible()
    page.get_by_text("Second layer", exact=True).click()
    expect(wall_of(page, "^The 16 slices of kernel 0 of the second layer").get_by_role("button")).to_have_count(16)
    page.get_by_text("All 512 at once").click()
    expect(wall_of(page, "^All 512 slices").get_by_role("button")).to_have_count(512)
    page.get_by_text("As in the article", exact=True).click()
    expect(wall_of(page, "^Channel 0 of the 32 kernels").get_by_role("button")).to_have_count(32)


def test_a_chosen_kernel_lives_in_the_url(server: Server, page: Page) -> None:
    open_page(page, server, "/kernels?run=starter&part=Second+layer")
    number = page.get_by_label("Kernel, 0 to 31", exact=True)
    number.fill("12")
    number.press("Enter")
    expect(page).to_have_url(re.compile("kernel=12"))
    expect(wall_of(page, "^The 16 slices of kernel 12 ")).to_be_visible()
    page.reload()
    wait_until_drawn(page)
    expect(wall_of(page, "^The 16 slices of kernel 12 ")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_click_shows_a_kernels_25_numbers_each_on_its_colour(server: Server, new_page: Callable[..., Page], scheme: str) -> None:
    page = new_page(color_scheme=scheme)
    open_page(page, server, "/kernels?run=starter&part=Second+layer&way=All+512+at+once")
    kernels = second_kernels(load_model(load_run(STARTER_ID)))
    page.get_by_role("button", name="Kernel 1, input channel 2: ").click()
    np.testing.assert_allclose(numbers_of(page, "Kernel 1, input channel 2"), kernels[1, 2].ravel(), atol=0.00051)
    expect(page).to_have_url(re.compile("chosen=18"))
    page.reload()
    wait_until_drawn(page)
    np.testing.assert_allclose(numbers_of(page, "Kernel 1, input channel 2"), kernels[1, 2].ravel(), atol=0.00051)
    looks = (
        page.get_by_role("table", name="weights of")
        .get_by_role("cell")
        .evaluate_all("cells => cells.map((cell) => [getComputedStyle(cell).backgroundColor, getComputedStyle(cell).color])")
    )
    assert len({background for background, _text in looks}) > 20
    for background, text in looks:
        assert contrast(*("#" + bytes(map(int, re.findall(r"\d+", colour))).hex() for colour in (background, text))) >= 4.5


def test_kernels_are_chosen_from_the_keyboard(server: Server, page: Page) -> None:
    open_page(page, server, "/kernels?run=starter")
    page.get_by_role("button", name="Kernel 0: ").focus()
    page.keyboard.press("ArrowDown")  # eight further
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    numbers_of(page, "Kernel 9")
    expect(page).to_have_url(re.compile("chosen=9"))
    expect(page.get_by_role("button", name="Kernel 9: ")).to_be_focused()
    expect(page.get_by_role("button", name="Kernel 9: ")).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("img", name="The map it makes, after pooling")).to_be_visible()


def test_all_slices_are_in_columns_of_kernels_also_for_the_arrow_keys(server: Server, page: Page) -> None:
    open_page(page, server, "/kernels?run=starter&part=Second+layer&way=All+512+at+once")
    page.get_by_role("button", name="Kernel 0, input channel 0: ").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("button", name="Kernel 1, input channel 1: ")).to_be_focused()


def test_an_item_shows_its_feature_maps(server: Server, page: Page) -> None:
    open_page(page, server, f"{ITEM}&item=3")
    expect(wall_of(page, "^16 feature maps of the first block after pooling, 14×14 each")).to_be_visible()
    expect(wall_of(page, "^32 feature maps of the second block after pooling, 7×7 each")).to_be_visible()
    page.get_by_role("button", name="Random item").click()
    expect(page).not_to_have_url(re.compile(r"item=3(&|$)"))


def test_two_tabs_can_show_different_items(server: Server, new_page: Callable[..., Page]) -> None:
    one, other = new_page(), new_page()
    open_page(one, server, f"{ITEM}&item=0")
    open_page(other, server, f"{ITEM}&item=18")
    expect(other.get_by_role("img", name=re.compile("^Test image 18, Bag"))).to_be_visible()
    one.reload()
    wait_until_drawn(one)
    expect(one.get_by_role("img", name=re.compile("^Test image 0, Ankle boot"))).to_be_visible()


def test_the_choice_survives_a_visit_to_another_page(server: Server, page: Page) -> None:
    open_page(page, server, f"{ITEM}&item=18")
    expect(page.get_by_role("img", name=re.compile("^Test image 18, Bag"))).to_be_visible()
    page.get_by_role("link", name="Home").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Watch a network learn to tell clothes apart")
    page.get_by_role("link", name="4. Look inside").click()
    expect(page.get_by_role("img", name=re.compile("^Test image 18, Bag"))).to_be_visible()
    expect(page).to_have_url(re.compile("item=18"))


def test_on_a_phone_kernels_keep_their_order_and_nothing_scrolls_sideways(server: Server, new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    open_page(page, server, "/kernels?run=starter")
    tiles = wall_of(page, "^The 16 kernels of the first layer").get_by_role("button")
    expect(tiles).to_have_count(16)
    boxes = [tile.bounding_box() for tile in tiles.all()]
    places = [(box["y"], box["x"]) for box in boxes if box]
    assert places == sorted(places)
    assert all(box["x"] >= 0 and box["x"] + box["width"] <= 390 for box in boxes if box)
    tiles.nth(5).tap()
    numbers_of(page, "Kernel 5")
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390


def test_at_most_two_back_steps_lead_home(server: Server, page: Page) -> None:
    """Streamlit adds a history entry for every parameter it writes; this page writes only one, the run, until something is chosen."""
    open_page(page, server, "/")
    page.get_by_role("link", name="4. Look inside").click()
    expect(page).to_have_url(re.compile(r"/kernels[?]run=[^&]+$"))
    expect(wall_of(page, "^The 16 kernels of the first layer")).to_be_visible()
    page.go_back()
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Watch a network learn to tell clothes apart")
