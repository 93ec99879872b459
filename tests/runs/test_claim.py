import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fmnist_core.runs import claim
from fmnist_core.runs.claim import is_alive, take_claim, this_process
from fmnist_core.store.files import read_json, write_json


@pytest.fixture
def other() -> "Iterator[subprocess.Popen[bytes]]":
    """Another process, which lives as long as the test."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        yield process
        process.kill()


def identify(process: "subprocess.Popen[bytes]") -> dict[str, float]:
    return {"pid": process.pid, "create_time": psutil.Process(process.pid).create_time()}


def test_a_process_is_known_by_its_pid_and_its_time_of_creation(other: "subprocess.Popen[bytes]") -> None:
    assert this_process() == {"pid": os.getpid(), "create_time": psutil.Process().create_time()}
    assert is_alive(this_process())
    assert is_alive(identify(other))


@pytest.mark.parametrize(("seconds", "expected"), [(-0.9, True), (0.9, True), (-1.0, False), (1.0, False), (-1e6, False), (1e6, False)])
def test_a_process_created_a_second_earlier_or_later_is_another(seconds: float, expected: bool) -> None:
    this = this_process()
    assert is_alive(this | {"create_time": this["create_time"] + seconds}) is expected


def test_a_process_that_has_ended_is_not_alive(other: "subprocess.Popen[bytes]") -> None:
    process = identify(other)
    other.kill()
    other.wait()
    assert not is_alive(process)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no zombies")
def test_a_process_that_has_ended_and_was_not_waited_for_is_not_alive(other: "subprocess.Popen[bytes]") -> None:
    process = identify(other)
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.pid_exists(other.pid)
    assert not is_alive(process)


def test_the_first_to_claim_a_run_has_it_and_keeps_it(tmp_path: Path) -> None:
    assert take_claim(tmp_path) == tmp_path / "claim-1.json"
    assert read_json(tmp_path / "claim-1.json") == this_process()
    assert take_claim(tmp_path) == tmp_path / "claim-1.json"
    assert [file.name for file in tmp_path.iterdir()] == ["claim-1.json"]


def test_a_run_that_another_process_trains_cannot_be_claimed(tmp_path: Path, other: "subprocess.Popen[bytes]") -> None:
    write_json(tmp_path / "claim-1.json", identify(other))
    assert take_claim(tmp_path) is None
    other.kill()
    other.wait()
    assert take_claim(tmp_path) == tmp_path / "claim-2.json"
    assert read_json(tmp_path / "claim-2.json") == this_process()


def test_the_claim_with_the_highest_number_counts(tmp_path: Path, other: "subprocess.Popen[bytes]") -> None:
    for number in (2, 9):
        write_json(tmp_path / f"claim-{number}.json", this_process())
    write_json(tmp_path / "claim-10.json", identify(other))
    assert take_claim(tmp_path) is None
    other.kill()
    other.wait()
    assert take_claim(tmp_path) == tmp_path / "claim-11.json"


def test_of_two_that_claim_a_run_at_once_one_has_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claim, "create_once", lambda *_: False)  # the other was first, after this one had looked
    assert take_claim(tmp_path) is None
