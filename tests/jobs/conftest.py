"""Small data for every training process, and no run that outlives its test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fmnist_core.classroom.people import LOCAL
from fmnist_core.jobs.control import stop
from fmnist_core.jobs.worker import _load_splits
from fmnist_core.runs.record import list_runs
from fmnist_core.runs.writer import RunWriter
from fmnist_core.store.files import read_json
from tests.jobs.trained import EXACT, Result, unbroken, wait_until


@pytest.fixture(autouse=True)
def small_data_in_use(small_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(small_data))


@pytest.fixture(autouse=True)
def no_run_outlives_its_test() -> Iterator[None]:
    yield
    for run in list_runs():
        if run.is_live and read_json(run.folder / "status.json")["pid"] == os.getpid():
            RunWriter(run.id).end("stopped")  # it was made, and nobody was to train it
        elif run.is_live:
            stop(run.id, by=LOCAL)
            wait_until(run.id, lambda run: not run.is_live)


@pytest.fixture(scope="package")
def exact(small_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Result:
    """The result of EXACT in one go."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FMNIST_DATA", str(small_data))
        patch.setenv("FMNIST_HOME", str(tmp_path_factory.mktemp("unbroken")))
        _load_splits.cache_clear()
        return unbroken(EXACT)
