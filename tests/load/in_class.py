"""Part `class`: students click every three seconds while one run trains, and its owner watches it."""

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from itertools import cycle, islice

import numpy as np
import psutil

from tests.load.crowd import crowd
from tests.load.dashboard import Dashboard, processor_s, started
from tests.load.figures import Outcome, Row, Tally, describe_times, median
from tests.load.options import Options
from tests.load.student import HABITS, Habit, watching
from tests.load.trainings import Pace, measure_pace, train_on_page

BATCH_SIZE = 100  # of the preset "The article"
_ROUND_S = 20.0
_SETTLE_S = 8.0  # the first answers with a network take longer, and are measured by the part `first-looks`


@dataclass
class Load:
    """What was used while the class was there."""

    server_s: float = 0.0
    tool_s: float = 0.0
    wall_s: float = 0.0
    memory_mb: float = 0.0
    paces: list[tuple[Pace, Pace]] = field(default_factory=list)  # of each round: with nobody there, and with the class


async def run(options: Options) -> Outcome:
    """Rounds in turn: nobody there, then the class. The run keeps to one thread, as it would anyway while the class is there."""
    tally, load, owner = Tally(), Load(), SimpleCookie()
    with started(OMP_NUM_THREADS="1") as dashboard:
        run_id = await train_on_page(dashboard, owner, "article", epochs=100)
        rounds = max(1, round(options.seconds / _ROUND_S))
        for number in range(rounds):
            await _take_round(dashboard, run_id, owner, options, options.seconds / rounds, number, tally, load)
    return _tell(options, tally, load)


def habits(sessions: int, run_id: str) -> list[Habit]:
    """What the students do: the owner watches the run, the others are spread over the pages."""
    return [watching(run_id), *islice(cycle(HABITS), sessions - 1)]


async def _take_round(
    dashboard: Dashboard, run_id: str, owner: SimpleCookie, options: Options, seconds: float, number: int, tally: Tally, load: Load
) -> None:
    settle_s = 1.0 if options.small else _SETTLE_S
    alone = await measure_pace(dashboard, [run_id], BATCH_SIZE, 2.0 if options.small else seconds)
    seen = Tally(problems=tally.problems)
    async with crowd(dashboard.port, habits(options.sessions, run_id), seen, first=owner, seed=number):
        await asyncio.sleep(settle_s)
        seen.clear()
        server_s, tool_s, began_s = dashboard.processor_s(), _own_s(), time.perf_counter()
        together = await measure_pace(dashboard, [run_id], BATCH_SIZE, seconds)
        load.server_s += dashboard.processor_s() - server_s
        load.tool_s += _own_s() - tool_s
        load.wall_s += time.perf_counter() - began_s
        load.memory_mb = dashboard.memory_mb()
        tally.add(seen)
    load.paces.append((alone, together))


def _tell(options: Options, tally: Tally, load: Load) -> Outcome:
    alone, together = zip(*load.paces, strict=True)
    shares = [100 * with_class.images_per_s / nobody.images_per_s for nobody, with_class in load.paces]
    clicks_s = tally.all_clicks_s()
    sessions = f"{options.sessions} sessions"
    outcome = Outcome(problems=tally.problems)
    outcome.rows = [
        Row(
            f"a run while {sessions} click, against the same run with nobody there, one thread",
            "85 %, better 95 %",
            f"{median(shares):.0f} %",
        ),
        Row("clicks: median, 95 %, worst", "0.25 s, 0.8 s, 3 s; better 0.1 s, 0.4 s, 1.5 s", describe_times(clicks_s)),
        Row(f"server: processor, memory with {sessions}", "", f"{load.server_s / load.wall_s:.0%} of a core, {load.memory_mb:.0f} MB"),
    ]
    outcome.raw = [
        f"images per second, nobody there: {_list_paces(alone)}",
        f"images per second, {sessions}: {_list_paces(together)}",
        f"images per processor second: {_mean([pace.images_per_processor_s for pace in alone]):,.0f} with nobody there, "
        f"{_mean([pace.images_per_processor_s for pace in together]):,.0f} with {sessions}",
        f"server: {1000 * load.server_s / (len(clicks_s) + len(tally.poll_s)):.1f} ms of processor time per answer",
        f"this tool: {load.tool_s / load.wall_s:.0%} of a core",
        *tally.lines(load.wall_s),
    ]
    return outcome


def _list_paces(paces: Sequence[Pace]) -> str:
    return ", ".join(f"{pace.images_per_s:,.0f}" for pace in paces)


def _mean(values: list[float]) -> float:
    return float(np.mean(values))


def _own_s() -> float:
    return processor_s(psutil.Process(os.getpid()))
