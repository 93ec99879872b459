"""Who is here: which page each person has open, and which run they watch. A closed tab is forgotten at once."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages.parts.shared.visitor import visitor

_KEPT_S = 600.0  # a session without a connection may come back, for as long as Streamlit keeps it, which is less


@dataclass(frozen=True)
class Presence:
    """A person who is here.

    Attributes:
        person: their id.
        page: the title of the page that they opened last.
        run_id: the live run that they watch there; "" for none.
    """

    person: str
    page: str
    run_id: str = ""


class Presences:
    """What each session has opened last. All methods may be called from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._opened: dict[str, tuple[Presence, float]] = {}  # the latest is last
        self._clock = clock
        self._lock = threading.Lock()

    def note_page(self, session_id: str, person: str, page: str, is_active: Callable[[str], bool]) -> None:
        """A session runs a page, on which it watches nothing yet."""
        now_s = self._clock()
        with self._lock:
            self._opened.pop(session_id, None)
            for other, (_, at_s) in list(self._opened.items()):
                if now_s - at_s > _KEPT_S and not is_active(other):
                    del self._opened[other]
            self._opened[session_id] = Presence(person, page), now_s

    def note_run(self, session_id: str, run_id: str) -> None:
        """The page that the session runs shows a live run."""
        with self._lock:
            if session_id in self._opened:
                presence, at_s = self._opened[session_id]
                self._opened[session_id] = replace(presence, run_id=run_id), at_s

    def of_sessions(self, is_active: Callable[[str], bool]) -> list[Presence]:
        """One for each session that is connected, the latest last; a person may have several."""
        with self._lock:
            return [presence for session_id, (presence, _) in self._opened.items() if is_active(session_id)]


PRESENCES = Presences()  # of this server


def note_page(page: str) -> None:
    """To be called before a page runs."""
    context = get_script_run_ctx()
    if context is not None:
        PRESENCES.note_page(context.session_id, visitor().id, page, _is_active)


def note_watched_run(run_id: str) -> None:
    """To be called where a page shows a live run."""
    context = get_script_run_ctx()
    if context is not None:
        PRESENCES.note_run(context.session_id, run_id)


def people_present() -> list[Presence]:
    """Everybody who has a page open, each once, with the page that they opened last."""
    return list({presence.person: presence for presence in _of_sessions()}.values())


def sessions_watching() -> list[Presence]:
    """Every tab in which somebody watches a live run; a person may have several."""
    return [presence for presence in _of_sessions() if presence.run_id]


def _of_sessions() -> list[Presence]:
    return PRESENCES.of_sessions(_is_active)


def _is_active(session_id: str) -> bool:
    """Whether the session's websocket is open; without a server, as in tests, every session's is."""
    return not runtime.exists() or runtime.get_instance().is_active_session(session_id)
