import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from fmnist_core import data
from tests.browser.conftest import Server, open_page

SHIRT = [
    (0.3, 0.2),
    (0.5, 0.25),
    (0.7, 0.2),
    (0.9, 0.4),
    (0.8, 0.5),
    (0.7, 0.4),
    (0.7, 0.85),
    (0.3, 0.85),
    (0.3, 0.4),
    (0.1, 0.5),
    (0.3, 0.2),
]
SAYS = re.compile("^The network says: ")


@pytest.fixture(scope="module")
def boot(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A test image as a photograph would come: dark on white, large, in colour."""
    image = data.load_split("test", data.PACKAGED_FOLDER).images[0]
    file = tmp_path_factory.mktemp("pictures") / "boot.jpg"
    Image.fromarray(255 - np.kron(image, np.ones((20, 20), np.uint8))).convert("RGB").save(file, quality=95)
    return file


def bars(page: Page) -> str:
    """The words of the bar chart, which name all ten probabilities."""
    chart = page.get_by_role("figure", name=re.compile("^Probability of each class"))
    expect(chart).to_be_visible()
    return str(chart.get_attribute("aria-label"))


def draw(page: Page, canvas: Locator, points: list[tuple[float, float]]) -> None:
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    places = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=4)
    page.mouse.up()


def ink(canvas: Locator) -> int:
    """How many pixels of the canvas are not black."""
    count = "canvas => canvas.getContext('2d').getImageData(0, 0, 280, 280).data.filter((value, i) => i % 4 === 0 && value > 0).length"
    return int(canvas.evaluate(count))


def touch_at(*fingers: tuple[float, float]) -> list[dict[str, float]]:
    return [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(fingers)]


def test_an_uploaded_picture_is_answered_with_every_step(server: Server, page: Page, boot: Path) -> None:
    open_page(page, server, "/prediction?run=starter&source=Upload")
    page.locator('input[type="file"]').set_input_files(boot)
    expect(page.get_by_role("heading", name="The network says: Ankle boot")).to_be_visible()
    assert "Ankle boot" in bars(page)
    for name in ("Grey", "Trim", "Shrink", "Sharpen", "Centre", "Negate"):
        expect(page.get_by_role("img", name=re.compile(f"^After step \\d, {name}: "))).to_be_visible()


def test_a_file_that_is_no_picture_gets_a_sentence(server: Server, page: Page, boot: Path, tmp_path: Path) -> None:
    fake = tmp_path / "fake.png"
    fake.write_text("this is text")
    open_page(page, server, "/prediction?run=starter&source=Upload")
    page.locator('input[type="file"]').set_input_files(fake)
    expect(page.get_by_text("fake.png is not a picture that can be read: choose a PNG, JPEG, WebP, GIF or BMP file.")).to_be_visible()
    page.locator('input[type="file"]').set_input_files(boot)
    expect(page.get_by_role("heading", name="The network says: Ankle boot")).to_be_visible()


def test_an_uploaded_picture_is_still_there_after_another_page(server: Server, page: Page, boot: Path) -> None:
    open_page(page, server, "/prediction?run=starter&source=Upload")
    page.locator('input[type="file"]').set_input_files(boot)
    expect(page.get_by_role("heading", name="The network says: Ankle boot")).to_be_visible()
    page.get_by_role("link", name="Home").first.click()
    expect(page.get_by_role("heading", name="Watch a network learn")).to_be_visible()
    page.get_by_role("link", name="Predict").first.click()
    expect(page.get_by_role("heading", name="The network says: Ankle boot")).to_be_visible()
    page.get_by_role("button", name="Remove the picture").click()
    expect(page.get_by_text("Choose a file, drop it here or paste it.")).to_be_visible()


def test_the_back_button_shows_the_item_before(server: Server, page: Page) -> None:
    open_page(page, server, "/prediction?run=starter&item=0")
    expect(page.get_by_role("heading", name="The network says: Ankle boot")).to_be_visible()
    number = page.get_by_label("Number of the test image")
    number.fill("2")
    number.press("Enter")
    expect(page.get_by_role("heading", name="The network says: Trouser")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="The network says: Ankle boot")).to_be_visible()


def test_drawing_with_the_pointer_moves_the_bars(server: Server, page: Page) -> None:
    open_page(page, server, "/prediction?run=starter&source=Drawing")
    canvas = page.get_by_role("application", name=re.compile("^Drawing area"))
    draw(page, canvas, SHIRT)
    expect(page.get_by_role("heading", name=SAYS)).to_be_visible()
    outline = bars(page)
    draw(page, canvas, [(0.4, 0.4), (0.6, 0.4), (0.6, 0.7), (0.4, 0.7), (0.5, 0.5)])
    page.wait_for_function(
        "before => ![...document.querySelectorAll('[aria-label^=\"Probability of each class\"]')].some(e => e.ariaLabel === before)",
        arg=outline,
    )
    filled = bars(page)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("figure", name=outline, exact=True)).to_be_visible()
    assert filled != outline
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Draw a T-shirt, a boot or a bag.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("figure", name=outline, exact=True)).to_be_visible()


def test_strokes_survive_a_change_of_page(server: Server, page: Page) -> None:
    open_page(page, server, "/prediction?run=starter&source=Drawing")
    draw(page, page.get_by_role("application", name=re.compile("^Drawing area")), SHIRT)
    before = bars(page)
    page.get_by_role("link", name="Home").first.click()
    expect(page.get_by_role("heading", name="Watch a network learn")).to_be_visible()
    page.get_by_role("link", name="Predict").first.click()
    expect(page.get_by_role("figure", name=before, exact=True)).to_be_visible()


def test_drawing_with_the_keyboard(server: Server, page: Page) -> None:
    open_page(page, server, "/prediction?run=starter&source=Drawing")
    canvas = page.get_by_role("application", name=re.compile("^Drawing area"))
    expect(canvas).to_be_visible()
    page.get_by_role("radio", name="Drawing").focus()
    blank = ink(canvas)
    assert blank == 0
    page.keyboard.press("Tab")
    expect(canvas).to_be_focused()
    assert ink(canvas) > 0, "the cursor is seen before a key is pressed"
    page.keyboard.press("Space")
    for _ in range(12):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.get_by_role("heading", name=SAYS)).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Strokes drawn: 1.")).to_be_attached()
    page.keyboard.press("Control+z")
    expect(page.get_by_text("Draw a T-shirt, a boot or a bag.")).to_be_visible()


def test_drawing_with_a_finger_does_not_scroll_the_page(server: Server, new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    open_page(page, server, "/prediction?run=starter&source=Drawing")
    canvas = page.get_by_role("application", name=re.compile("^Drawing area"))
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    touch = page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.2
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 11):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y + step * box["height"] * 0.05}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.get_by_role("heading", name=SAYS)).to_be_visible()
    after = canvas.bounding_box()
    assert after is not None
    assert after["y"] == box["y"]


def test_a_second_finger_does_not_spoil_the_stroke(server: Server, new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    open_page(page, server, "/prediction?run=starter&source=Drawing")
    canvas = page.get_by_role("application", name=re.compile("^Drawing area"))
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    assert box is not None
    left, top, side = box["x"], box["y"], box["width"]
    touch = page.context.new_cdp_session(page)
    first = [(left + 0.3 * side, top + (0.2 + 0.06 * step) * side) for step in range(11)]
    second = (left + 0.8 * side, top + 0.5 * side)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": touch_at(first[0])})
    for place in first[1:5]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": touch_at(place)})
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": touch_at(first[4], second)})
    for place in first[5:]:  # without the second finger: that is how this protocol lifts it
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": touch_at(place)})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.get_by_role("heading", name=SAYS)).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Strokes drawn: 1.")).to_be_attached()
    pixel = "([canvas, x, y]) => canvas.getContext('2d').getImageData(280 * x, 280 * y, 1, 1).data[0]"
    drawn = [page.evaluate(pixel, [canvas.element_handle(), x, y]) for x, y in ((0.3, 0.3), (0.3, 0.75), (0.8, 0.5))]
    assert drawn == [255, 255, 0]
