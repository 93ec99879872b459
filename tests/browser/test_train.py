import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fmnist_core import runs
from tests.browser.conftest import Server, open_page, wait_until_drawn


@pytest.fixture(autouse=True)
def servers_home(server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FMNIST_HOME", str(server.home))
    return server.home


def start_run(page: Page, server: Server, epochs: int) -> str:
    """Presses Train and returns the id of the run, which the URL names."""
    open_page(page, server, "/training")
    page.get_by_label("Epochs", exact=True).fill(str(epochs))
    page.get_by_label("Epochs", exact=True).press("Tab")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    page.wait_for_url("**/training?run=*")
    return page.url.split("run=")[1].split("&")[0]


def drawn_step(page: Page) -> int:
    """The step that the words of the live chart name; 0 before there is one."""
    words = page.locator(".st-key-live_loss").inner_html()
    found = re.search(r"at step ([\d,]+)\.", words)
    return int(found[1].replace(",", "")) if found else 0


def test_an_epoch_on_the_real_data(server: Server, page: Page) -> None:
    run_id = start_run(page, server, epochs=1)
    chart = page.locator(".st-key-live_loss")
    expect(chart).to_be_visible()
    expect(chart.locator("canvas, svg").first).to_be_visible()
    page.wait_for_function("() => /at step \\d/.test(document.querySelector('.st-key-live_loss')?.innerHTML ?? '')")
    first = drawn_step(page)
    chart.evaluate("node => { node.dataset.seen = 'yes' }")
    page.wait_for_function(
        """before => { const found = /at step ([\\d,]+)\\./.exec(document.querySelector('.st-key-live_loss')?.innerHTML ?? '');
        return found && Number(found[1].replaceAll(',', '')) > before }""",
        arg=first,
    )
    assert chart.get_attribute("data-seen") == "yes"  # the same node: nothing was torn down, so nothing flickered

    page.reload()  # in the middle
    wait_until_drawn(page)
    assert run_id in page.url
    expect(page.get_by_role("button", name="Stop").or_(page.get_by_text("Finished 1 epoch in"))).to_be_visible()

    expect(page.get_by_text("Finished 1 epoch in")).to_be_visible(timeout=180_000)
    run = runs.load_run(run_id)
    assert run.state == "finished"
    assert run.test_accuracy is not None
    assert run.test_accuracy > 0.8
    expect(page.get_by_text(f"It answers {100 * run.test_accuracy:.2f} % of the test images right.")).to_be_visible()

    page.get_by_role("link", name="See its mistakes").click()
    expect(page.get_by_role("heading", name="Evaluate", level=1)).to_be_visible()
    expect(page.get_by_text(f"{100 * run.test_accuracy:.2f} %", exact=True)).to_be_visible()


def test_a_run_goes_on_without_its_page_and_is_stopped_by_another(server: Server, page: Page) -> None:
    run_id = start_run(page, server, epochs=50)
    page.wait_for_function("() => /at step \\d/.test(document.querySelector('.st-key-live_loss')?.innerHTML ?? '')")
    page.get_by_role("link", name="Browse").first.click()
    expect(page.get_by_role("heading", name="Browse", level=1)).to_be_visible()
    assert runs.load_run(run_id).state == "training"
    page.close()

    second = page.context.new_page()
    open_page(second, server, "/training")  # no id in this URL: the run is found because it is training
    second.get_by_role("button", name="Stop").click()
    expect(second.get_by_text("what it had learned is kept")).to_be_visible(timeout=120_000)
    run = runs.load_run(run_id)
    assert run.state == "stopped"
    assert run.has_weights
    assert run_id in second.url


def test_a_bad_learning_rate_gets_a_sentence_and_keeps_the_form(server: Server, page: Page) -> None:
    open_page(page, server, "/training")
    rate = page.get_by_role("combobox", name=re.compile("Learning rate"))
    rate.click()
    rate.fill("1000")
    rate.press("Enter")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.get_by_text("The learning rate 1000 is far too high")).to_be_visible()
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_visible()
