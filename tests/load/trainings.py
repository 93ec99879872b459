"""Training runs of a loaded dashboard: started through the page, and how fast they are."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from http.cookies import SimpleCookie
from itertools import pairwise
from urllib.parse import parse_qs, urlencode

from fmnist_core.runs.event_log import read_events
from fmnist_core.runs.folders import run_folder
from fmnist_core.training.events import Event, StepDone
from tests.load.browser import Browser, NoAnswer
from tests.load.dashboard import Dashboard, processor_s
from tests.load.figures import Tally

_ASK_AGAIN_S = 0.1
_PATIENCE_S = 30.0


@dataclass(frozen=True)
class Pace:
    """How fast runs trained.

    Attributes:
        images_per_s: between reports, of all runs together, without evaluations after epochs; NaN if too little was reported.
        images: how many they trained on.
        processor_s: of their processes, with evaluations.
    """

    images_per_s: float
    images: int
    processor_s: float

    @property
    def images_per_processor_s(self) -> float:
        return self.images / self.processor_s if self.processor_s else float("nan")


async def train_on_page(dashboard: Dashboard, owner: SimpleCookie, preset: str, **changes: object) -> str:
    """Presses Train for this preset with these changes, and leaves; returns the run's id once it trains.

    Args:
        owner: the cookies of the person who does so.
    """
    browser = Browser(dashboard.port, Tally(), "Train", owner)
    try:
        await browser.open("training", urlencode({"preset": preset, "changes": urlencode(changes)}))
        run_id = await press_train(browser)
        await wait_for_step(run_id)
        return run_id
    finally:
        await browser.close()


async def press_train(browser: Browser) -> str:
    """Presses Train on an open page; returns the id of the new run, which the URL then names.

    Raises:
        NoAnswer: if there is none; the message is what the page says.
    """
    before = run_of(browser)
    button = browser.screen.button("Train")
    if button is None:
        raise NoAnswer("there is no button Train")
    await browser.click(button)
    if run_of(browser) in ("", before):
        raise NoAnswer("not started: " + " ".join(browser.screen.texts("alert")))
    return run_of(browser)


def run_of(browser: Browser) -> str:
    """The id of the run in the page's URL, "" for none."""
    return parse_qs(browser.screen.query).get("run", [""])[0]


async def wait_for_step(run_id: str) -> None:
    """Waits until the run has reported a step."""
    deadline_s = time.monotonic() + _PATIENCE_S
    while not any(isinstance(event, StepDone) for event in read_events(run_folder(run_id))[0]):
        if time.monotonic() > deadline_s:
            raise NoAnswer(f"run {run_id} did not begin to train")
        await asyncio.sleep(_ASK_AGAIN_S)


async def measure_pace(dashboard: Dashboard, run_ids: Sequence[str], batch_size: int, seconds: float) -> Pace:
    """The pace of these runs during the next seconds."""
    folders = [run_folder(run_id) for run_id in run_ids]
    ends, before_s = [read_events(folder)[1] for folder in folders], _trainers_s(dashboard)
    await asyncio.sleep(seconds)
    used_s = _trainers_s(dashboard) - before_s
    reported = [read_events(folder, end)[0] for folder, end in zip(folders, ends, strict=True)]
    images_per_s = sum(pace_of(events) for events in reported) * batch_size
    return Pace(images_per_s, sum(steps_in(events) for events in reported) * batch_size, used_s)


def pace_of(events: Sequence[Event]) -> float:
    """Steps per second between reports that follow each other; NaN if there are no two."""
    pairs = [(one, other) for one, other in pairwise(events) if isinstance(one, StepDone) and isinstance(other, StepDone)]
    elapsed_s = sum(other.elapsed_s - one.elapsed_s for one, other in pairs)
    return sum(other.step - one.step for one, other in pairs) / elapsed_s if elapsed_s > 0 else float("nan")


def steps_in(events: Sequence[Event]) -> int:
    """The steps from the first report to the last."""
    steps = [event.step for event in events if isinstance(event, StepDone)]
    return steps[-1] - steps[0] if steps else 0


def _trainers_s(dashboard: Dashboard) -> float:
    return sum(processor_s(process) for process in dashboard.processes())
