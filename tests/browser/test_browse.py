import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, open_page, wait_until_drawn


def names_on_the_wall(page: Page) -> list[str]:
    wall = page.get_by_role("group", name="Random samples")
    expect(wall.get_by_role("button").first).to_be_visible()
    return [str(tile.get_attribute("aria-label")) for tile in wall.get_by_role("button").all()]


def test_a_link_with_a_seed_opens_the_same_samples(server: Server, page: Page) -> None:
    open_page(page, server, "/samples?seed=7&class=Bag&split=Test+images&count=10")
    names = names_on_the_wall(page)
    assert len(names) == 10
    assert all(name.startswith("Bag, test image ") for name in names)
    page.reload()
    wait_until_drawn(page)
    assert names_on_the_wall(page) == names


def test_new_samples_are_new_and_the_back_button_brings_the_old_ones(server: Server, page: Page) -> None:
    open_page(page, server, "/samples?seed=7")
    names = names_on_the_wall(page)
    page.get_by_role("button", name="New samples").click()
    page.wait_for_function("() => !location.search.includes('seed=7&') && !location.search.endsWith('seed=7')")
    wait_until_drawn(page)
    expect(page.get_by_role("button", name=names[0], exact=True)).to_have_count(0)
    assert names_on_the_wall(page) != names


def test_clicking_one_shows_it_large(server: Server, page: Page) -> None:
    open_page(page, server, "/samples?seed=7")
    name = names_on_the_wall(page)[8]
    page.get_by_role("button", name=name, exact=True).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    expect(page.get_by_role("img", name=f"{name}, enlarged")).to_be_visible()
    index = re.search(r"\d+$", name)
    assert index is not None
    expect(page.get_by_text(f"Index {index[0]} · label")).to_be_visible()


def test_the_wall_works_from_the_keyboard(server: Server, page: Page) -> None:
    open_page(page, server, "/samples?seed=7")
    names = names_on_the_wall(page)
    page.get_by_role("button", name=names[0], exact=True).focus()
    page.keyboard.press("ArrowDown")  # a row of five further
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=names[6])).to_be_visible()
