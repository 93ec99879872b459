"""The camera of Predict in Chromium, whose artificial camera shows a sector that turns."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, Playwright, expect

from tests.browser.conftest import Server, launch_browser, open_page, opening_pages, place_of, wait_until_still
from tests.browser.measures import layout_shifts
from tests.browser.test_accessibility import check
from tests.browser.views import SIZES

PATH = "/prediction?run=starter&source=Camera"
# Whether anything is drawn on the overlay, and a summary of it.
_DRAWN = """canvas => canvas.width && canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some((value) => value)"""
_KEEP_TRACK = "video => { window.track = video.srcObject.getVideoTracks()[0]; }"


@pytest.fixture(scope="module")
def browser_with_camera(playwright: Playwright) -> Iterator[Browser]:
    """A Chromium with a camera that needs no permission."""
    with launch_browser(playwright, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream") as launched:
        yield launched


@pytest.fixture
def new_camera_page(browser_with_camera: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages of one of the sizes."""
    with opening_pages(browser_with_camera) as open_new:
        yield lambda size="laptop", **options: open_new(**SIZES[size], **options)


@pytest.fixture
def camera_page(new_camera_page: Callable[..., Page]) -> Page:
    return new_camera_page()


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def wait_for_camera(page: Page) -> None:
    button(page, "Start camera").wait_for()
    page.get_by_role("button", name="Drawing: Ankle boot").wait_for()  # the examples above arrive by themselves
    wait_until_still(page)


def start(page: Page, server: Server) -> None:
    """Opens the page and starts the camera."""
    open_page(page, server, PATH)
    wait_for_camera(page)
    button(page, "Start camera").click()


def overlay(page: Page) -> Locator:
    return page.locator(".screen canvas")


def wait_for_outline(page: Page) -> str:
    """Waits until the outline of the latest answer is drawn and returns the picture of it."""
    page.wait_for_function(f"canvas => ({_DRAWN})(canvas)", arg=overlay(page).element_handle())
    return str(overlay(page).evaluate("canvas => canvas.toDataURL()"))


def test_what_the_camera_sees_is_answered_again_and_again_and_outlined(server: Server, camera_page: Page) -> None:
    page = camera_page
    start(page, server)
    expect(page.get_by_role("heading", name=re.compile("^The network says: "))).to_be_visible()
    expect(page.locator(".state")).to_have_text(re.compile("^Camera on: .*answer"))
    outlines = {wait_for_outline(page)}
    for _ in range(3):
        is_another = "([canvas, seen]) => !seen.includes(canvas.toDataURL())"
        page.wait_for_function(is_another, arg=[overlay(page).element_handle(), list(outlines)])
        outlines.add(wait_for_outline(page))
    assert len(outlines) == 4, "the sector turns, and its outline with it"


def test_the_outline_lies_exactly_over_the_mirrored_video(server: Server, camera_page: Page) -> None:
    page = camera_page
    start(page, server)
    wait_for_outline(page)
    assert place_of(overlay(page)) == place_of(page.locator("video"))
    styles = "element => [getComputedStyle(element).transform, getComputedStyle(element).objectFit]"
    assert overlay(page).evaluate(styles) == page.locator("video").evaluate(styles) == ["matrix(-1, 0, 0, 1, 0, 0)", "contain"]
    ratio = "([video, canvas]) => video.videoWidth / video.videoHeight - canvas.width / canvas.height"
    assert abs(page.evaluate(ratio, [page.locator("video").element_handle(), overlay(page).element_handle()])) < 0.01


def test_stop_releases_the_camera(server: Server, camera_page: Page) -> None:
    page = camera_page
    start(page, server)
    wait_for_outline(page)
    page.locator("video").evaluate(_KEEP_TRACK)
    button(page, "Stop camera").press("Enter")
    expect(page.locator(".state")).to_have_text("Camera off")
    assert page.evaluate("window.track.readyState") == "ended"
    assert not overlay(page).evaluate(_DRAWN)
    expect(button(page, "Take photo")).to_be_disabled()
    button(page, "Start camera").press("Enter")
    wait_for_outline(page)


def test_leaving_the_page_stops_the_camera_for_good(server: Server, camera_page: Page) -> None:
    page = camera_page
    start(page, server)
    wait_for_outline(page)
    page.locator("video").evaluate(_KEEP_TRACK)
    page.get_by_role("link", name="Browse").click()
    page.wait_for_function("() => window.track.readyState === 'ended'")
    page.get_by_role("link", name="Predict").click()
    page.get_by_text("Camera", exact=True).first.click()
    expect(page.locator(".state")).to_have_text("Camera off")


def test_a_hidden_tab_pauses(server: Server, camera_page: Page) -> None:
    page = camera_page
    hide = """isHidden => {
      Object.defineProperty(document, 'hidden', { value: isHidden, configurable: true });
      document.dispatchEvent(new Event('visibilitychange'));
    }"""
    start(page, server)
    expect(page.locator(".state")).to_have_text(re.compile("answer"))
    page.evaluate(hide, True)
    expect(page.locator(".state")).to_have_text("Camera on")  # no answer for some seconds
    page.evaluate(hide, False)
    expect(page.locator(".state")).to_have_text(re.compile("answer"))


def test_live_answers_can_be_switched_off(server: Server, camera_page: Page) -> None:
    page = camera_page
    start(page, server)
    wait_for_outline(page)
    button(page, "Live answers").click()
    expect(button(page, "Live answers")).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".state")).to_have_text("Camera on: live answers are off")
    assert not overlay(page).evaluate(_DRAWN)
    button(page, "Live answers").click()
    wait_for_outline(page)


def test_the_timer_counts_down_and_takes_a_photo(server: Server, camera_page: Page) -> None:
    page = camera_page
    start(page, server)
    wait_for_outline(page)
    page.evaluate(
        """status => { window.said = []; new MutationObserver(() => window.said.push(status.textContent))
          .observe(status, { childList: true }); }""",
        page.locator("p.status").last.element_handle(),
    )
    button(page, "In 3 s").click()
    expect(page.locator(".count")).to_have_text("3")
    expect(page.locator(".count")).to_have_text("2")
    expect(page.locator(".count")).to_have_text("1")
    expect(button(page, "New photo")).to_be_visible()
    expect(page.get_by_alt_text("Your picture Your photo")).to_be_visible()
    expect(page.get_by_role("heading", name=re.compile("^The network says: "))).to_be_visible()
    assert page.evaluate("window.said") == ["3", "2", "1", "Photo taken."]
    button(page, "New photo").click()
    wait_for_outline(page)  # the camera is on again, without another click


def test_the_timer_can_be_cancelled(server: Server, camera_page: Page) -> None:
    page = camera_page
    start(page, server)
    wait_for_outline(page)
    button(page, "In 3 s").press("Enter")
    button(page, "Cancel").press("Enter")
    expect(page.locator(".count")).to_be_empty()
    expect(button(page, "In 3 s")).to_be_enabled()


def test_take_photo_takes_one_at_once_and_releases_the_camera(server: Server, camera_page: Page) -> None:
    page = camera_page
    start(page, server)
    wait_for_outline(page)
    page.locator("video").evaluate(_KEEP_TRACK)
    button(page, "Take photo").click()
    expect(page.get_by_alt_text("Your picture Your photo")).to_be_visible()
    page.wait_for_function("() => window.track.readyState === 'ended'")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", ["phone", "laptop"])
def test_a_live_camera_is_accessible(server: Server, new_camera_page: Callable[..., Page], size: str, scheme: str) -> None:
    page = new_camera_page(size, color_scheme=scheme)
    start(page, server)
    wait_for_outline(page)
    check(page)
    assert page.evaluate("() => document.querySelector('[data-testid=\"stMain\"]').scrollWidth") == SIZES[size]["viewport"]["width"]


@pytest.mark.parametrize("size", SIZES)
def test_nothing_moves_when_the_camera_starts_answers_counts_down_and_stops(
    server: Server, new_camera_page: Callable[..., Page], size: str
) -> None:
    page = new_camera_page(size)
    open_page(page, server, PATH)
    wait_for_camera(page)
    with layout_shifts(page) as shifts:
        button(page, "Start camera").click()
        seen = [wait_for_outline(page)]
        for _ in range(4):
            page.wait_for_function("([canvas, seen]) => canvas.toDataURL() !== seen", arg=[overlay(page).element_handle(), seen[-1]])
            seen.append(wait_for_outline(page))
        button(page, "In 3 s").click()
        expect(page.locator(".count")).to_have_text("2")
        button(page, "Cancel").click()
        button(page, "Stop camera").click()
        expect(page.locator(".state")).to_have_text("Camera off")
    assert shifts.total < 0.02, shifts.moved


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("projector", ["no", "yes"])
def test_preview_and_shutter_are_on_the_first_screen(
    server: Server, new_camera_page: Callable[..., Page], size: str, projector: str
) -> None:
    if (size, projector) in (("phone", "yes"), ("laptop", "yes")):
        pytest.skip("a projector is not that small")
    page = new_camera_page(size)
    open_page(page, server, f"{PATH}&projector={projector}")
    wait_for_camera(page)
    button(page, "Start camera").click()
    wait_for_outline(page)
    height = page.viewport_size["height"] if page.viewport_size else 0
    assert page.evaluate("document.scrollingElement.scrollTop") == 0
    foot = page.locator(".answer-strip")
    end = foot.bounding_box()["y"] if size == "phone" else height  # type: ignore[index]
    for shown in (page.locator(".screen"), button(page, "Take photo"), button(page, "In 3 s"), button(page, "Stop camera")):
        box = shown.bounding_box()
        assert box is not None
        assert 60 <= box["y"] <= box["y"] + box["height"] <= end, box
        assert 0 <= box["x"] <= box["x"] + box["width"] <= page.viewport_size["width"]  # type: ignore[index]


def test_without_permission_the_page_says_what_to_do(server: Server, page: Page) -> None:
    page.add_init_script("navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'));")
    open_page(page, server, PATH)
    button(page, "Start camera").click()
    expect(page.locator(".message")).to_contain_text("The browser may not use the camera. Allow it beside the page’s address")
    expect(button(page, "Start camera")).to_be_enabled()


def test_without_a_camera_the_page_says_so(server: Server, page: Page) -> None:
    page.context.grant_permissions(["camera"])
    open_page(page, server, PATH)
    button(page, "Start camera").click()
    expect(page.locator(".message")).to_contain_text("No camera was found.")


def test_over_plain_http_the_page_says_how_to_open_it(server: Server, page: Page) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'mediaDevices', { value: undefined });")
    open_page(page, server, PATH)
    button(page, "Start camera").click()
    expect(page.locator(".message")).to_contain_text("only on pages whose address begins with https:// or localhost. Choose “Upload”")
