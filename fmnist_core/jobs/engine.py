"""The interface between the dispatcher and whatever trains: start a run, hear what it does, send it commands, notice that it is gone.

Today there is one engine, processes on this machine. Nothing that uses an engine knows where it trains: the dispatcher learns what a run
does from its events only, which somebody here has written into the run's folder. `tests/jobs/test_far_engine.py` has an engine whose
trainer never sees that folder.
"""

from dataclasses import dataclass
from typing import Literal, Protocol

from fmnist_core.runs.mailbox import Name

Doing = Literal["starting", "training", "paused", "ended", "gone"]


@dataclass(frozen=True)
class News:
    """What an engine knows of a run that it was told to start.

    Attributes:
        doing: "starting" until its first report, "ended" if the run has recorded how it ended, "gone" if whatever trained it has
            vanished without that.
        reason: for "gone", why, in a sentence; "" if that is not known.
        is_broken: for "gone", whether starting it again would fail in the same way.
    """

    doing: Doing
    reason: str = ""
    is_broken: bool = False


class Engine(Protocol):
    """Whatever trains runs."""

    def start(self, run_id: str) -> None:
        """Starts to train a waiting run, from its last checkpoint if it has one, or tells one that waits for another turn to continue.

        Raises:
            RunError, OSError: if it cannot be started.
        """

    def send(self, run_id: str, command: Name, *, reason: str = "") -> None:
        """Sends a command to a run; nothing happens if it is gone. A stop takes a reason, in a sentence."""

    def news(self, run_id: str) -> News:
        """What a run that was started here is doing now, also if another process of this project started it."""

    def keep_warm(self, wanted: bool) -> None:
        """Keeps something ready for the next run to start at once, or nothing."""
