"""kill -9 of whatever works for a home, at random moments."""

import contextlib
import random
import threading
import time
from collections import Counter

import psutil

from fmnist_core.classroom.people import LOCAL
from fmnist_core.jobs import control, queue
from fmnist_core.jobs.dispatcher import _MOST_STARTS
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.record import LIVE_STATES, list_runs, read_status
from fmnist_core.store.database import DatabaseError
from fmnist_core.store.records import RecordError
from tests.faults.surroundings import processes_in
from tests.load.dashboard import Dashboard

_SHORTEST_S, _LONGEST_S = 0.2, 6.0  # between two kills, unless the work gets on faster
_PAUSES_S = (0.1, 1.5)
_LOOK_EVERY_S = 0.02


class Killer:
    """Kills one thing after the other, and remembers what each kill hit.

    A trainer is spared while a run is in its last start: one whose process is killed again and again before it completes an epoch is given
    up, and waits for its owner to continue it. `tests/jobs/test_dispatcher.py` does that.

    Attributes:
        hits: how often the process of each run was killed while it trained or paused.
        paused: the runs that were paused for a moment.
    """

    def __init__(self, dashboard: Dashboard, chance: random.Random) -> None:
        self.hits: Counter[str] = Counter()
        self.paused: set[str] = set()
        self._dashboard, self._chance = dashboard, chance
        self._done: Counter[str] = Counter()
        self._idle_hits = 0
        self._ended_at: list[int] = []  # how many runs had ended when each was killed

    def work(self, kills: dict[str, int], runs: int) -> None:
        """Kills so many of each kind, in any order; the moments are random, but spread over all the work.

        Args:
            runs: how many there will be.
        """
        kinds = [kind for kind, count in kills.items() for _ in range(count)]
        self._chance.shuffle(kinds)
        for number in range(len(kinds)):
            self._wait(runs * (number + 1) / (len(kinds) + 1))
            while not self._kill(kinds[0]):
                if _ended() >= runs:  # sooner than expected
                    return
                time.sleep(_LOOK_EVERY_S)  # nothing of that kind is there at this moment: perhaps of the next
                kinds.append(kinds.pop(0))
            self._ended_at.append(_ended())
            kinds.pop(0)

    def figures(self) -> list[str]:
        """What was killed, in words."""
        kills = {kind: count for kind, count in self._done.items() if kind != "pause"}
        named = ", ".join(f"{kind} {count}" for kind, count in sorted(kills.items()))
        trainers = f"{self.hits.total()} trained or paused a run, {self._idle_hits} were starting or waiting for one"
        return [
            f"{sum(kills.values())} kills: {named}; of the trainers, {trainers}; {self._done['pause']} pauses",
            f"runs ended when the first and the last was killed: {self._ended_at[0]} and {self._ended_at[-1]}",
        ]

    def _wait(self, latest_ended: float) -> None:
        """Until a random moment; but not longer than until so many runs have ended, so that no kill comes when all is over."""
        moment_s = time.monotonic() + self._chance.uniform(_SHORTEST_S, _LONGEST_S)
        while time.monotonic() < moment_s and _ended() < latest_ended:
            time.sleep(_LOOK_EVERY_S)

    def _kill(self, kind: str) -> bool:
        """False if there is nothing to kill."""
        match kind:
            case "server":
                self._dashboard.kill()
                self._dashboard.launch()
                is_done = True
            case "dispatcher":
                is_done = self._kill_dispatcher()
            case "trainer":
                is_done = self._kill_trainer()
            case _:
                is_done = self._pause()
        self._done[kind] += is_done
        return is_done

    def _kill_dispatcher(self) -> bool:
        found = [process for process in processes_in(self._dashboard.home) if _command(process)[-1:] == ["dispatch"]]
        for process in found:
            with contextlib.suppress(psutil.Error):
                process.kill()
                process.wait(10)
        return bool(found)

    def _kill_trainer(self) -> bool:
        with contextlib.suppress(DatabaseError):
            if any(row.starts >= _MOST_STARTS for row in queue.rows()):
                return False
        found = [process for process in processes_in(self._dashboard.home) if "train" in _command(process)]
        if not found:
            return False
        victim = self._chance.choice(found)
        try:
            victim.suspend()  # so that it cannot begin another run while it is looked at
            run_id = _run_of(victim.pid)
            victim.kill()
        except psutil.Error:
            return False
        self._idle_hits += not run_id
        if run_id:
            self.hits[run_id] += 1
        return True

    def _pause(self) -> bool:
        training = [run.id for run in list_runs() if run.state == "training" and run.owner]
        if not training:
            return False
        run_id = self._chance.choice(training)
        with contextlib.suppress(RunError):
            control.pause(run_id, by=LOCAL)
            self.paused.add(run_id)
        threading.Timer(self._chance.uniform(*_PAUSES_S), _resume, (run_id,)).start()
        return True


def _resume(run_id: str) -> None:
    with contextlib.suppress(RunError):
        control.resume(run_id, by=LOCAL)


def _ended() -> int:
    return sum(not run.is_live and run.state != "interrupted" for run in list_runs())


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def _run_of(pid: int) -> str:
    """The run that this process trains; "" if it trains none."""
    for run in list_runs():
        with contextlib.suppress(RecordError):
            status = read_status(run.folder)
            if status.pid == pid and status.state in LIVE_STATES:
                return run.id
    return ""
