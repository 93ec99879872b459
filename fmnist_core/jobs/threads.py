"""How many threads a training computes with: one, and more only while other cores are idle and more are clearly faster.

Threads that compute one network wait for each other after every operation, dozens of times a step. If another process takes the core of
one of them, all wait: two threads beside one busy process were up to 60 times slower than one (two cores).
"""

import os
import re
import time
from collections import deque
from collections.abc import Callable
from typing import Literal

from fmnist_core.jobs.cores import OtherWork, usable_cores
from fmnist_core.runs.event_log import EventReader
from fmnist_core.runs.record import RunRecord
from fmnist_core.training.events import EpochDone, Event, Started, StepDone

_IDLE_CORES = 0.25  # a machine on which others keep fewer cores busy counts as idle
_GAIN = 1.08  # more threads are kept if they are so many times as fast
_COLLAPSE = 0.75  # of the pace of fewer threads in a single report; reports scatter by 5 %, with "Photos and drawings" by 15 %
_BASELINE_S = 0.5  # how long the pace is measured before more threads are tried
_TRIAL_S = 0.9  # how long they are tried, and how long a pace must have fallen a little
_CHECK_S = 0.25  # how long fewer are tried: one report
_CHECK_EVERY_S = 10.0
_SHORTEST_WAIT_S, _LONGEST_WAIT_S = 2.0, 20.0  # until more are tried again; doubled whenever they did not last
_SHORTEST_REPORT_S = 0.1  # whose pace counts; the last of an epoch and single steps may be shorter
_PAUSE_S = 2.0  # longer between two reports than the training took: the run was paused
_KEPT_S = 1.5  # of reports whose mean pace is compared


class TrainingThreads:
    """Sets the number of threads with which this process trains a run.

    A run in float32 keeps one number, the recorded one if it is resumed, because another number adds the same numbers in another order
    and rounds them differently. Every other run starts with one thread and is tuned, see `ThreadTuner`.
    """

    def __init__(self, run: RunRecord) -> None:
        from fmnist_core.network.devices import pick_device, pick_precision

        cores = usable_cores()
        is_exact = pick_precision(run.config.precision, pick_device()) == "float32"
        self._tuner = None if is_exact else ThreadTuner(len(cores), OtherWork(cores).busy_cores, most=most_threads(len(cores)))
        use_threads(recorded_threads(run, len(cores)) if is_exact else 1)

    def follow(self, event: Event) -> None:
        """Sets the number for the steps to come; to be called between an event and the next."""
        if self._tuner is not None:
            use_threads(self._tuner.after(event))

    def settle(self) -> None:
        """Sets the number for what follows the training, during which nobody notices that the machine is busy."""
        if self._tuner is not None:
            use_threads(1)


class ThreadTuner:
    """Chooses a number of threads from the pace of training and the work of other processes.

    It starts with one. While there are idle cores it tries 2, 4, 8, … for about a second each, and keeps what is clearly faster. It
    returns to one at the next report when others need the cores or the pace collapses, and checks from time to time whether fewer would
    not do as well.

    Attributes:
        threads: the number for the steps to come.
    """

    def __init__(
        self, cores: int, busy_cores: Callable[[], float | None], *, most: int | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Makes a tuner.

        Args:
            cores: how many this process may use.
            busy_cores: how many of them other processes have kept busy since the last call; None if that is not known.
            most: the most threads that it may choose; by default one for each core.
        """
        self._cores, self._busy_cores, self._most, self._clock = cores, busy_cores, most or cores, clock
        self.threads = 1
        self._room = 1  # how many threads find a core
        self._phase: Literal["steady", "trial", "check"] = "steady"
        self._pace = _Pace()
        self._fewer: list[tuple[int, float]] = []  # the smaller numbers that were tried, each with its pace
        self._checked: tuple[int, float] = (1, 0.0)  # during a check: the number that is in use otherwise, and its pace
        self._now_s = self._next_trial_s = self._next_check_s = 0.0
        self._wait_s = _SHORTEST_WAIT_S
        self._last: tuple[int, float, float] | None = None  # step, seconds of training and clock at the latest report

    def after(self, event: Event) -> int:
        """The number of threads for the steps after this event."""
        self._now_s = self._clock()
        busy_cores = self._busy_cores()
        if busy_cores is not None:
            self._room = min(self._most, room_for_threads(self._cores, busy_cores))
        steps, seconds, paused_s = self._measure(event)
        if paused_s > _PAUSE_S:
            self._return_to(1)
        elif max(self.threads, self._checked[0]) > self._room:
            self._return_to(1, wait=True)
        elif self._room == 1:
            self._pace.clear()
        elif steps > 0 and seconds >= _SHORTEST_REPORT_S:
            self._pace.add(steps, seconds)
            {"steady": self._judge, "trial": self._judge_trial, "check": self._judge_check}[self._phase]()
        return self.threads

    def _measure(self, event: Event) -> tuple[int, float, float]:
        """Steps and seconds of training since the last report, without the evaluation after an epoch, and seconds without training."""
        if not isinstance(event, StepDone | EpochDone):
            return 0, 0.0, 0.0
        before, self._last = self._last, (event.step, event.elapsed_s, self._now_s)
        if before is None:  # the first report is slower, because it has the first step
            return 0, 0.0, 0.0
        steps, seconds, passed_s = (new - old for new, old in zip(self._last, before, strict=True))
        return int(steps), seconds, passed_s - seconds

    def _judge(self) -> None:
        if self._fewer and self._has_fallen_below(self._fewer[-1][1]):
            self._return_to(1, wait=True)
        elif self._room > self.threads and self._now_s >= self._next_trial_s and self._pace.seconds >= _BASELINE_S:
            self._fewer.append((self.threads, self._pace.mean))
            self._use(min(2 * self.threads, self._room), "trial")
        elif self._fewer and self._now_s >= self._next_check_s:
            self._checked = self.threads, self._pace.mean
            self._use(self._fewer[-1][0], "check")

    def _judge_trial(self) -> None:
        fewer, pace = self._fewer[-1]
        is_over = self._pace.seconds >= _TRIAL_S
        if self._has_fallen_below(pace) or (is_over and self._pace.mean < _GAIN * pace):
            self._return_to(fewer, wait=True)
        elif is_over:
            self._phase, self._next_trial_s, self._next_check_s = "steady", self._now_s, self._now_s + _CHECK_EVERY_S
            self._judge()  # perhaps yet more are faster still

    def _judge_check(self) -> None:
        if self._pace.seconds < _CHECK_S:
            return
        more, pace = self._checked
        self._next_check_s = self._now_s + _CHECK_EVERY_S
        if pace < _GAIN * self._pace.mean:
            self._return_to(self.threads, wait=True)
            return
        self._fewer[-1] = self.threads, self._pace.mean
        self._checked, self._wait_s = (1, 0.0), _SHORTEST_WAIT_S
        self._use(more, "steady")

    def _has_fallen_below(self, pace: float) -> bool:
        return self._pace.latest < _COLLAPSE * pace or (self._pace.seconds >= _TRIAL_S and self._pace.mean < pace)

    def _return_to(self, fewer: int, *, wait: bool = False) -> None:
        """Goes back to fewer threads; with `wait`, more are tried again only after a time."""
        self._fewer = [(threads, pace) for threads, pace in self._fewer if threads < fewer]
        self._checked = 1, 0.0
        self._use(fewer, "steady")
        self._next_trial_s = self._now_s
        if wait:
            self._next_trial_s += self._wait_s
            self._wait_s = min(2 * self._wait_s, _LONGEST_WAIT_S)

    def _use(self, threads: int, phase: Literal["steady", "trial", "check"]) -> None:
        self.threads, self._phase = threads, phase
        self._pace.clear()


class _Pace:
    """Steps per second in the latest reports."""

    def __init__(self) -> None:
        self._reports: deque[tuple[int, float]] = deque()

    def add(self, steps: int, seconds: float) -> None:
        self._reports.append((steps, seconds))
        while self.seconds - self._reports[0][1] >= _KEPT_S:
            self._reports.popleft()

    def clear(self) -> None:
        self._reports.clear()

    @property
    def seconds(self) -> float:
        return sum(seconds for _, seconds in self._reports)

    @property
    def mean(self) -> float:
        return sum(steps for steps, _ in self._reports) / self.seconds

    @property
    def latest(self) -> float:
        steps, seconds = self._reports[-1]
        return steps / seconds


def room_for_threads(cores: int, busy_cores: float) -> int:
    """How many threads of one training find a core: all on an idle machine, else half of what others leave, at least one."""
    return cores if busy_cores <= _IDLE_CORES else max(1, int((cores - busy_cores) / 2))


def most_threads(cores: int) -> int:
    """How many threads a training may use: one for every core, or fewer if the environment variable OMP_NUM_THREADS says so."""
    chosen = re.match("[0-9]{1,4}", os.environ.get("OMP_NUM_THREADS", "").strip())  # it may be a list, one number for each level
    return cores if chosen is None else min(cores, max(1, int(chosen[0])))


def recorded_threads(run: RunRecord, cores: int) -> int:
    """With how many threads the run began; 1 if it has not begun, or did so on a machine with more cores."""
    first = next(EventReader().read(run.folder), None)
    return first.threads if isinstance(first, Started) and 1 <= first.threads <= cores else 1


def use_threads(threads: int) -> None:
    """Sets the number of threads that PyTorch computes with, from the next operation on."""
    import torch

    torch.set_num_threads(threads)
