import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Server, open_page, wait_until_drawn


def test_both_layers_are_drawn(server: Server, page: Page) -> None:
    open_page(page, server, "/kernels?run=starter")
    expect(page.get_by_role("img", name=re.compile("^The 16 kernels of the first layer"))).to_be_visible()
    page.get_by_text("Second layer", exact=True).click()
    expect(page.get_by_role("img", name=re.compile("^The 16 slices of kernel 0 of the second layer"))).to_be_visible()
    page.get_by_text("All 512 at once").click()
    expect(page.get_by_role("img", name=re.compile("^All 512 slices"))).to_be_visible()
    page.get_by_text("As in the article", exact=True).click()
    expect(page.get_by_role("img", name=re.compile("^Channel 0 of the 32 kernels"))).to_be_visible()


def test_a_chosen_kernel_lives_in_the_url(server: Server, page: Page) -> None:
    open_page(page, server, "/kernels?run=starter&part=Second+layer")
    number = page.get_by_label("Kernel", exact=True)
    number.fill("12")
    number.press("Enter")
    expect(page).to_have_url(re.compile("kernel=12"))
    page.reload()
    wait_until_drawn(page)
    expect(page.get_by_role("img", name=re.compile("^The 16 slices of kernel 12 "))).to_be_visible()


def test_an_item_shows_its_feature_maps(server: Server, page: Page) -> None:
    open_page(page, server, "/kernels?run=starter&part=An+item+on+its+way+through&item=3")
    expect(page.get_by_role("img", name=re.compile("^16 feature maps of the first block after pooling, 14×14 each"))).to_be_visible()
    expect(page.get_by_role("img", name=re.compile("^32 feature maps of the second block after pooling, 7×7 each"))).to_be_visible()
    page.get_by_role("button", name="Random item").click()
    expect(page).not_to_have_url(re.compile(r"item=3(&|$)"))
