import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from fmnist_core.classroom.people import LOCAL
from fmnist_core.jobs.control import pause, start_run, stop
from fmnist_core.runs.folders import run_folder
from fmnist_core.runs.record import list_runs, load_run
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.events import Event
from tests.browser.conftest import Server, open_page, start_server, wait_until_drawn, wait_until_still
from tests.browser.test_accessibility import check
from tests.jobs.trained import steps_of, wait_for_answer
from tests.written_runs import epoch_done, started, step_done, write_run

LONG = TrainConfig(epochs=200, batch_size=4)  # far longer than any test, which stops it
_HAS_POINT = "() => /at step \\d/.test(document.querySelector('.st-key-live_loss')?.innerHTML ?? '')"


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory, small_data: Path) -> Iterator[Server]:
    """A dashboard with 500 training images and enough slots that runs need not wait for each other."""
    with start_server(tmp_path_factory.mktemp("train") / "home", FMNIST_DATA=str(small_data), FMNIST_SLOTS="8") as running:
        yield running


@pytest.fixture
def servers_home(small_server: Server, small_data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Makes the test use the server's home and data; runs that are still live at its end are stopped."""
    for name, value in (("FMNIST_HOME", str(small_server.home)), ("FMNIST_DATA", str(small_data)), ("FMNIST_SLOTS", "8")):
        monkeypatch.setenv(name, value)
    yield small_server.home
    for run in list_runs():
        if run.is_live:
            stop(run.id, by=LOCAL)


def open_run(page: Page, server: Server, run_id: str, choices: str = "") -> None:
    open_page(page, server, f"/training?run={run_id}{choices}")


def start_long_run(page: Page, server: Server) -> str:
    """Starts a run, opens its page and waits for the first point of the chart."""
    run_id = start_run(LONG, "Long run", by=LOCAL)
    open_run(page, server, run_id)
    page.wait_for_function(_HAS_POINT)
    return run_id


def wait_for_another_process(run_id: str, pid: int) -> None:
    """Waits until another process than that one trains the run."""
    deadline = time.monotonic() + 60
    while (status := json.loads((run_folder(run_id) / "status.json").read_text()))["pid"] == pid or status["state"] != "training":
        assert time.monotonic() < deadline, status
        time.sleep(0.02)


def write_ended_run(steps: int = 40) -> str:
    """A finished run of two epochs whose probes were classified wrongly up to step 20."""
    reports = [step_done(step, [2.3 / step], step / 10, right=step > 20) for step in range(1, steps + 1)]
    probes = tuple(range(20))
    events: list[Event] = [started(20, probes=probes), *reports[:20], epoch_done(1, 20, 2.5), *reports[20:], epoch_done(2, 40, 5.0)]
    return write_run(events, "finished", name="Ended", epoch=2, test_accuracy=0.8, has_weights=True).id


def button(page: Page, name: str) -> Locator:
    """A button of the page itself: while a page takes long to run, Streamlit's header has a Stop of its own."""
    return page.get_by_test_id("stMain").get_by_role("button", name=name, exact=True)


def press(page: Page, name: str) -> None:
    button(page, name).click()


def open_view(page: Page) -> None:
    """Opens the choices of axes, smoothing and runs to compare with."""
    button(page, "View").click()


def drawn_step(page: Page) -> int:
    """The latest step in the live chart's description; 0 before there is one."""
    chart = page.locator(".st-key-live_loss").inner_html()
    found = re.search(r"at step ([\d,]+)\.", chart)
    return int(found[1].replace(",", "")) if found else 0


def wait_for_step_after(page: Page, step: int) -> None:
    page.wait_for_function(
        """before => { const found = /at step ([\\d,]+)\\./.exec(document.querySelector('.st-key-live_loss')?.innerHTML ?? '');
        return found && Number(found[1].replaceAll(',', '')) > before }""",
        arg=step,
    )


def paused_step(page: Page) -> int:
    """The step at which, according to the page, the run is paused."""
    progress = page.get_by_test_id("stProgress")
    expect(progress).to_contain_text(re.compile(r"Paused after step [\d,]+ of"))
    found = re.search(r"Paused after step ([\d,]+) of", progress.inner_text())
    assert found
    return int(found[1].replace(",", ""))


def probe(page: Page, number: int) -> Locator:
    return page.locator(".st-key-probes button").nth(number)


# From the button to the result, on the real data


def test_two_epochs_on_the_real_data(server: Server, page: Page, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_HOME", str(server.home))
    open_page(page, server, "/training")
    page.get_by_label("Epochs", exact=True).fill("2")
    page.get_by_label("Epochs", exact=True).press("Tab")
    press(page, "Train")
    expect(button(page, "Stop")).to_be_visible()
    page.wait_for_url("**/training?*run=*")
    run_id = page.url.split("run=")[1].split("&")[0]
    chart = page.locator(".st-key-live_loss")
    expect(chart.locator("canvas, svg").first).to_be_visible()
    page.wait_for_function(_HAS_POINT)
    chart.evaluate("node => { node.dataset.seen = 'yes' }")
    wait_for_step_after(page, drawn_step(page))
    assert chart.get_attribute("data-seen") == "yes"  # the same node: nothing was replaced, so nothing flickered

    page.reload()  # in the middle
    wait_until_drawn(page)
    assert run_id in page.url
    expect(button(page, "Stop").or_(page.get_by_text("Finished 2 epochs in"))).to_be_visible()

    expect(page.get_by_text("Finished 2 epochs in")).to_be_visible(timeout=180_000)
    run = load_run(run_id)
    assert run.state == "finished"
    assert run.test_accuracy is not None
    assert run.test_accuracy > 0.8
    expect(page.get_by_text(f"It classifies {100 * run.test_accuracy:.2f} % of the test images correctly.")).to_be_visible()

    page.get_by_role("link", name="See its mistakes").click()
    expect(page.get_by_role("heading", name="Evaluate", level=1)).to_be_visible()
    expect(page.get_by_text(f"{100 * run.test_accuracy:.2f} %", exact=True)).to_be_visible()


# While it trains


@pytest.mark.usefixtures("servers_home")
def test_points_kernels_and_bars_are_updated_in_place(small_server: Server, page: Page) -> None:
    start_long_run(page, small_server)
    kernels, bars = page.locator(".st-key-live_kernels img"), page.locator(".st-key-probes .fill")
    expect(bars).to_have_count(20)
    picture, widths = kernels.get_attribute("src"), bars.evaluate_all("bars => bars.map(bar => bar.style.width)")
    nodes = (page.locator(".st-key-live_loss"), kernels, bars.first)
    for node in nodes:
        node.evaluate("node => { node.dataset.seen = 'yes' }")
    wait_for_step_after(page, drawn_step(page))
    expect(kernels).not_to_have_attribute("src", picture or "")
    expect(kernels).to_have_attribute("alt", re.compile("The 16 kernels of the first layer"))
    page.wait_for_function(
        """before => JSON.stringify([...document.querySelector('.st-key-probes').querySelectorAll('*')]
            .flatMap(node => [...(node.shadowRoot?.querySelectorAll('.fill') ?? [])]).map(bar => bar.style.width)) !== before""",
        arg=json.dumps(widths).replace(", ", ","),
    )
    assert [node.get_attribute("data-seen") for node in nodes] == ["yes"] * 3


@pytest.mark.usefixtures("servers_home")
def test_pausing_stops_the_steps_and_one_step_adds_one(small_server: Server, page: Page) -> None:
    run_id = start_long_run(page, small_server)
    press(page, "Pause")
    expect(page.get_by_text("Nothing is lost: look around")).to_be_visible()
    before = paused_step(page)
    assert load_run(run_id).state == "paused"
    wait_for_answer(run_id, pause(run_id, by=LOCAL))  # the trainer carries out another command meanwhile, but takes no step
    assert steps_of(load_run(run_id))[-1] == paused_step(page) == before
    press(page, "One step")
    expect(page.get_by_test_id("stProgress")).to_contain_text(f"Paused after step {before + 1:,} of")
    press(page, "One step")
    expect(page.get_by_test_id("stProgress")).to_contain_text(f"Paused after step {before + 2:,} of")
    press(page, "One epoch")
    steps_per_epoch = 125  # 500 training images
    end = ((before + 2) // steps_per_epoch + 1) * steps_per_epoch
    expect(page.get_by_test_id("stProgress")).to_contain_text(f"Paused after step {end:,} of")
    press(page, "Resume")
    page.wait_for_function(_HAS_POINT)
    wait_for_step_after(page, end)


@pytest.mark.usefixtures("servers_home")
def test_a_changed_learning_rate_is_marked_on_the_chart(small_server: Server, page: Page) -> None:
    run_id = start_long_run(page, small_server)
    rate = page.get_by_role("textbox", name="New learning rate")
    rate.fill("1000")
    rate.press("Enter")
    expect(page.get_by_text("The learning rate 1000 is far too high")).to_be_visible()
    rate.fill("0,0005")
    press(page, "Change")
    page.wait_for_function("() => /was changed to 0.0005 after step/.test(document.querySelector('.st-key-live_loss').innerHTML)")
    expect(page.get_by_text("The learning rate 1000 is far too high")).not_to_be_visible()
    assert load_run(run_id).state == "training"


@pytest.mark.usefixtures("servers_home")
def test_the_axis_and_the_logarithm_change_while_it_trains(small_server: Server, page: Page) -> None:
    start_long_run(page, small_server)
    open_view(page)
    page.get_by_role("radio", name="seconds").click()
    page.wait_for_url("**axis=seconds*")
    page.get_by_text("Logarithmic loss").click()
    page.wait_for_url("**log=yes*")
    wait_for_step_after(page, drawn_step(page))
    page.get_by_role("radio", name="step", exact=True).click()
    page.wait_for_url(lambda url: "axis=" not in url)


@pytest.mark.usefixtures("servers_home")
def test_other_pages_respond_during_training_and_another_visitor_can_stop_it(
    small_server: Server, page: Page, new_page: Callable[..., Page]
) -> None:
    run_id = start_long_run(page, small_server)
    page.get_by_role("link", name="Browse").first.click()
    expect(page.get_by_role("heading", name="Browse", level=1)).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Mean image of Bag"))).to_be_visible()
    assert load_run(run_id).state == "training"
    page.close()

    second = new_page()
    open_page(second, small_server, "/training")  # no id in this URL: the run is one line below the settings
    second.get_by_role("link", name="“Long run”").click()
    press(second, "Stop")  # without a PIN
    expect(second.get_by_text("its weights are kept")).to_be_visible()
    run = load_run(run_id)
    assert run.state == "stopped"
    assert run.has_weights
    second.wait_for_url(f"**run={run_id}*", timeout=5_000)


@pytest.mark.usefixtures("servers_home")
def test_a_killed_run_continues_by_itself_and_a_stopped_one_by_a_button(small_server: Server, page: Page) -> None:
    run_id = start_run(TrainConfig(epochs=100, batch_size=10), "Killed", by=LOCAL)  # 12 epochs can end before the page is open
    open_run(page, small_server, run_id)
    page.wait_for_function(_HAS_POINT)
    status = json.loads((run_folder(run_id) / "status.json").read_text())
    os.kill(status["pid"], signal.SIGKILL)
    wait_for_another_process(run_id, status["pid"])
    press(page, "Stop")
    expect(page.get_by_text("its weights are kept")).to_be_visible()
    press(page, "Continue")
    expect(page.get_by_text("Finished 100 epochs in")).to_be_visible(timeout=120_000)
    assert load_run(run_id).state == "finished"
    page.get_by_role("spinbutton", name="More epochs").fill("2")
    page.get_by_role("spinbutton", name="More epochs").press("Enter")
    press(page, "Train 2 more epochs")
    expect(page.get_by_text("Finished 102 epochs in")).to_be_visible(timeout=90_000)


# Ended


@pytest.mark.usefixtures("servers_home")
def test_a_probe_is_pinned_by_keyboard(small_server: Server, page: Page) -> None:
    run_id = write_ended_run()
    open_run(page, small_server, run_id)
    expect(probe(page, 0)).to_be_visible()
    probe(page, 0).focus()
    page.keyboard.press("ArrowRight")  # each column holds two probes of the same class
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**pin=3*")
    expect(page.get_by_text("When did it learn this?")).to_be_visible()
    expect(page.get_by_text(re.compile("test image 3: "))).to_be_visible()
    expect(probe(page, 3)).to_have_attribute("aria-pressed", "true")
    page.reload()
    wait_until_drawn(page)
    expect(probe(page, 3)).to_have_attribute("aria-pressed", "true")
    probe(page, 3).click()
    page.wait_for_url(lambda url: "pin=" not in url)
    expect(page.get_by_text("When did it learn this?")).not_to_be_visible()


@pytest.mark.usefixtures("servers_home")
def test_another_run_is_overlaid(small_server: Server, page: Page) -> None:
    open_run(page, small_server, write_ended_run())
    open_view(page)
    compare = page.get_by_role("combobox", name="Compare with other runs")
    compare.click()
    compare.fill("Starter")  # the last in a list that only renders visible options
    page.get_by_role("option", name="Starter model").click()
    page.wait_for_url("**compare=starter*")
    page.wait_for_function("() => /Compared with Starter model/.test(document.querySelector('.st-key-live_loss').innerHTML)")


@pytest.mark.usefixtures("servers_home")
def test_numbers_and_charts_are_downloaded(small_server: Server, page: Page, tmp_path: Path) -> None:
    run_id = write_ended_run()
    open_run(page, small_server, run_id)
    files = {}
    for label in ("Every step (CSV)", "Every epoch (CSV)", "Charts (HTML)"):
        with page.expect_download() as download:
            page.get_by_role("button", name=label).press("Enter")
        files[label] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[label])
    assert sorted(file.name for file in files.values()) == [f"{run_id}-charts.html", f"{run_id}-epochs.csv", f"{run_id}-steps.csv"]
    steps = files["Every step (CSV)"].read_text().splitlines()
    assert steps[:2] == ["step,epoch,seconds,loss,learning_rate", "1,1,0.1,2.3,0.001"]
    assert len(steps) == 41
    assert len(files["Every epoch (CSV)"].read_text().splitlines()) == 3

    offline = page.context.new_page()
    offline.route("**/*", lambda route: route.continue_() if route.request.url.startswith("file:") else route.abort())
    offline.goto(files["Charts (HTML)"].as_uri())
    expect(offline.locator(".js-plotly-plot")).to_have_count(2)
    expect(offline.locator(".js-plotly-plot .main-svg").first).to_be_visible()


@pytest.mark.usefixtures("servers_home")
def test_viewers_are_people_and_forgotten_when_they_close_their_tabs(
    small_server: Server, page: Page, new_page: Callable[..., Page]
) -> None:
    run_id = start_long_run(page, small_server)
    other = new_page()
    open_run(other, small_server, run_id)
    expect(page.get_by_text("2 people are watching a run")).to_be_visible()
    other.reload()
    wait_until_drawn(other)
    tab = other.context.new_page()
    open_run(tab, small_server, run_id)
    expect(tab.get_by_text("2 people are watching a run")).to_be_visible()
    expect(page.get_by_text("2 people are watching a run")).to_be_visible()
    other.close()
    tab.close()
    expect(page.get_by_text("watching a run")).to_have_count(0)


@pytest.mark.usefixtures("servers_home")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("state", ["live", "ended"])
def test_a_run_is_accessible(small_server: Server, new_page: Callable[..., Page], scheme: str, state: str) -> None:
    page = new_page(color_scheme=scheme, viewport={"width": 390, "height": 844})
    run_id = start_run(LONG, "Long run", by=LOCAL) if state == "live" else write_ended_run()
    open_run(page, small_server, run_id, "&pin=3&compare=starter")
    expect(page.get_by_text("When did it learn this?")).to_be_visible()
    wait_until_still(page)
    check(page)
    assert page.evaluate("() => document.querySelector('[data-testid=\"stMain\"]').scrollWidth") == 390
