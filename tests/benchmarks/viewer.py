"""Simulated viewers of the Train page, without browsers."""

import asyncio
import threading

from tests.load.browser import Browser
from tests.load.figures import Tally

_CHECK_EVERY_S = 0.2


def watch_training(port: int, run_id: str, viewers: int, stop: threading.Event) -> Tally:
    """Starts this many viewers, who watch the run until `stop` is set; returns at once, and the tally keeps growing."""
    tally = Tally()

    async def watch() -> None:
        browsers = [Browser(port, tally, "Train") for _ in range(viewers)]
        await asyncio.gather(*(browser.open("training", f"run={run_id}") for browser in browsers))
        while not stop.is_set():
            await asyncio.sleep(_CHECK_EVERY_S)
        await asyncio.gather(*(browser.close() for browser in browsers))

    threading.Thread(target=lambda: asyncio.run(watch()), daemon=True).start()
    return tally
