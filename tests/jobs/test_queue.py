"""The queue: whose turn is next, who may wait, and where each run stands in line."""

import contextlib
import os
import shutil
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from fmnist_core.classroom.lesson import change_lesson
from fmnist_core.classroom.people import LOCAL, Person
from fmnist_core.classroom.permission import NotAllowedError, owner_of
from fmnist_core.jobs import control, estimates, queue
from fmnist_core.jobs.control import continue_run, start_run, stop
from fmnist_core.jobs.estimates import note_pace, starts_in_s, usual_pace
from fmnist_core.jobs.line import place_of
from fmnist_core.jobs.queue import Row, order, training_slots
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import STARTER_FOLDER, RunError, runs_folder
from fmnist_core.runs.record import list_runs, load_run
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig
from fmnist_core.settings.presets import find_preset
from fmnist_core.store.database import DatabaseError

ANNA, BEN, CLEO = (Person(letter * 32, name) for letter, name in (("a", "Anna"), ("b", "Ben"), ("c", "Cleo")))


@pytest.fixture(autouse=True)
def no_dispatcher(monkeypatch: pytest.MonkeyPatch) -> list[None]:
    """Nothing gives slots, so that runs stay in the queue; how often a dispatcher was asked for."""
    asked: list[None] = []
    monkeypatch.setattr(control, "ensure_dispatcher", lambda: asked.append(None))
    return asked


def row(place: int, person: str) -> Row:
    return Row(place, f"run-{place}", person, is_placed=False, starts=0, asked_at=0.0, placed_at=None)


def places(waiting: Sequence[Row], served: dict[str, int]) -> list[int]:
    return [each.place for each in order(waiting, served)]


# Whose turn is next


def test_ten_runs_of_one_do_not_hold_up_the_others() -> None:
    waiting = [*(row(place, "a") for place in range(1, 11)), row(11, "b"), row(12, "c"), row(13, "b")]
    assert places(waiting, {}) == [1, 11, 12, 2, 13, 3, 4, 5, 6, 7, 8, 9, 10]


def test_next_is_whoever_was_served_least_recently_and_first_who_never_was() -> None:
    waiting = [row(1, "a"), row(2, "b"), row(3, "c"), row(4, "d")]
    assert places(waiting, {"a": 7, "b": 5, "c": 6}) == [4, 2, 3, 1]


def test_runs_that_lost_their_slot_come_first() -> None:
    waiting = [row(1, "a"), row(2, "b"), replace(row(4, "b"), starts=1), replace(row(3, "a"), starts=2), row(5, "c")]
    assert places(waiting, {"a": 7, "b": 8}) == [3, 4, 5, 1, 2]


def test_runs_of_one_person_keep_their_order() -> None:
    assert places([row(3, "a"), row(1, "a"), row(2, "a")], {"a": 1}) == [1, 2, 3]


def test_placing_a_run_costs_its_owner_a_turn_once() -> None:
    first, second = start_run(TrainConfig(), by=ANNA), start_run(TrainConfig(), by=BEN)
    anna, ben = queue.rows()
    assert (anna.run, anna.person, ben.run, ben.person) == (first, ANNA.id, second, BEN.id)
    assert queue.place(anna)
    assert not queue.place(anna), "it has been placed"
    assert queue.served() == {ANNA.id: 1}
    queue.put_back(anna, anna.starts + 1)
    again = queue.rows()[0]
    assert (again.place, again.is_placed, again.starts) == (anna.place, False, 1)
    queue.place(ben)
    queue.place(again)
    assert queue.served() == {ANNA.id: 1, BEN.id: 2}, "the accident is not Anna's fault"


def test_a_run_that_asks_again_waits_behind_its_owners_others() -> None:
    first, second = start_run(TrainConfig(), by=ANNA), start_run(TrainConfig(), by=ANNA)
    queue.place(queue.rows()[0])
    queue.ask_again(first)
    assert [(each.run, each.person, each.is_placed) for each in queue.rows()] == [(second, ANNA.id, False), (first, ANNA.id, False)]


def test_a_withdrawn_run_is_not_placed() -> None:
    run_id = start_run(TrainConfig(), by=ANNA)
    (waiting,) = queue.rows()
    assert queue.withdraw(run_id)
    assert not queue.withdraw(run_id)
    assert not queue.place(waiting)


def test_a_home_from_before_the_queue_opens_and_its_runs_can_be_continued(home: Path) -> None:
    """Such a home has no database, and its runs know of no owner; they are nobody's, and wait for nobody."""
    settings = (
        '"epochs": 200, "batch_size": 50, "learning_rate": 0.001, "seed": 0, "pixels": "raw", "optimizer": "adam", "beta2": 0.999, '
        '"schedule": "constant", "augmentation": "none", "label_smoothing": 0.0, "weight_decay": 0.0, "weight_averaging": false, '
        '"test_views": "one", "training_images": null, "validation_images": 0, "shuffled_labels": false, "left_out_class": null, '
        '"precision": "auto"'
    )
    run_ids = {state: f"20261129-2000{number:02}-abcd" for number, state in enumerate(("training", "paused", "waiting", "stopped"))}
    for state, run_id in run_ids.items():
        checkpoints = home / "runs" / run_id / "checkpoints"
        checkpoints.mkdir(parents=True)
        for name in ("epoch-022", "resume"):
            shutil.copy(STARTER_FOLDER / "checkpoints" / "epoch-040.safetensors", checkpoints / f"{name}.safetensors")
        about = f'{{"name": "{state}", "config": {{{settings}}}, "created_at": "2026-11-29T20:00:00.653446+00:00"}}'
        (checkpoints.parent / "config.json").write_text(about)
        (checkpoints.parent / "status.json").write_text(
            f'{{"state": "{state}", "epoch": 22, "test_accuracy": 0.83, "message": "", "epochs": 200, "best_epoch": null, "pid": 1214}}'
        )
        for lock in ("starting.lock", "trainer.lock"):
            (checkpoints.parent / lock).touch()
    assert queue.rows() == []
    assert {run.name: run.state for run in list_runs()} == dict.fromkeys(run_ids, "interrupted") | {"stopped": "stopped"}
    for run_id in run_ids.values():
        assert owner_of(run_id) == ""
        with pytest.raises(NotAllowedError):
            continue_run(run_id, by=ANNA)
        continue_run(run_id, by=LOCAL)
    assert [row.run for row in queue.rows()] == list(run_ids.values())
    assert {run.state for run in list_runs()} == {"waiting"}


# Who may wait


def test_a_started_run_waits_without_a_process(no_dispatcher: list[None]) -> None:
    run_id = start_run(TrainConfig(epochs=3), "Blue", by=ANNA)
    run = load_run(run_id)
    assert (run.state, run.is_queued, run.name, run.epochs) == ("waiting", True, "Blue", 3)
    assert (run.owner, run.owner_name, owner_of(run_id)) == (ANNA.id, "Anna", ANNA.id)
    assert len(no_dispatcher) == 1


def test_a_person_may_have_only_some_runs_waiting() -> None:
    change_lesson(LOCAL, max_queued=2)
    for _ in range(2):
        start_run(TrainConfig(), by=ANNA)
    with pytest.raises(RunError) as raised:
        start_run(TrainConfig(), by=ANNA)
    assert str(raised.value) == "2 of your runs are waiting already: wait until one of them trains, or stop one."
    start_run(TrainConfig(), by=BEN)
    queue.place(queue.rows()[0])
    start_run(TrainConfig(), by=ANNA)
    assert len(list_runs()) == 4, "whoever is refused leaves nothing behind"
    assert len(queue.rows()) == 4
    assert len(list(runs_folder().iterdir())) == 4


def test_only_so_many_runs_wait_in_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MAX_WAITING", 2)
    ended = start_run(TrainConfig(), by=CLEO)
    stop(ended, by=CLEO)
    start_run(TrainConfig(), by=ANNA)
    start_run(TrainConfig(), by=BEN)
    full = "2 runs are waiting already, which is the limit"
    with pytest.raises(RunError, match=full):
        start_run(TrainConfig(), by=CLEO)
    with pytest.raises(RunError, match=full):
        continue_run(ended, by=CLEO)
    assert load_run(ended).state == "stopped"


def test_runs_started_at_the_same_moment_are_counted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """If each counted before the other has its place, both would find room for one, and both take it."""
    monkeypatch.setattr(queue, "MAX_WAITING", 3)
    all_ask = threading.Barrier(6)
    refused: list[Person] = []

    def start(person: Person) -> None:
        all_ask.wait()
        with contextlib.suppress(RunError):
            start_run(TrainConfig(), by=person)
            return
        refused.append(person)

    threads = [threading.Thread(target=start, args=(Person(str(number) * 32),)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(queue.rows()), len(refused)) == (3, 3)


def test_a_run_that_cannot_be_created_leaves_no_place(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.mkdir()
    (home / "runs").touch()
    with pytest.raises(RunError, match=r"Cannot write to .*: set FMNIST_HOME"):
        start_run(TrainConfig(), by=ANNA)
    assert queue.rows() == []
    monkeypatch.setenv("FMNIST_HOME", str(home / "runs"))
    with pytest.raises(DatabaseError, match="set FMNIST_HOME"):
        start_run(TrainConfig(), by=ANNA)


def test_what_the_teacher_does_not_allow_is_refused_before_anything_is_written() -> None:
    change_lesson(LOCAL, max_epochs=2)
    with pytest.raises(NotAllowedError, match="at most 2 epochs"):
        start_run(TrainConfig(epochs=3), by=ANNA)
    assert (queue.rows(), list_runs()) == ([], [])
    start_run(TrainConfig(epochs=3), by=LOCAL)


def test_where_only_presets_are_allowed_the_learning_rate_of_a_run_stays_as_it_is() -> None:
    """Otherwise whoever may train Quick only could train it with any rate."""
    run_id = start_run(find_preset("quick").config, by=ANNA)
    assert control.change_rate(run_id, 0.5, by=ANNA)
    change_lesson(LOCAL, presets=("quick",))
    with pytest.raises(NotAllowedError, match="keep the settings of their presets"):
        control.change_rate(run_id, 0.7, by=ANNA)
    assert control.change_rate(run_id, 0.7, by=LOCAL)


def test_on_a_full_disk_nobody_starts_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = start_run(TrainConfig(), by=ANNA)
    stop(run_id, by=ANNA)
    monkeypatch.setattr("fmnist_core.runs.disk._FRESH_S", 0.0)
    monkeypatch.setenv("FMNIST_DISK_LIMIT_GB", "0.000001")
    with pytest.raises(RunError, match="are allowed: clean up on the page Runs"):
        start_run(TrainConfig(), by=ANNA)
    with pytest.raises(RunError, match="are allowed: clean up on the page Runs"):
        continue_run(run_id, by=ANNA)
    assert queue.rows() == []


def test_a_strangers_commands_are_refused() -> None:
    run_id = start_run(TrainConfig(), by=ANNA)
    commands = (control.stop, control.pause, control.resume, control.do_step, control.do_epoch)
    for command in commands:
        with pytest.raises(NotAllowedError, match="Only the person who started this run"):
            command(run_id, by=BEN)
    with pytest.raises(NotAllowedError):
        control.change_rate(run_id, 0.1, by=BEN)
    assert load_run(run_id).state == "waiting"
    stop(run_id, by=ANNA)
    with pytest.raises(NotAllowedError):
        continue_run(run_id, by=BEN)
    with pytest.raises(NotAllowedError):
        control.train_more(run_id, 1, by=BEN)
    assert queue.rows() == []


def test_a_waiting_run_is_stopped_at_once_and_can_be_continued() -> None:
    run_id = start_run(TrainConfig(), by=ANNA)
    stop(run_id, by=ANNA)
    assert (load_run(run_id).state, load_run(run_id).message) == ("stopped", "It was stopped before its turn to train.")
    assert queue.rows() == []
    continue_run(run_id, by=ANNA)
    assert load_run(run_id).state == "waiting"
    stop(run_id, by=LOCAL, reason="The lesson is over.")
    assert load_run(run_id).message == "The lesson is over."


def test_of_two_people_who_continue_a_run_at_once_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have seen that it had ended; otherwise it would get the epochs of both."""
    run_id = start_run(TrainConfig(epochs=2), by=ANNA)
    stop(run_id, by=ANNA)
    both_have_looked = threading.Barrier(2)
    enqueue = queue.enqueue
    refused: list[str] = []

    def enqueue_together(*arguments: object, **options: object) -> None:
        both_have_looked.wait()
        enqueue(*arguments, **options)  # type: ignore[arg-type]

    def continue_it(person: Person) -> None:
        try:
            control.train_more(run_id, 3, by=person)
        except RunError as error:
            refused.append(str(error))

    monkeypatch.setattr(queue, "enqueue", enqueue_together)
    threads = [threading.Thread(target=continue_it, args=(person,)) for person in (ANNA, LOCAL)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert refused == ["This run is already training or waiting."]
    assert [row.run for row in queue.rows()] == [run_id]
    assert (load_run(run_id).state, load_run(run_id).epochs) == ("waiting", 5)


def test_a_run_that_cannot_be_continued_takes_no_place() -> None:
    run_id = create_run(TrainConfig(), owner=ANNA.id)
    RunWriter(run_id).end("diverged", "It grew and grew.")
    with pytest.raises(RunError, match="has no checkpoint to resume from"):
        continue_run(run_id, by=LOCAL)
    assert queue.rows() == []


# Slots


@pytest.mark.parametrize(
    ("slots", "cores", "expected"),
    [
        ("", 8, 8),
        ("", None, 1),
        ("2", 8, 2),
        (" 3\n", 8, 3),
        ("0", 8, 1),
        *((text, 8, 8) for text in ("²", "٣", "1.5", "-2", "9" * 5000, "2 3")),
    ],
)
def test_there_is_a_slot_for_every_core_unless_a_number_is_given(
    slots: str, cores: int | None, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    monkeypatch.setenv("FMNIST_SLOTS", slots)
    assert training_slots() == expected


# When it starts


def test_waiting_runs_start_as_slots_become_free() -> None:
    assert starts_in_s([10.0, 4.0], [3.0, 8.0, 1.0], 2) == [4.0, 7.0, 10.0]
    assert starts_in_s([], [5.0, 5.0, 5.0], 2) == [0.0, 0.0, 5.0]
    assert starts_in_s([9.0, 2.0, 5.0], [1.0], 2) == [5.0], "two slots are free of three runs when two have ended"
    assert starts_in_s([3.0], [], 1) == []


def test_the_pace_is_the_median_of_the_latest_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert usual_pace() is None
    monkeypatch.setattr(estimates, "_LATEST", 3)
    for seconds in (1.0, 100.0, 50.0, 40.0):
        run_id = create_run(TrainConfig(epochs=2, training_images=1_100, validation_images=100))
        writer = RunWriter(run_id)
        writer._status.epoch = 2
        writer.end("finished")
        note_pace(load_run(run_id), since_epoch=1, seconds=seconds)
    assert usual_pace() == 20.0, "1,000 images in 100, 50 and 40 s; the first is forgotten"
    note_pace(load_run(run_id), since_epoch=2, seconds=9.0)
    note_pace(load_run(run_id), since_epoch=0, seconds=0.1)
    assert usual_pace() == 20.0, "no epoch, and too short a time, say nothing"


def test_each_run_knows_its_place_and_what_is_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_SLOTS", "1")
    config = TrainConfig(epochs=1, training_images=1_100, validation_images=100)
    ids = [start_run(config, by=person) for person in (ANNA, ANNA, BEN)]
    queue.place(queue.rows()[0])
    RunWriter(ids[0]).change_state("training")
    monkeypatch.setattr(estimates, "usual_pace", lambda: 100.0)
    monkeypatch.setattr(estimates, "read_remaining_s", lambda _folder: 7.0)
    monkeypatch.setattr("fmnist_core.runs.record.is_claimed", lambda _folder: True)
    first, second = place_of(ids[2]), place_of(ids[1])
    assert first is not None
    assert second is not None
    assert (first.place, first.ahead, first.starts_in_s) == (1, (ids[0],), 7.0)
    assert (second.place, second.ahead, second.starts_in_s) == (2, (ids[0], ids[2]), 17.0)
    assert place_of(ids[0]) is None
