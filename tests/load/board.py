"""Part `board`: what one class board costs the server, with a class that looks at a page, runs to show and one that trains."""

import asyncio
import time
from http.cookies import SimpleCookie

from tests.load.browser import Browser
from tests.load.dashboard import Dashboard, fresh_home, started_on
from tests.load.figures import Outcome, Row, Tally, describe_times, median
from tests.load.options import Options
from tests.load.prepared_home import small_data, train_copies
from tests.load.trainings import train_on_page

_PAGE = "class"
_ROUND_S = 15.0
_SETTLE_S = 3.0


async def run(options: Options) -> Outcome:
    """Rounds in turn: without the board, and with it, while everybody else only looks at a page."""
    tally = Tally()
    without: list[float] = []
    added: list[float] = []
    rounds = max(1, round(options.seconds / 2 / _ROUND_S))
    with fresh_home() as home, small_data(home, used=options.small):
        train_copies(options.sessions)
        with started_on(home) as dashboard:
            await train_on_page(dashboard, SimpleCookie(), "article", epochs=100)
            everybody = [Browser(dashboard.port, tally, "Browse") for _ in range(options.sessions)]
            for browser in everybody:
                await browser.open("samples")
            for _ in range(rounds):
                without.append(await _share_of_a_core(dashboard, options.seconds / 2 / rounds))
                board = Browser(dashboard.port, tally, "Class")
                await board.open(_PAGE)
                added.append(await _share_of_a_core(dashboard, options.seconds / 2 / rounds) - without[-1])
                await board.close()
            for browser in everybody:
                await browser.close()
    shares = ", ".join(f"{share:.1%}" for share in added)
    raw = [
        f"the server without it: {median(without):.1%} of a core; what the board added: {shares}",
        f"the board's first page: {describe_times(tally.opened_s['Class'])}; its refreshes: {describe_times(tally.poll_s)}",
    ]
    return Outcome([Row("one class board open", "2 % of a core", f"{median(added):.1%} of a core")], raw, tally.problems)


async def _share_of_a_core(dashboard: Dashboard, seconds: float) -> float:
    """The processor time that the server needs, as a share of one core, once it has settled."""
    await asyncio.sleep(_SETTLE_S)
    before_s, began_s = dashboard.processor_s(), time.perf_counter()
    await asyncio.sleep(seconds)
    return (dashboard.processor_s() - before_s) / (time.perf_counter() - began_s)
