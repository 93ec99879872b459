"""A run of an earlier version in Chromium: its results appear by themselves, and whoever computes them can be stopped."""

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from fmnist_core.runs.folders import STARTER_FOLDER
from fmnist_core.store.locks import FileLock
from tests.browser.conftest import ROOT, Server, open_page

COMPUTED_MS = 120_000  # a process of low priority on a machine that may be busy
WAITING = "Waiting until another network's results have been computed"


@pytest.fixture
def old_run(server: Server, tmp_path: Path) -> Iterator[Path]:
    """A run that has kept nothing. Its id is new, because a process may still be computing results for the last test's.

    Afterwards it is moved away in one step, as the dashboard deletes runs: that process may write its progress at any moment.
    """
    folder = server.home / "runs" / f"20200101-000000-{secrets.token_hex(2)}"
    shutil.copytree(STARTER_FOLDER, folder, ignore=shutil.ignore_patterns("answers", "likeness.safetensors"))
    yield folder
    folder.rename(tmp_path / folder.name)


@pytest.fixture
def machine(server: Server) -> Iterator[FileLock]:
    """As long as this lock is held, no results are computed."""
    lock = FileLock(server.home / "completion.lock")
    assert lock.take(60)
    yield lock
    lock.release()


def test_the_results_appear_as_soon_as_they_are_computed(server: Server, page: Page, old_run: Path, machine: FileLock) -> None:
    open_page(page, server, f"/evaluation?run={old_run.name}")
    expect(page.get_by_role("progressbar")).to_be_visible()
    expect(page.get_by_text(WAITING)).to_be_visible()
    expect(page.get_by_text("Test accuracy")).to_have_count(0)
    machine.release()
    expect(page.get_by_text("91.50 %", exact=True)).to_be_visible(timeout=COMPUTED_MS)
    expect(page.get_by_role("progressbar")).to_have_count(0)


def test_a_prediction_does_not_wait_for_them(server: Server, page: Page, old_run: Path, machine: FileLock) -> None:
    open_page(page, server, f"/prediction?run={old_run.name}")
    expect(page.get_by_role("heading", name="The network says: Ankle boot")).to_be_visible()
    page.get_by_text("Why does it say so?").click()
    expect(page.get_by_text(WAITING)).to_be_visible()
    expect(page.get_by_alt_text("Training image ")).to_have_count(0)
    machine.release()
    expect(page.get_by_alt_text("Training image ")).to_have_count(5, timeout=COMPUTED_MS)


def test_the_computation_can_be_stopped_and_begun_again(server: Server, page: Page, old_run: Path, machine: FileLock) -> None:
    command = [sys.executable, "-m", "fmnist_core", "complete", old_run.name]
    environment = os.environ | {"FMNIST_HOME": str(server.home)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with process:
        assert process.stdout is not None
        assert WAITING in process.stdout.readline()
        open_page(page, server, f"/evaluation?run={old_run.name}")
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_text("It was stopped.")).to_be_visible()
    assert process.returncode == 1
    machine.release()
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("91.50 %", exact=True)).to_be_visible(timeout=COMPUTED_MS)
