"""pytest plugin of the mutation benchmark: how long tests take, and which lines of the core each of them executes.

coverage.py notes for each line a context: the test under way, or for a fixture that several tests share the file or folder it belongs to.
Processes that a test starts are measured too; their context is pytest's variable PYTEST_CURRENT_TEST.
"""

import contextlib
import json
import os
import re
from collections import defaultdict
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import coverage
import pytest

TIMES_FILE = "FMNIST_MUTATION_TIMES"  # environment variable: where the seconds of each test are written
_seconds: defaultdict[str, float] = defaultdict(float)


def without_parameters(test: str) -> str:
    """`tests/test_a.py::test_b` of `tests/test_a.py::test_b[1] (call)`, which is how PYTEST_CURRENT_TEST names it."""
    return re.split(r"\[| \(", test, maxsplit=1)[0]


@contextlib.contextmanager
def _context(name: str) -> Iterator[None]:
    measured = coverage.Coverage.current()
    assert measured is not None
    before, variable = measured.switch_context(name), os.environ.get("PYTEST_CURRENT_TEST", "")
    os.environ["PYTEST_CURRENT_TEST"] = name
    yield
    os.environ["PYTEST_CURRENT_TEST"] = variable
    measured.switch_context(before or "")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    with _context(without_parameters(item.nodeid)):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, Any, Any]:
    with contextlib.nullcontext() if fixturedef.scope == "function" else _context(fixturedef.baseid):
        return (yield)


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[without_parameters(report.nodeid)] += report.duration


def pytest_sessionfinish() -> None:
    Path(os.environ[TIMES_FILE]).write_text(json.dumps(_seconds), encoding="utf-8")
