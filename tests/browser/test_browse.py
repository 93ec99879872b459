"""Browse in Chromium: links open the same samples, a click enlarges one, and the wall and the numbers work from the keyboard."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from fmnist_core.dataset.idx import PACKAGED_FOLDER
from fmnist_core.dataset.split import load_split
from tests.browser.conftest import Server, open_page, wait_until_drawn


def wall_of(page: Page) -> Locator:
    return page.get_by_role("group", name="Random samples")


def names_on_the_wall(page: Page) -> list[str]:
    tiles = wall_of(page).get_by_role("button")
    expect(tiles.first).to_be_visible()
    return [str(tile.get_attribute("aria-label")) for tile in tiles.all()]


def test_a_link_with_a_seed_opens_the_same_samples(server: Server, page: Page, new_page: Callable[..., Page]) -> None:
    link = "/samples?seed=7&class=Bag&split=Test+images&count=10"
    open_page(page, server, link)
    names = names_on_the_wall(page)
    assert len(names) == 10
    assert all(name.startswith("Bag, test image ") for name in names)
    page.reload()
    wait_until_drawn(page)
    assert names_on_the_wall(page) == names
    other = new_page()
    open_page(other, server, link)
    assert names_on_the_wall(other) == names


def test_new_samples_are_new_and_the_back_button_restores_the_old_ones(server: Server, page: Page) -> None:
    open_page(page, server, "/samples?seed=7")
    names = names_on_the_wall(page)
    page.get_by_role("button", name="New samples").click()
    expect(wall_of(page).get_by_role("button", name=names[0], exact=True)).to_have_count(0)
    expect(page).not_to_have_url(re.compile(r"seed=7(&|$)"))
    seed = str(re.search(r"seed=(\d+)", page.url)[1])  # type: ignore[index]
    expect(page.get_by_text(re.compile(f"seed {seed}$"))).to_be_visible()
    assert len(names_on_the_wall(page)) == 20
    page.go_back()
    expect(wall_of(page).get_by_role("button", name=names[0], exact=True)).to_be_visible()
    assert names_on_the_wall(page) == names
    expect(page.get_by_text(re.compile("seed 7$"))).to_be_visible()


def test_filters_stay_open_while_they_change_the_samples(server: Server, page: Page) -> None:
    open_page(page, server, "/samples?seed=7")
    page.get_by_role("button", name="Filters").click()
    seed = page.get_by_label("Seed", exact=True)
    expect(seed).to_have_value("7")
    seed.fill("8")
    seed.press("Enter")
    expect(page).to_have_url(re.compile("seed=8"))
    expect(page.get_by_text(re.compile("seed 8$"))).to_be_visible()
    expect(seed).to_be_visible()


def test_clicking_a_sample_enlarges_it_and_shows_its_numbers(server: Server, page: Page) -> None:
    open_page(page, server, "/samples?seed=7&split=Test+images")
    name = names_on_the_wall(page)[8]
    index = int(name.rsplit(" ", 1)[1])
    wall_of(page).get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_role("img", name=f"{name}, enlarged")).to_be_visible()
    expect(page.get_by_text(f"Index {index} · label")).to_be_visible()
    expect(page).to_have_url(re.compile(f"image={index}(&|$)"))
    expect(page.get_by_role("grid", name=f"Pixel values of {name}")).to_be_visible()
    numbers = page.get_by_role("grid", name=f"Pixel values of {name}").locator("td").all_inner_texts()
    assert [int(number) for number in numbers if number] == load_split("test", PACKAGED_FOLDER).images[index].ravel().tolist()
    page.reload()
    wait_until_drawn(page)
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(wall_of(page).get_by_role("button", name=name, exact=True)).to_have_attribute("aria-pressed", "true")


def test_the_same_picture_can_be_chosen_again_after_going_back(server: Server, page: Page) -> None:
    open_page(page, server, "/samples?seed=7")
    names = names_on_the_wall(page)
    wall_of(page).get_by_role("button", name=names[3], exact=True).click()
    expect(page.get_by_role("heading", name=names[3])).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name=names[0])).to_be_visible()
    wall_of(page).get_by_role("button", name=names[3], exact=True).click()
    expect(page.get_by_role("heading", name=names[3])).to_be_visible()


def test_the_wall_works_from_the_keyboard(server: Server, page: Page) -> None:
    open_page(page, server, "/samples?seed=7")
    names = names_on_the_wall(page)
    wall_of(page).get_by_role("button", name=names[0], exact=True).focus()
    page.keyboard.press("ArrowDown")  # one row down: seven samples further
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=names[8])).to_be_visible()
    expect(wall_of(page).get_by_role("button", name=names[8], exact=True)).to_be_focused()


def test_the_arrow_keys_and_the_pointer_read_out_the_numbers(server: Server, page: Page) -> None:
    open_page(page, server, "/samples?split=Test+images&class=Ankle+boot&seed=7")
    index = int(names_on_the_wall(page)[0].rsplit(" ", 1)[1])
    pixels = load_split("test", PACKAGED_FOLDER).images[index]
    cells = page.get_by_role("grid", name=re.compile("^Pixel values")).locator("tbody td")
    cells.first.focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    expect(page.get_by_text(f"Row 2, column 1: {pixels[2, 1]}", exact=True)).to_be_visible()
    cells.nth(20 * 28 + 14).hover()
    expect(page.get_by_text(f"Row 20, column 14: {pixels[20, 14]}", exact=True)).to_be_visible()


def test_clicking_a_mean_image_chooses_its_class(server: Server, page: Page) -> None:
    open_page(page, server, "/samples?seed=7")
    page.get_by_role("button", name="Mean image of Bag, 6,000 images").click()
    expect(page).to_have_url(re.compile("class=Bag"))
    expect(wall_of(page).get_by_role("button").first).to_have_attribute("aria-label", re.compile("^Bag, "))
    assert {name.split(",")[0] for name in names_on_the_wall(page)} == {"Bag"}


@pytest.mark.parametrize(("width", "columns"), [(1280, 9), (390, 5)])
def test_a_hundred_pictures_scroll_in_their_own_box(server: Server, new_page: Callable[..., Page], width: int, columns: int) -> None:
    page = new_page(viewport={"width": width, "height": 800}, has_touch=width < 500, reduced_motion="reduce")
    open_page(page, server, "/samples?count=100&seed=7")
    names = names_on_the_wall(page)
    assert len(names) == 100
    across = wall_of(page).evaluate("wall => getComputedStyle(wall).gridTemplateColumns.split(' ').length")
    assert across == columns
    last = wall_of(page).get_by_role("button", name=names[99], exact=True)
    expect(last).not_to_be_in_viewport()
    page.get_by_role("button", name="More ↓").click()
    expect(page.get_by_role("button", name="↑ Back")).to_be_visible()
    wall_of(page).get_by_role("button").first.focus()
    page.keyboard.press("End")
    expect(page.get_by_text(re.compile("–100 of 100$"))).to_be_visible()
    last.tap() if width < 500 else last.click()
    expect(page.get_by_role("img", name=f"{names[99]}, enlarged")).to_be_in_viewport()


def test_on_a_phone_the_numbers_say_that_they_can_be_panned(server: Server, new_page: Callable[..., Page]) -> None:
    phone, desk = new_page(viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True), new_page()
    for page in (phone, desk):
        open_page(page, server, "/samples?seed=7")
        expect(page.get_by_role("grid", name=re.compile("^Pixel values"))).to_be_visible()
    hint = "Swipe the numbers sideways"
    expect(phone.get_by_text(hint)).to_be_visible()
    expect(desk.get_by_text(hint)).to_be_hidden()
    last = phone.get_by_role("grid", name=re.compile("^Pixel values")).get_by_role("columnheader", name="27", exact=True)
    last.scroll_into_view_if_needed()
    expect(last).to_be_in_viewport()
