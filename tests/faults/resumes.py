"""Part `resumes`: several processes resume one run at the same moment; one trains, the others are told why not."""

import os
import random
import time
from functools import partial

from fmnist_core.classroom.people import LOCAL
from fmnist_core.jobs.control import continue_run, stop
from fmnist_core.jobs.worker import train_run
from fmnist_core.runs.claim import claim_start, claim_training, is_claimed, release_start
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.event_log import read_events
from fmnist_core.runs.folders import run_folder
from fmnist_core.runs.record import load_run
from fmnist_core.training.events import Event, Resumed, Started, StepDone
from tests.faults.commands import run_command
from tests.faults.isolation import Child, attempt, isolate
from tests.faults.report import Report
from tests.faults.surroundings import SHORT, surroundings, use_home, why_no_forks
from tests.faults.visits import is_sentence
from tests.jobs.trained import Result, assert_same_result, result_of, unbroken

_WAIT_S = 180.0


def run(report: Report, seed: int, *, small: bool) -> None:
    """Resumes by the command line and as pages do, of runs that were stopped, killed or never started."""
    if why_no_forks():
        report.skip("simultaneous resumes", why_no_forks())
        return
    chance = random.Random(seed)
    with surroundings() as folder:
        use_home(folder / "unbroken")
        expected = unbroken(SHORT)
        for number in range(3 if small else 40):
            use_home(folder / f"home-{number}")
            ended = ("stopped", "killed", "new")[number % 3]
            rivals = chance.choice((2, 2, 3))
            by_pages = not small and number % 4 == 3
            name = f"{rivals} processes resume a run that was {ended}{', as pages do' if by_pages else ''}, {number}"
            report.record(name, attempt(partial(_race, ended, rivals, by_pages, expected)))
        use_home(folder / "readers")
        report.record("a claim while many look at it", attempt(_claim_among_readers))


def _race(ended: str, rivals: int, by_pages: bool, expected: Result) -> None:
    run_id = _ended_run(ended)
    before = len(_beginnings(run_id))
    reads, writes = os.pipe()
    resume = _resume_as_pages_do if by_pages else _resume_by_command

    def start_together() -> list[object]:
        os.close(writes)
        os.read(reads, 1)  # returns when the parent has closed its end
        return resume(run_id)

    children = [Child(start_together) for _ in range(rivals)]
    os.close(reads)
    os.close(writes)
    outcomes = [child.wait(_WAIT_S) for child in children]
    assert [outcome.problem for outcome in outcomes] == [""] * rivals, [outcome.problem for outcome in outcomes]
    won = [outcome.value for outcome in outcomes if outcome.value[0] == 0]
    lost = [outcome.value[1] for outcome in outcomes if outcome.value[0] != 0]
    # A rival that comes late finds the run finished, which it says.
    assert len(won) == 1, f"{len(won)} trained; the others say {lost}"
    assert all(is_sentence(words) for words in lost), lost
    assert load_run(run_id).state == "finished", (load_run(run_id).state, load_run(run_id).message)
    assert len(_beginnings(run_id)) - (0 if ended == "new" else before) == 1, "more than one training in the events"
    _check_steps_rise(run_id)
    assert_same_result(result_of(run_id), expected)


def _ended_run(ended: str) -> str:
    run_id = create_run(SHORT)
    release_start(run_folder(run_id))

    def end_it(event: Event) -> None:
        if isinstance(event, StepDone) and event.epoch == 2:
            if ended == "killed":
                os.kill(os.getpid(), 9)
            stop(run_id, by=LOCAL)

    if ended != "new":
        isolate(lambda: str(train_run(run_id, end_it)))
    state = load_run(run_id).state
    assert state == ("stopped" if ended == "stopped" else "interrupted"), state
    return run_id


def _resume_by_command(run_id: str) -> list[object]:
    code, _, complaint = run_command(["train", "--resume", run_id, "--json"])
    return [code, complaint]


def _resume_as_pages_do(run_id: str) -> list[object]:
    """Puts it into the queue, as a page's button does, and waits until it has trained."""
    try:
        continue_run(run_id, by=LOCAL)
    except ValueError as error:
        return [1, str(error)]
    while load_run(run_id).state != "finished":
        time.sleep(0.1)
    return [0, ""]


def _beginnings(run_id: str) -> list[Event]:
    return [event for event in read_events(run_folder(run_id))[0] if isinstance(event, Started | Resumed)]


def _check_steps_rise(run_id: str) -> None:
    last = 0
    for event in read_events(run_folder(run_id))[0]:
        if isinstance(event, Started | Resumed):
            last = getattr(event, "step", 0)
        elif isinstance(event, StepDone):
            assert event.step > last, f"step {event.step} after step {last}"
            last = event.step


def _claim_among_readers() -> None:
    """Readers look at a lock by holding it for an instant; that must not keep a trainer from taking it."""
    folder = run_folder(create_run(SHORT))
    release_start(folder)

    def look() -> None:
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            is_claimed(folder)

    readers = [Child(look) for _ in range(6)]
    refused = 0
    for _ in range(100):
        refused += not claim_start(folder)
        release_start(folder)
        lock = claim_training(folder)
        refused += lock is None
        if lock is not None:
            lock.release()
    for reader in readers:
        reader.wait()
    assert refused == 0, f"{refused} of 200 claims were refused though nobody held one"
