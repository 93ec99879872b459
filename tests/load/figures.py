"""What the simulated sessions have seen together, and how it is printed."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass
class Tally:
    """What all sessions have seen since the last `clear`.

    Attributes:
        click_s: seconds from each click to its complete answer, by page.
        poll_s: the same for each fragment that a page asked for by itself.
        opened_s: seconds until a page was complete, by page.
        pictures: how many picture files were fetched.
        received_bytes: through websockets.
        problems: what went wrong, and how often.
    """

    click_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    opened_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    poll_s: list[float] = field(default_factory=list)
    pictures: int = 0
    received_bytes: int = 0
    problems: Counter[str] = field(default_factory=Counter)

    def clear(self) -> None:
        """Forgets what was measured, but no problem."""
        fresh = Tally(problems=self.problems)
        self.__dict__.update(fresh.__dict__)

    def add(self, other: "Tally") -> None:
        """Adds what another tally has measured since it was cleared."""
        for mine, theirs in ((self.click_s, other.click_s), (self.opened_s, other.opened_s)):
            for page, times_s in theirs.items():
                mine[page].extend(times_s)
        self.poll_s.extend(other.poll_s)
        self.pictures += other.pictures
        self.received_bytes += other.received_bytes

    def all_clicks_s(self) -> list[float]:
        return [seconds for times_s in self.click_s.values() for seconds in times_s]

    def lines(self, over_s: float) -> list[str]:
        """The raw figures.

        Args:
            over_s: how long was measured.
        """
        clicks = [f"{page}: {describe_times(times_s)}" for page, times_s in sorted(self.click_s.items())]
        polls = f"polls: {len(self.poll_s) / over_s:.1f} per second, {describe_times(self.poll_s)}"
        sent = f"{self.pictures} pictures fetched, {self.received_bytes / 1e6 / over_s:.2f} MB per second through websockets"
        return [*clicks, polls, sent]


@dataclass(frozen=True)
class Row:
    """A row of the table."""

    what: str
    reach: str
    measured: str

    def line(self) -> str:
        return f"| {self.what} | {self.reach} | {self.measured} |"


@dataclass
class Outcome:
    """What a part has measured: rows of the table, the raw figures, and what went wrong."""

    rows: list[Row] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    problems: Counter[str] = field(default_factory=Counter)


def describe_times(times_s: Sequence[float]) -> str:
    """Median, 95th percentile and worst."""
    if not times_s:
        return "none"
    median, most, worst = np.percentile(times_s, (50, 95, 100))
    return f"{median:.3f} s, {most:.3f} s, {worst:.2f} s (n = {len(times_s)})"


def describe_problems(problems: Counter[str]) -> list[str]:
    """How many, then each on a line."""
    return [f"errors: {problems.total()}", *(f"  {count} × {problem}" for problem, count in problems.most_common())]


def median(values: Sequence[float]) -> float:
    """NaN if there are none."""
    return float(np.median(values)) if values else float("nan")
