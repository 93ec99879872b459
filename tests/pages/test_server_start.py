"""What the server does before its first visitor; tests/browser/test_start.py opens a really new server."""

import os
import subprocess
import sys
import threading

import pytest

from pages.parts.shared import server_start
from tests.conftest import ROOT
from tests.pages.conftest import open_page

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
