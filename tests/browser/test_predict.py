import re
import urllib.parse
from collections.abc import Callable
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Server, draw_stroke, open_page, place_of, unfold, wait_until_drawn
from tests.shirt import SHIRT, Points

SAYS = re.compile("^The network says: ")


def bars(page: Page) -> str:
    """The bar chart's description, which lists all ten probabilities."""
    chart = page.get_by_role("figure", name=re.compile("^Probability of each class"))
    expect(chart).to_be_visible()
    return str(chart.get_attribute("aria-label"))


def draw(page: Page, canvas: Locator, points: Points) -> None:
    canvas.scroll_into_view_if_needed()
    draw_stroke(page, canvas, points)
    answered = "canvas => !canvas.drawing.live && canvas.drawing.answered >= canvas.drawing.sent"  # while the pen moves, others come
    page.wait_for_function(answered, arg=canvas.element_handle())


def ink(canvas: Locator) -> int:
    """How many pixels of the canvas are not black."""
    count = "canvas => canvas.getContext('2d').getImageData(0, 0, 280, 280).data.filter((value, i) => i % 4 === 0 && value > 0).length"
    return int(canvas.evaluate(count))


def touch_at(*fingers: tuple[float, float]) -> list[dict[str, float]]:
    return [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(fingers)]


def test_an_uploaded_picture_is_classified_and_every_step_is_shown(server: Server, page: Page, shirt: Path) -> None:
    open_page(page, server, "/prediction?run=starter&source=Upload")
    page.locator('input[type="file"]').set_input_files(shirt)
    expect(page.get_by_role("heading", name="The network says: T-shirt/top")).to_be_visible()
    assert "T-shirt/top" in bars(page)
    for name in ("Your picture", "Cut out", "Trim and centre", "Negate", "Contrast"):
        expect(page.get_by_role("img", name=re.compile(f"^After step \\d, {name}: "))).to_be_visible()


def test_a_file_that_is_not_a_picture_is_refused_with_a_reason(server: Server, page: Page, shirt: Path, tmp_path: Path) -> None:
    fake = tmp_path / "fake.png"
    fake.write_text("this is text")
    open_page(page, server, "/prediction?run=starter&source=Upload")
    page.locator('input[type="file"]').set_input_files(fake)
    expect(
        page.get_by_text("fake.png is not a picture that can be read: choose a PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF file.")
    ).to_be_visible()
    page.locator('input[type="file"]').set_input_files(shirt)
    expect(page.get_by_role("heading", name="The network says: T-shirt/top")).to_be_visible()


def test_an_uploaded_picture_survives_a_visit_to_another_page(server: Server, page: Page, shirt: Path) -> None:
    open_page(page, server, "/prediction?run=starter&source=Upload")
    page.locator('input[type="file"]').set_input_files(shirt)
    expect(page.get_by_role("heading", name="The network says: T-shirt/top")).to_be_visible()
    page.get_by_role("link", name="Home").first.click()
    expect(page.get_by_role("heading", name="Watch a network learn")).to_be_visible()
    page.get_by_role("link", name="Predict").first.click()
    expect(page.get_by_role("heading", name="The network says: T-shirt/top")).to_be_visible()
    page.get_by_role("button", name="Remove the pictures").click()
    expect(page.get_by_text(re.compile("Choose files, drop them here"))).to_be_visible()


def test_no_address_of_an_uploaded_picture_can_be_guessed_or_outlives_its_page(
    server: Server, page: Page, shirt: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.jpg"  # no other session of this server has shown it: the same picture has the same address
    with Image.open(shirt) as picture:
        picture.rotate(3, fillcolor=(205, 190, 160)).save(own)
    open_page(page, server, "/prediction?run=starter&source=Upload")
    page.locator('input[type="file"]').set_input_files(own)
    steps = page.get_by_role("img", name=re.compile(r"^After step \d, "))
    expect(steps).to_have_count(5)
    addresses = steps.evaluate_all("images => images.map(image => image.src)")
    assert all(re.fullmatch(re.escape(server.url) + r"/media/[0-9a-f]{32}\.(png|jpg)", address) for address in addresses), addresses
    assert {page.request.get(address).status for address in addresses} == {200}
    page.get_by_role("link", name="Home").first.click()
    expect(page.get_by_role("heading", name="Watch a network learn")).to_be_visible()
    wait_until_drawn(page)
    assert {page.request.get(address).status for address in addresses} == {404}


def test_the_back_button_shows_the_previous_item(server: Server, page: Page) -> None:
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
    page.get_by_role("switch", name="Fill the silhouette").focus()
    blank = ink(canvas)
    assert blank == 0
    for _ in range(3):  # past the switch's help icon, if that is in the tab order
        page.keyboard.press("Tab")
        if canvas.evaluate("canvas => canvas.getRootNode().activeElement === canvas"):
            break
    expect(canvas).to_be_focused()
    assert ink(canvas) > 0, "the cursor is not visible before a key is pressed"
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
    box = place_of(canvas)
    touch = page.context.new_cdp_session(page)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.2
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for step in range(1, 11):
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y + step * box["height"] * 0.05}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.get_by_role("heading", name=SAYS)).to_be_visible()
    assert place_of(canvas)["y"] == box["y"]


def test_a_second_finger_does_not_spoil_the_stroke(server: Server, new_page: Callable[..., Page]) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    open_page(page, server, "/prediction?run=starter&source=Drawing")
    canvas = page.get_by_role("application", name=re.compile("^Drawing area"))
    canvas.scroll_into_view_if_needed()
    box = place_of(canvas)
    left, top, side = box["x"], box["y"], box["width"]
    touch = page.context.new_cdp_session(page)
    first = [(left + 0.3 * side, top + (0.2 + 0.06 * step) * side) for step in range(11)]
    second = (left + 0.8 * side, top + 0.5 * side)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": touch_at(first[0])})
    for position in first[1:5]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": touch_at(position)})
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": touch_at(first[4], second)})
    for position in first[5:]:  # leaving out the second finger is how this protocol lifts it
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": touch_at(position)})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect(page.get_by_role("heading", name=SAYS)).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Strokes drawn: 1.")).to_be_attached()
    pixel = "([canvas, x, y]) => canvas.getContext('2d').getImageData(280 * x, 280 * y, 1, 1).data[0]"
    drawn = [page.evaluate(pixel, [canvas.element_handle(), x, y]) for x, y in ((0.3, 0.3), (0.3, 0.75), (0.8, 0.5))]
    assert drawn == [255, 255, 0]


def wait_for_other_bars(page: Page, before: str) -> str:
    page.wait_for_function(
        "before => { const all = [...document.querySelectorAll('[aria-label^=\"Probability of each class\"]')];"
        " return all.length && !all.some(each => each.ariaLabel === before); }",
        arg=before,
    )
    return bars(page)


def drawing_area(page: Page) -> Locator:
    return page.get_by_role("application", name=re.compile("^Drawing area"))


def test_erasing_the_shaft_of_a_boot_changes_the_answer(server: Server, page: Page) -> None:
    open_page(page, server, "/prediction?run=starter&source=Drawing&pad_item=0&start=" + urllib.parse.quote("A test item"))
    expect(page.get_by_role("heading", name="The network says: Ankle boot")).to_be_visible()
    before, canvas = bars(page), drawing_area(page)
    page.get_by_role("button", name="Eraser").click()
    expect(page.get_by_role("button", name="Eraser")).to_have_attribute("aria-pressed", "true")
    for y in (0.28, 0.33, 0.38, 0.43):
        draw(page, canvas, [(0.45, y), (0.98, y)])
    after = wait_for_other_bars(page, before)
    assert after != before
    for _ in range(4):
        page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("figure", name=before, exact=True)).to_be_visible()


def test_filling_the_silhouette_changes_the_answer(server: Server, page: Page) -> None:
    open_page(page, server, "/prediction?run=starter&source=Drawing&doodle_class=Bag&doodle=4&start=" + urllib.parse.quote("A drawing"))
    filled = bars(page)
    page.get_by_text("Fill the silhouette").click()
    wait_for_other_bars(page, filled)
    page.reload()
    expect(page.get_by_role("switch", name="Fill the silhouette")).not_to_be_checked()


def test_every_start_keeps_its_own_strokes(server: Server, page: Page) -> None:
    open_page(page, server, "/prediction?run=starter&source=Drawing")
    draw(page, drawing_area(page), SHIRT)
    blank_sheet = bars(page)
    page.get_by_role("combobox", name=re.compile("Start from")).click()
    page.get_by_role("option", name="Half a drawing").click()
    wait_for_other_bars(page, blank_sheet)
    page.get_by_role("combobox", name=re.compile("Start from")).click()
    page.get_by_role("option", name="A blank sheet").click()
    expect(page.get_by_role("figure", name=blank_sheet, exact=True)).to_be_visible()


def test_painting_the_mask_changes_the_answer(server: Server, page: Page, shirt: Path) -> None:
    open_page(page, server, "/prediction?run=starter&source=Upload")
    page.locator('input[type="file"]').set_input_files(shirt)
    expect(page.get_by_role("heading", name="The network says: T-shirt/top")).to_be_visible()
    before = bars(page)
    unfold(page, "Correct it by hand: turn, crop, paint")
    painter = page.get_by_role("application", name=re.compile("^Picture to paint on"))
    expect(painter).to_be_visible()
    page.get_by_role("button", name="Remove", exact=True).click()
    for y in (0.7, 0.76, 0.82):
        draw(page, painter, [(0.2, y), (0.8, y)])
    wait_for_other_bars(page, before)
    for _ in range(3):
        page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("figure", name=before, exact=True)).to_be_visible()


def test_switching_a_step_off_changes_the_answer(server: Server, page: Page, shirt: Path) -> None:
    open_page(page, server, "/prediction?run=starter&source=Upload")
    page.locator('input[type="file"]').set_input_files(shirt)
    before = bars(page)
    page.get_by_text("2. Cut out").click()
    wait_for_other_bars(page, before)
    page.get_by_text("2. Cut out").click()
    expect(page.get_by_role("figure", name=before, exact=True)).to_be_visible()


def test_several_files_with_a_bad_one_among_them(server: Server, page: Page, shirt: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"")
    open_page(page, server, "/prediction?run=starter&source=Upload")
    page.locator('input[type="file"]').set_input_files([shirt, bad, shirt])
    expect(page.get_by_text("bad.png is empty: choose another picture.")).to_be_visible()
    expect(page.get_by_role("heading", name="2 pictures")).to_be_visible()
    expect(page.get_by_role("heading", name="The network says: T-shirt/top")).to_be_visible()


def test_an_example_opens_with_one_click(server: Server, page: Page) -> None:
    open_page(page, server, "/prediction?run=starter")
    page.get_by_role("button", name="Drawing: Ankle boot").click()
    expect(page.get_by_role("radio", name="Drawing")).to_be_checked()
    expect(page.get_by_role("heading", name="The network says: Ankle boot")).to_be_visible()


def test_kept_pictures_are_downloaded(server: Server, page: Page) -> None:
    open_page(page, server, "/prediction?run=starter&item=2")
    unfold(page, "Your own list of corrected labels")
    page.get_by_role("button", name="Keep it").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("label,pixel1,")
    assert lines[1].startswith("1,")
    assert [len(line.split(",")) for line in lines] == [785, 785]
