import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from fmnist_core.dataset.split import Split
from fmnist_core.runs.folders import RunError, run_folder
from fmnist_core.runs.record import RunRecord, list_runs, load_run
from fmnist_core.runs.weights import load_model, weights_stamp
from fmnist_core.runs.writer import RunWriter, create_run
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.events import StepDone
from fmnist_core.training.loop import train


def test_a_new_run_waits_in_its_own_folder(home: Path) -> None:
    run = load_run(create_run(TrainConfig(epochs=3), "  Team\nblue \x00 "))
    assert run.folder.parent == home / "runs"
    assert (run.name, run.config.epochs, run.state, run.is_live, run.has_weights) == ("Team blue", 3, "waiting", True, False)


def test_names_are_given_cut_and_never_paths(home: Path) -> None:
    first = load_run(create_run(TrainConfig()))
    long = load_run(create_run(TrainConfig(), "../../etc/" + "x" * 200))
    assert first.name == "Run 1"
    assert len(long.name) == 60
    assert long.folder.parent == home / "runs"


def test_what_a_killed_process_left_half_made_goes_after_an_hour(home: Path) -> None:
    old, new = (home / "runs" / f".20200101-000000-{name}.new" for name in ("aaaa", "bbbb"))
    for draft in (old, new):
        (draft / "checkpoints").mkdir(parents=True)
    os.utime(old, (0, 0))
    create_run(TrainConfig())
    assert not old.exists()
    assert new.exists()


def test_weights_of_an_epoch_cut_short_are_the_newest(trained_run: RunRecord, small_splits: tuple[Split, Split]) -> None:
    step = next(event for event in train(TrainConfig(), *small_splits) if isinstance(event, StepDone))
    writer = RunWriter(trained_run.id)
    assert not writer.keep_unfinished_epoch()
    before = weights_stamp(trained_run)
    writer.write_event(step)
    assert writer.keep_unfinished_epoch()
    newest = load_model(load_run(trained_run.id)).state_dict()
    np.testing.assert_array_equal(newest["fc.weight"].numpy(), step.weights["fc.weight"])
    of_epoch = load_model(trained_run, epoch=1).state_dict()
    assert not torch.equal(of_epoch["fc.weight"], newest["fc.weight"])
    assert weights_stamp(trained_run) != before


def test_a_home_that_cannot_be_written_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    monkeypatch.setenv("FMNIST_HOME", str(blocked))
    with pytest.raises(RunError, match=r"Cannot write to .* set FMNIST_HOME"):
        create_run(TrainConfig())
    assert list_runs() == []


def test_the_writer_claims_the_run_for_its_process() -> None:
    run_id = create_run(TrainConfig())
    writer = RunWriter(run_id)
    assert json.loads((run_folder(run_id) / "status.json").read_text())["process"]["pid"] == os.getpid()
    writer.end("stopped")
    assert list(run_folder(run_id).glob("claim-*")) == []
