"""Part `queue`: one person who presses Train twenty times, and many who press it at once; the limits hold with a sentence."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from streamlit.testing.v1 import AppTest

from fmnist_core.classroom.lesson import Lesson
from fmnist_core.classroom.people import LOCAL, Person
from fmnist_core.jobs import control, queue
from fmnist_core.jobs.queue import MAX_WAITING, training_slots
from fmnist_core.runs.folders import RunError, runs_folder
from fmnist_core.runs.record import list_runs
from tests.conftest import ROOT
from tests.faults.isolation import Child, explain, isolate
from tests.faults.report import Report
from tests.faults.surroundings import SHORT, surroundings, use_home, why_no_forks
from tests.faults.visits import is_sentence, text_of

_AT_ONCE = 16
_PROCESSES = 4
_PIN = "2468"


def run(report: Report, seed: int, *, small: bool) -> None:
    """No run is trained here: what counts is how many wait, and for whom."""
    del seed
    if why_no_forks():
        report.skip("crowds", why_no_forks())
        return
    with surroundings() as folder, _no_dispatcher():
        presses = 12 if small else 20
        cases: dict[str, Callable[[], object]] = {
            f"Train pressed {presses} times in one session": partial(_press, presses),
            "start_run from sixteen threads at once, one person": partial(_start_at_once, own=True),
            "start_run from sixteen threads at once, sixteen people": partial(_start_at_once, own=False),
            "more runs than may wait in all, of many people": partial(_fill, people=MAX_WAITING),
            "more runs than may wait in all, of the teacher": partial(_fill, people=0),
            "start_run from four processes at once, until no more may wait": _fill_from_processes,
        }
        for number, (name, work) in enumerate(cases.items()):
            use_home(folder / f"home-{number}")
            report.record(name, isolate(work, timeout_s=300).problem)
        for text in ("²", "-1", "0", "1e9", "", "99999999999999999999", "٣", "two"):
            report.record(f"FMNIST_SLOTS={text!r}", isolate(partial(_read_slots, text)).problem)


@contextmanager
def _no_dispatcher() -> Iterator[None]:
    """Nobody gives slots, so that every run waits for ever."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fmnist_core.jobs.control.ensure_dispatcher", lambda: None)
        yield


def _press(presses: int) -> None:
    """A session presses Train again and again; it is told that it may not, and others still may. Without a PIN, everybody is a teacher."""
    os.environ["FMNIST_TEACHER_PIN"] = _PIN
    at = _form()
    told = []
    for _ in range(presses):
        told += _press_train(at)
        at.switch_page("pages/train.py").run()
    waiting = [run for run in list_runs() if run.state == "waiting"]
    assert len(waiting) == Lesson.max_queued, f"{len(waiting)} runs wait"
    assert told, "no sentence"
    assert all(is_sentence(words.replace("\\", "")) for words in told), told
    _press_train(_form())
    assert len(list_runs()) == Lesson.max_queued + 1, "another person could not train"


def _press_train(at: AppTest) -> list[str]:
    """What the page says to it."""
    buttons = [button for button in at.button if button.label == "Train"]
    assert buttons, [button.label for button in at.button]
    buttons[0].click().run()
    assert not at.exception, at.exception
    return [str(error.value) for error in (*at.error, *at.warning)]


def _form() -> AppTest:
    at = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60).run()
    at.switch_page("pages/train.py").run()
    assert not at.exception, at.exception
    assert "Train" in text_of(at)
    return at


def _person(number: int) -> Person:
    return Person(f"{number:032x}", f"Person {number}")


def _start(by: Person, refused: list[str]) -> None:
    try:
        control.start_run(SHORT, by=by)
    except RunError as error:
        refused.append(str(error))


def _start_at_once(*, own: bool) -> None:
    """Sixteen threads pass a barrier together."""
    barrier = threading.Barrier(_AT_ONCE)
    refused: list[str] = []
    failed: list[str] = []

    def start(number: int) -> None:
        barrier.wait()
        try:
            _start(_person(0 if own else number), refused)
        except Exception as error:
            failed.append(explain(error))

    threads = [threading.Thread(target=start, args=(number,)) for number in range(_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
    _check_counts(Lesson.max_queued if own else _AT_ONCE, _AT_ONCE, refused)


def _fill(people: int) -> None:
    """Each of MAX_WAITING people starts one run, and five more do; or the teacher starts them all."""
    refused: list[str] = []
    asked = MAX_WAITING + 5
    for number in range(asked):
        _start(_person(number) if people else LOCAL, refused)
    _check_counts(MAX_WAITING, asked, refused)


def _fill_from_processes() -> None:
    each = MAX_WAITING // _PROCESSES + 5

    def start_many(number: int) -> list[str]:
        refused: list[str] = []
        for one in range(each):
            _start(_person(1_000 * number + one), refused)
        return refused

    children = [Child(partial(start_many, number)) for number in range(_PROCESSES)]
    outcomes = [child.wait(300) for child in children]
    assert all(outcome.problem == "" for outcome in outcomes), outcomes
    _check_counts(MAX_WAITING, _PROCESSES * each, [words for outcome in outcomes for words in outcome.value])


def _check_counts(started: int, asked: int, refused: list[str]) -> None:
    """So many wait, each with one place, the others were refused with a sentence, and nothing else is left of them."""
    rows, runs = queue.rows(), list_runs()
    assert (len(rows), len(refused)) == (started, asked - started), (len(rows), len(refused), refused[:2])
    assert Counter(row.run for row in rows) == Counter(run.id for run in runs if run.state == "waiting")
    assert len(list(runs_folder().iterdir())) == started, "a refused run left a folder"
    assert all(is_sentence(words) for words in refused), refused[:2]


def _read_slots(text: str) -> None:
    os.environ["FMNIST_SLOTS"] = text
    slots = training_slots()
    assert isinstance(slots, int)
    assert slots >= 1, slots
