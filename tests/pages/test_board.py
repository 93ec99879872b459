"""Class: the board for the projector; tests/browser/test_board.py looks at it with two people."""

import html
from typing import Any

import pytest

from fmnist_core.classroom.board import Board, make_board
from fmnist_core.classroom.people import Person, person_id, rename_person
from fmnist_core.classroom.permission import note_owner
from pages.parts.board.shared_board import REFRESH_S, SHARED_BOARDS, SharedBoards, read_board
from tests.pages.conftest import open_page
from tests.written_class import write_class_runs, write_students
from tests.written_runs import write_run


@pytest.fixture(autouse=True)
def nothing_drawn_yet() -> None:
    """What an earlier test's home had on the board is forgotten."""
    SHARED_BOARDS._latest.clear()


def board_html(**choices: str) -> str:
    """The board as HTML."""
    at = open_page("board", **choices)
    assert not at.exception
    return " ".join(str(element.proto.body) for element in at.get("html"))


def test_an_empty_room_shows_a_board_without_runs() -> None:
    assert "<b>0</b> runs" in board_html()


def test_a_class_at_work_is_on_the_board_with_names_and_results() -> None:
    students = write_students(4)
    write_class_runs(students, 12)
    shown = board_html()
    for student in students:
        assert student.person.name in shown
    assert "<b>12</b> runs" in shown


def test_the_chart_says_in_words_what_it_shows() -> None:
    write_class_runs(write_students(3), 9)
    at = open_page("board")
    words = [chart.proto.alt for chart in at.get("echarts_chart")]
    assert len(words) == 1
    assert words[0].startswith("Test accuracy against learning rate of ")


@pytest.mark.parametrize("name", ["<b>bold</b>", "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "&lt;b&gt; & co"])
def test_names_are_shown_as_text(name: str) -> None:
    person = rename_person(Person(person_id("x" * 32)), name)
    run = write_run([], "finished", test_accuracy=0.9, has_weights=True)
    note_owner(run.id, person.id)
    shown = board_html()
    assert html.escape(person.name, quote=False) in shown.replace("&quot;", '"').replace("&#x27;", "'")
    assert person.name not in shown


def test_a_board_is_read_once_for_all_screens_and_drawn_when_it_changes() -> None:
    clock, reads = [0.0], []
    boards: dict[str, Any] = {"now": make_board([], {}, {}, {})}

    def read(period: str) -> Board:
        reads.append(period)
        board: Board = boards["now"]
        return board

    shared = SharedBoards(read, clock=lambda: clock[0])
    first = shared.current("today")
    assert shared.current("today") is first
    assert reads == ["today"]
    clock[0] = 4.0
    assert shared.current("today") is first, "it was read again, and nothing has changed"
    boards["now"] = make_board([], {}, {"a": "Anna"}, {"a": "Home"})
    clock[0] = 8.0
    assert shared.current("today") is not first
    assert reads == ["today"] * 3


def test_whoever_closes_a_tab_is_gone_from_every_screen_within_five_seconds() -> None:
    """A screen asks every few seconds, and may then get what another screen has read just before the tab was closed."""
    clock, here = [0.0], {"a": "Home"}
    shared = SharedBoards(lambda _period: make_board([], {}, {"a": "Anna"}, here), clock=lambda: clock[0])
    assert shared.current("today").board.here == 1
    here.clear()
    clock[0] = 5.0 - REFRESH_S + 0.01
    assert shared.current("today").board.here == 0


def test_a_board_of_all_days_is_another_one() -> None:
    assert read_board("all").runs == read_board("today").runs == 0
