"""Part `first-looks`: Evaluate and Predict with networks that nobody has looked at, while a class clicks and a run trains."""

import asyncio
import time
from http.cookies import SimpleCookie

from tests.load.browser import Browser, NoAnswer
from tests.load.crowd import crowd
from tests.load.dashboard import Dashboard, fresh_home, started_on
from tests.load.figures import Outcome, Row, Tally, describe_times
from tests.load.in_class import habits
from tests.load.options import Options
from tests.load.prepared_home import small_data, train_copies
from tests.load.trainings import train_on_page

_ANSWER = "The network says"
_PAUSE_S = 1.0
_SETTLE_S = 10.0


async def run(options: Options) -> Outcome:
    """One newcomer after the other, each with another network."""
    tally = Tally()
    answers_s: list[float] = []
    with fresh_home() as home, small_data(home, used=options.small):
        ids = train_copies(4 if options.small else int(options.seconds))
        with started_on(home) as dashboard:
            owner = SimpleCookie()
            run_id = await train_on_page(dashboard, owner, "article", epochs=100)
            async with crowd(dashboard.port, habits(options.sessions, run_id), tally, first=owner):
                await asyncio.sleep(1.0 if options.small else _SETTLE_S)
                tally.clear()
                await _look(dashboard, ids, options.seconds, tally, answers_s)
    return _tell(options, tally, answers_s)


async def _look(dashboard: Dashboard, ids: list[str], seconds: float, tally: Tally, answers_s: list[float]) -> None:
    ends_s = time.monotonic() + seconds
    for number, run_id in enumerate(ids):
        if time.monotonic() > ends_s and number > 1:
            break
        is_prediction = number % 2 == 1
        browser = Browser(dashboard.port, tally, "Predict, first look" if is_prediction else "Evaluate, first look")
        browser.seen_s[_ANSWER] = None
        try:
            await browser.open("prediction" if is_prediction else "evaluation", f"run={run_id}")
        except NoAnswer as problem:
            tally.problems[f"{browser.name}: {problem}"] += 1
        answer_s = browser.seen_s[_ANSWER]
        if is_prediction and answer_s is not None:
            answers_s.append(answer_s)
        await browser.close()
        await asyncio.sleep(_PAUSE_S)


def _tell(options: Options, tally: Tally, answers_s: list[float]) -> Outcome:
    looks, under = tally.opened_s, f"under {options.sessions} sessions and a run"
    rows = [
        Row(f"a new network, {under}: first view of Evaluate", "0.5 s", describe_times(looks["Evaluate, first look"])),
        Row("the same: Predict's answer", "0.5 s", describe_times(answers_s)),
        Row("the same: Predict's complete page", "1.5 s", describe_times(looks["Predict, first look"])),
    ]
    return Outcome(rows, tally.lines(options.seconds), tally.problems)
