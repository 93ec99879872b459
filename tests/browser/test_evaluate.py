"""Evaluate in Chromium: cells open their images by mouse, touch and keyboard, and the view lives in the URL."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from fmnist_core.runs.record import load_run
from tests.browser.conftest import Server, open_page, wait_until_drawn

SHIRTS = "Shirt classified as T-shirt/top"


def cell(page: Page, true: str, predicted: str) -> Locator:
    return page.get_by_role("button", name=f"true {true}, predicted {predicted}: ")


def wall_of(page: Page, title: str) -> Locator:
    return page.get_by_role("group", name=title, exact=True)


def test_a_click_on_a_cell_shows_its_images_the_most_confident_first(server: Server, page: Page) -> None:
    open_page(page, server, "/evaluation?run=starter")
    expect(page.get_by_text(f"{100 * (load_run('starter').test_accuracy or 0):.2f} %", exact=True)).to_be_visible()
    count = cell(page, "Shirt", "T-shirt/top").inner_text()
    cell(page, "Shirt", "T-shirt/top").click()
    expect(page.get_by_role("heading", name=f"{SHIRTS}: {count}")).to_be_visible()
    expect(page).to_have_url(re.compile("cell=6-0"))
    tiles = wall_of(page, SHIRTS).get_by_role("button")
    expect(tiles).to_have_count(min(int(count), 60))
    sure = [float(str(tile.get_attribute("aria-label")).split()[-2]) for tile in tiles.all()]
    assert sure == sorted(sure, reverse=True)


def test_an_image_of_a_cell_is_enlarged_with_its_ten_probabilities(server: Server, page: Page) -> None:
    open_page(page, server, "/evaluation?run=starter&cell=6-0")
    tile = wall_of(page, SHIRTS).get_by_role("button").nth(7)
    found = re.match(r"Test image (\d+), Shirt, classified as T-shirt/top with ([\d.]+) %$", str(tile.get_attribute("aria-label")))
    assert found is not None
    tile.click()
    expect(page.get_by_role("img", name=f"Test image {found[1]}, Shirt, enlarged")).to_be_visible()
    bars = page.get_by_role("table", name="Probability of each class")
    expect(bars.get_by_role("row")).to_have_count(10)
    expect(bars.get_by_role("row", name=f"T-shirt/top {found[2]} %")).to_be_visible()
    expect(page).to_have_url(re.compile(f"test_image={found[1]}(&|$)"))
    page.reload()
    wait_until_drawn(page)
    expect(page.get_by_role("img", name=f"Test image {found[1]}, Shirt, enlarged")).to_be_visible()


def test_all_images_of_a_full_cell_can_be_reached(server: Server, page: Page) -> None:
    open_page(page, server, "/evaluation?run=starter&cell=1-1")
    first = str(wall_of(page, "Trouser classified correctly").get_by_role("button").first.get_attribute("aria-label"))
    page.get_by_role("button", name="Page 2", exact=True).click()
    expect(wall_of(page, "Trouser classified correctly").get_by_role("button", name=first, exact=True)).to_have_count(0)
    expect(wall_of(page, "Trouser classified correctly").get_by_role("button")).to_have_count(60)


def test_the_matrix_works_from_the_keyboard(server: Server, page: Page) -> None:
    open_page(page, server, "/evaluation?run=starter&cell=4-2")
    expect(page.get_by_role("heading", name=re.compile("^Coat classified as Pullover: "))).to_be_visible()
    cell(page, "Coat", "Pullover").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("^Sandal classified as Dress: "))).to_be_visible()
    expect(page).to_have_url(re.compile("cell=5-3"))
    expect(cell(page, "Sandal", "Dress")).to_be_focused()
    expect(cell(page, "Sandal", "Dress")).to_have_attribute("aria-pressed", "true")


def ink(page: Page, locator: Locator) -> float:
    """How far a cell's background is from the page's, in its red channel."""
    red = "cell => Number(/\\d+/.exec(getComputedStyle(cell).backgroundColor)[0])"
    return abs(float(locator.evaluate(red)) - float(cell(page, "Trouser", "Sandal").evaluate(red)))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_mistakes_only_leaves_out_the_diagonal_and_shades_in_proportion(server: Server, new_page: Callable[..., Page], scheme: str) -> None:
    page = new_page(color_scheme=scheme)
    open_page(page, server, "/evaluation?run=starter")
    diagonal, shirts = cell(page, "Bag", "Bag"), cell(page, "Shirt", "T-shirt/top")
    expect(diagonal).to_have_text(re.compile(r"^\d+$"))
    assert 0 < ink(page, shirts) < ink(page, diagonal)
    page.get_by_text("Mistakes only", exact=True).click()
    expect(diagonal).to_have_text("·")
    expect(page).to_have_url(re.compile("mistakes=yes"))
    pullovers = cell(page, "Shirt", "Pullover")
    share = int(pullovers.inner_text()) / int(shirts.inner_text())
    assert ink(page, pullovers) / ink(page, shirts) == pytest.approx(share, abs=0.02)
    page.get_by_text("Percent", exact=True).click()
    expect(shirts).to_have_text(re.compile(r"^\d+\.\d$"))
    page.reload()
    wait_until_drawn(page)
    expect(shirts).to_have_text(re.compile(r"^\d+\.\d$"))
    expect(diagonal).to_have_text("·")


def test_back_undoes_a_choice_and_stays_on_the_page(server: Server, page: Page) -> None:
    """Streamlit's own binding of widgets to the URL could not do that, because it replaces the browser's current history entry."""
    open_page(page, server, "/evaluation?run=starter")
    page.get_by_role("radiogroup").get_by_text("Percent", exact=True).click()
    expect(page).to_have_url(re.compile("view=Percent"))
    page.go_back()
    expect(page.get_by_role("radio", name="Counts", exact=True)).to_be_checked()
    expect(page).to_have_url(re.compile(r"/evaluation\?run=starter$"))


def test_a_listed_confusion_opens_its_cell_and_back_returns(server: Server, page: Page) -> None:
    open_page(page, server, "/evaluation?run=starter&cell=4-2")
    expect(page.get_by_role("heading", name=re.compile("^Coat classified as Pullover: "))).to_be_visible()
    page.get_by_role("button", name="Shirt was confused with T-shirt/top ").click()
    expect(page.get_by_role("heading", name=f"{SHIRTS}: ")).to_be_visible()
    expect(cell(page, "Shirt", "T-shirt/top")).to_have_attribute("aria-pressed", "true")
    page.go_back()
    expect(page.get_by_role("heading", name=re.compile("^Coat classified as Pullover: "))).to_be_visible()
    expect(cell(page, "Coat", "Pullover")).to_have_attribute("aria-pressed", "true")
    cell(page, "Shirt", "T-shirt/top").click()
    expect(page.get_by_role("heading", name=f"{SHIRTS}: ")).to_be_visible()


def test_a_wall_shows_whole_rows_and_says_how_many_there_are(server: Server, page: Page) -> None:
    open_page(page, server, "/evaluation?run=starter&cell=4-2")
    count = int(cell(page, "Coat", "Pullover").inner_text())
    wall = wall_of(page, "Coat classified as Pullover")
    expect(page.get_by_text(re.compile(rf"^1–\d+ of {count}$"))).to_be_visible()
    cut = """wall => { const box = wall.getBoundingClientRect(); return [...wall.children].map((tile) => tile.getBoundingClientRect())
      .filter(({ top, bottom }) => bottom > box.top + 1 && top < box.bottom - 1)
      .filter(({ top, bottom }) => top < box.top - 1 || bottom > box.bottom + 1).length }"""
    assert wall.evaluate(cut) == 0
    page.get_by_role("button", name="More ↓").click()
    expect(page.get_by_text(re.compile(rf"^(?!1–)\d+–\d+ of {count}$"))).to_be_visible()
    assert wall.evaluate(cut) == 0
    page.get_by_role("button", name="↑ Back").click()
    expect(page.get_by_text(re.compile(rf"^1–\d+ of {count}$"))).to_be_visible()


def test_a_tap_on_a_phone_opens_the_right_cell(server: Server, new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True)
    open_page(page, server, "/evaluation?run=starter")
    cell(page, "Sneaker", "Ankle boot").tap()  # in the last column
    expect(page.get_by_role("heading", name=re.compile("^Sneaker classified as Ankle boot: "))).to_be_in_viewport()
