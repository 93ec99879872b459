"""The frame of Predict: input and answer on the first screen, nothing moves under the brush, and what is drawn or uploaded is kept."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Server, draw_stroke, open_page, place_of, points_on, unfold, wait_until_still
from tests.browser.measures import layout_shifts, share_on_screen
from tests.browser.views import SIZES
from tests.shirt import SHIRT, Points

PHONE, LAPTOP, PROJECTOR = SIZES.values()
# The wider ones show the answer beside the sheet; on the projector everything is one and a half times as large.
WIDE = [
    pytest.param(LAPTOP, "", id="1280"),
    pytest.param(PROJECTOR, "", id="1920"),
    pytest.param(PROJECTOR, "&projector=yes", id="projector"),
]
EVERYWHERE = [pytest.param(PHONE, "", id="390"), *WIDE]
ZIGZAG: Points = [(0.1, 0.1), (0.9, 0.15), (0.1, 0.3), (0.9, 0.4), (0.1, 0.6), (0.9, 0.7), (0.2, 0.9)]
# The starter model finds the first kind familiar and the second not, so that its warning comes and goes.
TEN_STROKES = [SHIRT, ZIGZAG] * 5
DRAWING = "/prediction?run=starter&source=Drawing"
UPLOAD = "/prediction?run=starter&source=Upload"
BARS = "() => document.querySelector('figure.answer-bars')?.getAttribute('aria-label') ?? ''"
NewPage = Callable[..., Page]


def open_predict(page: Page, server: Server, path: str) -> None:
    """Opens Predict and waits until nothing moves."""
    open_page(page, server, path)
    wait_until_still(page)


def sheet(page: Page) -> Locator:
    return page.get_by_role("application", name=re.compile("^Drawing area"))


def draw(page: Page, canvas: Locator, stroke: Points) -> None:
    """Draws a stroke and waits for the answer to it."""
    before = sendings(canvas)
    draw_stroke(page, canvas, stroke)
    wait_for_answer(page, canvas, before)


def sendings(canvas: Locator) -> int:
    return int(canvas.evaluate("canvas => canvas.drawing.sent"))


def wait_for_answer(page: Page, canvas: Locator, before: int) -> None:
    """Waits until the pen is up and what was drawn has been answered."""
    page.wait_for_function(
        "([canvas, before]) => !canvas.drawing.live && canvas.drawing.sent > before && canvas.drawing.answered >= canvas.drawing.sent",
        arg=[canvas.element_handle(), before],
    )
    wait_until_still(page)


def bars(page: Page) -> str:
    expect(page.locator("figure.answer-bars")).to_be_attached()
    return str(page.evaluate(BARS))


def upload(page: Page, *files: Path) -> None:
    page.locator('input[type="file"]').set_input_files(list(files))
    expect(page.get_by_role("heading", name="The network says: T-shirt/top")).to_be_attached()
    wait_until_still(page)


def steps(page: Page) -> Locator:
    return page.get_by_alt_text(re.compile(r"^After step \d, "))


def document_height(page: Page) -> int:
    return int(page.locator('[data-testid="stMain"]').evaluate("main => main.scrollHeight"))


@pytest.mark.parametrize(("size", "more"), EVERYWHERE)
def test_sheet_tools_and_answer_fit_the_first_screen(server: Server, new_page: NewPage, size: dict[str, object], more: str) -> None:
    page = new_page(**size)
    open_predict(page, server, DRAWING + more)
    canvas = sheet(page)
    draw(page, canvas, SHIRT)
    assert share_on_screen(canvas) == 1
    for name in ("Brush", "Eraser", "Undo", "Clear"):
        assert share_on_screen(page.get_by_role("button", name=name, exact=True)) > 0.98  # its corners are round
    assert share_on_screen(page.get_by_label("Brush width")) == 1
    if size is PHONE:
        assert share_on_screen(page.locator(".answer-strip")) == 1
        expect(page.locator(".answer-strip .row")).to_have_count(2)
    else:
        expect(page.locator(".answer-strip")).to_be_hidden()
        assert share_on_screen(page.get_by_role("heading", name=re.compile("^The network says"))) == 1
        assert share_on_screen(page.locator("figure.answer-bars")) == 1
        assert share_on_screen(page.get_by_alt_text("The 28×28 pixels that the network sees, enlarged")) == 1


@pytest.mark.parametrize(("size", "more"), EVERYWHERE)
def test_nothing_moves_over_ten_strokes(server: Server, new_page: NewPage, size: dict[str, object], more: str) -> None:
    page = new_page(**size)
    open_predict(page, server, DRAWING + more)
    canvas = sheet(page)
    before = place_of(canvas)
    warnings = set()
    with layout_shifts(page) as shifts:
        for stroke in TEN_STROKES:
            draw(page, canvas, stroke)
            assert canvas.bounding_box() == before
            warnings.add(page.locator(".unfamiliarity p").count() > 0)
            page.get_by_role("button", name="Clear").click()
            expect(page.get_by_text("Draw a T-shirt, a boot or a bag.")).to_be_attached()
    assert warnings == {False, True}, "the warning must have come and gone"
    assert shifts.total < 0.02, shifts.moved
    assert canvas.bounding_box() == before


def test_nothing_moves_while_the_mask_is_painted(server: Server, new_page: NewPage, shirt: Path) -> None:
    page = new_page(**LAPTOP)
    open_predict(page, server, UPLOAD)
    upload(page, shirt)
    unfold(page, "Correct it by hand: turn, crop, paint")
    painter = page.get_by_role("application", name=re.compile("^Picture to paint on"))
    expect(painter).to_be_visible()
    painter.scroll_into_view_if_needed()
    page.get_by_role("button", name="Remove", exact=True).click()
    before = place_of(painter)
    said = {bars(page)}
    with layout_shifts(page) as shifts:
        for y in (0.2, 0.35, 0.5, 0.65, 0.8):
            draw(page, painter, [(0.2, y), (0.8, y)])
            said.add(bars(page))
            assert painter.bounding_box() == before
            assert share_on_screen(page.locator("figure.answer-bars")) == 1, "the answer stays in view beside the painter"
    assert len(said) > 3
    assert shifts.total < 0.02, shifts.moved


def test_the_answer_follows_the_pen_before_it_is_lifted(server: Server, page: Page) -> None:
    open_predict(page, server, DRAWING)
    canvas = sheet(page)
    positions = points_on(canvas, SHIRT)
    page.mouse.move(*positions[0])
    page.mouse.down()
    page.mouse.move(*positions[4], steps=20)
    page.wait_for_function(f"({BARS})() !== ''")
    first = bars(page)
    expect(steps(page)).to_have_count(0)
    for position in positions[5:]:
        page.mouse.move(*position, steps=10)
    page.wait_for_function(f"before => ({BARS})() !== before", arg=first)
    assert canvas.evaluate("canvas => canvas.drawing.live.points.length") > 60, "no answer may break the stroke"
    page.mouse.up()
    expect(steps(page)).to_have_count(3)
    expect(page.get_by_role("status").filter(has_text="Strokes drawn: 1.")).to_be_attached()


def test_a_drawing_is_kept_over_a_reload(server: Server, page: Page) -> None:
    open_predict(page, server, DRAWING)
    draw(page, sheet(page), SHIRT)
    draw(page, sheet(page), ZIGZAG)
    before = bars(page)
    expect(page.get_by_text("Kept in this tab until you close it.")).to_be_visible()
    page.reload()
    page.wait_for_function(f"before => ({BARS})() === before", arg=before)
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function(f"before => ({BARS})() !== before", arg=before)
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Draw a T-shirt, a boot or a bag.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("Draw a T-shirt, a boot or a bag.")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


@pytest.mark.parametrize(
    "stored",
    ["no JSON", "7", '[{"tool": 9}]', '[{"tool": 0, "width": 5, "points": []}]', '[{"tool": 0, "width": 5, "points": [[1, "x"]]}]'],
)
def test_a_stored_drawing_that_is_none_is_ignored(server: Server, page: Page, stored: str) -> None:
    page.add_init_script(f"sessionStorage.setItem('fmnist drawing blank', {stored!r})")
    open_predict(page, server, DRAWING)
    draw(page, sheet(page), SHIRT)
    assert bars(page)


def test_without_storage_the_page_says_that_a_drawing_is_not_kept(server: Server, page: Page) -> None:
    page.add_init_script("Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError'); }")
    open_predict(page, server, DRAWING)
    draw(page, sheet(page), SHIRT)
    expect(page.get_by_text("reloading it would lose the drawing")).to_be_visible()


def test_an_upload_is_kept_over_a_reload_and_can_be_removed(server: Server, page: Page, shirt: Path) -> None:
    open_predict(page, server, UPLOAD)
    upload(page, shirt)
    before = bars(page)
    expect(page.get_by_text("Kept in this tab until you close it.", exact=True)).to_be_visible()
    page.reload()
    page.wait_for_function(f"before => ({BARS})() === before", arg=before)
    expect(page.get_by_alt_text("Your picture shirt.jpg")).to_be_visible()
    page.get_by_role("button", name="Remove the pictures").click()
    expect(page.get_by_text("Choose files, drop them here")).to_be_visible()
    page.wait_for_function("() => sessionStorage.length === 0")


def test_forged_pictures_in_the_tabs_storage_are_refused_with_a_reason(server: Server, page: Page) -> None:
    page.add_init_script("""if (!window.name) {
      window.name = 'forged';
      sessionStorage.setItem('fmnist uploads', JSON.stringify([['<img src=x onerror=alert(1)>.png', btoa('no picture')]]));
    }""")
    open_predict(page, server, UPLOAD)
    expect(page.get_by_text("<img src=x onerror=alert(1)>.png is not a picture that can be read")).to_be_visible()
    page.get_by_role("button", name="Remove the pictures").click()
    expect(page.get_by_text("is not a picture")).to_have_count(0)


def test_the_eraser_leaves_nothing(server: Server, page: Page) -> None:
    open_predict(page, server, DRAWING)
    canvas = sheet(page)
    draw(page, canvas, SHIRT)
    assert bars(page)
    page.get_by_role("button", name="Eraser").click()
    draw(page, canvas, SHIRT)
    pixels = "canvas => [...canvas.getContext('2d').getImageData(0, 0, 280, 280).data].filter((_value, i) => i % 4 < 3)"
    assert max(canvas.evaluate(pixels)) == 0
    expect(page.get_by_text("Draw a T-shirt, a boot or a bag.")).to_be_visible()


def test_an_example_moves_nothing(server: Server, new_page: NewPage) -> None:
    page = new_page(**LAPTOP)
    open_predict(page, server, "/prediction?run=starter")
    wait_until_still(page)
    with layout_shifts(page) as shifts:
        page.get_by_role("button", name="Test item 13").click()
        expect(page.get_by_text("Correct: the label is")).to_be_visible()
        wait_until_still(page)
    assert page.locator('[data-testid="stMain"]').evaluate("main => main.scrollTop") == 0
    assert shifts.total < 0.02, shifts.moved


def test_on_a_phone_the_examples_scroll_in_their_own_row(server: Server, new_page: NewPage) -> None:
    page = new_page(**PHONE)
    open_predict(page, server, "/prediction?run=starter")
    examples = page.get_by_role("group", name="Examples to try")
    assert examples.evaluate("row => [row.scrollWidth > row.clientWidth, row.clientHeight < 80]") == [True, True]
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="Drawing: Ankle boot").click()
    expect(page.get_by_role("heading", name="The network says: Ankle boot")).to_be_attached()


def test_a_finger_draws_on_a_phone_and_the_strip_answers(server: Server, new_page: NewPage) -> None:
    page = new_page(**PHONE)
    open_predict(page, server, DRAWING)
    canvas = sheet(page)
    before = place_of(canvas)
    touch = page.context.new_cdp_session(page)
    drawn_before, (first, *others) = sendings(canvas), points_on(canvas, SHIRT)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": first[0], "y": first[1]}]})
    for x, y in others:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    wait_for_answer(page, canvas, drawn_before)
    expect(page.locator(".answer-strip .row")).to_have_count(2)
    assert share_on_screen(page.locator(".answer-strip")) == 1
    assert canvas.bounding_box() == before
    expect(page.get_by_role("heading", name=re.compile("^The network says"))).to_have_count(1)


@pytest.mark.parametrize("source", ["Test item", "Upload", "Drawing"])
def test_the_page_is_shorter_than_two_screens(server: Server, new_page: NewPage, shirt: Path, tmp_path: Path, source: str) -> None:
    page = new_page(**LAPTOP)
    open_predict(page, server, f"/prediction?run=starter&source={source.replace(' ', '%20')}")
    if source == "Upload":
        bad = [tmp_path / f"{number}.png" for number in range(4)]
        for file in bad:
            file.write_text("no picture")
        upload(page, shirt, *bad, shirt)
    if source == "Drawing":
        draw(page, sheet(page), SHIRT)
        expect(steps(page)).to_have_count(3)
    wait_until_still(page)
    assert document_height(page) < 1600


# How far down the page each of its parts is, in pixels, wherever the page is scrolled.
PLACES = """() => {
  const main = document.querySelector('[data-testid="stMain"]');
  const parts = [...main.querySelectorAll('button, summary, h3, p')].filter((at) => at.offsetParent);
  return parts.map((at) => `${Math.round(at.getBoundingClientRect().y + main.scrollTop)}: ${at.textContent}`);
}"""
TURNS = {"portrait": Image.Transpose.ROTATE_180, "landscape": Image.Transpose.ROTATE_90}


@pytest.mark.parametrize("turn", TURNS)
def test_pictures_that_arrive_late_move_nothing(server: Server, new_page: NewPage, shirt: Path, tmp_path: Path, turn: str) -> None:
    page = new_page(**LAPTOP)
    open_predict(page, server, UPLOAD)
    photo, held = tmp_path / "photo.png", list[Route]()
    with Image.open(shirt) as picture:
        picture.transpose(TURNS[turn]).save(photo)
    page.route("**/media/*.*", lambda route: held.append(route))
    page.locator('input[type="file"]').set_input_files(photo)
    expect(page.get_by_role("heading", name=re.compile("^The network says"))).to_be_attached()
    expect(steps(page)).to_have_count(5)
    unfold(page, "Your own list of corrected labels")
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_role("button", name="Download as CSV")).to_be_visible()
    wait_until_still(page)
    before = page.evaluate(PLACES)
    assert len(held) >= 7, "the photo, its five steps and the kept one"
    for route in held:
        route.continue_()
    page.unroute("**/media/*.*")
    page.wait_for_function("() => [...document.images].every((image) => image.complete && image.naturalWidth)")
    assert page.evaluate(PLACES) == before


def test_a_file_that_the_browser_refuses_is_refused_with_a_reason(server: Server, page: Page, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(bytes(22_000_000))
    open_predict(page, server, UPLOAD)
    sentence = page.get_by_text("The file marked in red is larger than 20 MB")
    expect(sentence).to_be_hidden()
    page.locator('input[type="file"]').set_input_files(large)
    expect(sentence).to_be_visible()
