"""What the class board shows, worked out by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from fmnist_core.classroom.board import MOST_LISTED, Board, make_board, since
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.record import RunRecord, State, load_run
from fmnist_core.settings.config import TrainConfig
from fmnist_core.settings.presets import find_preset

AT = datetime(2026, 11, 2, 10, 0, tzinfo=UTC)
NAMES = {"a": "Anna", "b": "Ben"}


def runs(*written: tuple[str, State, float | None], config: TrainConfig | None = None) -> list[RunRecord]:
    """Runs with these ids, states and accuracies, the newest first; each was started a minute before the one before it."""
    some = load_run(create_run(TrainConfig()))
    return [
        replace(
            some,
            id=run_id,
            name=f"Run {run_id}",
            state=state,
            test_accuracy=accuracy,
            created_at=AT - timedelta(minutes=number),
            config=config or some.config,
            epochs=(config or some.config).epochs,
        )
        for number, (run_id, state, accuracy) in enumerate(written)
    ]


def test_an_empty_room_has_an_empty_board() -> None:
    assert make_board([], {}, {}, {}) == Board(0, (), 0, 0, (), (), (), (), ())


def test_each_student_has_a_page_and_a_best_run() -> None:
    board = make_board(
        runs(("3", "finished", 0.8), ("2", "finished", 0.9), ("1", "diverged", None), ("0", "finished", 0.9)),
        {"3": "a", "2": "a", "0": "a", "1": "b"},
        NAMES,
        {"b": "Train", "stranger": "Home"},
    )
    anna, ben = board.students
    assert (anna.name, anna.page, anna.runs) == ("Anna", "", 3)
    assert anna.best is not None
    assert anna.best.id == "0", "of equal ones the earliest"
    assert (ben.name, ben.page, ben.best, ben.runs) == ("Ben", "Train", None, 1)
    assert (board.here, board.others, board.runs) == (2, 1, 4)


def test_whoever_has_no_name_but_a_run_is_somebody_and_comes_last() -> None:
    board = make_board(runs(("1", "finished", 0.9), ("0", "finished", 0.8)), {"1": "z", "0": "b"}, NAMES, {})
    assert [student.name for student in board.students] == ["Ben", "somebody"]


def test_the_best_are_one_of_each_person_and_all_that_nobody_owns() -> None:
    written = runs(("4", "finished", 0.5), ("3", "finished", 0.7), ("2", "finished", 0.9), ("1", "finished", 0.8), ("0", "stopped", 0.6))
    board = make_board(written, {"2": "a", "1": "a", "0": "b"}, NAMES, {})
    assert [run.id for run in board.best] == ["2", "3", "0", "4"]
    many = runs(*[(str(number), "finished", number / 10) for number in range(9)])
    assert [run.id for run in make_board(many, {}, {}, {}).best] == ["8", "7", "6", "5", "4"]
    assert len(make_board(many, {}, {}, {}).newest) == MOST_LISTED


def test_live_runs_are_told_apart_by_what_they_do() -> None:
    written = runs(("4", "waiting", None), ("3", "waiting", None), ("2", "paused", 0.7), ("1", "training", 0.8), ("0", "failed", None))
    board = make_board(written, {}, {}, {}, line={"3": 5.0, "4": None}, seconds_left={"1": 30.0})
    assert [(run.id, run.seconds_left) for run in board.training] == [("2", None), ("1", 30.0)]
    assert [(run.id, run.seconds_left) for run in board.waiting] == [("3", 5.0), ("4", None)], "in the order of the line"
    assert [run.id for run in board.newest] == ["0"]
    assert [run.id for run in board.tried] == ["2", "1", "0"], "what waits has not been tried"


def test_a_run_that_is_meant_to_fail_is_named_as_such() -> None:
    (written,) = runs(("0", "diverged", None), config=replace(find_preset("shuffled-labels").config, seed=77))
    (run,) = make_board([written], {}, {}, {}).newest
    assert run.recipe == find_preset("shuffled-labels").name
    assert run.has_failed


def test_old_runs_leave_the_board_unless_they_are_live() -> None:
    written = runs(("2", "finished", 0.9), ("1", "finished", 0.8), ("0", "training", 0.7))
    assert [run.id for run in since(written, AT - timedelta(seconds=30))] == ["2", "0"]
