"""How many people watch a live run, and how often their pages are refreshed: the more tabs, the less often."""

from dataclasses import dataclass

from pages.parts.shared.presence import sessions_watching

# Seconds between two refreshes of the charts. The server draws them with the same processor that trains the network.
PACES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 12.0)
_REFRESHES_PER_S = 2.5  # of all pages together; on two cores, 20 per second made a step a third longer, and 5 a twelfth
_HYSTERESIS = 1.25  # a faster pace must also suit this many times the tabs, so that one visitor does not toggle the pace


@dataclass(frozen=True)
class Viewers:
    """Who watches live runs.

    Attributes:
        people: how many people, of whom each may have several tabs.
        tabs: how many pages the server refreshes.
    """

    people: int
    tabs: int


def count_viewers() -> Viewers:
    """Who watches a live run now; this session's page has to have said so."""
    watching = sessions_watching()
    return Viewers(len({presence.person for presence in watching}), len(watching))


def pick_pace(tabs: int, pace_s: float | None = None) -> float:
    """Seconds between two refreshes for this number of tabs.

    Args:
        pace_s: the current pace.
    """
    picked_s = _pace_for(tabs)
    if pace_s is not None and picked_s < pace_s:
        return min(pace_s, _pace_for(tabs * _HYSTERESIS))
    return picked_s


def _pace_for(tabs: float) -> float:
    return next((pace_s for pace_s in PACES_S if tabs / pace_s <= _REFRESHES_PER_S), PACES_S[-1])
