"""Which network somebody sees unless they choose one, and in which order networks are listed."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fmnist_core.classroom.choice import best_network, default_networks, is_meant_to_fail, learned_something
from fmnist_core.classroom.ownership import Ownership, load_ownership
from fmnist_core.classroom.people import Person, person_id, rename_person
from fmnist_core.classroom.permission import note_owner
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.settings.config import TrainConfig
from fmnist_core.settings.presets import PRESETS, find_preset

QUICK = find_preset("quick").config
ANNA, BEN = Person(person_id("secret of Anna")), Person(person_id("secret of Ben"))
STARTED = datetime(2026, 1, 1, tzinfo=UTC)


def run(run_id: str, owner: Person = ANNA, hours: float = 0, **about: Any) -> RunRecord:
    """A finished run that learned something, unless `about` says otherwise, started so many hours after the first."""
    usual: dict[str, Any] = {"config": QUICK, "state": "finished", "epoch": 2, "epochs": 2, "best_epoch": None, "test_accuracy": 0.9}
    usual |= {"name": run_id, "folder": Path(run_id), "message": "", "has_weights": True, "has_checkpoint": True, "owner": owner.id}
    return RunRecord(id=run_id, created_at=STARTED + timedelta(hours=hours), **usual | about)


STARTER = run(STARTER_ID, Person(""))
DIVERGED = run("diverged", hours=5, state="diverged")
UNTAUGHT = [
    DIVERGED,
    run("stopped", hours=5, state="stopped"),
    run("training", hours=5, state="training"),
    run("interrupted", hours=5, state="interrupted"),
    run("near-chance", hours=5, test_accuracy=0.2),
    run("untested", hours=5, test_accuracy=None),
    run("without-weights", hours=5, has_weights=False),
    *(run(preset.key, hours=5, config=replace(preset.config, seed=7)) for preset in PRESETS if preset.group == "failure"),
    run("longer-failure", hours=5, config=replace(find_preset("few-images").config, epochs=30, seed=3)),
    run("wrong-labels", hours=5, config=replace(QUICK, shuffled_labels=True)),
    run("no-bags", hours=5, config=replace(QUICK, left_out_class=8)),
]


@pytest.mark.parametrize("failed", UNTAUGHT, ids=lambda failed: failed.id)
def test_a_run_that_failed_or_learned_nothing_is_nobodys_default(failed: RunRecord) -> None:
    assert not learned_something(failed)
    assert default_networks([failed, run("good"), STARTER], Ownership(ANNA.id)) == [run("good"), STARTER]
    assert best_network([failed]) is None


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_only_failures_are_meant_to_fail(preset: Any) -> None:
    assert is_meant_to_fail(preset.config) == (preset.group == "failure")


def test_a_failure_that_was_mended_counts() -> None:
    """Somebody who took the advice, such as a lower learning rate, made a network of their own."""
    mended = run("mended", config=replace(find_preset("rate-too-high").config, learning_rate=0.01))
    assert learned_something(mended)


def test_mine_come_first_the_newest_of_them_and_never_anothers() -> None:
    older, newer, others = run("older", hours=1), run("newer", hours=2), run("others", BEN, hours=3)
    nobodys = run("nobodys", Person(""), hours=4)
    runs = [nobodys, others, older, newer, STARTER]
    assert default_networks(runs, Ownership(ANNA.id)) == [newer, older, STARTER]
    assert default_networks(runs, Ownership(BEN.id)) == [others, STARTER]
    assert default_networks(runs, Ownership(person_id("a newcomer"))) == [STARTER]
    assert default_networks(runs, Ownership("")) == [STARTER], "what nobody owns is nobody's"


def test_the_best_is_anybodys_and_the_first_to_reach_it_keeps_the_title() -> None:
    first, second = run("first", hours=1, test_accuracy=0.92), run("second", BEN, hours=2, test_accuracy=0.92)
    assert best_network([second, run("other"), first, replace(STARTER, test_accuracy=0.99)]) == first
    assert best_network([STARTER]) is None


def test_lists_show_mine_then_the_starter_then_others() -> None:
    mine, others, nobodys = run("mine"), run("others", BEN), run("nobodys", Person(""))
    ownership = Ownership(ANNA.id)
    assert ownership.sort([nobodys, others, STARTER, mine]) == [mine, STARTER, nobodys, others]


def test_owners_are_those_of_the_database_and_otherwise_of_the_runs_record() -> None:
    anna = rename_person(ANNA, "Anna")
    rename_person(BEN, "Anna")
    listed = load_run(create_run(TrainConfig(), owner=ANNA.id, owner_name="Anna"))
    given = load_run(create_run(TrainConfig(), owner=ANNA.id, owner_name="Anna"))
    note_owner(given.id, BEN.id)
    imported = load_run(create_run(TrainConfig(), owner="f" * 32, owner_name="Someone elsewhere"))
    ownership = load_ownership(anna)
    assert ownership.is_mine(listed)
    assert not ownership.is_mine(given)
    assert ownership.name_of_owner(given) == "Anna (2)"
    assert ownership.name_of_owner(imported) == "Someone elsewhere"
    assert ownership.name_of_owner(load_run(create_run(TrainConfig()))) == "somebody"


def test_a_name_that_was_taken_back_or_changed_is_not_told_of_earlier_runs() -> None:
    anna = rename_person(ANNA, "Anna")
    earlier = load_run(create_run(TrainConfig(), owner=ANNA.id, owner_name="Anna"))
    note_owner(earlier.id, anna.id)
    rename_person(ANNA, "Team blue")
    assert load_ownership(BEN).name_of_owner(earlier) == "Team blue"
    rename_person(ANNA, "")
    rename_person(BEN, "Anna")
    assert load_ownership(BEN).name_of_owner(earlier) == "somebody"


def test_of_an_imported_run_the_owner_is_named_as_elsewhere() -> None:
    imported = replace(load_run(create_run(TrainConfig())), owner_name="x" * 200)
    ownership = load_ownership(ANNA)
    assert ownership.name_of_owner(imported) == f"{'x' * 30} (imported)"
    assert ownership.is_owner_known(imported)
    assert not ownership.is_owner_known(load_run(create_run(TrainConfig())))
