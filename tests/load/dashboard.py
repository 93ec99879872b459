"""A dashboard to be loaded: `streamlit run dashboard.py` on a folder of its own, what it uses, and its end."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.conftest import ROOT
from tests.load.browser import HOST
from tests.load.http_requests import HttpConnection

_PATIENCE_S = 60.0
_CHECK_EVERY_S = 0.01
_LOG_SHOWN = 12_000  # characters


class Dashboard:
    """A server process, its FMNIST_HOME, its log and its port."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home, self.log, self.port = home, home.parent / "server.log", _free_port()
        self._environment = os.environ | {"FMNIST_HOME": str(home)} | environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        self.launch()
        self._wait_until_healthy()

    def launch(self) -> None:
        """Starts the server, which answers after a while."""
        command = [sys.executable, "-m", "streamlit", "run", "dashboard.py", "--server.headless=true", f"--server.port={self.port}"]
        self.home.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, cwd=ROOT, env=self._environment, stdout=log, stderr=log, start_new_session=True)

    def kill(self) -> None:
        """Kills the server as `kill -9` does; trainers live on."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def kill_all(self) -> None:
        """Kills the server and every process that works for its home."""
        if self._process is None:
            return
        self.kill()
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()

    def processes(self) -> list[psutil.Process]:
        """The other processes with this home: trainers, and whatever else was started for it."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid not in (self.pid, os.getpid()) and process.environ().get("FMNIST_HOME") == str(self.home):
                    found.append(process)
        return found

    def processor_s(self) -> float:
        """Processor seconds of the server so far."""
        return processor_s(psutil.Process(self.pid))

    def memory_mb(self) -> float:
        """Resident memory of the server."""
        return float(psutil.Process(self.pid).memory_info().rss / 1e6)

    def _wait_until_healthy(self) -> None:
        deadline_s = time.monotonic() + _PATIENCE_S
        while time.monotonic() < deadline_s and self._process is not None and self._process.poll() is None:
            with contextlib.suppress(OSError), contextlib.closing(HttpConnection(HOST, self.port)) as connection:
                if connection.get("/_stcore/health") == 200:
                    return
            time.sleep(_CHECK_EVERY_S)
        raise RuntimeError(f"The dashboard did not start:\n{self.log.read_text(errors='replace')}")


@contextlib.contextmanager
def started(**environment: str) -> Iterator[Dashboard]:
    """A running dashboard on a new home, until the block ends; then nothing of it is left."""
    with fresh_home() as home, started_on(home, **environment) as dashboard:
        yield dashboard


@contextlib.contextmanager
def started_on(home: Path, **environment: str) -> Iterator[Dashboard]:
    """A running dashboard on this home, until the block ends; then none of its processes is left. What it logged as failed is printed."""
    dashboard = Dashboard(home, **environment)
    try:
        dashboard.start()
        yield dashboard
    finally:
        dashboard.kill_all()
        _, failed, traceback = dashboard.log.read_text(errors="replace").partition("Traceback")
        print(failed + traceback[:_LOG_SHOWN], end="\n" if failed else "", file=sys.stderr, flush=True)


@contextlib.contextmanager
def fresh_home() -> Iterator[Path]:
    """An empty folder for FMNIST_HOME, deleted at the end of the block; the environment variable is set so that the core reads it too."""
    before, folder = os.environ.get("FMNIST_HOME"), Path(tempfile.mkdtemp(prefix="load-"))
    os.environ["FMNIST_HOME"] = str(folder / "home")
    try:
        yield folder / "home"
    finally:
        os.environ.pop("FMNIST_HOME")
        if before is not None:
            os.environ["FMNIST_HOME"] = before
        shutil.rmtree(folder, ignore_errors=True)


def processor_s(process: psutil.Process) -> float:
    """Processor seconds of a process so far; 0 if it has ended."""
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
