"""What was tried in each part, and what did not hold."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Report:
    """The cases of one part.

    Attributes:
        part: its name.
        tried: how many cases were tried; those of `not_tried` do not count.
        broken: one line for each case that did not hold, with what happened.
        figures: one line for each figure worth knowing.
        not_tried: one line for each kind of case that this machine cannot try, with the reason.
        announce: called with the line of each case that did not hold, at once.
        progress: called after each case with what has been tried so far.
    """

    part: str
    tried: int = 0
    broken: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)
    not_tried: list[str] = field(default_factory=list)
    announce: Callable[[str], object] = lambda _line: None
    progress: Callable[[str], object] = lambda _line: None

    def record(self, case: str, problem: str) -> None:
        """Counts a case, which held if there is no problem."""
        self.tried += 1
        if problem:
            self.broken.append(f"{case}: {problem}")
            self.announce(self.broken[-1])
        self.progress(self.summary)

    def skip(self, cases: str, reason: str) -> None:
        """Notes cases that cannot be tried here."""
        self.not_tried.append(f"{cases}: {reason}")

    @property
    def held(self) -> int:
        return self.tried - len(self.broken)

    @property
    def summary(self) -> str:
        """Both numbers on a line."""
        return f"{self.part}: tried {self.tried:,}, held {self.held:,}"

    def lines(self) -> list[str]:
        """The summary, then a line for each figure, and for each kind of case that was not tried."""
        return [self.summary, *(f"  {line}" for line in self.figures), *(f"  not tried: {line}" for line in self.not_tried)]
