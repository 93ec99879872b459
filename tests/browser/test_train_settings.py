import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from fmnist_core.settings.presets import find_preset
from tests.browser.conftest import Server, open_page, unfold, wait_until_drawn, wait_until_still
from tests.browser.test_accessibility import check


def test_a_preset_is_chosen_by_keyboard_and_survives(server: Server, page: Page) -> None:
    open_page(page, server, "/training")
    button = page.locator(".st-key-choose_quick button")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Settings: Quick")).to_be_visible()
    expect(button.get_by_test_id("stIconMaterial")).to_have_count(1)  # the mark of the chosen one
    expect(button).to_be_focused()
    expect(page).to_have_url(re.compile(r"preset=quick"))
    epochs = page.get_by_label("Epochs", exact=True)
    expect(epochs).to_have_value(str(find_preset("quick").config.epochs))
    epochs.fill("7")
    epochs.press("Tab")
    expect(page.get_by_role("heading", name="Settings: Quick, changed")).to_be_visible()

    page.get_by_role("link", name="Browse").first.click()
    expect(page.get_by_role("heading", name="Browse", level=1)).to_be_visible()
    page.get_by_role("link", name="Train").first.click()
    expect(page.get_by_role("heading", name="Settings: Quick, changed")).to_be_visible()
    expect(epochs).to_have_value("7")

    page.reload()
    wait_until_drawn(page)
    expect(page.get_by_role("heading", name="Settings: Quick, changed")).to_be_visible()
    expect(epochs).to_have_value("7")

    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("heading", name="Settings: Quick", exact=True)).to_be_visible()
    expect(page).not_to_have_url(re.compile("changes"))
    page.go_back()
    expect(epochs).to_have_value("7")


def test_a_wrong_value_is_reported_as_soon_as_its_field_is_left(server: Server, page: Page) -> None:
    open_page(page, server, "/training")
    batch = page.get_by_label("Batch size", exact=True)
    batch.fill("0")
    batch.press("Tab")
    line = page.locator(".st-key-start_line")
    expect(line.get_by_text("The batch size 0 is out of range: choose one from 1 to 10,000.")).to_be_visible()
    batch.fill("10")
    batch.press("Tab")
    expect(line.get_by_text("Everyone in this room can watch your run.")).to_be_visible()


def test_an_unknown_preset_in_a_link_is_reported(server: Server, page: Page) -> None:
    open_page(page, server, "/training?preset=xyz")
    expect(page.get_by_text("There is no preset “xyz”")).to_be_visible()


def test_what_is_being_typed_survives_a_redrawn_page(server: Server, page: Page) -> None:
    """The page is drawn again by a click elsewhere, while one field has been typed in but not left."""
    open_page(page, server, "/training")
    epochs = page.get_by_label("Epochs", exact=True)
    epochs.fill("17")
    page.evaluate("() => document.querySelector('.st-key-projector_switch button').click()")  # which leaves the focus where it is
    page.wait_for_url("**projector=yes*")
    expect(epochs).to_have_value("17")
    page.get_by_role("button", name="Train", exact=True).focus()
    expect(page.get_by_role("heading", name="Settings: The article, changed")).to_be_visible()
    expect(epochs).to_have_value("17")


def test_an_out_of_range_number_is_reported_even_if_train_is_clicked_right_after_typing(server: Server, page: Page) -> None:
    open_page(page, server, "/training")
    epochs = page.get_by_label("Epochs", exact=True)
    epochs.fill("500")  # the field still has the focus, so the click has to submit its value too
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("The number of epochs 500 is out of range: choose one from 1 to 200.")).to_be_visible()
    expect(epochs).to_have_value("500")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_form_fits_a_phone(server: Server, new_page: Callable[..., Page], scheme: str) -> None:
    page = new_page(color_scheme=scheme, viewport={"width": 390, "height": 844})
    open_page(page, server, "/training?preset=few-images")
    expect(page.get_by_text("Guess, then press Train.")).to_be_visible()
    unfold(page, "More settings")
    page.get_by_text("Why validation images?").click()
    expect(page.get_by_text("The test images do not choose anything")).to_be_visible()
    wait_until_still(page)
    check(page)
    assert page.evaluate("() => document.querySelector('[data-testid=\"stMain\"]').scrollWidth") == 390
