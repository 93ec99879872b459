"""The dispatcher's decisions, with a made-up engine; and the process, with real ones."""

import os
import signal
import sys
import time
from collections import Counter
from functools import partial
from pathlib import Path

import psutil
import pytest

from fmnist_core.classroom.lesson import change_lesson
from fmnist_core.classroom.people import LOCAL, Person
from fmnist_core.classroom.permission import NotAllowedError
from fmnist_core.classroom.records import records
from fmnist_core.jobs import control, dispatcher, estimates, heartbeat, queue
from fmnist_core.jobs.control import continue_run, start_run, stop, train_more
from fmnist_core.jobs.dispatcher import Dispatcher, dispatch, ensure_dispatcher
from fmnist_core.jobs.engine import News
from fmnist_core.jobs.launch import launch
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.mailbox import Name
from fmnist_core.runs.record import load_run, read_status
from fmnist_core.runs.transitions import mark_ended
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.locks import FileLock, is_locked
from tests.jobs.trained import LONG, start_and_wait_for_a_step, steps_of, wait_until
from tests.written_runs import append_events, started, step_done, write_run

PEOPLE = [Person(f"{number:032x}", f"Person {number}") for number in range(30)]
TRAINING = News("training")


class MadeUpEngine:
    """Trains nothing; each run does what the test says."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.doing: dict[str, News] = {}
        self.sent: list[tuple[str, str, str]] = []
        self.warmth: list[bool] = []
        self.refuses = ""

    def start(self, run_id: str) -> None:
        if self.refuses:
            raise RunError(self.refuses)
        self.started.append(run_id)
        self.doing[run_id] = TRAINING

    def send(self, run_id: str, command: Name, *, reason: str = "") -> None:
        self.sent.append((run_id, command, reason))

    def news(self, run_id: str) -> News:
        return self.doing.get(run_id, News("gone"))

    def keep_warm(self, wanted: bool) -> None:
        self.warmth.append(wanted)

    def finish(self, run_id: str) -> None:
        mark_ended(run_id, "finished", "")
        self.doing[run_id] = News("ended")


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No process dispatches beside the test."""
    monkeypatch.setattr(control, "ensure_dispatcher", lambda: None)
    monkeypatch.setenv("FMNIST_SLOTS", "2")


@pytest.fixture
def engine(alone: None) -> MadeUpEngine:  # noqa: ARG001
    return MadeUpEngine()


def test_sixty_runs_of_thirty_people_all_end_once_and_in_turns(engine: MadeUpEngine) -> None:
    """One of them asks for twenty runs before anybody else does."""
    change_lesson(LOCAL, max_queued=40)
    asked = [start_run(TrainConfig(), by=PEOPLE[0]) for _ in range(20)]
    asked += [start_run(TrainConfig(), by=person) for person in PEOPLE[1:] for _ in range(1)]
    asked += [start_run(TrainConfig(), by=person) for person in PEOPLE[1:12]]
    owners = dict.fromkeys(asked[:20], 0) | {run_id: number for number, run_id in enumerate(asked[20:49], 1)}
    owners |= {run_id: number for number, run_id in enumerate(asked[49:], 1)}
    dispatcher = Dispatcher(engine)
    while dispatcher.step():
        assert len([run_id for run_id, news in engine.doing.items() if news == TRAINING]) <= 2
        engine.finish(engine.started[-1])
        if len(engine.started) > 1:
            engine.finish(engine.started[-2])
    assert Counter(engine.started) == Counter(asked), "none lost, none twice"
    turns = [owners[run_id] for run_id in engine.started]
    assert turns[:30] == list(range(30)), "everybody has had one run before anybody has a second"
    assert turns[30:42] == list(range(12))
    assert turns[42:] == [0] * 18
    assert [run_id for run_id in engine.started if owners[run_id] == 0] == asked[:20]
    assert queue.rows() == []


def test_a_new_dispatcher_continues_where_the_last_one_was_killed(engine: MadeUpEngine) -> None:
    ids = [start_run(TrainConfig(), by=person) for person in PEOPLE[:6]]
    Dispatcher(engine).step()
    assert engine.started == ids[:2]
    second = Dispatcher(engine)
    second.step()
    assert engine.started == ids[:2], "their slots are taken, although this dispatcher has not started them"
    engine.finish(ids[0])
    second.step()
    second.step()
    assert engine.started == ids[:3]


def test_a_dispatcher_killed_between_placing_and_starting_loses_nothing(engine: MadeUpEngine) -> None:
    run_id, other = start_run(TrainConfig(), by=PEOPLE[0]), start_run(TrainConfig(), by=PEOPLE[1])
    queue.place(queue.rows()[0])
    later = Dispatcher(engine)
    later.step()
    later.step()
    assert sorted(engine.started) == sorted([run_id, other])
    assert [row.starts for row in queue.rows()] == [2, 1]


def test_accidents_count_only_while_a_run_gets_no_further(engine: MadeUpEngine) -> None:
    """Whoever kills at random does not end a run for good; what kills each of its starts does."""
    run_id = start_run(TrainConfig(epochs=9), by=PEOPLE[0])
    dispatcher = Dispatcher(engine)
    dispatcher.step()
    for epoch in range(1, 6):
        set_epoch(run_id, epoch)
        engine.doing[run_id] = News("gone", "It was killed.")
        dispatcher.step()
        dispatcher.step()
    assert len(engine.started) == 6
    for _ in range(4):
        engine.doing[run_id] = News("gone", "It was killed.")
        dispatcher.step()
        dispatcher.step()
    assert len(engine.started) == 7, "two starts without an epoch"
    assert load_run(run_id).state == "interrupted"


def test_the_starts_of_dispatchers_that_were_killed_do_not_count(engine: MadeUpEngine) -> None:
    run_id = start_run(TrainConfig(), by=PEOPLE[0])
    for killed in range(5):
        one = Dispatcher(engine)
        one.step()
        one.step()
        assert engine.started == [run_id] * (killed + 1)
        engine.doing[run_id] = News("gone")
    assert load_run(run_id).state == "waiting"


def set_epoch(run_id: str, epoch: int) -> None:
    """As if it had completed so many."""
    writer = RunWriter(run_id)
    writer._status.epoch = epoch
    writer.change_state("training")
    writer._claim.release()


def test_a_new_dispatcher_counts_only_what_it_has_seen(engine: MadeUpEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise the pace, from which others' waiting times are told, would be that of ten epochs in the time of one."""
    noted: list[tuple[int, float]] = []
    monkeypatch.setattr(estimates, "note_pace", lambda _run, *, since_epoch, seconds: noted.append((since_epoch, seconds)))
    run_id = start_run(TrainConfig(epochs=10), by=PEOPLE[0])
    Dispatcher(engine).step()
    set_epoch(run_id, 9)
    clock = [0.0]
    later = Dispatcher(engine, clock=lambda: clock[0])
    later.step()
    clock[0] = 7.0
    later.step()
    engine.finish(run_id)
    later.step()
    assert noted == [(9, 7.0)]


def test_a_run_that_has_lost_its_process_is_the_first_to_get_a_slot(engine: MadeUpEngine) -> None:
    ids = [start_run(TrainConfig(), by=person) for person in PEOPLE[:5]]
    dispatcher = Dispatcher(engine)
    dispatcher.step()
    engine.doing[ids[0]] = News("gone", "It was killed.")
    dispatcher.step()
    assert engine.started == [*ids[:2], ids[0]], "the others have had no turn yet, but it has lost its own"


def test_a_run_that_waits_without_a_place_gets_one(engine: MadeUpEngine) -> None:
    """As after kill -9 between giving up a place and writing so into the run's folder, or with an old copy of the database."""
    clock = [0.0]
    dispatcher = Dispatcher(engine, clock=lambda: clock[0])
    with records().write():
        pass
    for _ in range(2):  # a database that has just been opened is a reason to look again at once
        dispatcher.step()
    ids = [start_run(TrainConfig(), by=PEOPLE[0]) for _ in range(2)]
    for run_id in ids:
        queue.withdraw(run_id)
    dispatcher.step()
    assert engine.started == []
    clock[0] = 61.0
    dispatcher.step()
    assert engine.started == ids
    assert [row.person for row in queue.rows()] == [PEOPLE[0].id] * 2
    third = start_run(TrainConfig(), by=PEOPLE[0])
    queue.withdraw(third)
    records().openings += 1
    dispatcher.step()
    assert third in {row.run for row in queue.rows()}, "at once, if the database may be another"
    queue.withdraw(third)
    mark_ended(third, "stopped", "")
    Dispatcher(engine).step()
    assert len(queue.rows()) == 2, "each has one place"


def test_a_paused_run_frees_its_slot(engine: MadeUpEngine) -> None:
    ids = [start_run(TrainConfig(), by=person) for person in PEOPLE[:3]]
    dispatcher = Dispatcher(engine)
    dispatcher.step()
    engine.doing[ids[0]] = News("paused")
    dispatcher.step()
    assert engine.started == ids
    queue.ask_again(ids[0])
    dispatcher.step()
    assert engine.started == ids, "it waits: two others train"
    engine.finish(ids[1])
    dispatcher.step()
    dispatcher.step()
    assert engine.started == [*ids, ids[0]]


def pause_one_by_one(engine: MadeUpEngine, run_ids: list[str], *, asks_again: str = "") -> None:
    """Pauses each of these runs a second after the one before, and looks on for three seconds; one may end its pause at once."""
    clock = [0.0]
    one = Dispatcher(engine, clock=lambda: clock[0])
    for run_id in run_ids:
        one.step()
        engine.doing[run_id] = News("paused")
        clock[0] += 1
        if run_id == asks_again:
            one.step()
            queue.ask_again(run_id)
    for _ in range(3):
        one.step()
        clock[0] += 1


def test_of_many_paused_runs_those_paused_longest_are_unloaded(engine: MadeUpEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "_MOST_PAUSED", 2)
    ids = [start_run(TrainConfig(), by=person) for person in PEOPLE[:5]]
    pause_one_by_one(engine, ids[:4])
    assert [(run_id, command) for run_id, command, _reason in engine.sent] == [(ids[0], "stop"), (ids[1], "stop")]


def test_whoever_pauses_many_runs_unloads_their_own(engine: MadeUpEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "_MOST_PAUSED", 2)
    ids = [start_run(TrainConfig(), by=person) for person in (PEOPLE[0], *[PEOPLE[1]] * 3)]
    pause_one_by_one(engine, ids)
    assert [run_id for run_id, _command, _reason in engine.sent] == ids[1:3], "not the other's, although it was paused first"


def test_a_run_that_waits_after_a_pause_does_not_count_as_paused(engine: MadeUpEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatcher, "_MOST_PAUSED", 1)
    monkeypatch.setenv("FMNIST_SLOTS", "1")
    ids = [start_run(TrainConfig(), by=person) for person in PEOPLE[:3]]
    pause_one_by_one(engine, ids[:2], asks_again=ids[0])
    assert engine.sent == []


def test_a_run_whose_process_dies_is_started_again(engine: MadeUpEngine) -> None:
    run_id, other = start_run(TrainConfig(), by=PEOPLE[0]), start_run(TrainConfig(), by=PEOPLE[0])
    dispatcher = Dispatcher(engine)
    dispatcher.step()
    engine.doing[run_id] = News("gone", "It was killed.")
    dispatcher.step()
    dispatcher.step()
    assert engine.started == [run_id, other, run_id], "at its old place, before the other's successor"
    for _ in range(2):
        engine.doing[run_id] = News("gone", "It was killed.")
        dispatcher.step()
        dispatcher.step()
    assert (load_run(run_id).state, load_run(run_id).message) == ("interrupted", "It was killed.")
    assert [row.run for row in queue.rows()] == [other]
    assert engine.started == [run_id, other, run_id, run_id]


def test_a_run_that_cannot_be_started_fails_with_the_reason(engine: MadeUpEngine) -> None:
    broken, refused = start_run(TrainConfig(), by=PEOPLE[0]), start_run(TrainConfig(), by=PEOPLE[1])
    dispatcher = Dispatcher(engine)
    dispatcher.step()
    engine.doing[broken] = News("gone", "ImportError: no torch", is_broken=True)
    engine.finish(refused)
    dispatcher.step()
    assert (load_run(broken).state, load_run(broken).message) == ("failed", "ImportError: no torch")
    third = start_run(TrainConfig(), by=PEOPLE[1])
    engine.refuses = "There are too many processes."
    dispatcher.step()
    assert (load_run(third).state, load_run(third).message) == (
        "failed",
        "Training could not be started: There are too many processes.",
    )
    assert queue.rows() == []


def test_the_teacher_holds_new_trainings_and_limits_their_time(engine: MadeUpEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_TEACHER_PIN", "246813")
    change_lesson(LOCAL, paused=True)
    run_id = start_run(TrainConfig(), by=PEOPLE[0])
    clock = [0.0]
    dispatcher = Dispatcher(engine, clock=lambda: clock[0])
    dispatcher.step()
    assert engine.started == []
    change_lesson(LOCAL, paused=False, max_minutes=2)
    dispatcher.step()
    assert engine.started == [run_id]
    for clock[0] in (60.0, 100.0, 119.0):
        dispatcher.step()
    engine.doing[run_id] = News("paused")
    clock[0] = 500.0
    dispatcher.step()
    assert engine.sent == [], "pauses do not count"
    engine.doing[run_id] = TRAINING
    for clock[0] in (510.0, 520.0):
        dispatcher.step()
    assert engine.sent == [(run_id, "stop", "The teacher's limit of 2 minutes for a run was reached; its weights are kept.")]


def test_the_teachers_minutes_count_from_the_start_whatever_happened_since(engine: MadeUpEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise a pause, or a click on Resume after the stop, would give a run all of them again."""
    monkeypatch.setenv("FMNIST_TEACHER_PIN", "246813")
    change_lesson(LOCAL, max_minutes=2)
    run_id, clock = start_run(TrainConfig(), by=PEOPLE[0]), [0.0]
    dispatcher = Dispatcher(engine, clock=lambda: clock[0])
    dispatcher.step()
    append_events(run_id, [step_done(4, [1.0] * 4, 119.0)])
    queue.ask_again(run_id)  # a pause ends
    for clock[0] in (1.0, 2.0):
        dispatcher.step()
    assert engine.started == [run_id] * 2
    assert engine.sent == []
    append_events(run_id, [step_done(8, [1.0] * 4, 121.0)])
    clock[0] = 3.0
    dispatcher.step()
    assert [sent[:2] for sent in engine.sent] == [(run_id, "stop")]


def test_a_run_that_has_had_its_minutes_is_not_continued_while_they_hold(engine: MadeUpEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_TEACHER_PIN", "246813")
    change_lesson(LOCAL, max_minutes=2)
    run = write_run([started(), step_done(4, [1.0] * 4, 121.0)], "stopped", owner=PEOPLE[0], has_weights=True)
    for ask in (partial(continue_run, run.id), partial(train_more, run.id, 1)):
        with pytest.raises(NotAllowedError, match="at most 2 minutes in this lesson"):
            ask(by=PEOPLE[0])
    assert queue.rows() == []
    change_lesson(LOCAL, max_minutes=3)
    continue_run(run.id, by=PEOPLE[0])
    Dispatcher(engine).step()
    assert engine.started == [run.id]


def test_a_place_that_nobody_followed_up_is_given_up(engine: MadeUpEngine) -> None:
    queue.enqueue("20260101-000000-abcd", PEOPLE[0], PEOPLE[0].id, most_per_person=3)
    clock = [0.0]
    dispatcher = Dispatcher(engine, clock=lambda: clock[0])
    dispatcher.step()
    assert len(queue.rows()) == 1
    clock[0] = 61.0
    dispatcher.step()
    assert (queue.rows(), engine.started) == ([], [])


def test_a_run_whose_process_died_while_it_waited_after_a_pause_is_trained(engine: MadeUpEngine) -> None:
    run_id = start_run(TrainConfig(), by=PEOPLE[0])
    RunWriter(run_id).change_state("paused")
    assert load_run(run_id).state == "interrupted"
    clock = [0.0]
    dispatcher = Dispatcher(engine, clock=lambda: clock[0])
    dispatcher.step()
    assert engine.started == [], "whoever continues a run takes its place first"
    clock[0] = 5.0
    dispatcher.step()
    assert engine.started == [run_id]


def test_a_run_that_was_to_be_continued_by_a_process_that_died_is_not_trained(engine: MadeUpEngine) -> None:
    """It has its place, but its folder says that it was given up."""
    run_id = start_run(TrainConfig(), by=PEOPLE[0])
    mark_ended(run_id, "interrupted", "It was killed.")
    clock = [0.0]
    dispatcher = Dispatcher(engine, clock=lambda: clock[0])
    for clock[0] in (0.0, 5.0, 61.0):
        dispatcher.step()
    assert (engine.started, queue.rows()) == ([], [])


def test_something_is_kept_warm_while_somebody_may_start_a_run(engine: MadeUpEngine) -> None:
    dispatcher = Dispatcher(engine)
    dispatcher.step()
    heartbeat.want_warmth()
    dispatcher.step()
    assert engine.warmth == [False, True]
    start_run(TrainConfig(), by=PEOPLE[0])
    dispatcher.step()
    assert engine.warmth == [False, True], "nothing is warmed while a run trains"


def test_a_dispatcher_ends_when_nothing_is_left_and_no_server_is_there(engine: MadeUpEngine, home: Path) -> None:
    assert dispatch(engine, idle_s=0.0)
    assert not is_locked(home / dispatcher.LOCK_NAME)
    assert engine.warmth[-1] is False


def test_a_run_asked_for_just_before_a_dispatcher_ends_is_not_forgotten(engine: MadeUpEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked saw a dispatcher, and started no other."""
    asked: list[str] = []

    def ask(wanted: bool) -> None:
        engine.warmth.append(wanted)
        if not asked:
            asked.append(start_run(TrainConfig(), by=PEOPLE[0]))
        else:
            for run_id in engine.started:
                engine.finish(run_id)

    monkeypatch.setattr(engine, "keep_warm", ask)
    monkeypatch.setattr(dispatcher, "_dispatch_until_idle", lambda one, _lock, _idle_s: one.step() or True)
    assert dispatch(engine, idle_s=0.0)
    assert engine.started == asked


def test_a_second_dispatcher_ends_at_once(engine: MadeUpEngine, home: Path) -> None:
    home.mkdir()
    lock = FileLock(home / dispatcher.LOCK_NAME)
    assert lock.take()
    assert not dispatch(engine, idle_s=0.0)
    assert engine.warmth == []
    lock.release()


def test_a_server_with_other_settings_gets_a_dispatcher_with_those(engine: MadeUpEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    heartbeat.beat()
    monkeypatch.setenv("FMNIST_SLOTS", "7")
    heartbeat.demand_environment()
    monkeypatch.setenv("FMNIST_SLOTS", "2")
    assert dispatch(engine, idle_s=3600.0), "it would stay for the server, and for an hour"


# The process


def dispatcher_process() -> psutil.Process:
    """The process that dispatches this test's runs."""
    deadline = time.monotonic() + 60
    home = os.environ["FMNIST_HOME"]
    while time.monotonic() < deadline:
        for process in psutil.process_iter():
            try:
                if process.cmdline()[-1:] == ["dispatch"] and process.environ().get("FMNIST_HOME") == home:
                    return process
            except psutil.Error:
                continue
        time.sleep(0.02)
    raise AssertionError("no process dispatches")


def test_runs_take_turns_and_a_pause_lets_others_train(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_SLOTS", "1")
    first = start_and_wait_for_a_step(LONG)
    second = start_run(LONG, by=LOCAL)
    assert load_run(second).state == "waiting"
    control.pause(first, by=LOCAL)
    wait_until(first, lambda run: run.state == "paused")
    wait_until(second, lambda run: bool(steps_of(run)))
    control.resume(first, by=LOCAL)
    wait_until(first, lambda run: run.state == "waiting")
    stop(second, by=LOCAL)
    wait_until(second, lambda run: not run.is_live)
    wait_until(first, lambda run: run.state == "training")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_dispatcher_is_replaced_and_its_runs_train_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_SLOTS", "1")
    first = start_and_wait_for_a_step(LONG)
    second = start_run(TrainConfig(epochs=1, batch_size=50), by=LOCAL)
    killed = dispatcher_process()
    killed.kill()
    killed.wait(60)
    before = len(steps_of(load_run(first)))
    wait_until(first, lambda run: len(steps_of(run)) > before)
    ensure_dispatcher()
    assert dispatcher_process().pid != killed.pid
    stop(first, by=LOCAL)
    assert wait_until(second, lambda run: not run.is_live).state == "finished"
    assert load_run(first).state == "stopped"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_killed_trainers_run_continues_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_SLOTS", "1")
    run_id = start_run(LONG, by=LOCAL)
    run = wait_until(run_id, lambda run: run.epoch >= 1)
    os.kill(int(read_status(run.folder).pid), signal.SIGKILL)
    before = steps_of(load_run(run_id))[-1]
    run = wait_until(run_id, lambda run: run.state == "training" and steps_of(run)[-1] > before)
    assert run.epoch >= 1


def test_a_dispatcher_ends_with_its_home(home: Path) -> None:
    ensure_dispatcher()
    process = dispatcher_process()
    while not is_locked(home / dispatcher.LOCK_NAME):
        time.sleep(0.02)
    (home / dispatcher.LOCK_NAME).unlink()
    process.wait(60)


def test_only_one_process_dispatches() -> None:
    ensure_dispatcher()
    process = dispatcher_process()
    while not is_locked(Path(os.environ["FMNIST_HOME"]) / dispatcher.LOCK_NAME):
        time.sleep(0.02)
    assert launch(["dispatch"], stdin=-3, stderr=-3).wait(60) == 0
    assert process.is_running()
