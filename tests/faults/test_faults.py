"""The fault script's small form, part by part, and its own means: what it calls broken has to be broken."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.faults.__main__ import PARTS
from tests.faults.isolation import Child, isolate
from tests.faults.report import Report
from tests.faults.surroundings import why_no_forks
from tests.faults.visits import is_sentence

needs_forks = pytest.mark.skipif(why_no_forks() != "", reason=why_no_forks())


@needs_forks
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", PARTS)
def test_all_faults_of_the_small_form_hold(part: str) -> None:
    """In a process of its own, because forked children cannot use the threads that other tests have made PyTorch start."""
    command = [sys.executable, "-m", "tests.faults", "--part", part, "--small"]
    tried = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert tried.returncode == 0, tried.stdout + tried.stderr[-2_000:]
    figures = next(line for line in tried.stdout.splitlines() if line.startswith(f"{part}: tried "))
    if figures == f"{part}: tried 0, held 0":
        pytest.skip(tried.stdout)


def test_what_does_not_hold_is_counted_and_announced() -> None:
    announced: list[str] = []
    so_far: list[str] = []
    report = Report("part", announce=announced.append, progress=so_far.append)
    report.record("good", "")
    report.record("bad", "it broke")
    report.skip("others", "needs a moon")
    assert (report.tried, report.held, announced) == (2, 1, ["bad: it broke"])
    assert so_far == ["part: tried 1, held 1", "part: tried 2, held 1"]
    assert report.lines() == ["part: tried 2, held 1", "  not tried: others: needs a moon"]


@needs_forks
def test_a_child_answers() -> None:
    outcome = isolate(lambda: {"pid": os.getpid()})
    assert outcome.problem == ""
    assert outcome.value["pid"] != os.getpid()


@needs_forks
def test_a_childs_exception_and_its_place_are_its_problem() -> None:
    def fail() -> None:
        from fmnist_core.runs.folders import run_folder

        run_folder("no such run")

    assert isolate(fail).problem.startswith("RunError: ")
    assert "(folders.py:" in isolate(fail).problem


@needs_forks
def test_a_crash_an_exit_and_endless_waiting_are_problems() -> None:
    reads, _writes = os.pipe()
    assert isolate(lambda: os.kill(os.getpid(), signal.SIGUSR1)).problem == "killed by SIGUSR1"
    assert isolate(lambda: os._exit(3)).problem == "ended with exit code 3 and no answer"
    assert isolate(lambda: len(os.read(reads, 1)), timeout_s=0.1).problem == "still busy after 0.1 s"


@needs_forks
def test_memory_is_measured_and_endless_reading_ends() -> None:
    assert isolate(lambda: len(bytearray(b"x" * 60_000_000)), most_mb=50).problem.startswith("held ")
    assert isolate(lambda: len(bytearray(b"x" * 10_000_000)), most_mb=50).problem == ""
    assert isolate(lambda: len(Path("/dev/zero").read_bytes())).problem.startswith("MemoryError")


@needs_forks
def test_a_killed_child_says_by_what() -> None:
    reads, _writes = os.pipe()
    child = Child(lambda: len(os.read(reads, 1)))
    child.kill()
    assert child.wait().problem == "killed by SIGKILL"


@pytest.mark.parametrize("text", ["The disk is full: free some space.", "/x/y: Permission denied", "What now?"])
def test_sentences(text: str) -> None:
    assert is_sentence(text)


@pytest.mark.parametrize("text", ["", "KeyError", "'name'", "Expecting value: line 1 column 1 (char 0)", "Two\nlines.", "Word."])
def test_no_sentences(text: str) -> None:
    assert not is_sentence(text)
