"""The cores that this process may use, how busy other processes keep them, and whether those come first."""

import contextlib
import os
import time
from collections.abc import Callable, Collection
from pathlib import Path

_COUNTERS = Path("/proc/stat")
_BUSY = (0, 1, 2, 5, 6)  # of a core's counters: user, nice, system, and the two kinds of interrupts; not idle, waiting or stolen
_SHORTEST_READING_S = 0.2  # the counters count hundredths of a second
_NICENESS = 5
_SESSION_NICENESS = Path("/proc/self/autogroup")


def usable_cores() -> frozenset[int]:
    """The numbers of the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def yield_to_clicks(niceness: int = _NICENESS) -> None:
    """Gives this process a lower priority than the server, so that a click is answered first.

    Many Linux systems share the cores between sessions and compare priorities within one only; a process that leads a session, as a
    trainer does, therefore lowers its session too.
    """
    if not hasattr(os, "nice"):
        return
    os.nice(niceness)
    if os.getsid(0) == os.getpid():
        with contextlib.suppress(OSError):
            _SESSION_NICENESS.write_text(str(niceness))


class OtherWork:
    """Measures how many of these cores other processes keep busy, from the counters of Linux; other systems have none so cheap."""

    def __init__(self, cores: Collection[int], counters: Path = _COUNTERS, clock: Callable[[], float] = time.monotonic) -> None:
        self._names = {f"cpu{core}" for core in cores}
        self._counters, self._clock = counters, clock
        self._last = self._read()

    def busy_cores(self) -> float | None:
        """How many cores were busy with other processes since the last call that gave a number, such as 0.5.

        Returns:
            None if the system does not tell, or if that was less than 0.2 s ago.
        """
        before, now = self._last, self._read()
        if before is None or now is None or now[0] - before[0] < _SHORTEST_READING_S:
            self._last = before or now
            return None
        self._last = now
        passed_s, all_s, own_s = (new - old for new, old in zip(now, before, strict=True))
        others = (all_s - own_s) / passed_s
        return None if others < -0.5 else max(0.0, others)  # some sandboxes let all counters stand still

    def _read(self) -> tuple[float, float, float] | None:
        """The time, the seconds that all processes have computed on these cores, and those of this process; None if unknown."""
        try:
            lines = map(str.split, self._counters.read_text().splitlines())
            counts = [counters for name, *counters in lines if name in self._names]
            ticks = sum(int(counters[kind]) for counters in counts for kind in _BUSY)
            busy_s = ticks / os.sysconf("SC_CLK_TCK")
        except (OSError, AttributeError, ValueError, IndexError):
            return None
        return (self._clock(), busy_s, time.process_time()) if counts else None
