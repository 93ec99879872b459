import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from fmnist_core.runs import claim
from fmnist_core.runs.claim import claim_start, claim_training, is_claimed, is_training_claimed, release_start
from tests.conftest import ROOT

_TRAIN = """
import sys
from pathlib import Path
from fmnist_core.runs.claim import claim_training
claim = claim_training(Path(sys.argv[1]))
print(claim is not None, flush=True)
input()
"""


@pytest.fixture
def trainer(tmp_path: Path) -> "Iterator[subprocess.Popen[str]]":
    """Another process, which has claimed the run in `tmp_path` for training."""
    command = [sys.executable, "-c", _TRAIN, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        yield process
        process.kill()


def test_a_run_is_claimed_from_its_start_to_its_end_without_a_gap(tmp_path: Path) -> None:
    assert not is_claimed(tmp_path)
    assert claim_start(tmp_path)
    assert (is_claimed(tmp_path), is_training_claimed(tmp_path)) == (True, False)
    training = claim_training(tmp_path)
    assert training is not None
    release_start(tmp_path)
    assert (is_claimed(tmp_path), is_training_claimed(tmp_path)) == (True, True)
    training.release()
    assert (is_claimed(tmp_path), is_training_claimed(tmp_path)) == (False, False)


def test_a_claim_that_passes_on_while_somebody_looks_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The start is looked at first: were it the other way round, the claim could pass after the first and before the second."""
    looked: list[str] = []
    monkeypatch.setattr(claim, "is_locked", lambda file: looked.append(file.name))
    is_claimed(tmp_path)
    assert looked == ["starting.lock", "trainer.lock"]


def test_only_one_starts_a_run(tmp_path: Path) -> None:
    assert claim_start(tmp_path)
    assert not claim_start(tmp_path)
    release_start(tmp_path)
    release_start(tmp_path)
    assert claim_start(tmp_path)
    release_start(tmp_path)


def test_a_claim_that_is_just_being_given_up_is_waited_for(tmp_path: Path) -> None:
    """Otherwise whoever resumes a run in the moment in which it is noted as failed would read that it is training."""
    assert claim_start(tmp_path)
    giving_up = threading.Timer(0.1, release_start, [tmp_path])
    giving_up.start()
    assert claim_start(tmp_path)
    giving_up.join()
    assert is_claimed(tmp_path)
    release_start(tmp_path)


def test_a_run_that_another_process_trains_cannot_be_claimed_until_that_dies(tmp_path: Path, trainer: "subprocess.Popen[str]") -> None:
    assert is_claimed(tmp_path)
    assert claim_training(tmp_path, 0) is None
    trainer.kill()
    trainer.wait()
    assert not is_claimed(tmp_path)
    assert claim_training(tmp_path, 0) is not None


def test_runs_are_claimed_each_by_itself(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        assert claim_start(folder)
    release_start(one)
    assert (is_claimed(one), is_claimed(two)) == (False, True)
    release_start(two)
