"""The frame of Train: what is on the first screen, and that nothing jumps when a run starts, pauses, resumes and ends."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Locator, Page, expect

from fmnist_core.classroom.people import LOCAL
from fmnist_core.jobs.control import start_run, stop
from fmnist_core.runs.record import list_runs
from fmnist_core.settings.config import TrainConfig
from tests.browser.conftest import Server, open_page, start_server, wait_until_still
from tests.browser.measures import layout_shifts, share_on_screen
from tests.browser.views import SIZES

LONG = TrainConfig(epochs=200, batch_size=1)  # far longer than any test, which stops it
FRAME = ("run_heading", "run_line", "run_figures", "live_loss", "live_accuracy", "live_rate", "run_inside", "form_first", "start_line")
MOST_SHIFT = 0.02


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory, small_data: Path) -> Iterator[Server]:
    """A dashboard with 500 training images that trains one run at a time."""
    with start_server(tmp_path_factory.mktemp("frame") / "home", FMNIST_DATA=str(small_data), FMNIST_SLOTS="1") as running:
        yield running


@pytest.fixture(autouse=True)
def servers_home(small_server: Server, small_data: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Makes the test use the server's home and data; runs that are still live at its end are stopped."""
    for name, value in (("FMNIST_HOME", str(small_server.home)), ("FMNIST_DATA", str(small_data)), ("FMNIST_SLOTS", "1")):
        monkeypatch.setenv(name, value)
    yield
    for run in reversed(list_runs()):
        if run.is_live:
            stop(run.id, by=LOCAL)


def open_train(page: Page, server: Server, choices: str = "") -> None:
    """Opens Train with a form that starts a long run."""
    open_page(page, server, f"/training?{urlencode({'changes': 'epochs=200&batch_size=1'})}{choices}")
    wait_until_still(page)


def press(page: Page, name: str) -> None:
    button = page.get_by_test_id("stMain").get_by_role("button", name=name, exact=True)
    if page.evaluate("() => navigator.maxTouchPoints > 0"):
        button.tap()
    else:
        button.click()


def wait_for_state(page: Page, state: str) -> None:
    expect(page.locator(".st-key-run_heading h3")).to_have_text(re.compile(rf" · {state}$"))


def places(page: Page) -> dict[str, tuple[int, ...]]:
    """Where the parts of the frame are on the page, wherever that is scrolled to: x, y, width and height."""
    found: dict[str, list[int]] = page.evaluate(
        """names => { const top = document.querySelector('.st-key-train_frame').getBoundingClientRect().top;
        return Object.fromEntries(names.map(name => { const box = document.querySelector(`.st-key-${name}`).getBoundingClientRect();
          return [name, [box.x, box.y - top, box.width, box.height].map(Math.round)] })) }""",
        list(FRAME),
    )
    return {name: tuple(box) for name, box in found.items()}


def steps_in(page: Page) -> None:
    page.wait_for_function("() => /at step \\d/.test(document.querySelector('.st-key-live_loss')?.innerHTML ?? '')")


def await_refresh(page: Page) -> None:
    """Waits for a refresh of the page from its start to its end; one that has already begun does not count."""
    for state in ("notRunning", "running", "notRunning"):
        page.wait_for_function(f"() => document.querySelector('[data-testid=\"stApp\"]').dataset.testScriptState === '{state}'")


def settled_picture(target: Locator) -> bytes:
    """A picture of the element once it has been the same for 0.3 s: a chart is drawn after its data have come, and a zoom moves."""
    before, now = b"", target.screenshot()
    while now != before:
        target.page.wait_for_timeout(300)
        before, now = now, target.screenshot()
    return now


@pytest.mark.parametrize("size", SIZES)
def test_nothing_jumps_when_a_run_starts_pauses_resumes_and_stops(small_server: Server, new_page: Callable[..., Page], size: str) -> None:
    page = new_page(**SIZES[size])
    open_train(page, small_server)
    before, shifts = places(page), {}
    for name, state in (("Train", "Training"), ("Pause", "Paused"), ("Resume", "Training"), ("Stop", "Stopped")):
        with layout_shifts(page) as watched:
            press(page, name)
            wait_for_state(page, state)
            if state == "Training":
                steps_in(page)
            if name == "Stop":
                expect(page.get_by_role("button", name="Continue")).to_be_visible()
            wait_until_still(page)
        shifts[name] = watched
        assert places(page) == before, f"after {name}"
    assert {name: watched.moved for name, watched in shifts.items() if watched.total >= MOST_SHIFT} == {}


@pytest.mark.parametrize(("size", "projects"), [("laptop", False), ("projector", False), ("projector", True)])
def test_form_charts_kernels_and_the_twenty_images_are_on_one_screen(
    small_server: Server, new_page: Callable[..., Page], size: str, projects: bool
) -> None:
    page = new_page(**SIZES[size])
    open_train(page, small_server, "&projector=yes" if projects else "")
    press(page, "Train")
    steps_in(page)
    expect(page.locator(".st-key-probes button")).to_have_count(20)
    wait_until_still(page)
    parts = ("live_loss", "live_accuracy", "live_kernels", "probes", "train", "start_line", "stop")
    assert {part: share_on_screen(page.locator(f".st-key-{part}")) for part in parts} == dict.fromkeys(parts, 1)


def test_on_a_phone_the_button_is_on_the_first_screen_and_leads_to_the_chart(small_server: Server, new_page: Callable[..., Page]) -> None:
    page = new_page(**SIZES["phone"])
    open_train(page, small_server)
    assert share_on_screen(page.locator(".st-key-train")) == 1
    press(page, "Train")
    wait_for_state(page, "Training")
    steps_in(page)
    chart = page.locator(".st-key-live_loss")
    page.wait_for_function("() => document.querySelector('.st-key-live_loss').getBoundingClientRect().top < 140")
    for part in ("live_loss", "pause", "stop"):
        assert share_on_screen(page.locator(f".st-key-{part}")) == 1, part
    assert page.evaluate("() => document.querySelector('[data-testid=\"stMain\"]').scrollWidth") == 390
    box, heading = chart.bounding_box(), page.locator(".st-key-run_heading").bounding_box()
    assert box is not None
    assert heading is not None
    assert 60 <= heading["y"] < box["y"] < 140, "the heading and the chart are right below the header"


def test_a_linked_run_shows_its_chart_on_the_first_screen_of_a_phone(small_server: Server, new_page: Callable[..., Page]) -> None:
    run_id = start_run(LONG, "Long run", by=LOCAL)
    page = new_page(**SIZES["phone"])
    open_page(page, small_server, "/training")
    open_page(page, small_server, f"/training?run={run_id}")
    steps_in(page)
    wait_until_still(page)
    assert page.evaluate("() => document.querySelector('[data-testid=\"stMain\"]').scrollTop") == 0
    assert share_on_screen(page.locator(".st-key-live_loss")) == 1


def test_a_second_run_is_queued_and_named_beside_the_button(small_server: Server, page: Page) -> None:
    open_train(page, small_server)
    press(page, "Train")
    wait_for_state(page, "Training")
    shown = page.url
    press(page, "Train")
    line = page.locator(".st-key-start_line")
    expect(line).to_contain_text("waits: 1 ahead")
    assert share_on_screen(line) == 1
    assert page.url == shown, "the run that trains stays on show"
    press(page, "Stop")
    expect(line).to_contain_text("Training, watch")
    line.get_by_role("button", name="Show it").click()
    wait_for_state(page, "Training")
    assert page.url != shown


def test_the_chart_keeps_its_zoom_while_the_run_is_paused(small_server: Server, page: Page) -> None:
    open_train(page, small_server)
    press(page, "Train")
    steps_in(page)
    press(page, "Pause")
    wait_for_state(page, "Paused")
    chart = page.locator(".st-key-live_loss")
    await_refresh(page)
    whole = settled_picture(chart)
    chart.hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -600)
    page.keyboard.up("Control")
    page.mouse.move(5, 5)
    zoomed = settled_picture(chart)
    assert zoomed != whole
    await_refresh(page)
    assert settled_picture(chart) == zoomed, "the zoom was lost"


def test_the_code_and_what_colours_it_are_loaded_when_it_is_opened(small_server: Server, page: Page) -> None:
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    open_train(page, small_server)
    assert not [url for url in loaded if "Highlighter" in url]
    page.get_by_text("Show the code", exact=True).click()
    expect(page.get_by_test_id("stCode")).to_contain_text("def train(")
    assert [url for url in loaded if "Highlighter" in url]
    page.get_by_text("Show the code", exact=True).click()
    expect(page.get_by_test_id("stCode")).to_be_hidden()
