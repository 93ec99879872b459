"""What a visitor sees without scrolling, and what moves: `python -m tests.benchmarks.reach` prints the table of the README.

It opens the pages in Chromium at the size of a phone, a laptop and a projector, on a server whose home holds the starter model and what
the measurement trains. Layout shifts are all that Chromium reports, also those right after a click, which its CLS leaves out.
"""

import argparse
import re
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.benchmarks.training import print_machine
from tests.browser.conftest import Server, draw_stroke, launch_browser, open_page, start_server, wait_until_still
from tests.browser.measures import layout_shifts, share_on_screen, smallest_texts
from tests.browser.views import VIEWS, projected
from tests.shirt import SHIRT, photograph_shirt

SIZES = {"390×844": (390, 844), "1280×800": (1280, 800), "1920×1080": (1920, 1080)}
WIDE_PX = 1024  # from this width the answer is beside its input, else in a strip below it
TYPE_PX, AXES_PX = 20, 18
_PARTS = ("waiting", "screens", "projector", "axe")
_LIVE_S, _WARMING_MS = 20, 10_000
_SETTLED_MS = 1000  # until then, the explanation may draw the answer once more
_LONG = "/training?preset=article&changes=epochs%3D200"
_SAYS = re.compile("^The network says: ")


@dataclass
class Table:
    """Rows of figures, a column for each size of the window."""

    rows: dict[str, dict[str, str]] = field(default_factory=dict)

    def put(self, row: str, size: str, figure: str) -> None:
        """Adds a figure, and prints it at once."""
        self.rows.setdefault(row, {})[size] = figure
        print(f"{size}: {row}: {figure}", flush=True)

    def show(self) -> None:
        """Prints all as Markdown."""
        print(f"\n| | {' | '.join(SIZES)} |\n| --- |{' --- |' * len(SIZES)}")
        for row, figures in self.rows.items():
            print(f"| {row} | {' | '.join(figures.get(size, '') for size in SIZES)} |")


def main() -> None:
    """Measures and prints all figures."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.reach", description=__doc__)
    parser.add_argument("--part", nargs="+", choices=_PARTS, default=_PARTS)
    parts = parser.parse_args().part
    print_machine()
    table = Table()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, launch_browser(playwright) as browser:
        picture = photograph_shirt(Path(folder) / "shirt.jpg")
        with start_server(Path(folder) / "home") as server:
            with opened(browser, (1280, 800)) as page:  # warm, as after the first visitor
                for path in ("/prediction?run=starter", "/evaluation"):
                    open_page(page, server, path)
                    wait_until_still(page)
            measures: list[Callable[[Page, Server, Table, str, Path], None]] = []
            if "waiting" in parts:
                measures += [measure_waiting]
            if "screens" in parts:
                measures += [measure_pages, measure_drawing, measure_painting, measure_training]
            for size, window in SIZES.items():
                for measure in measures:
                    with opened(browser, window) as page:
                        measure(page, server, table, size, picture)
            if "projector" in parts:
                measure_projector(browser, server, table)
            if "axe" in parts:
                measure_accessibility(browser, server, table)
    table.show()


@contextmanager
def opened(browser: Browser, size: tuple[int, int], **options: object) -> Iterator[Page]:
    """A page of a new visitor in a window of this size; a narrow one is touched."""
    is_phone = size[0] < WIDE_PX
    window = {"viewport": {"width": size[0], "height": size[1]}, "has_touch": is_phone, "is_mobile": is_phone}
    context = browser.new_context(**(window | options))  # type: ignore[arg-type]
    context.set_default_timeout(60_000)
    yield context.new_page()
    context.close()


def measure_waiting(page: Page, server: Server, table: Table, size: str, _picture: Path) -> None:
    """From opening a page to my own drawing answered, to a moving loss, and to the first mistake explained, each with one action.

    Each is done twice by a new visitor: in a browser that has never opened the dashboard, and again in another tab.
    """
    browser = page.context.browser
    assert browser is not None
    page.goto(f"{server.url}/training")  # the server then keeps a process ready to train, as with a class
    page.wait_for_timeout(_WARMING_MS)
    for row, act in (
        ("from opening Predict to my drawing answered, with one stroke", draw_at_once),
        ("from opening Train to a moving loss, with one click", train_at_once),
        ("from opening Evaluate to the first mistake explained, with one click", explain_at_once),
    ):
        with opened(browser, SIZES[size]) as tab:
            waits_s = [act(tab, server)]
            waits_s.append(act(tab.context.new_page(), server))  # opened only now: a tab in the background is slow
        table.put(row, size, "; ".join(f"{wait_s:.1f} s" for wait_s in waits_s))


def draw_at_once(page: Page, server: Server) -> float:
    """Seconds from opening Predict to the answer to a drawing."""
    begun = time.monotonic()
    page.goto(f"{server.url}/prediction?source=Drawing")
    draw_stroke(page, page.locator("canvas").first, SHIRT)
    expect(page.get_by_role("heading", name=_SAYS)).to_be_attached()
    return time.monotonic() - begun


def train_at_once(page: Page, server: Server) -> float:
    """Seconds from opening Train to the first step on the page."""
    begun = time.monotonic()
    page.goto(f"{server.url}{_LONG}")
    start(page)
    waited_s = time.monotonic() - begun
    stop(page)
    page.wait_for_timeout(_WARMING_MS)
    return waited_s


def explain_at_once(page: Page, server: Server) -> float:
    """Seconds from opening Evaluate to the worst mistake explained."""
    begun = time.monotonic()
    page.goto(f"{server.url}/evaluation")
    page.locator(".st-key-worst button").first.click()
    expect(page.locator(".st-key-large_item_answer").get_by_role("heading").first).to_be_visible()
    return time.monotonic() - begun


def measure_pages(page: Page, server: Server, table: Table, size: str, _picture: Path) -> None:
    """How much of the matrix and of the kernels is on the first screen; what moves when an image of the wall is clicked."""
    open_page(page, server, "/evaluation?run=starter")
    wait_until_still(page)
    table.put("confusion matrix on the first screen", size, f"{share_on_screen(page.locator('.st-key-matrix table')):.0%}")
    page.locator(".st-key-worst button").first.click()
    wall = page.locator(".st-key-cell_wall button")
    expect(wall.nth(2)).to_be_visible()
    wait_until_still(page)
    with layout_shifts(page) as shifts:
        wall.nth(2).click()
        expect(wall.nth(2)).to_have_attribute("aria-pressed", "true")
        wait_until_still(page)
    table.put("layout shift: a click on an image of the wall", size, f"{shifts.total:.3f}")
    for part, row in (("First+layer", "kernels of the first layer"), ("Second+layer", "kernels of the second layer")):
        open_page(page, server, f"/kernels?run=starter&part={part}")
        wait_until_still(page)
        table.put(f"{row} on the first screen", size, f"{share_on_screen(page.locator('.st-key-kernels [role=group]')):.0%}")


def measure_drawing(page: Page, server: Server, table: Table, size: str, _picture: Path) -> None:
    """How much of the answer is on the first screen after a stroke, and what moves in ten."""
    open_page(page, server, "/prediction?run=starter&source=Drawing")
    wait_until_still(page)
    canvas = page.locator("canvas").first
    with layout_shifts(page) as shifts:
        draw_stroke(page, canvas, SHIRT)
        expect(page.get_by_role("heading", name=_SAYS)).to_be_attached()
        page.wait_for_timeout(_SETTLED_MS)
        table.put("answer to a drawing on the first screen", size, f"{share_of_answer(page, size):.0%}")
        for number in range(9):
            draw_stroke(page, canvas, [(0.1 + 0.08 * number, 0.1), (0.9 - 0.08 * number, 0.9)])
            page.wait_for_timeout(300)
        wait_until_still(page)
    table.put("layout shift: ten strokes", size, f"{shifts.total:.3f}")


def measure_painting(page: Page, server: Server, table: Table, size: str, picture: Path) -> None:
    """What moves while the garment is painted away and comes back, with the warning that this brings."""
    open_page(page, server, "/prediction?run=starter&source=Upload")
    page.locator('input[type="file"]').set_input_files(picture)
    expect(page.get_by_role("heading", name=_SAYS)).to_be_attached()
    tools = page.get_by_text("Correct it by hand")
    if tools.count():
        tools.first.click()
    canvas = page.get_by_role("application", name="Picture to paint on")
    expect(canvas).to_be_visible()
    canvas.scroll_into_view_if_needed()
    wait_until_still(page)
    table.put("answer to a picture on the screen while it is painted on", size, f"{share_of_answer(page, size):.0%}")
    with layout_shifts(page) as shifts:
        for row in (0.25, 0.4, 0.55, 0.7):
            draw_stroke(page, canvas, [(0.1, row), (0.9, row)])
            page.wait_for_timeout(400)
        page.get_by_role("button", name="Clear", exact=True).first.click()
        wait_until_still(page)
    table.put("layout shift: painting, with the warning coming and going", size, f"{shifts.total:.3f}")


def measure_training(page: Page, server: Server, table: Table, size: str, _picture: Path) -> None:
    """How much of the loss chart is on the first screen when Train is pressed; what moves from the start to the end; how soon it stops."""
    open_page(page, server, _LONG)
    wait_until_still(page)

    def shift(what: str, act: Callable[[], None]) -> None:
        with layout_shifts(page) as shifts:
            act()
        table.put(f"layout shift: {what}", size, f"{shifts.total:.3f}")

    shift("start", lambda: start(page))
    wait_until_still(page)
    table.put("loss chart on the first screen", size, f"{share_on_screen(page.locator('.st-key-live_loss')):.0%}")
    inside = min(share_on_screen(page.locator(key)) for key in (".st-key-live_accuracy", ".st-key-run_inside"))
    table.put("accuracy, kernels and twenty images on the same screen", size, f"{inside:.0%}" if size != "390×844" else "below")
    shift(f"{_LIVE_S} s live", lambda: page.wait_for_timeout(1000 * _LIVE_S))
    shift("pause", lambda: press(page, "Pause", "Paused"))
    shift("resume", lambda: press(page, "Resume", "Training"))

    def end() -> None:
        begun = time.monotonic()
        stop(page)
        table.put("Stop → “Stopped” on the page", size, f"{time.monotonic() - begun:.1f} s")
        expect(page.get_by_role("button", name="Continue", exact=True)).to_be_visible()
        wait_until_still(page)

    shift("stop", end)


def measure_projector(browser: Browser, server: Server, table: Table) -> None:
    """Texts that are too small in projector mode, on all pages."""
    small = []
    for view in VIEWS:
        with opened(browser, (1920, 1080)) as page:
            open_page(page, server, projected(view))
            wait_until_still(page)
            small += smallest_texts(page, TYPE_PX, AXES_PX)
    table.put(f"projector mode: texts below {TYPE_PX} px, of axes below {AXES_PX} px", "1920×1080", str(len(small)))
    for each in small:
        print(f"too small: {each}")


def measure_accessibility(browser: Browser, server: Server, table: Table) -> None:
    """What axe finds serious or critical, on all pages in both themes."""
    for size in SIZES:
        found = 0
        for view in VIEWS:
            for scheme in ("light", "dark"):
                with opened(browser, SIZES[size], color_scheme=scheme) as page:
                    open_page(page, server, view)
                    wait_until_still(page)
                    violations = Axe().run(page).response["violations"]
                    found += sum(violation["impact"] in ("serious", "critical") for violation in violations)
        table.put(f"axe: serious or critical, {len(VIEWS)} views, light and dark", size, str(found))


def share_of_answer(page: Page, size: str) -> float:
    """How much of the answer is on the screen: head and bars, or the strip of a narrow window."""
    if SIZES[size][0] < WIDE_PX:
        return share_on_screen(page.locator(".answer-strip"))
    return min(share_on_screen(page.locator(part).first) for part in (".st-key-answer_head", "figure.answer-bars"))


def start(page: Page) -> None:
    """Starts a run, and waits for its first step."""
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page.locator(".st-key-run_figures")).to_contain_text(re.compile(r"Step [1-9]"))


def press(page: Page, button: str, state: str) -> None:
    """Presses a button of the run, and waits until the page says what has become of it."""
    page.get_by_role("button", name=button, exact=True).click()
    expect(page.locator(".st-key-run_heading")).to_contain_text(state)


def stop(page: Page) -> None:
    """Stops the run."""
    press(page, "Stop", "Stopped")


if __name__ == "__main__":
    main()
