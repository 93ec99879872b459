"""What was tried, as points of a chart and in words."""

from fmnist_core.classroom.board import Board, BoardRun
from fmnist_core.figures.board_charts import Kind, TriedRun
from fmnist_core.settings.declaration import as_decimal
from pages.parts.shared.wording import count, percent


def as_points(board: Board) -> list[TriedRun]:
    """The runs as points. Of each person only the best has a label, because a name at every point would be read nowhere."""
    labelled = {run.id for run in board.best} | {student.best.id for student in board.students if student.best}
    return [TriedRun(run.learning_rate, run.accuracy, kind_of(run), whose(run) if run.id in labelled else "") for run in board.tried]


def kind_of(run: BoardRun) -> Kind:
    """Which shape a run has."""
    if run.has_failed:
        return "failed"
    if run.state in ("training", "paused"):
        return "still training"
    return "SGD" if run.optimizer == "sgd" else "Adam"


def whose(run: BoardRun) -> str:
    """Its owner, or the name of a run that nobody owns."""
    return run.owner or run.name


def describe_tried(board: Board) -> str:
    """The chart in words."""
    known = [run for run in board.tried if run.accuracy is not None]
    failed = sum(run.has_failed for run in board.tried)
    if not board.tried:
        return "Test accuracy against learning rate: nobody has a result yet."
    text = f"Test accuracy against learning rate of {count(len(board.tried), 'run')}."
    if known:
        best = max(known, key=lambda run: run.accuracy or 0)
        worst = min(known, key=lambda run: run.accuracy or 0)
        text += f" The best, {whose(best)}'s, has {percent(best.accuracy or 0)} at a learning rate of {as_decimal(best.learning_rate)}"
        text += f"; the worst has {percent(worst.accuracy or 0)} at {as_decimal(worst.learning_rate)}." if worst != best else "."
    return text + (f" {count(failed, 'run')} failed." if failed else "")
