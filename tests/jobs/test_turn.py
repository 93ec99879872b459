"""The turn of a run that has a process: also if nobody tells it, the database was lost, or is locked when it asks."""

from types import SimpleNamespace

import pytest

from fmnist_core.classroom.people import Person
from fmnist_core.classroom.permission import note_owner
from fmnist_core.jobs import control, queue, turn, worker
from fmnist_core.jobs.turn import Turn
from fmnist_core.jobs.worker import Controls
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.mailbox import send
from fmnist_core.runs.record import load_run
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.database import DatabaseError
from fmnist_core.training.events import StepDone
from tests.written_runs import step_done

ANNA = Person("a" * 32, "Anna")
A_STEP: StepDone = step_done(3, [1.0], 1.0)


@pytest.fixture
def dispatchers(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """How often a dispatcher was asked for; none comes. Every look is one, however soon it follows the last."""
    asked: list[None] = []
    monkeypatch.setattr(turn, "ensure_dispatcher", lambda: asked.append(None))
    monkeypatch.setattr(turn, "_LOOK_EVERY_S", 0.0)
    return asked


def test_a_run_may_train_until_it_asks(dispatchers: list[None]) -> None:
    assert Turn("a-run").has_come
    assert (queue.rows(), dispatchers) == ([], [])


def test_whoever_waits_keeps_a_dispatcher_alive(dispatchers: list[None]) -> None:
    """kill -9 of the dispatcher, with no server that starts another."""
    waiting = Turn("a-run")
    waiting.ask()
    for _ in range(3):
        waiting.look()
    assert len(dispatchers) == 4
    assert not waiting.has_come


@pytest.mark.usefixtures("dispatchers")
def test_a_turn_that_nobody_told_has_come_all_the_same() -> None:
    """kill -9 of the dispatcher between giving the slot and telling the process."""
    waiting = Turn("a-run")
    waiting.ask()
    queue.place(queue.rows()[0])
    waiting.look()
    assert waiting.has_come
    waiting.ask()
    waiting.look()
    assert not waiting.has_come, "the slot was that of the last turn"


@pytest.mark.usefixtures("dispatchers")
def test_a_place_that_was_lost_with_the_database_is_asked_for_again() -> None:
    waiting = Turn("a-run")
    waiting.ask()
    queue.withdraw("a-run")
    waiting.look()
    assert [row.run for row in queue.rows()] == ["a-run"]


@pytest.mark.usefixtures("dispatchers")
def test_whoever_cannot_ask_after_a_pause_asks_until_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """The slot that the run had before its pause is still in the database, and is not its own any more."""
    run_id = create_run(TrainConfig())
    queue.ask_again(run_id)
    queue.place(queue.rows()[0])
    writer = RunWriter(run_id)
    send(writer.folder, "pause")
    tried: list[str] = []
    ask_again = queue.ask_again

    def ask(run_id: str) -> None:
        tried.append(load_run(run_id).state)
        if len(tried) < 3:
            raise DatabaseError("The server is very busy at this moment: try again.")
        ask_again(run_id)
        queue.place(queue.rows()[0])

    monkeypatch.setattr(queue, "ask_again", ask)
    monkeypatch.setattr(
        worker, "time", SimpleNamespace(sleep=lambda _s: load_run(run_id).state != "paused" or send(writer.folder, "go-on"))
    )
    Controls(writer).next_request(A_STEP)
    assert tried == ["paused", "waiting", "waiting"]
    assert load_run(run_id).state == "training"
    writer.end("stopped")


@pytest.mark.usefixtures("dispatchers")
def test_a_run_that_is_stopped_while_it_waits_after_a_pause_leaves_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stops it takes its place away, then sends the command; between the two, the process may look and ask again."""
    run_id = create_run(TrainConfig(), owner=ANNA.id)
    note_owner(run_id, ANNA.id)
    writer = RunWriter(run_id)
    send(writer.folder, "pause")
    looks: list[str] = []

    def sleep(_s: float) -> None:
        looks.append(load_run(run_id).state)
        if looks[-1] == "paused":
            send(writer.folder, "go-on")
        elif len(looks) == 3:
            assert queue.withdraw(run_id)
        elif len(looks) == 4:
            assert queue.row_of(run_id), "it has asked again"
            control.stop(run_id, by=ANNA)
            queue.ask_again(run_id)

    monkeypatch.setattr(worker, "time", SimpleNamespace(sleep=sleep))
    controls = Controls(writer)
    controls.next_request(A_STEP)
    assert controls.is_stopped
    controls.end("stopped", controls.message)
    assert load_run(run_id).state == "stopped"
    assert queue.rows() == []


@pytest.mark.usefixtures("dispatchers")
def test_whoever_cannot_ask_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turn, "ensure_dispatcher", lambda: (_ for _ in ()).throw(RunError("No process could be started.")))
    with pytest.raises(RunError, match="No process could be started"):
        Turn("a-run").ask()


def test_only_one_of_two_processes_that_are_to_train_a_run_does() -> None:
    """A dispatcher that was killed had started one; the next has taken it for dead. The slower one comes when all is done."""
    run_id = create_run(TrainConfig(), queued=True)
    RunWriter(run_id).end("finished")
    with pytest.raises(RunError, match="has ended: continue it first"):
        RunWriter(run_id)
    assert load_run(run_id).state == "finished"
