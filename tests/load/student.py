"""A student: a browser on one page, with something to click there every few seconds."""

import asyncio
import random
from dataclasses import dataclass
from http.cookies import SimpleCookie

from tests.load.browser import Browser, NoAnswer
from tests.load.figures import Tally
from tests.load.screen import Click, Screen

_CLASSES = 10
_PATIENCE_S, _LOOK_AGAIN_S = 30.0, 0.1


@dataclass(frozen=True)
class Habit:
    """What a student does on one page.

    Attributes:
        name: the page, as the tables call it.
        page: the end of its URL.
        query: of its URL.
        labels: the buttons that are clicked, at random.
        has_cells: whether cells of the confusion matrix are clicked too.
        control: label of a segmented control whose options are clicked too.
    """

    name: str
    page: str
    query: str = ""
    labels: tuple[str, ...] = ()
    has_cells: bool = False
    control: str = ""

    def clicks(self, screen: Screen, rng: random.Random) -> list[Click]:
        """What there is to click on."""
        cells = screen.cells("confusion_table", _CLASSES, rng) if self.has_cells else []
        options = screen.options(self.control) if self.control else []
        return [*screen.buttons(*self.labels), *cells, *options]


def watching(run_id: str) -> Habit:
    """Watching this run on Train."""
    return Habit("Train, watching", "training", f"run={run_id}", control="Horizontal axis")


BROWSING = Habit("Browse", "samples", labels=("New samples",))
EVALUATING = Habit("Evaluate", "evaluation", labels=("was confused with",), has_cells=True)
CHOOSING = Habit("Train, presets", "training", labels=("The article", "Quick", "Best", "Photos and drawings"))
LOOKING_INSIDE = Habit("Look inside", "kernels", "part=An+item+on+its+way+through", labels=("Random item",))
PREDICTING = Habit("Predict", "prediction", labels=("Random item",))
HABITS = (BROWSING, EVALUATING, CHOOSING, LOOKING_INSIDE, PREDICTING)


class Student:
    """One person at one page.

    Attributes:
        is_in: whether the page has been opened.
        answered: how many clicks were answered.
    """

    def __init__(self, port: int, habit: Habit, tally: Tally, seed: int, think_s: float, cookies: SimpleCookie | None = None) -> None:
        self.habit, self._tally, self._think_s = habit, tally, think_s
        self._rng = random.Random(seed)
        self.browser = Browser(port, tally, habit.name, cookies)
        self.is_in, self.answered = False, 0

    async def work(self) -> None:
        """Opens the page and clicks until cancelled; the tab is closed at the end."""
        try:
            await self.browser.open(self.habit.page, self.habit.query)
            self.is_in = True
            while True:
                await asyncio.sleep(self._think_s * self._rng.uniform(0.5, 1.5))
                await self.click()
        except NoAnswer as problem:
            self._tally.problems[f"{self.habit.name}: {problem}"] += 1
        finally:
            await self.browser.close()

    async def click(self) -> None:
        """Looks at the page, then clicks on something that it offers, as soon as it does."""
        await self.browser.see()
        for _ in range(int(_PATIENCE_S / _LOOK_AGAIN_S)):
            clicks = self.habit.clicks(self.browser.screen, self._rng)
            if clicks:
                await self.browser.click(self._rng.choice(clicks))
                self.answered += 1
                return
            await asyncio.sleep(_LOOK_AGAIN_S)  # the page is being prepared, and asks for its content again by itself
        self._tally.problems[f"{self.habit.name}: nothing to click on"] += 1
