"""Invite in Chromium: the code on the screen, read as a phone's camera would read it, leads to the page on show."""

import re
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from pages.parts.shared.addresses import own_addresses
from tests.browser.conftest import Server, open_page, place_of, start_server, wait_until_still
from tests.browser.test_accessibility import check
from tests.browser.test_people import answer

pytestmark = pytest.mark.skipif(not own_addresses(), reason="This machine is in no network.")
VIEW = "/evaluation?run=starter&cell=6-0"
SCREENS = {"projector": (1280, 800), "large projector": (1920, 1080), "phone": (390, 844)}


def open_invitation(page: Page, server: Server, view: str = VIEW) -> None:
    open_page(page, server, view)
    page.get_by_role("button", name="Invite").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog").get_by_role("img", name=re.compile("^QR code of http"))).to_be_visible()
    wait_until_still(page)


def read_code(page: Page) -> str:
    """What the code in a picture of the whole window says."""
    picture = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return cv2.QRCodeDetectorAruco().detectAndDecode(picture)[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_the_code_and_the_address_lead_others_to_this_page(server: Server, new_page: Callable[..., Page], screen: str, scheme: str) -> None:
    width, height = SCREENS[screen]
    page = new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    open_invitation(page, server)
    shown = page.get_by_role("dialog").locator("code").inner_text()
    assert shown == server.url.replace("localhost", str(own_addresses()[0])) + VIEW
    assert read_code(page) == shown
    box = place_of(page.get_by_role("img", name=re.compile("^QR code")))
    assert box["width"] == pytest.approx(box["height"], abs=1)
    assert box["height"] > min(300, 0.5 * height)
    assert box["y"] + box["height"] <= height
    check(page)


def test_escape_closes_it_and_the_page_has_not_run_again(server: Server, page: Page) -> None:
    open_invitation(page, server)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page).to_have_url(server.url + VIEW)


def test_another_address_can_be_chosen(new_page: Callable[..., Page], tmp_path: Path) -> None:
    with start_server(tmp_path / "home", FMNIST_HOSTS="https://school.example") as server:
        page = new_page()
        open_invitation(page, server, "/samples")
        assert read_code(page) == "https://school.example/samples"
        other = server.url.replace("localhost", str(own_addresses()[0])) + "/samples"
        page.get_by_role("radio", name=other).focus()
        page.keyboard.press("Space")
        expect(page.get_by_role("img", name=f"QR code of {other}")).to_be_visible()
        wait_until_still(page)
        assert read_code(page) == other


@pytest.mark.parametrize("width", [320, 390, 700, 900, 1280])
def test_the_button_covers_nothing_in_the_header(server: Server, new_page: Callable[..., Page], width: int) -> None:
    page = new_page(viewport={"width": width, "height": 800})
    open_page(page, server, "/samples")
    answer(page, "W" * 30)
    name = page.get_by_role("button", name="WWW")
    expect(name).to_be_visible()
    button = place_of(page.get_by_role("button", name="Invite"))
    assert button["x"] + button["width"] <= width
    header = page.get_by_test_id("stHeader")
    for control in (name, *header.get_by_role("link").all(), *header.get_by_role("button").all()):
        box = control.bounding_box()
        if box is not None and box["width"] > 0:
            assert box["x"] + box["width"] <= button["x"] or box["x"] >= button["x"] + button["width"], control.inner_text()
