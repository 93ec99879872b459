"""Look inside in Chromium: sheets are drawn and described, hovering shows a weight, and choices live in the URL."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from fmnist_core.insight.maps import second_kernels
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import load_run
from fmnist_core.runs.weights import load_model
from tests.browser.conftest import Server, open_page, place_of, wait_until_drawn

ITEM = "/kernels?run=starter&part=An+item+on+its+way+through"


def test_both_layers_are_drawn(server: Server, page: Page) -> None:
    open_page(page, server, "/kernels?run=starter")
    expect(page.get_by_role("figure", name=re.compile("^The 16 kernels of the first layer"))).to_be_visible()
    page.get_by_text("As in the article", exact=True).click()
    expect(page.get_by_text("Black is the lowest weight, white the highest")).to_be_visible()
    page.get_by_text("Second layer", exact=True).click()
    expect(page.get_by_role("figure", name=re.compile("^The 16 slices of kernel 0 of the second layer"))).to_be_visible()
    page.get_by_text("All 512 at once").click()
    expect(page.get_by_role("figure", name=re.compile("^All 512 slices"))).to_be_visible()
    page.get_by_text("As in the article", exact=True).click()
    expect(page.get_by_role("figure", name=re.compile("^Channel 0 of the 32 kernels"))).to_be_visible()


def test_a_chosen_kernel_lives_in_the_url(server: Server, page: Page) -> None:
    open_page(page, server, "/kernels?run=starter&part=Second+layer")
    number = page.get_by_label("Kernel, 0 to 31", exact=True)
    number.fill("12")
    number.press("Enter")
    expect(page).to_have_url(re.compile("kernel=12"))
    expect(page.get_by_role("figure", name=re.compile("^The 16 slices of kernel 12 "))).to_be_visible()
    page.reload()
    wait_until_drawn(page)
    expect(page.get_by_role("figure", name=re.compile("^The 16 slices of kernel 12 "))).to_be_visible()


def test_hovering_shows_kernel_channel_and_weight(server: Server, new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 1280, "height": 2600})
    open_page(page, server, "/kernels?run=starter&part=Second+layer&way=All+512+at+once")
    expect(page.get_by_role("figure", name=re.compile("^All 512 slices"))).to_be_visible()
    box = place_of(page.locator(".nsewdrag").first)
    # Inside the third slice of the second row, kernel 1 and channel 2; there are 32 rows and 16 columns.
    x, y = box["x"] + box["width"] * 2.4 / 16, box["y"] + box["height"] * 1.7 / 32
    page.mouse.move(x - 3, y - 3)
    page.mouse.move(x, y)
    label = page.locator(".hoverlayer .hovertext")
    expect(label).to_contain_text("kernel 1, channel 2, row 3, column 2")
    weight = second_kernels(load_model(load_run(STARTER_ID)))[1, 2, 3, 2]
    assert f"weight {weight:.3f}" in (label.text_content() or "").replace("−", "-")


def test_an_item_shows_its_feature_maps(server: Server, page: Page) -> None:
    open_page(page, server, f"{ITEM}&item=3")
    expect(page.get_by_role("figure", name=re.compile("^16 feature maps of the first block after pooling, 14×14 each"))).to_be_visible()
    expect(page.get_by_role("figure", name=re.compile("^32 feature maps of the second block after pooling, 7×7 each"))).to_be_visible()
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


def test_on_a_phone_a_sheet_keeps_its_size_and_scrolls_in_its_container(server: Server, new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True)
    open_page(page, server, "/kernels?run=starter")
    sheet = page.get_by_role("figure", name=re.compile("^The 16 kernels of the first layer"))
    expect(sheet).to_be_visible()
    width = page.locator(".js-plotly-plot").evaluate("plot => plot.getBoundingClientRect().width")
    assert width > 1000
    overflow = page.locator('[class*="st-key-sheet_"]').evaluate("box => [box.clientWidth, box.scrollWidth]")
    assert overflow[0] <= 390 < overflow[1]
    assert page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth") <= 390


def test_at_most_two_back_steps_lead_home(server: Server, page: Page) -> None:
    """Streamlit adds a history entry for every parameter it writes; this page writes only one, the run, until something is chosen."""
    open_page(page, server, "/")
    page.get_by_role("link", name="4. Look inside").click()
    expect(page).to_have_url(re.compile(r"/kernels[?]run=[^&]+$"))
    expect(page.get_by_role("figure", name=re.compile("^The 16 kernels of the first layer"))).to_be_visible()
    page.go_back()
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text("Watch a network learn to tell clothes apart")
