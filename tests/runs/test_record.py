import json
import os
import subprocess
import sys

import pytest

from fmnist_core.runs.folders import RunError
from fmnist_core.runs.record import RunRecord, list_runs, load_run
from fmnist_core.runs.weights import load_model
from fmnist_core.runs.writer import create_run
from fmnist_core.settings.config import TrainConfig


@pytest.mark.parametrize("run_id", ["", "..", "../starter", "a/b", "a\\b", "A", "-x", "x" * 65, "con\n", "starter\x00"])
def test_what_could_not_be_an_id_never_becomes_a_path(run_id: str) -> None:
    with pytest.raises(RunError, match="is not the id of a run"):
        load_run(run_id)


def test_an_unknown_run_gets_a_sentence() -> None:
    with pytest.raises(RunError, match=r'There is no run "20200101-000000-abcd"'):
        load_run("20200101-000000-abcd")


def test_a_run_whose_trainer_died_says_interrupted_and_opens(trained_run: RunRecord) -> None:
    died = subprocess.Popen([sys.executable, "-c", "pass"])
    died.wait()
    status = json.loads((trained_run.folder / "status.json").read_text())
    status |= {"state": "training", "process": {"pid": died.pid, "create_time": 0.0}}
    (trained_run.folder / "status.json").write_text(json.dumps(status))
    run = load_run(trained_run.id)
    assert run.state == "interrupted"
    assert load_model(run) is not None


def test_a_pid_that_came_again_is_not_the_trainer(trained_run: RunRecord) -> None:
    status = json.loads((trained_run.folder / "status.json").read_text())
    status |= {"state": "training", "process": {"pid": os.getpid(), "create_time": 12345.0}}
    (trained_run.folder / "status.json").write_text(json.dumps(status))
    assert load_run(trained_run.id).state == "interrupted"


@pytest.mark.parametrize("file", ["config.json", "status.json"])
@pytest.mark.parametrize("content", ["", "{", "[]", '{"config": {"epochs": 0}}', '{"state": "training"}'])
def test_a_damaged_run_is_named_and_left_out_of_the_list(trained_run: RunRecord, file: str, content: str) -> None:
    other = create_run(TrainConfig())
    (trained_run.folder / file).write_text(content)
    with pytest.raises(RunError, match=f"is damaged: {file}"):
        load_run(trained_run.id)
    assert [run.id for run in list_runs()] == [other]


def test_runs_are_listed_newest_first() -> None:
    ids = [create_run(TrainConfig(), f"n{i}") for i in range(3)]
    assert [run.id for run in list_runs()] == ids[::-1]
