"""Part `dispatches`: kill -9 of the server, the dispatcher and trainers at any moment, with sixty runs of thirty people in the queue."""

import asyncio
import contextlib
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

from fmnist_core.classroom.people import Person
from fmnist_core.jobs import queue
from fmnist_core.jobs.control import start_run
from fmnist_core.jobs.dispatcher import LOCK_NAME
from fmnist_core.runs.event_log import read_events
from fmnist_core.runs.record import RunRecord, list_runs
from fmnist_core.settings.changes import find_changes
from fmnist_core.settings.config import TrainConfig
from fmnist_core.settings.presets import PRESETS
from fmnist_core.training.events import EpochDone, Event, Finished, Resumed, Started
from tests.conftest import ROOT
from tests.faults.isolation import attempt
from tests.faults.killers import Killer
from tests.faults.report import Report
from tests.faults.surroundings import processes_in, surroundings, use_home, why_no_forks
from tests.jobs.trained import EXACT, Result, assert_same_result, result_of, unbroken
from tests.load.browser import Browser, NoAnswer
from tests.load.dashboard import Dashboard
from tests.load.figures import Tally
from tests.load.trainings import press_train
from tests.load.turns import QueueWatch, out_of_turn, overtaken, placements

_CONFIG = replace(EXACT, epochs=10)  # a second
_PATIENCE_S = 400.0
_END_S = 30.0
_TRY_AGAIN_S = 1.0


@dataclass(frozen=True)
class Wish:
    """A run that somebody asks for.

    Attributes:
        person: their number.
        way: how they ask: by a page's button, a typed command, or the function that the button calls.
    """

    person: int
    number: int
    way: str

    @property
    def name(self) -> str:
        return f"p{self.person:02d} run {self.number}"

    @property
    def config(self) -> TrainConfig:
        return replace(_CONFIG, seed=self.number)  # so that a mix-up of one person's runs is noticed


@dataclass
class _Class:
    """What each person asks for, and what was killed meanwhile."""

    wishes: list[Wish]
    dashboard: Dashboard
    chance: random.Random
    typed: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def ask(self) -> list[threading.Thread]:
        """Lets everybody ask, all within some seconds; returns the threads that do so."""
        by_page: dict[int, list[Wish]] = {}
        for wish in self.wishes:
            if wish.way == "page":
                by_page.setdefault(wish.person, []).append(wish)
        work: list[Callable[[], None]] = [lambda: asyncio.run(self._press(list(by_page.values()))), self._call]
        threads = [threading.Thread(target=self._note_problem, args=(each,), daemon=True) for each in work]
        for thread in threads:
            thread.start()
        return threads

    def _note_problem(self, work: Callable[[], None]) -> None:
        self.problems += filter(None, [attempt(work)])

    def _call(self) -> None:
        for wish in self.wishes:
            if wish.way == "call":
                start_run(wish.config, wish.name, by=Person(f"{wish.person:032x}", f"Person {wish.person}"))
            elif wish.way == "typed":
                self.typed.append(_type(wish))
            time.sleep(self.chance.uniform(0.0, 0.2))

    async def _press(self, people: Sequence[Sequence[Wish]]) -> None:
        await asyncio.gather(*(self._press_as_one(wishes) for wishes in people))

    async def _press_as_one(self, wishes: Sequence[Wish]) -> None:
        """Somebody in a browser presses Train until each of their runs is listed; whoever sees no server tries again."""
        browser = Browser(self.dashboard.port, Tally(), "Train")
        for wish in wishes:
            while wish.name not in {run.name for run in list_runs()}:
                try:
                    await browser.open("training", _address(wish.config))
                    name = browser.screen.fill("Name (optional)", wish.name)
                    if name is None:
                        raise NoAnswer("there is no field for a name")
                    await browser.click(name)
                    await press_train(browser)
                except NoAnswer:
                    await asyncio.sleep(_TRY_AGAIN_S)
        await browser.close()


def run(report: Report, seed: int, *, small: bool) -> None:
    """Everybody asks, everything is killed again and again, and in the end all runs must be there as if nothing had happened."""
    if why_no_forks():
        report.skip("dispatches", why_no_forks())
        return
    chance = random.Random(seed)
    wishes = _wishes(chance, small=small)
    with surroundings() as folder, _settings():
        expected = {number: _unbroken(folder / f"unbroken-{number}", number) for number in {wish.number for wish in wishes}}
        use_home(folder / "class" / "home")
        dashboard = Dashboard(folder / "class" / "home")
        killer = Killer(dashboard, chance)
        watch = QueueWatch()
        began_s = time.monotonic()
        try:
            dashboard.start() if small else dashboard.launch()
            class_ = _Class(wishes, dashboard, chance)
            asking = class_.ask()
            killer.work({"server": 1, "dispatcher": 1, "trainer": 1, "pause": 1} if small else _KILLS, len(wishes))
            problem = _wait_for_the_end(class_, asking)
        finally:
            watch.end()
            dashboard.kill()
        report.record("all runs end, and no place in the queue is left", problem)
        report.figures.append(f"{len(wishes)} runs of {len({wish.person for wish in wishes})} people, {time.monotonic() - began_s:.0f} s")
        _check(report, class_, killer, watch, expected)
        report.record("no process is left", attempt(partial(_check_processes, folder)))


_KILLS = {"server": 11, "dispatcher": 14, "trainer": 19, "pause": 6}


@contextlib.contextmanager
def _settings() -> Iterator[None]:
    """Two slots, and a teacher's PIN, because without one everybody is a teacher, for whom there is no limit."""
    os.environ |= {"FMNIST_SLOTS": "2", "FMNIST_TEACHER_PIN": "2468"}
    try:
        yield
    finally:
        del os.environ["FMNIST_TEACHER_PIN"]


def _wishes(chance: random.Random, *, small: bool) -> list[Wish]:
    """Sixty runs of thirty people: two each, some three and some one; four people use a browser, one the command line."""
    each = [2, 2, 1, 1, 2] if small else [*[3] * 6, *[2] * 18, *[1] * 6]
    ways = ["typed", "page", *["call"] * 3] if small else ["typed", *["call"] * 8, *["page"] * 4, *["call"] * 17]
    order = [person for person, count in enumerate(each) for _ in range(count)]
    chance.shuffle(order)
    asked: Counter[int] = Counter()
    wishes = []
    for person in order:
        asked[person] += 1
        wishes.append(Wish(person, asked[person], ways[person]))
    return wishes


def _type(wish: Wish) -> "subprocess.Popen[bytes]":
    changes = {name: getattr(wish.config, name) for name in find_changes(wish.config, PRESETS[0].config)}
    flags = [text for name, value in changes.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, "-m", "fmnist_core", "train", "--name", wish.name, *flags]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _address(config: TrainConfig) -> str:
    preset = PRESETS[0]
    changes = {name: getattr(config, name) for name in find_changes(config, preset.config)}
    return urlencode({"preset": preset.key, "changes": urlencode(changes)})


def _unbroken(home: Path, number: int) -> Result:
    use_home(home)
    return unbroken(replace(_CONFIG, seed=number))


def _wait_for_the_end(class_: _Class, asking: Sequence[threading.Thread]) -> str:
    deadline = time.monotonic() + _PATIENCE_S
    while time.monotonic() < deadline and not class_.problems:
        runs = list_runs()
        has_asked = len(runs) >= len(class_.wishes) and not any(thread.is_alive() for thread in asking)
        if has_asked and all(run.state == "finished" for run in runs) and not queue.rows():  # a place is given up after the end of its run
            return ""
        time.sleep(0.1)
    left = [f"{run.name} {run.state} {run.message}" for run in list_runs() if run.state != "finished"]
    return f"{class_.problems}, {len(list_runs())} of {len(class_.wishes)} runs, of which {left} have not finished; {queue.rows()[:4]}"


# What must be true in the end


def _check(report: Report, class_: _Class, killer: Killer, watch: QueueWatch, expected: dict[int, Result]) -> None:
    runs = list_runs()
    by_name = {run.name: run for run in runs}
    names = Counter(run.name for run in runs)
    lost = [wish.name for wish in class_.wishes if wish.name not in names]
    twice = [name for name, count in names.items() if count > 1]
    report.record("none is lost, and none is there twice", f"lost: {lost}, twice: {twice}" if lost or twice else "")
    begun = 0
    for wish in class_.wishes:
        if wish.name in by_name:
            run = by_name[wish.name]
            begun += _beginnings(run)
            report.record(wish.name, attempt(partial(_check_run, run, killer.hits[run.id], expected[wish.number])))
    rows = [row for row in watch.rows.values() if row.run in {run.id for run in runs}]  # without places whose run was never written
    unsteady = {run.id for run in runs if run.id in killer.paused or by_name[run.name].owner == ""}
    wrong, own = out_of_turn(rows, unsteady), overtaken(rows, unsteady)
    report.record("people take turns", "; ".join(wrong))
    report.record("everybody's runs are in the order in which they asked", "; ".join(own))
    codes = [typed.wait() for typed in class_.typed]
    report.record("typed commands end well, or were killed", "" if set(codes) <= {0, -9} else f"{codes}")
    report.figures += [
        *killer.figures(),
        f"lost {len(lost)}, trained twice {len(twice)}; begun {begun} times, {begun - len(runs)} of them after a kill",
        f"{len(placements(rows))} turns, {len(wrong)} of them another's; overtaken by a later run of the same person: {len(own)}",
    ]


def _check_run(run: RunRecord, hits: int, expected: Result) -> None:
    assert run.state == "finished", f"{run.state}: {run.message}"
    check_history(read_events(run.folder)[0], run.epochs)
    assert _beginnings(run) <= 1 + hits, f"begun {_beginnings(run)} times, though its process was killed {hits} times"
    assert_same_result(result_of(run.id), expected)


def _beginnings(run: RunRecord) -> int:
    return sum(isinstance(event, Started | Resumed) for event in read_events(run.folder)[0])


def check_history(events: Sequence[Event], epochs: int) -> None:
    """Each epoch once, and one end; what comes after `Resumed` takes the place of what was reported after that step."""
    done: list[EpochDone] = []
    ends = 0
    for event in events:
        match event:
            case Started():
                assert not done, "begun from the start again, after an epoch"
            case Resumed(step=step):
                done, ends = [epoch for epoch in done if epoch.step <= step], 0
            case EpochDone():
                done.append(event)
            case Finished():
                ends += 1
    assert [epoch.epoch for epoch in done] == list(range(1, epochs + 1)), [epoch.epoch for epoch in done]
    assert ends == 1, f"{ends} ends"


def _check_processes(folder: Path) -> None:
    """Without its lock, a dispatcher ends at once, and with it the processes that wait for a run."""
    (folder / "class" / "home" / LOCK_NAME).unlink(missing_ok=True)
    deadline = time.monotonic() + _END_S
    while left := processes_in(folder):
        assert time.monotonic() < deadline, [" ".join(process.cmdline()[-4:]) for process in left]
        time.sleep(0.1)
