"""How often each live camera, and each pen that is down, is answered: the more there are, and the busier the machine, the less often."""

import threading
import time
from collections.abc import Callable

from streamlit.runtime.scriptrunner import get_script_run_ctx

_SHARE = 0.8  # of the time of one core: what all cameras together may take
_SHORTEST_INTERVAL_S = 0.15  # between two frames of one camera; more than six answers a second nobody can read
_LONGEST_PAUSE_S = 8.0
_FORGOTTEN_AFTER_S = 20.0  # after its last frame, a camera counts as off


class LivePace:
    """Counts the cameras that are on, and measures what an answer takes. All methods may be called from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._answered: dict[str, tuple[float, float]] = {}  # by session: when, and how long its answers take
        self._clock = clock
        self._lock = threading.Lock()

    def pause_after(self, session_id: str, took_s: float) -> float:
        """How long a camera should wait, in seconds, after an answer before it sends its next frame.

        Args:
            took_s: how long the answer took by the clock on the wall, which includes waiting for a busy processor.
        """
        now_s = self._clock()
        with self._lock:
            _, before_s = self._answered.get(session_id, (now_s, took_s))
            self._answered[session_id] = now_s, (before_s + took_s) / 2
            for other, (at_s, _) in list(self._answered.items()):
                if now_s - at_s > _FORGOTTEN_AFTER_S:
                    del self._answered[other]
            all_s = sum(usual_s for _, usual_s in self._answered.values())
        return min(_LONGEST_PAUSE_S, max(0.0, max(_SHORTEST_INTERVAL_S, all_s / _SHARE) - took_s))


PACE = LivePace()  # of this server


def pause_here(took_s: float) -> float:
    """`LivePace.pause_after` for this session; without a session, as in tests, for one that all share."""
    context = get_script_run_ctx()
    return PACE.pause_after(context.session_id if context else "", took_s)
