"""Part `two-runs`: two runs at once, against one of them while the other is paused, with nobody there."""

import asyncio
from http.cookies import SimpleCookie

from tests.load.browser import Browser, NoAnswer
from tests.load.dashboard import Dashboard, started
from tests.load.figures import Outcome, Row, Tally, median
from tests.load.in_class import BATCH_SIZE
from tests.load.options import Options
from tests.load.trainings import Pace, measure_pace, train_on_page

_WHAT, _REACH = "two runs at once, against one alone", "1.15 ×, better 1.4 ×"
_ROUND_S = 15.0
_SETTLE_S = 5.0  # after which a run has found out how many threads are worth it


async def run(options: Options) -> Outcome:
    """Rounds in turn: one run, which may use the whole machine, and both."""
    rounds = max(1, round(options.seconds / 2 / _ROUND_S))
    seconds = options.seconds / 2 / rounds
    alone: list[Pace] = []
    together: list[Pace] = []
    with started() as dashboard:
        owner, other = SimpleCookie(), SimpleCookie()
        first = await train_on_page(dashboard, owner, "article", epochs=100)
        try:
            ids = [first, await train_on_page(dashboard, other, "article", epochs=100)]
        except NoAnswer as problem:
            return Outcome([Row(_WHAT, _REACH, f"not at once ({problem})")])
        for _ in range(rounds):
            await _press(dashboard, other, ids[1], "Pause")
            await asyncio.sleep(_SETTLE_S)
            alone.append(await measure_pace(dashboard, ids[:1], BATCH_SIZE, seconds))
            await _press(dashboard, other, ids[1], "Resume")
            await asyncio.sleep(_SETTLE_S)
            together.append(await measure_pace(dashboard, ids, BATCH_SIZE, seconds))
    return _tell(alone, together)


async def _press(dashboard: Dashboard, owner: SimpleCookie, run_id: str, label: str) -> None:
    """The run's owner comes, presses a button, and leaves once the trainer has obeyed, which the button then shows."""
    browser = Browser(dashboard.port, Tally(), "Train", owner)
    try:
        await browser.open("training", f"run={run_id}")
        button = browser.screen.button(label)
        if button is None:
            raise NoAnswer(f"there is no button {label}")
        await browser.click(button)
    finally:
        await browser.close()


def _tell(alone: list[Pace], together: list[Pace]) -> Outcome:
    ratios = [both.images_per_s / one.images_per_s for one, both in zip(alone, together, strict=True)]
    costs = [both.images_per_processor_s / one.images_per_processor_s for one, both in zip(alone, together, strict=True)]
    listed = zip(("one run", "two runs"), (alone, together), strict=True)
    raw = [f"images per second, {name}: {', '.join(f'{pace.images_per_s:,.0f}' for pace in paces)}" for name, paces in listed]
    raw.append(f"images per processor second, two runs against one: {median(costs):.2f} ×")
    return Outcome([Row(_WHAT, _REACH, f"{median(ratios):.2f} ×")], raw)
