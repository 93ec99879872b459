"""The panels of the class board as HTML, with every name escaped. A screen reader reads them as lists."""

import html
import math
from collections.abc import Iterable

from fmnist_core.classroom.board import Board, BoardRun, Student
from pages.parts.board.tried import whose
from pages.parts.shared.wording import format_duration, percent

MOST_STUDENTS = 40
_ONE_COLUMN = 15  # students; more stand in two columns
_FEWEST_ROWS = 10  # as if there were this many, so that a few names do not become huge
_MOST_TRAINING = 3
_MOST_WAITING = 3


def draw_figures(board: Board) -> str:
    """How many are here, train, wait, and have trained."""
    figures = [f"<b>{board.here}</b> here", f"<b>{len(board.training)}</b> training"]
    figures += [f"<b>{len(board.waiting)}</b> waiting"] if board.waiting else []
    figures.append(f"<b>{board.runs:,}</b> {'run' if board.runs == 1 else 'runs'}")
    if board.best:
        figures.append(f"<b>{percent(board.best[0].accuracy or 0)}</b> by {_name(whose(board.best[0]))}")
    return "".join(f"<span>{figure}</span> " for figure in figures)


def draw_people(board: Board) -> str:
    """Everybody by name, where they are, and their best result; whoever is here comes before others if there are too many."""
    here_first = sorted(board.students, key=lambda student: not student.page)
    listed = set(map(id, here_first[:MOST_STUDENTS]))
    students = [student for student in board.students if id(student) in listed]
    columns = 1 if len(students) <= _ONE_COLUMN else 2
    rows = max(_FEWEST_ROWS, math.ceil(len(students) / columns))
    left_out = len(board.students) - len(students)
    others = [f"{left_out} more"] if left_out else []
    others += [f"{board.others} without a name"] if board.others else []
    more = " and ".join(others)
    return (
        f'<section class="people" style="--rows: {rows}; --columns: {columns}"><h2>Who is here, and their best</h2>'
        + _list("ul", map(_draw_student, students))
        + (f"<p>{'and ' if students else ''}{more}</p>" if more or students else "<p>Nobody yet.</p>")
        + "</section>"
    )


def draw_live(board: Board) -> str:
    """What trains now, and what waits."""
    training = _list("ul", map(_draw_training, board.training[:_MOST_TRAINING]))
    waiting = _list("ol", (_draw_row(run, _starts_in(run)) for run in board.waiting[:_MOST_WAITING]))
    return (
        f'<section class="live"><h2>Training now{_of(board.training, _MOST_TRAINING)}</h2>'
        + (training or "<p>No run is training.</p>")
        + (f"<h2>Next in line{_of(board.waiting, _MOST_WAITING)}</h2>{waiting}" if waiting else "")
        + "</section>"
    )


def draw_results(board: Board) -> str:
    """The best, one of each person, and the newest results."""
    best = _list("ol", (_draw_row(run, f"<b>{percent(run.accuracy or 0)}</b>") for run in board.best))
    newest = _list("ul", (_draw_row(run, _result(run)) for run in board.newest))
    return (
        f'<section class="results"><h2>Best</h2>{best or "<p>No result yet.</p>"}'
        + (f"<h2>Newest</h2>{newest}" if newest else "")
        + "</section>"
    )


def _draw_student(student: Student) -> str:
    place = f"<i>{html.escape(student.page)}</i>" if student.page else "<i>away</i>"
    best = f"<b>{100 * (student.best.accuracy or 0):.1f} %</b>" if student.best else f"<i>{'no result' if student.runs else 'no run'}</i>"
    return f"<li{'' if student.page else ' class=away'}>{_name(student.name)} {place} {best}</li>"


def _draw_row(run: BoardRun, value: str) -> str:
    return f"<li>{_name(whose(run))} <i>{html.escape(run.recipe)}</i> <span>{value}</span></li>"


def _draw_training(run: BoardRun) -> str:
    parts = ["paused"] if run.state == "paused" else []
    parts.append(f"epoch {min(run.epoch + 1, run.epochs)} of {run.epochs}")
    if run.accuracy is not None:
        parts.append(percent(run.accuracy))
    if run.state == "training" and run.seconds_left is not None:
        parts.append(f"{format_duration(run.seconds_left)} left")
    bar = f'<div class="bar"><div style="width: {100 * run.epoch / run.epochs:.0f}%"></div></div>'
    return f"<li>{_name(whose(run))} <i>{html.escape(run.recipe)}</i> <span>{', '.join(parts)}</span>{bar}</li>"


def _result(run: BoardRun) -> str:
    """The accuracy, and how the run ended if it did not finish."""
    ended = "" if run.state == "finished" else f"<em>{run.state}</em>"
    return f"{ended} <b>{percent(run.accuracy)}</b>".strip() if run.accuracy is not None else ended


def _starts_in(run: BoardRun) -> str:
    if run.seconds_left is None:
        return ""
    return "next" if run.seconds_left < 1 else f"in {format_duration(run.seconds_left)}"


def _name(text: str) -> str:
    """A name that cannot turn the direction of what follows."""
    return f'<bdi title="{html.escape(text)}">{html.escape(text)}</bdi>'


def _list(kind: str, items: Iterable[str]) -> str:
    body = "".join(items)
    return f"<{kind}>{body}</{kind}>" if body else ""


def _of(runs: tuple[BoardRun, ...], shown: int) -> str:
    """How many there are, if not all are shown."""
    return f" <i>{shown} of {len(runs)}</i>" if len(runs) > shown else ""
