"""Part `rush`: everybody presses Train twice within a minute, while the server and a training process are killed."""

import asyncio
import contextlib
import os
import signal
import time
from http.cookies import SimpleCookie

from fmnist_core.runs.folders import RunError
from fmnist_core.runs.record import LIVE_STATES, list_runs, read_status
from fmnist_core.store.records import RecordError
from tests.load.browser import Browser, NoAnswer
from tests.load.dashboard import Dashboard, fresh_home, started_on
from tests.load.figures import Outcome, Tally
from tests.load.options import Options
from tests.load.prepared_home import small_data
from tests.load.rush_log import RushLog
from tests.load.trainings import press_train
from tests.load.turns import QueueWatch

_EACH = 2
_SPAN_S = 55.0  # in which everybody presses Train
_TRY_AGAIN_S = 2.0
_LOOK_EVERY_S = 0.2
_ONE_TRAINS_WITHIN_S = 20.0
_ALL_END_WITHIN_S = 400.0
_SETTINGS = "preset=quick&changes=epochs%3D{epochs}%26batch_size%3D10"
_EPOCHS, _FEW_EPOCHS = 60, 6  # of the small data: about six seconds, so that a long line forms, and half a second


async def run(options: Options) -> Outcome:
    """The rush; then everybody continues what was interrupted, if it does not continue by itself, until all runs have ended."""
    tally, log = Tally(), RushLog()
    span_s = options.seconds / 60 * _SPAN_S
    with fresh_home() as home, small_data(home, used=True), started_on(home) as dashboard:
        watching, watch = asyncio.create_task(_note_states(log)), QueueWatch()
        people = [Person(dashboard, number, log, tally, _FEW_EPOCHS if options.small else _EPOCHS) for number in range(options.sessions)]
        pressing = [asyncio.create_task(person.rush(number / len(people) * span_s)) for number, person in enumerate(people)]
        await asyncio.sleep(span_s / 3)
        dashboard.kill()
        dashboard.start()
        await asyncio.sleep(span_s / 3)
        log.killed = await _kill_a_trainer()
        await asyncio.gather(*pressing)
        await _wait_for_the_end(people)
        watching.cancel()
        watch.end()
        outcome = log.tell(options.sessions, _EACH, watch.rows.values())
    outcome.problems.update(tally.problems)
    return outcome


class Person:
    """Somebody with two runs to train, who looks after them."""

    def __init__(self, dashboard: Dashboard, number: int, log: RushLog, tally: Tally, epochs: int) -> None:
        self.names = [f"p{number:02d} run {one}" for one in range(1, _EACH + 1)]
        self._settings = _SETTINGS.format(epochs=epochs)
        self._log, self._port, self._tally, self._cookies = log, dashboard.port, tally, SimpleCookie()

    async def rush(self, after_s: float) -> None:
        """Opens Train after this many seconds and starts the runs, each until the page shows it or it is in the list."""
        await asyncio.sleep(after_s)
        for name in self.names:
            while name not in {run.name for run in list_runs()}:
                try:
                    await self._press(name)
                except NoAnswer as problem:
                    self._log.refused[str(problem)] += 1
                    await asyncio.sleep(_TRY_AGAIN_S)

    async def resume(self, run_id: str) -> None:
        """Presses Continue on the page of a run that was interrupted."""
        browser = Browser(self._port, self._tally, "Train", self._cookies)
        with contextlib.suppress(NoAnswer):
            await browser.open("training", f"run={run_id}")
            button = browser.screen.button("Continue")
            if button is not None:
                self._log.resumed += 1
                await browser.click(button)
        await browser.close()

    async def _press(self, name: str) -> None:
        browser = Browser(self._port, self._tally, "Train", self._cookies)
        try:
            await browser.open("training", self._settings)
            field = browser.screen.fill("Name (optional)", name)
            if field is None:
                raise NoAnswer("there is no field for a name")
            await browser.click(field)
            self._log.asked_s.setdefault(name, time.monotonic())
            await press_train(browser)
        finally:
            await browser.close()


async def _note_states(log: RushLog) -> None:
    while True:
        log.note(list_runs(), time.monotonic())
        await asyncio.sleep(_LOOK_EVERY_S)


async def _kill_a_trainer() -> str:
    """Kills the process that trains a run, as `kill -9` does, as soon as there is one; returns the run's name, "" if none trains."""
    ends_s = time.monotonic() + _ONE_TRAINS_WITHIN_S
    while time.monotonic() < ends_s:
        for run in list_runs():
            if run.state == "training":
                with contextlib.suppress(RunError, RecordError, OSError):
                    os.kill(read_status(run.folder).pid, signal.SIGKILL)
                    return run.name
        await asyncio.sleep(_LOOK_EVERY_S)
    return ""


async def _wait_for_the_end(people: list[Person]) -> None:
    owners = {name: person for person in people for name in person.names}
    ends_s = time.monotonic() + _ALL_END_WITHIN_S
    while time.monotonic() < ends_s:
        runs = list_runs()
        if all(run.state == "finished" for run in runs):
            return
        if not any(run.state in LIVE_STATES for run in runs):
            for run in runs:
                if run.state != "finished":
                    await owners[run.name].resume(run.id)
        await asyncio.sleep(1.0)
