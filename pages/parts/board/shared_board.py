"""The class board that all screens of a server share: it is read and drawn once, however many screens show it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from fmnist_core.classroom.board import Board, make_board, since
from fmnist_core.classroom.people import names_of
from fmnist_core.classroom.permission import owners
from fmnist_core.figures.board_charts import draw_tried
from fmnist_core.jobs.line import line
from fmnist_core.runs.record import list_runs
from fmnist_core.runs.results import read_remaining_s
from pages.parts.board.panels import draw_figures, draw_live, draw_people, draw_results
from pages.parts.board.tried import as_points, describe_tried
from pages.parts.shared.presence import people_present

Period = Literal["today", "all"]
TODAY_H = 12  # a school day, and a run that trained overnight is still there in the morning
# Whoever closes a tab is gone from every screen within five seconds.
REFRESH_S = 4.0  # after which a screen asks again
FRESH_S = 1.0


@dataclass(frozen=True)
class DrawnBoard:
    """A board, drawn: four panels as HTML, the options of its chart, and what the chart shows in words."""

    board: Board
    figures: str
    people: str
    live: str
    results: str
    chart: dict[str, Any]
    chart_words: str


class SharedBoards:
    """The latest board of each period. Any thread can ask for it; one reads while the others wait.

    Args:
        read: returns the board of a period as it is now.
    """

    def __init__(self, read: Callable[[Period], Board], clock: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._clock = clock
        self._lock = threading.Lock()
        self._latest: dict[Period, tuple[float, DrawnBoard]] = {}

    def current(self, period: Period) -> DrawnBoard:
        """The board as it was at most one second ago; the same object until something on it changes."""
        with self._lock:
            read_at_s, drawn = self._latest.get(period, (0.0, None))
            if drawn is None or self._clock() - read_at_s > FRESH_S:
                now_s, board = self._clock(), self._read(period)
                drawn = drawn if drawn is not None and drawn.board == board else _draw_board(board)
                self._latest[period] = now_s, drawn
            return drawn


def read_board(period: Period) -> Board:
    """The board as it is now; raises DatabaseError if the database cannot be used."""
    runs = list_runs()
    if period == "today":
        runs = since(runs, datetime.now(UTC) - timedelta(hours=TODAY_H))
    pages = {presence.person: presence.page for presence in people_present()}
    owner_of = owners()
    names = names_of({*owner_of.values(), *pages})
    starts = {waiting.run_id: waiting.starts_in_s for waiting in line()}
    left = {run.id: read_remaining_s(run.folder) for run in runs if run.state == "training"}
    return make_board(runs, owner_of, names, pages, line=starts, seconds_left=left)


def _draw_board(board: Board) -> DrawnBoard:
    """The board as HTML and a chart."""
    return DrawnBoard(
        board=board,
        figures=draw_figures(board),
        people=draw_people(board),
        live=draw_live(board),
        results=draw_results(board),
        chart=draw_tried(as_points(board)),
        chart_words=describe_tried(board),
    )


SHARED_BOARDS = SharedBoards(read_board)
