"""Part `queue`: one person who presses Train twenty times, and many who press it at once; the limits hold with a sentence."""

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from streamlit.testing.v1 import AppTest

from fmnist_core.classroom.lesson import Lesson
from fmnist_core.classroom.people import LOCAL
from fmnist_core.jobs import control
from fmnist_core.jobs.queue import MAX_WAITING, training_slots
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.record import list_runs
from tests.conftest import ROOT
from tests.faults.isolation import Child, explain, isolate
from tests.faults.report import Report
from tests.faults.surroundings import SHORT, surroundings, use_home, why_no_forks
from tests.faults.visits import is_sentence, text_of

_AT_ONCE = 8


def run(report: Report, seed: int, *, small: bool) -> None:
    """No training process is started here: what counts is how many runs wait for one."""
    del seed
    if why_no_forks():
        report.skip("crowds", why_no_forks())
        return
    with surroundings() as folder, _no_process():
        presses = 6 if small else 20
        cases: dict[str, Callable[[], object]] = {
            f"Train pressed {presses} times in one session": partial(_press, presses),
            "start_run from eight threads at once, one person": partial(_start_at_once, own=True),
            "start_run from eight threads at once, eight people": partial(_start_at_once, own=False),
            "more people than may wait in all": _fill,
            "start_run from four processes at once, until nobody may wait": _fill_from_processes,
        }
        for number, (name, work) in enumerate(cases.items()):
            use_home(folder / f"home-{number}")
            outcome = isolate(work, timeout_s=300)
            report.record(name, outcome.problem)
        slots_cases = ("²", "-1", "0", "1e9", "", "99999999999999999999", "٣", "two")
        for text in slots_cases:
            outcome = isolate(partial(_read_slots, text))
            report.record(f"FMNIST_SLOTS={text!r}", outcome.problem)


@contextmanager
def _no_process() -> Iterator[None]:
    """In place of a process there is none, so that every run waits for ever, claimed by this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fmnist_core.jobs.control.ensure_dispatcher", lambda: None)
        yield


def _press(presses: int) -> None:
    """A session presses Train again and again; it is told that it may not, and others still may."""
    at = _form()
    told = []
    for _ in range(presses):
        buttons = [button for button in at.button if button.label == "Train"]
        assert buttons, [button.label for button in at.button]
        buttons[0].click().run()
        assert not at.exception, at.exception
        told += [str(error.value) for error in (*at.error, *at.warning)]
    waiting = [run for run in list_runs() if run.state == "waiting"]
    assert len(waiting) == Lesson.max_queued, f"{len(waiting)} runs wait"
    assert told, "no sentence"
    assert all(is_sentence(words.replace("\\", "")) for words in told), told
    other = _form()
    next(button for button in other.button if button.label == "Train").click().run()
    assert not other.exception, other.exception
    assert len(list_runs()) == Lesson.max_queued + 1, "another person could not train"


def _form() -> AppTest:
    at = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60).run()
    at.switch_page("pages/train.py").run()
    assert not at.exception, at.exception
    assert "Train" in text_of(at)
    return at


def _start(mine: list[str], refused: list[str]) -> None:
    try:
        mine.append(control.start_run(SHORT, by=LOCAL))
    except RunError as error:
        refused.append(str(error))


def _start_at_once(*, own: bool) -> None:
    """Eight threads pass a barrier together."""
    barrier = threading.Barrier(_AT_ONCE)
    everybody: list[str] = []
    refused: list[str] = []
    failed: list[str] = []

    def start() -> None:
        barrier.wait()
        try:
            _start(everybody if own else [], refused)
        except Exception as error:
            failed.append(explain(error))

    threads = [threading.Thread(target=start) for _ in range(_AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed, failed
    assert all(is_sentence(words) for words in refused), refused
    started = len(list_runs())
    assert started + len(refused) == _AT_ONCE, (started, refused)
    if own:
        # A person is known by the runs that the session has started so far, so that a race of one session's threads is all it can lose.
        assert started <= _AT_ONCE
    else:
        assert started == _AT_ONCE, f"{started} of {_AT_ONCE} people started a run: {refused}"


def _fill() -> None:
    refused: list[str] = []
    for _ in range(MAX_WAITING + training_slots() + 5):
        _start([], refused)
    _check_full(refused)


def _fill_from_processes() -> None:
    def start_many() -> list[str]:
        refused: list[str] = []
        for _ in range(MAX_WAITING // 2):
            _start([], refused)
        # The runs of a process are no longer live when it ends, so it stays until all have started theirs.
        deadline = time.monotonic() + 240
        while len(refused) == 0 and len(list_runs()) < MAX_WAITING and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(3)
        return refused

    children = [Child(start_many) for _ in range(4)]
    outcomes = [child.wait(300) for child in children]
    assert all(outcome.problem == "" for outcome in outcomes), outcomes
    refused = [words for outcome in outcomes for words in outcome.value]
    assert len(list_runs()) <= MAX_WAITING + training_slots() + 1, f"{len(list_runs())} runs"
    assert refused
    assert all(is_sentence(words) for words in refused), refused


def _check_full(refused: list[str]) -> None:
    waiting = [run for run in list_runs() if run.state == "waiting"]
    assert len(waiting) <= MAX_WAITING + training_slots(), f"{len(waiting)} runs wait"
    assert len(waiting) >= MAX_WAITING, f"only {len(waiting)} may wait"
    assert refused, "nobody was refused"
    assert all(is_sentence(words) for words in refused), json.dumps(refused[:2])


def _read_slots(text: str) -> None:
    os.environ["FMNIST_SLOTS"] = text
    slots = training_slots()
    assert isinstance(slots, int)
    assert slots >= 1, slots
