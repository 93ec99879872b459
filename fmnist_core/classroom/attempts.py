"""How often something may be tried: by each visitor, and by all of them together, because a visitor can come back as somebody else."""

import threading
import time
from collections import deque
from collections.abc import Callable


class Attempts:
    """Counts tries of the last minute or so. All methods may be called from any thread.

    Args:
        each: how many a visitor has in that time.
        together: how many all visitors have.
        window_s: that time.
        clock: seconds that never go back.
    """

    def __init__(self, each: int, together: int, window_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._each, self._together, self._window_s = each, together, window_s
        self._clock = clock
        self._lock = threading.Lock()
        self._tries: deque[tuple[float, str]] = deque()  # never more than `together`

    def take(self, visitor: str) -> float:
        """Counts a try and returns 0; or, if there have been too many, the seconds until the next one, and this one does not count."""
        with self._lock:
            now = self._clock()
            while self._tries and now - self._tries[0][0] >= self._window_s:
                self._tries.popleft()
            own = [at for at, who in self._tries if who == visitor]
            free_at = [own[0]] if len(own) >= self._each else []
            if len(self._tries) >= self._together:
                free_at.append(self._tries[0][0])
            if free_at:
                return max(free_at) + self._window_s - now
            self._tries.append((now, visitor))
            return 0.0
