import re

from playwright.sync_api import Page, expect

from fmnist_core import runs
from tests.browser.conftest import Server, open_page


def test_a_click_on_a_cell_shows_its_images(server: Server, page: Page) -> None:
    open_page(page, server, "/evaluation?run=starter")
    expect(page.get_by_text(f"{100 * (runs.load_run('starter').test_accuracy or 0):.2f} %", exact=True)).to_be_visible()
    cell = page.get_by_role("button", name=re.compile("^true Shirt, predicted T-shirt.top: "))
    count = cell.inner_text()
    cell.click()
    expect(page.get_by_role("heading", name=f"Shirt answered as T-shirt/top: {count}")).to_be_visible()
    expect(page).to_have_url(re.compile("cell=6-0"))
    tiles = page.get_by_role("group", name="Shirt answered as T-shirt/top").get_by_role("button")
    expect(tiles).to_have_count(min(int(count), 60))
    sure = [float(str(tile.get_attribute("aria-label")).split()[-2]) for tile in tiles.all()]
    assert sure == sorted(sure, reverse=True)


def test_the_matrix_works_from_the_keyboard(server: Server, page: Page) -> None:
    open_page(page, server, "/evaluation?run=starter&cell=4-2")
    expect(page.get_by_role("heading", name=re.compile("^Coat answered as Pullover: "))).to_be_visible()
    page.get_by_role("button", name=re.compile("^true Coat, predicted Pullover: ")).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("^Sandal answered as Dress: "))).to_be_visible()
    expect(page).to_have_url(re.compile("cell=5-3"))
    focused = page.evaluate(
        "() => { let at = document.activeElement; while (at.shadowRoot) at = at.shadowRoot.activeElement; return at.ariaLabel }"
    )
    assert focused.startswith("true Sandal, predicted Dress: ")


def test_mistakes_only_leaves_the_diagonal_out(server: Server, page: Page) -> None:
    open_page(page, server, "/evaluation?run=starter")
    diagonal = page.get_by_role("button", name=re.compile("^true Bag, predicted Bag: "))
    expect(diagonal).to_have_text(re.compile(r"^\d+$"))
    page.get_by_text("Mistakes only").click()
    expect(diagonal).to_have_text("·")
    expect(page).to_have_url(re.compile("mistakes=yes"))
    page.get_by_text("Percent of each row").click()
    expect(page.get_by_role("button", name=re.compile("^true Shirt, predicted T-shirt.top: "))).to_have_text(re.compile(r"^\d+\.\d$"))
