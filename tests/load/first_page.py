"""Part `start`: from the start of a server's process to its first complete page."""

import time

from tests.load.browser import Browser
from tests.load.dashboard import started
from tests.load.figures import Outcome, Row, Tally, median
from tests.load.options import Options

_STARTS = 5


async def run(options: Options) -> Outcome:
    """One fresh server after the other."""
    tally = Tally()
    took_s, answered_s = [], []
    for _ in range(1 if options.small else _STARTS):
        began_s = time.perf_counter()
        with started() as dashboard:
            answered_s.append(time.perf_counter() - began_s)
            browser = Browser(dashboard.port, tally, "Home")
            await browser.open("")
            took_s.append(time.perf_counter() - began_s)
            await browser.close()
    raw = [
        "until it answers, and until the page is complete: "
        + ", ".join(f"{one:.2f} and {other:.2f} s" for one, other in zip(answered_s, took_s, strict=True))
    ]
    row = Row(
        "first page of a fresh server, from the process's start", "2 s, better 1 s", f"{median(took_s):.2f} s, worst {max(took_s):.2f} s"
    )
    return Outcome([row], raw, tally.problems)
