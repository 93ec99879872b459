"""Fixtures for browser tests: a dashboard with the real data, and Chromium."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, Playwright, expect, sync_playwright

from fmnist_core.classroom.people import Person, person_id
from pages.parts.shared.visitor_cookie import COOKIE
from tests.shirt import Points, photograph_shirt

ROOT = Path(__file__).parent.parent.parent
# A skeleton stands for an element whose code has not arrived; when it does, what is below may move.
_IS_DRAWN = """() => document.querySelector('[data-testid="stApp"][data-test-script-state="notRunning"] h1') &&
  !document.querySelector('[data-testid="stSkeleton"]')"""
# The progress bar of a live run is almost always moving, because each update slides it for half a second.
_NOTHING_MOVES = """() => {
  const moves = ({ playState, effect }) => playState === 'running' && effect.getComputedTiming().iterations !== Infinity &&
    !effect.target?.closest('[data-testid="stProgress"]');
  return !document.querySelector('[data-stale="true"]') &&
    [...document.querySelectorAll('.stPlotlyChart')].every((chart) => chart.querySelector('.main-svg')) &&
    document.fonts.status === 'loaded' &&
    !document.getAnimations().some(moves);
}"""
_IS_STILL = f"() => ({_IS_DRAWN})() && ({_NOTHING_MOVES})()"
_PATIENCE_MS = 30_000  # a test machine may be busy

expect.set_options(timeout=_PATIENCE_MS)


@dataclass(frozen=True)
class Server:
    """A running dashboard: its address and its FMNIST_HOME."""

    url: str
    home: Path


@contextmanager
def start_server(home: Path, **environment: str) -> Iterator[Server]:
    """Runs `streamlit run dashboard.py` as the README does, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = home.with_suffix(".log")
    command = [sys.executable, "-m", "streamlit", "run", "dashboard.py", "--server.headless=true", f"--server.port={port}"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=os.environ | {"FMNIST_HOME": str(home)} | environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        url = f"http://localhost:{port}"
        _wait_until_healthy(url, process, log)
        yield Server(url, home)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_healthy(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/_stcore/health") as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The dashboard did not start:\n{log.read_text()}")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("browser") / "home") as running:
        yield running


@contextmanager
def launch_browser(playwright: Playwright, *arguments: str) -> Iterator[Browser]:
    """Chromium, until the block ends; without one the test is skipped, or fails on CI."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None and not Path(playwright.chromium.executable_path).exists():
        missing = "No browser was found: run `apt-get install chromium` or `playwright install chromium`, or set CHROMIUM to its path."
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    usual = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    launched = playwright.chromium.launch(executable_path=chromium, args=[*usual, *arguments])
    yield launched
    launched.close()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with launch_browser(playwright) as launched:
        yield launched


@pytest.fixture(scope="session")
def shirt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photograph of a T-shirt."""
    return photograph_shirt(tmp_path_factory.mktemp("pictures") / "shirt.jpg")


@contextmanager
def opening_pages(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages in a browser; an error on a page, a violation of its content policy, or a request to another machine is a failure."""
    contexts, problems = [], []

    def watch_request(url: str) -> None:
        if not url.startswith(("http://localhost:", "ws://localhost:", "data:", "blob:")):
            problems.append(f"a request to {url}")

    def watch_console(text: str) -> None:
        if "Content Security Policy" in text:
            problems.append(text)

    def open_new(**options: object) -> Page:
        context = browser.new_context(**({"viewport": {"width": 1280, "height": 800}} | options))  # type: ignore[arg-type]
        context.set_default_timeout(_PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(f"an error on the page: {error}"))
        page.on("console", lambda message: watch_console(message.text))
        page.on("request", lambda request: watch_request(request.url))
        return page

    yield open_new
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """See `opening_pages`."""
    with opening_pages(browser) as open_new:
        yield open_new


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


def open_page(page: Page, server: Server, path: str) -> None:
    """Opens a path and waits until Streamlit has drawn the page."""
    page.goto(server.url + path)
    wait_until_drawn(page)


def visitor_of(page: Page) -> Person:
    """The person whose browser this is; a page must have been opened."""
    cookies = [str(cookie.get("value")) for cookie in page.context.cookies() if cookie.get("name") == COOKIE]
    return Person(person_id(cookies[0]))


def wait_until_drawn(page: Page) -> None:
    page.wait_for_function(_IS_DRAWN)


def wait_until_still(page: Page) -> None:
    """Waits until every chart is drawn, which takes longer than the script, and all fonts have arrived and all animations ended."""
    page.wait_for_function(_IS_STILL, polling=50)  # not at every frame: a busy machine may draw none


def unfold(page: Page, words: str) -> None:
    """Opens what is folded under exactly these words and waits until it has grown: until then, the next click would scroll it."""
    page.get_by_text(words, exact=True).click()
    wait_until_still(page)


def draw_stroke(page: Page, canvas: Locator, points: Points) -> None:
    """Draws a stroke through points of a canvas."""
    first, *others = points_on(canvas, points)
    page.mouse.move(*first)
    page.mouse.down()
    for position in others:
        page.mouse.move(*position, steps=4)
    page.mouse.up()


def points_on(canvas: Locator, points: Points) -> list[tuple[float, float]]:
    """Where points of a canvas are in the window, in pixels, once its page is still."""
    box = place_of(canvas)
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]


def place_of(locator: Locator) -> FloatRect:
    """Where an element stands in the window, in pixels, once its page is still."""
    wait_until_still(locator.page)
    box = locator.bounding_box()
    assert box is not None
    return box
