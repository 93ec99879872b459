"""How many people look at a run that trains, and how often their pages are refreshed: the more viewers, the less often."""

import time
import uuid

import streamlit as st

# Seconds between two refreshes of the charts. A server that draws on the processor the network trains on takes its time from it.
PACES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 12.0)
_REFRESHES_PER_S = 2.5  # of all pages together; 20, ten pages at the fastest pace, made a step a third longer on two cores, 5 a twelfth
_FORGOTTEN_AFTER_S = 3 * PACES_S[-1]
_HYSTERESIS = 1.25  # so much room must be left before a faster pace is taken again, so that one visitor does not toggle the pace
_ME = "viewer"


def count_viewers() -> int:
    """Counts this session among those that look at a run under way; returns how many they are."""
    now_s, seen_s = time.monotonic(), _last_seen()
    seen_s[st.session_state.setdefault(_ME, uuid.uuid4().hex)] = now_s
    for viewer, at_s in list(seen_s.items()):
        if now_s - at_s > _FORGOTTEN_AFTER_S:
            seen_s.pop(viewer, None)
    return len(seen_s)


def pick_pace(viewers: int, pace_s: float | None = None) -> float:
    """Seconds between two refreshes for so many people.

    Args:
        pace_s: what it is now.
    """
    picked_s = _pace_for(viewers)
    if pace_s is not None and picked_s < pace_s:
        return min(pace_s, _pace_for(viewers * _HYSTERESIS))
    return picked_s


def _pace_for(viewers: float) -> float:
    return next((pace_s for pace_s in PACES_S if viewers / pace_s <= _REFRESHES_PER_S), PACES_S[-1])


@st.cache_resource(show_spinner=False)
def _last_seen() -> dict[str, float]:
    """When each session last drew a run under way, for all sessions of the server."""
    return {}
