"""What became of the runs of a rush: who asked when, which began when, and how each ended."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import numpy as np

from fmnist_core.jobs import queue
from fmnist_core.runs.event_log import read_events
from fmnist_core.runs.record import RunRecord, list_runs
from fmnist_core.training.events import Finished, Started
from tests.load.figures import Outcome, Row, describe_problems
from tests.load.turns import out_of_turn, placements


@dataclass
class RushLog:
    """What happened.

    Attributes:
        asked_s: when each run was asked for, by its name; a name begins with its person's.
        began_s: when each was first seen to train, or to have ended.
        refused: what was said when Train did not start a run.
        killed: the name of the run whose process was killed.
        resumed: how many runs were continued by hand.
    """

    asked_s: dict[str, float] = field(default_factory=dict)
    began_s: dict[str, float] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    killed: str = ""
    resumed: int = 0

    def note(self, runs: Sequence[RunRecord], now_s: float) -> None:
        """Notes which runs have begun."""
        for run in runs:
            if run.state != "waiting":
                self.began_s.setdefault(run.name, now_s)

    def tell(self, people: int, each: int, rows: Collection[queue.Row]) -> Outcome:
        """The figures, from the runs as they are now.

        Args:
            rows: see `QueueWatch.rows`.
        """
        ids = {run.id for run in list_runs()}
        written = [row for row in rows if row.run in ids]  # whoever was killed while asking may have left a place without a run
        wrong = out_of_turn(written)
        runs = {run.name: run for run in list_runs()}
        lost = [name for name in self.asked_s if name not in runs]
        unfinished = [f"{name}: {run.state} {run.message}".strip() for name, run in runs.items() if run.state != "finished"]
        twice = [name for name, run in runs.items() if _times_trained(run) > 1] + _doubles()
        waited_s = [began_s - self.asked_s[name] for name, began_s in self.began_s.items() if name in self.asked_s]
        order = " ".join(_person(name)[1:] for name, _ in sorted(self.began_s.items(), key=lambda item: item[1]))
        row = Row(
            f"{people * each} trainings asked for within a minute by {people} people, server and a trainer killed",
            "all end, fair order, none lost",
            f"{len(self.asked_s)} asked for, {len(runs) - len(unfinished)} finished, {len(lost)} lost, {len(twice)} trained twice, "
            f"{len(wrong)} of {len(placements(written))} turns another's",
        )
        raw = [
            f"waited from asking to training: median {np.median(waited_s):.1f} s, longest {max(waited_s):.1f} s",
            f"order by person: {order}",
            f"killed while training: {self.killed or 'none'}; continued by hand: {self.resumed}",
            *(f"out of turn: {line}" for line in wrong),
            *(f"not finished: {line}" for line in unfinished),
            *(f"lost: {name}" for name in lost),
            *(f"trained twice: {name}" for name in twice),
            "Train pressed without a new run, " + "; ".join(describe_problems(self.refused)),
        ]
        return Outcome([row], raw)


def _person(name: str) -> str:
    return name.split()[0]


def _times_trained(run: RunRecord) -> int:
    """How often it began or ended, which is more than once if two processes trained it."""
    events = read_events(run.folder)[0]
    return max(sum(isinstance(event, kind) for event in events) for kind in (Started, Finished))


def _doubles() -> list[str]:
    """Names that more than one run has: one press has become two."""
    names = Counter(run.name for run in list_runs())
    return [name for name, count in names.items() if count > 1]
