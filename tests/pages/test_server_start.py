"""What the server does before its first visitor; tests/browser/test_start.py opens a really new server."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import torch

from fmnist_core.runs.trash import delete_run, list_deleted
from fmnist_core.store.byte_cache import ByteCache
from pages.parts.shared import cached, server_start, splits
from tests.conftest import ROOT
from tests.other_thread import run_coroutine
from tests.pages.conftest import open_page, unescaped
from tests.written_runs import write_run

_THREADS_OF_A_WARM_SERVER = """
import threading
import numpy, torch
from threadpoolctl import threadpool_info
from pages.parts.shared import server_start
torch.set_num_threads(2)
warming = threading.Thread(target=server_start._warm_up)
warming.start()
warming.join()
print(torch.get_num_threads(), *(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"))
"""


class Warm(threading.Event):
    """Counts who waits; nobody has to."""

    waited = 0

    def wait(self, timeout: float | None = None) -> bool:  # noqa: ARG002
        self.waited += 1
        return True


def test_every_page_run_waits_for_the_imports_that_are_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    warm = Warm()
    monkeypatch.setattr(server_start, "_is_warm", warm)
    open_page("browse")
    assert warm.waited == 2  # Home, and Browse


def test_nobody_waits_for_imports_that_have_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    warm = threading.Event()
    monkeypatch.setattr(server_start, "_is_warm", warm)
    monkeypatch.setitem(sys.modules, "plotly.graph_objects", None)  # importing it fails from now on
    with pytest.raises(ImportError):
        server_start._warm_up()
    assert warm.is_set()


def test_the_server_computes_on_one_thread() -> None:
    """In a process of its own, which its other tests' threads do not share."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "2", "STREAMLIT_SERVER_HEADLESS": "true"}
    command = [sys.executable, "-c", _THREADS_OF_A_WARM_SERVER]
    printed = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    assert set(printed.split()) == {"1"}


@pytest.fixture
def warmed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The server has warmed up, in a thread, as at its start."""
    monkeypatch.setattr(cached, "CACHE", ByteCache(cached.MAX_BYTES))
    monkeypatch.setattr("gc.freeze", lambda: None)  # what the tests leave should be collected
    monkeypatch.setattr("webbrowser.open", lambda _url: True)
    before = torch.get_num_threads()
    thread = threading.Thread(target=server_start._warm_up)
    thread.start()
    thread.join()
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("warmed")
def test_the_first_visitors_find_data_and_starter_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert cached.CACHE.nbytes > 0
    monkeypatch.setattr(splits, "load_split", lambda *_: pytest.fail("the data was read again"))
    monkeypatch.setattr(cached, "load_model", lambda *_: pytest.fail("the starter was read again"))
    monkeypatch.setattr(cached, "read_likeness", lambda *_: pytest.fail("what it finds alike was read again"))
    assert not open_page("predict", run="starter").exception


def test_a_server_without_data_starts_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(tmp_path / "nowhere"))
    server_start._prepare_pages()
    assert "nowhere does not exist" in unescaped(open_page("evaluate").error[0].value)


def test_what_is_in_the_trash_for_too_long_goes_although_nobody_opens_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    old, young = write_run([], "finished"), write_run([], "finished")
    delete_run(old.id, at=datetime.now(UTC) - timedelta(days=31))
    delete_run(young.id, at=datetime.now(UTC) - timedelta(days=29))
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        raise InterruptedError

    monkeypatch.setattr(asyncio, "sleep", sleep)
    with pytest.raises(InterruptedError):
        run_coroutine(server_start._drop_old_runs())
    assert [run.id for run in list_deleted()] == [young.id]
    assert slept == [3600.0]
