"""How many people watch a live run, and how often their pages are refreshed: the more viewers, the less often."""

import time
import uuid

import streamlit as st

# Seconds between two refreshes of the charts. The server draws them with the same processor that trains the network.
PACES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 12.0)
_REFRESHES_PER_S = 2.5  # of all pages together; on two cores, 20 per second made a step a third longer, and 5 a twelfth
_FORGOTTEN_AFTER_S = 3 * PACES_S[-1]
_HYSTERESIS = 1.25  # a faster pace must also suit this many times the viewers, so that one visitor does not toggle the pace
_ME = "viewer"


def count_viewers() -> int:
    """Counts this session as a viewer of a live run, and returns the number of viewers."""
    now_s, seen_s = time.monotonic(), _last_seen()
    seen_s[st.session_state.setdefault(_ME, uuid.uuid4().hex)] = now_s
    for viewer, at_s in list(seen_s.items()):
        if now_s - at_s > _FORGOTTEN_AFTER_S:
            seen_s.pop(viewer, None)
    return len(seen_s)


def pick_pace(viewers: int, pace_s: float | None = None) -> float:
    """Seconds between two refreshes for this number of viewers.

    Args:
        pace_s: the current pace.
    """
    picked_s = _pace_for(viewers)
    if pace_s is not None and picked_s < pace_s:
        return min(pace_s, _pace_for(viewers * _HYSTERESIS))
    return picked_s


def _pace_for(viewers: float) -> float:
    return next((pace_s for pace_s in PACES_S if viewers / pace_s <= _REFRESHES_PER_S), PACES_S[-1])


@st.cache_resource(show_spinner=False)
def _last_seen() -> dict[str, float]:
    """When each session of the server last drew a live run."""
    return {}
