"""Fixtures that all tests share: a home for each test, small splits of the real data, and a run that was really trained."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from fmnist_core.classroom import teacher
from fmnist_core.dataset.idx import PACKAGED_FOLDER
from fmnist_core.dataset.split import Split, load_split
from fmnist_core.jobs import completion
from fmnist_core.jobs.worker import train_run
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.settings.config import TrainConfig

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty FMNIST_HOME, the packaged data and no PIN, so that no test reads or writes the user's own files."""
    folder = tmp_path / "home"
    monkeypatch.setenv("FMNIST_HOME", str(folder))
    monkeypatch.delenv("FMNIST_DATA", raising=False)
    monkeypatch.delenv("FMNIST_TEACHER_PIN", raising=False)
    monkeypatch.setattr(teacher, "secret_files", tuple)
    monkeypatch.delenv("FMNIST_SLOTS", raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # threads that compete for cores mostly wait for each other
    return folder


@pytest.fixture(autouse=True)
def no_completion_outlives_its_test() -> Iterator[None]:
    """Processes that compute what a run has not kept end with the test that asked for them."""
    completion._attempts.clear()
    yield
    for attempt in completion._attempts.values():
        attempt.process.kill()
        attempt.process.wait()


@pytest.fixture(scope="session")
def small_splits() -> tuple[Split, Split]:
    """The first 500 training and 200 test images of the real data."""
    train, test = load_split("train", PACKAGED_FOLDER), load_split("test", PACKAGED_FOLDER)
    return Split("train", train.images[:500], train.labels[:500]), Split("test", test.images[:200], test.labels[:200])


@pytest.fixture(scope="session")
def small_data(tmp_path_factory: pytest.TempPathFactory, small_splits: tuple[Split, Split]) -> Path:
    """A folder for FMNIST_DATA with 500 training and 200 test images as raw IDX files."""
    folder = tmp_path_factory.mktemp("small-data")
    for split, stem in zip(small_splits, ("train", "t10k"), strict=True):
        write_idx(folder / f"{stem}-images-idx3-ubyte", split.images)
        write_idx(folder / f"{stem}-labels-idx1-ubyte", split.labels)
    return folder


def write_idx(file: Path, array: np.ndarray) -> None:
    """Writes an array of bytes in the IDX format."""
    header = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
    file.write_bytes(header + array.astype(np.uint8).tobytes())


@pytest.fixture
def trained_run(small_data: Path, monkeypatch: pytest.MonkeyPatch) -> RunRecord:
    """A finished run of one epoch on the small data, in `home`; FMNIST_DATA is back to the packaged data afterwards."""
    with monkeypatch.context() as patch:
        patch.setenv("FMNIST_DATA", str(small_data))
        run_id = create_run(TrainConfig(epochs=1, batch_size=50), "Small run")
        assert train_run(run_id, lambda _event: None) == "finished"
    return load_run(run_id)
