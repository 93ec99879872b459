"""Part `memory`: of the server, with a class, with everybody at another run, and after many sessions have come and gone."""

import asyncio
from dataclasses import replace
from itertools import cycle, islice

from tests.load.browser import NoAnswer
from tests.load.crowd import crowd
from tests.load.dashboard import Dashboard, fresh_home, started_on
from tests.load.figures import Outcome, Row, Tally
from tests.load.options import Options
from tests.load.prepared_home import small_data, train_copies
from tests.load.student import EVALUATING, HABITS, PREDICTING, Habit, Student

_AT_ONCE = 10  # sessions that come and go
_CLICKS = 3
_SETTLE_S = 3.0


async def run(options: Options) -> Outcome:
    """The three situations, one after the other, on one server."""
    tally = Tally()
    come = 20 if options.small else 300
    with fresh_home() as home, small_data(home, used=options.small):
        ids = train_copies(options.sessions)
        with started_on(home) as dashboard:
            fresh_mb = dashboard.memory_mb()
            in_class_mb = await _after(dashboard, list(islice(cycle(HABITS), options.sessions)), tally, options)
            at_runs = [replace(habit, query=f"run={run_id}") for habit in (EVALUATING, PREDICTING) for run_id in ids]
            at_runs_mb = max(
                await _after(dashboard, at_runs[: options.sessions], tally, options),
                await _after(dashboard, at_runs[options.sessions :], tally, options),
            )
            grown = await _come_and_go(dashboard, come, tally)
    people = options.sessions
    rows = [
        Row(f"server's memory with {people} sessions", "1.2 GB, better 0.8 GB", f"{in_class_mb:.0f} MB"),
        Row(f"the same, {people} people at {people} runs", "1.2 GB", f"{at_runs_mb:.0f} MB"),
        Row(f"growth from the {come // 3}th to the {come}th session", "50 MB", f"{grown[-1] - grown[come // 3 // _AT_ONCE - 1]:.0f} MB"),
    ]
    raw = [f"fresh: {fresh_mb:.0f} MB", f"after every {_AT_ONCE} sessions: {', '.join(f'{mb:.0f}' for mb in grown)} MB"]
    return Outcome(rows, raw, tally.problems)


async def _after(dashboard: Dashboard, habits: list[Habit], tally: Tally, options: Options) -> float:
    """The memory while these students are there and have clicked a few times."""
    async with crowd(dashboard.port, habits, tally):
        await asyncio.sleep(options.seconds / 3)
        return dashboard.memory_mb()


async def _come_and_go(dashboard: Dashboard, sessions: int, tally: Tally) -> list[float]:
    """The memory each time that another few sessions have opened a page, clicked and left."""
    grown = []
    habits = cycle(HABITS)
    for number in range(0, sessions, _AT_ONCE):
        await asyncio.gather(*(_visit(dashboard, next(habits), number + one, tally) for one in range(_AT_ONCE)))
        grown.append(dashboard.memory_mb())
    return grown


async def _visit(dashboard: Dashboard, habit: Habit, seed: int, tally: Tally) -> None:
    student = Student(dashboard.port, habit, tally, seed, 0)
    try:
        await student.browser.open(habit.page, habit.query)
        for _ in range(_CLICKS):
            await student.click()
    except NoAnswer as problem:
        tally.problems[f"{habit.name}: {problem}"] += 1
    finally:
        await student.browser.close()
