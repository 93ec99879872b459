"""What servers tell the dispatcher: that they are there, that somebody may start a run soon, and with which settings to dispatch."""

import os
import time

from fmnist_core.classroom.records import records

_SERVER, _WARMTH, _ENVIRONMENT = "server_seen_at", "warmth_wanted_at", "dispatcher_environment"
BEAT_EVERY_S = 5.0
_SERVER_IS_GONE_S = 20.0
_WARM_FOR_S = 600.0


def beat() -> None:
    """Says that a server is there, so that the dispatcher stays; call it every five seconds."""
    _set(_SERVER, str(time.time()))


def is_server_there() -> bool:
    """Whether a server has said so in the last twenty seconds."""
    return _is_recent(_SERVER, _SERVER_IS_GONE_S)


def want_warmth() -> None:
    """Says that somebody may start a run soon: for ten minutes, a process is kept ready while nothing trains."""
    if not _is_recent(_WARMTH, _WARM_FOR_S / 2):
        _set(_WARMTH, str(time.time()))


def is_warmth_wanted() -> bool:
    """Whether somebody may start a run soon."""
    return _is_recent(_WARMTH, _WARM_FOR_S)


def environment() -> str:
    """The settings with which this process would dispatch."""
    return "\n".join(f"{name}={os.environ.get(name, '')}" for name in ("FMNIST_DATA", "FMNIST_SLOTS"))


def demand_environment() -> None:
    """Lets a dispatcher that was started with other settings than this server's end; the next one has these."""
    if wanted_environment() != environment():
        _set(_ENVIRONMENT, environment())


def wanted_environment() -> str:
    """The settings of the server that started last; "" if there has been none."""
    return _get(_ENVIRONMENT)


def _is_recent(name: str, most_s: float) -> bool:
    try:
        return abs(time.time() - float(_get(name) or 0)) < most_s
    except ValueError:
        return False


def _get(name: str) -> str:
    with records().read() as connection:
        row = connection.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
    return str(row[0]) if row else ""


def _set(name: str, value: str) -> None:
    with records().write() as connection:
        connection.execute("INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (name, value))
