"""What each page is for lies in the first screen at three sizes and on a projector, and nothing moves when something is chosen."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Server, open_page, place_of, wait_until_still
from tests.browser.measures import layout_shifts, share_on_screen, smallest_texts

LARGEST_SHIFT = 0.02


@dataclass(frozen=True)
class Screen:
    """A window."""

    width: int
    height: int
    is_touch: bool = False
    is_projector: bool = False

    def open(self, new_page: Callable[..., Page], server: Server, path: str, scheme: str = "light") -> Page:
        viewport = {"width": self.width, "height": self.height}
        page = new_page(viewport=viewport, is_mobile=self.is_touch, has_touch=self.is_touch, color_scheme=scheme, reduced_motion="reduce")
        joint = "&" if "?" in path else "?"
        open_page(page, server, f"{path}{joint}projector=yes" if self.is_projector else path)
        wait_until_still(page)
        return page

    def press(self, locator: Locator) -> None:
        locator.tap() if self.is_touch else locator.click()


PHONE, LAPTOP, DESKTOP = Screen(390, 844, is_touch=True), Screen(1280, 800), Screen(1920, 1080)
PROJECTOR = Screen(1920, 1080, is_projector=True)
EVERYWHERE = pytest.mark.parametrize("screen", [PHONE, LAPTOP, DESKTOP, PROJECTOR], ids=["phone", "laptop", "desktop", "projector"])
WIDE = pytest.mark.parametrize("screen", [LAPTOP, DESKTOP, PROJECTOR], ids=["laptop", "desktop", "projector"])


def matrix_of(page: Page) -> Locator:
    return page.get_by_role("table", name="Confusion matrix")


def scrolled(page: Page) -> float:
    return float(page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollTop"))


@EVERYWHERE
def test_the_whole_matrix_is_in_the_first_screen(server: Server, new_page: Callable[..., Page], screen: Screen) -> None:
    page = screen.open(new_page, server, "/evaluation?run=starter")
    assert share_on_screen(matrix_of(page)) == 1
    assert share_on_screen(page.get_by_role("button", name="Shirt was confused with T-shirt/top ")) == 1
    if screen.is_touch:
        cells = [place_of(each) for each in matrix_of(page).get_by_role("button").all()[:10]]
        assert all(cell["width"] >= 29 and cell["height"] >= 32 for cell in cells)


@WIDE
def test_a_mistake_is_explained_beside_the_matrix_and_nothing_moves(server: Server, new_page: Callable[..., Page], screen: Screen) -> None:
    """The first click opens the images and explains the first; a click on another image changes only the explanation."""
    page = screen.open(new_page, server, "/evaluation?run=starter")
    before = place_of(matrix_of(page))
    with layout_shifts(page) as shifts:
        screen.press(page.get_by_role("button", name="Shirt was confused with T-shirt/top "))
        expect(page.get_by_text("✗ Wrong.")).to_be_visible()
        wait_until_still(page)
    assert shifts.total < LARGEST_SHIFT, shifts.moved
    wall = page.get_by_role("group", name="Shirt classified as T-shirt/top", exact=True)
    bars = page.get_by_role("table", name="Probability of each class")
    for part in (wall, page.get_by_role("img", name=re.compile("^Test image .*, enlarged")), bars):
        assert share_on_screen(part) > 0.99
        assert place_of(part)["x"] > before["x"] + before["width"]
    with layout_shifts(page) as shifts:
        tile = wall.get_by_role("button").nth(5)
        number = re.findall(r"\d+", str(tile.get_attribute("aria-label")))[0]
        screen.press(tile)
        expect(page.get_by_role("img", name=f"Test image {number}, ")).to_be_visible()
        wait_until_still(page)
    assert shifts.total < LARGEST_SHIFT, shifts.moved
    assert scrolled(page) == 0
    assert place_of(matrix_of(page)) == before


def test_on_a_phone_the_matrix_needs_no_scrolling_sideways_and_a_tap_shows_the_images_right_below(
    server: Server, new_page: Callable[..., Page]
) -> None:
    page = PHONE.open(new_page, server, "/evaluation?run=starter")
    matrix = place_of(matrix_of(page))
    assert matrix["x"] >= 0
    assert matrix["x"] + matrix["width"] <= PHONE.width
    expect(page.get_by_text("Click or tap a cell")).to_be_attached()
    with layout_shifts(page) as shifts:
        page.get_by_role("button", name="true Ankle boot, predicted Sneaker: ").tap()
        wall = page.get_by_role("group", name="Ankle boot classified as Sneaker", exact=True)
        expect(wall).to_be_in_viewport(ratio=1)
        wait_until_still(page)
    assert shifts.total < LARGEST_SHIFT, shifts.moved
    below = place_of(wall)["y"] - place_of(matrix_of(page))["y"] - matrix["height"]
    assert 0 < below < 160
    wall.get_by_role("button").nth(2).tap()
    expect(page.get_by_text("✗ Wrong.")).to_be_in_viewport()


@EVERYWHERE
@pytest.mark.parametrize(
    ("query", "title"),
    [
        ("", "^The 16 kernels of the first layer, .* each with the map that it makes"),
        ("&look=As+in+the+article", "^The 16 kernels of the first layer"),
        ("&part=Second+layer&kernel=7", "^The 16 slices of kernel 7 of the second layer, .* each with the map that it slides over"),
    ],
    ids=["first", "article", "second"],
)
def test_all_kernels_with_their_maps_are_in_the_first_screen(
    server: Server, new_page: Callable[..., Page], screen: Screen, query: str, title: str
) -> None:
    page = screen.open(new_page, server, f"/kernels?run=starter{query}")
    wall = page.get_by_role("group", name=re.compile(title))
    assert share_on_screen(wall) == 1
    assert place_of(wall)["width"] > 0.7 * screen.width
    with layout_shifts(page) as shifts:
        screen.press(wall.get_by_role("button").nth(5))
        expect(page.get_by_role("table", name=re.compile("^weights of .*5$"))).to_be_visible()
        expect(page).to_have_url(re.compile("chosen=5"))
        wait_until_still(page)
    assert shifts.total < LARGEST_SHIFT, shifts.moved


@EVERYWHERE
def test_wall_and_chosen_image_of_browse_are_in_the_first_screen(server: Server, new_page: Callable[..., Page], screen: Screen) -> None:
    page = screen.open(new_page, server, "/samples?seed=7")
    wall, image = page.get_by_role("group", name="Random samples"), page.get_by_role("img", name=re.compile(", enlarged$"))
    before = place_of(wall)
    assert share_on_screen(wall) == 1
    with layout_shifts(page) as shifts:
        tile = wall.get_by_role("button").nth(8)
        name = str(tile.get_attribute("aria-label"))
        screen.press(tile)
        expect(page.get_by_role("img", name=f"{name}, enlarged")).to_be_visible()
        wait_until_still(page)
    assert shifts.total < LARGEST_SHIFT, shifts.moved
    assert share_on_screen(image) > 0.9  # its corners are round
    assert place_of(wall) == before


@EVERYWHERE
def test_the_network_of_home_is_in_the_first_screen(server: Server, new_page: Callable[..., Page], screen: Screen) -> None:
    page = screen.open(new_page, server, "/")
    choices, stages = page.get_by_role("group", name="Picture to send through the network"), page.locator(".stages")
    expect(page.get_by_text("Prediction: Ankle boot")).to_be_visible()
    assert share_on_screen(choices) == share_on_screen(stages) == 1
    assert place_of(stages)["width"] > 0.93 * screen.width
    with layout_shifts(page) as shifts:
        screen.press(page.get_by_role("button", name="Dress, test image"))
        expect(page.get_by_text("Prediction: Dress")).to_be_visible()
        expect(page).to_have_url(re.compile("sent=3"))
        wait_until_still(page)
    assert shifts.total < LARGEST_SHIFT, shifts.moved


@EVERYWHERE
@pytest.mark.parametrize("path", ["/", "/samples", "/evaluation?run=starter&cell=6-0", "/kernels?run=starter"])
def test_no_type_is_smaller_than_14_pixels_and_21_on_a_projector(
    server: Server, new_page: Callable[..., Page], screen: Screen, path: str
) -> None:
    page = screen.open(new_page, server, path)
    assert smallest_texts(page, 21 if screen.is_projector else 14, 18 if screen.is_projector else 12) == []
