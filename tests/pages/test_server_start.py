"""What the server does before its first visitor; tests/browser/test_start.py opens a really new server."""

import sys
import threading

import pytest

from pages.parts.shared import server_start
from tests.pages.conftest import open_page


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
