"""What a thousand runs cost: `python -m tests.benchmarks.runs` prints processor time for listing them, and waiting time on the page Runs.

The page is opened in Chromium, on the same machine; its server has been used before, as after the first visitor.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from fmnist_core.runs import record
from fmnist_core.runs.disk import disk_use
from fmnist_core.runs.durations import trained_s
from fmnist_core.runs.listing import RememberedRuns
from fmnist_core.runs.record import list_runs, load_run
from tests.benchmarks.training import print_machine
from tests.browser.conftest import launch_browser, start_server, wait_until_drawn
from tests.written_runs import write_many

_SETTLED_S = 2.5  # until then, what was just written is read again


def main() -> None:
    """Measures and prints all figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.runs", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        os.environ["FMNIST_HOME"] = str(home)
        write_many(options.runs)
        time.sleep(_SETTLED_S)
        measure_core(options.rounds)
        measure_page(home, options.runs, options.rounds)


def measure_core(rounds: int) -> None:
    """Processor time of what the page asks the core."""

    def forget() -> None:
        record._REMEMBERED = RememberedRuns(load_run)
        list_runs()

    print(f"list_runs, from all files: {_processor_ms(forget, rounds):.1f} ms")
    print(f"list_runs, remembered: {_processor_ms(list_runs, rounds):.1f} ms")
    runs = list_runs()
    print(f"how long each has trained, remembered: {_processor_ms(lambda: [trained_s(run) for run in runs], rounds):.1f} ms")
    print(f"what they use of the disk, remembered: {_processor_ms(lambda: disk_use(now=True), rounds):.1f} ms")


def measure_page(home: Path, count: int, rounds: int) -> None:
    """Seconds until the page is drawn, and until a change is."""
    with start_server(home) as server, sync_playwright() as playwright, launch_browser(playwright) as browser:
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.goto(server.url)
        wait_until_drawn(page)
        page.get_by_role("button", name="Skip").click()
        first, search, star = [], [], []
        for _ in range(rounds):
            page.get_by_role("link", name="Browse").click()
            expect(page.get_by_role("heading", level=1)).to_have_text("Browse")
            first.append(_seconds(lambda: _open(page, count)))
            search.append(_seconds(lambda: _search(page, "nr-77-", f"1 run of {count + 1:,}")))
            _seconds(lambda: _search(page, "", f"{count + 1:,} runs of {count + 1:,}"))
            page.get_by_role("combobox", name="Chosen runs").fill("Nr-77-")
            page.keyboard.press("Enter")
            expect(page.get_by_role("button", name="Star", exact=True)).to_be_visible()
            star.append(_seconds(lambda: _star(page)))
            page.get_by_role("button", name="Remove star").click()
            page.get_by_role("button", name="Choose none").click()
            expect(page.get_by_role("button", name="Star", exact=True)).to_be_hidden()
        for what, times in (("first view", first), ("a search", search), ("a star", star)):
            print(f"{what}: median {statistics.median(times):.2f} s, slowest {max(times):.2f} s")


def _open(page: Page, count: int) -> None:
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.get_by_text(f"{count + 1:,} runs of {count + 1:,}")).to_be_visible()
    expect(page.get_by_test_id("stDataFrame")).to_be_visible()


def _search(page: Page, text: str, result: str) -> None:
    page.get_by_role("textbox", name="Search").fill(text)
    page.keyboard.press("Enter")
    expect(page.get_by_text(result)).to_be_visible()


def _star(page: Page) -> None:
    page.get_by_role("button", name="Star", exact=True).click()
    expect(page.get_by_role("button", name="Remove star")).to_be_visible()


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _processor_ms(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        times.append(1_000 * (time.process_time() - start))
    return statistics.median(times)


if __name__ == "__main__":
    main()
