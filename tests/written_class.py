"""A class at work, written by hand: people with names, and runs of theirs with the results that such settings usually give."""

import json
import random
from dataclasses import dataclass, replace

import numpy as np

from fmnist_core.classroom.people import Person, person_id, rename_person
from fmnist_core.classroom.permission import note_owner
from fmnist_core.runs.claim import release_start
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import run_folder
from fmnist_core.runs.record import LIVE_STATES, State
from fmnist_core.runs.results import write_live
from fmnist_core.settings.config import TrainConfig
from fmnist_core.settings.presets import PRESETS, find_preset

NAMES = (
    *("Amara", "Ben", "Chiara", "Dmitri", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jakub", "Keiko", "Liam", "Maya", "Noor", "Oskar"),
    *("Priya", "Quentin", "Rosa", "Sami", "Tariq", "Uma", "Viktor", "Wanda", "Xenia", "Yusuf", "Zofia"),
    *("Aleksandra-Maria", "Bartholomäus", "Team Ω & <b>co</b>", "The very quiet ones at the back"),
)
_USUAL_ACCURACY = {"article": 0.896, "quick": 0.908, "best": 0.93, "photos-and-drawings": 0.915, "batch-of-one": 0.68, "few-images": 0.66}
_FAILING = {"rate-too-high": 0.1, "rate-too-low": 0.31, "shuffled-labels": 0.12, "class-left-out": 0.77}


@dataclass(frozen=True)
class Student:
    """A person of the class, and the secret in their browser's cookie."""

    person: Person
    secret: str


def write_students(number: int) -> list[Student]:
    """People with names, in the test's home."""
    secrets = [f"student{index:02d}".ljust(32, "-") for index in range(number)]
    names = [NAMES[index % len(NAMES)] for index in range(number)]
    return [Student(rename_person(Person(person_id(secret)), name), secret) for secret, name in zip(secrets, names, strict=True)]


def write_class_runs(students: list[Student], number: int, *, seed: int = 0) -> None:
    """Ended runs of these students, in turn, and a few that nobody owns."""
    drawn = random.Random(seed)
    for index in range(number):
        preset = drawn.choice(PRESETS)
        rate = preset.config.learning_rate * drawn.choice((0.1, 0.3, 1, 1, 1, 3))
        usual = _USUAL_ACCURACY.get(preset.key) or _FAILING[preset.key]
        has_diverged = preset.key == "rate-too-high"
        accuracy = None if has_diverged else min(0.94, max(0.1, drawn.gauss(usual, 0.008)))
        owner = students[index % len(students)] if students and index % 9 else None
        config = replace(preset.config, learning_rate=rate, seed=index)
        write_class_run(owner, config, "diverged" if has_diverged else "finished", accuracy, name=f"Run {index + 1}")


def write_class_run(
    owner: Student | None, config: TrainConfig, state: State, accuracy: float | None, *, epoch: int | None = None, name: str = "A run"
) -> str:
    """One run; one that is live is claimed by this process. Returns its id."""
    person = Person("") if owner is None else owner.person
    run_id = create_run(config, name, owner=person.id, owner_name=person.name)
    note_owner(run_id, person.id)
    folder = run_folder(run_id)
    status = json.loads((folder / "status.json").read_text())
    status |= {"state": state, "epoch": config.epochs if epoch is None else epoch, "test_accuracy": accuracy}
    (folder / "status.json").write_text(json.dumps(status))
    if state in LIVE_STATES:
        write_live(folder, 10, np.full((16, 5, 5), 0.01, np.float32), 42.0)
    else:
        release_start(folder)
    return run_id


def write_busy_moment(students: list[Student]) -> None:
    """Four runs that train and seven that wait, all claimed by this process."""
    quick, article = find_preset("quick").config, find_preset("article").config
    for index, student in enumerate(students[:4]):
        write_class_run(student, article if index % 2 else quick, "training", 0.86 + 0.01 * index, epoch=1)
    for student in students[4:11]:
        write_class_run(student, replace(quick, learning_rate=0.02), "waiting", None, epoch=0)
