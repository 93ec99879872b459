"""Homes with runs that were really trained, and with data that make training short."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from fmnist_core.runs.folders import run_folder, runs_folder
from tests.conftest import ROOT
from tests.faults.surroundings import write_small_data


def train_copies(count: int) -> list[str]:
    """Trains one run of an epoch into FMNIST_HOME and copies it; the ids of the copies, each a network that nobody has looked at."""
    command = [sys.executable, "-m", "fmnist_core", "train", "--preset", "quick", "--epochs", "1"]
    trained = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    ids = [f"{trained}-{number}" for number in range(count)]
    for run_id in ids:
        shutil.copytree(run_folder(trained), runs_folder() / run_id)
    return ids


@contextlib.contextmanager
def small_data(home: Path, *, used: bool) -> Iterator[None]:
    """Until the block ends, FMNIST_DATA has 500 training and 200 test images, if it is to be used."""
    if not used:
        yield
        return
    before, folder = os.environ.get("FMNIST_DATA"), home.parent / "data"
    write_small_data(folder)
    os.environ["FMNIST_DATA"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("FMNIST_DATA")
        if before is not None:
            os.environ["FMNIST_DATA"] = before
