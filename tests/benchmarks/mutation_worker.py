"""Tests mutants, each in a new process and in a copy of the working tree."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import coverage
import psutil

from tests.benchmarks.mutants import Mutant
from tests.benchmarks.mutation_plugin import TIMES_FILE, without_parameters

ROOT = Path(__file__).parents[2]

Result = dict[str, Any]  # one line of the results file

_MARK = "FMNIST_MUTATION_WORKER"  # environment variable of all processes that a worker started, including those in sessions of their own
_MEMORY_LIMIT_BYTES = 12 * 2**30  # of address space per process: a mutant must not fill the machine's memory
_FILE_LIMIT_BYTES = 2**30
_NO_TESTS = 5  # pytest's exit code where all were deselected
_COVERAGE = """[run]
source = {tree}/fmnist_core
data_file = {data}
parallel = true
sigterm = true
context = ${{PYTEST_CURRENT_TEST-}}
disable_warnings = no-data-collected, module-not-imported, module-not-measured, dynamic-conflict
"""


@dataclass(frozen=True)
class Unmutated:
    """What the tests do without a mutant.

    `executed` holds the lines of the core, as file and number, by what executed them: a test, or a fixture's file or folder.
    """

    seconds: dict[str, float]
    executed: dict[str, set[tuple[str, int]]]

    def select(self, mutant: Mutant, files: Iterable[str]) -> list[str]:
        """The tests of some files that execute the mutant's function, the quickest files first.

        If the mutant is outside functions, or no test anywhere executes its function, these are all tests of the files.
        A value that is cached across tests counts for the test that computed it.
        """
        lines = {(mutant.file, line) for line in mutant.body}
        contexts = tuple(context for context, executed in self.executed.items() if executed & lines)
        seconds = {
            test: s for test, s in self.seconds.items() if test.startswith(tuple(files)) and (not contexts or test.startswith(contexts))
        }
        of_file: defaultdict[str, float] = defaultdict(float)
        for test, test_s in seconds.items():
            of_file[test.split("::")[0]] += test_s
        return sorted(seconds, key=lambda test: of_file[test.split("::")[0]])


def merge(measured: Iterable[Unmutated]) -> Unmutated:
    """The longest times, and what was executed in any."""
    seconds: dict[str, float] = {}
    executed: dict[str, set[tuple[str, int]]] = {}
    for each in measured:
        for test, test_s in each.seconds.items():
            seconds[test] = max(test_s, seconds.get(test, 0))
        for context, lines in each.executed.items():
            executed.setdefault(context, set()).update(lines)
    return Unmutated(seconds, executed)


class Worker:
    """A copy of the working tree in which one mutant at a time is tested."""

    def __init__(self, folder: Path, deselected: Iterable[str] = ()) -> None:
        self._folder = folder
        self._tree = folder / "tree"
        self._deselected = [f"--deselect={test}" for test in deselected]
        self._is_stopped = False
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for name in filter(None, listed.split("\0")):
            if (ROOT / name).is_file():  # not deleted in the working tree
                (self._tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self._tree / name)
        for name in ("homes", "coverage"):
            (folder / name).mkdir()

    def run_unmutated(self, files: Sequence[str]) -> Unmutated:
        """Runs and measures the tests of some files without a mutant.

        Raises:
            SystemExit: with pytest's output, if a test fails.
        """
        settings, data, times = (self._folder / "coverage" / name for name in ("settings", "data", "times.json"))
        settings.write_text(_COVERAGE.format(tree=self._tree, data=data))
        variables = {"COVERAGE_PROCESS_START": str(settings), TIMES_FILE: str(times)}
        code, output = self._run_pytest(["-p", "tests.benchmarks.mutation_plugin", *files], 7200, variables)
        if code != 0:
            raise SystemExit(f"{output}\nThe tests fail without any mutant, so mutants cannot be tested. --deselect leaves a test out.")
        measured = coverage.Coverage(data_file=str(data), config_file=False)
        measured.combine()
        executed: dict[str, set[tuple[str, int]]] = {}
        for file in measured.get_data().measured_files():
            for line, contexts in measured.get_data().contexts_by_lineno(file).items():
                for context in filter(None, contexts):
                    line_of_file = (Path(file).relative_to(self._tree).as_posix(), line)
                    executed.setdefault(without_parameters(context), set()).add(line_of_file)
        return Unmutated(json.loads(times.read_text(encoding="utf-8")), executed)

    def test(self, mutant: Mutant, stages: Iterable[Sequence[str]], unmutated: Unmutated) -> Result | None:
        """Tests a mutant and returns its result; None if the worker was stopped.

        Args:
            stages: groups of tests; the later ones are run if the earlier ones pass.
        """
        file, started = self._tree / mutant.file, time.monotonic()
        original = file.read_text(encoding="utf-8")
        flaky: list[str] = []
        outcome, noticed_by = "survived", ""
        file.write_text(mutant.apply(original), encoding="utf-8")
        try:
            for tests in filter(None, stages):
                outcome, noticed_by = self._test_stage(tests, unmutated, flaky)
                if outcome != "survived":
                    break
        finally:
            file.write_text(original, encoding="utf-8")
        described = {name: getattr(mutant, name) for name in ("id", "subject", "file", "line", "function", "operator", "before", "after")}
        seconds = round(time.monotonic() - started, 1)
        measured = {"outcome": outcome, "noticed_by": noticed_by, "flaky": flaky, "tests": sum(map(len, stages)), "seconds": seconds}
        return None if self._is_stopped else described | measured

    def _test_stage(self, tests: Sequence[str], unmutated: Unmutated, flaky: list[str]) -> tuple[str, str]:
        """The outcome, and the test that noticed the mutant.

        That test must fail twice, the second time on its own. On a busy machine some fail once for no reason; these are added to `flaky`.
        """
        seconds = [unmutated.seconds[test] for test in tests]
        options, limit_s = ["-x", f"--timeout={_limit_s(max(seconds)):.0f}"], _limit_s(sum(seconds))
        while True:
            code, output = self._run_pytest([*options, *(f"--deselect={test}" for test in flaky), *tests], limit_s)
            if code in (0, _NO_TESTS):
                return "survived", ""
            outcome = "timed out" if code is None or "Timeout (>" in output else "killed"
            failed = re.search(r"^(?:FAILED|ERROR) (\S+::\S+)", output, flags=re.MULTILINE)
            if failed is None:  # too slow, or not even imported
                return outcome, ""
            test = without_parameters(failed[1])
            if self._run_pytest([*options, test], limit_s)[0] != 0:
                return outcome, test
            flaky.append(test)

    def stop(self) -> None:
        """Ends the tests under way; later ones end as soon as they begin."""
        self._is_stopped = True
        self._kill_processes()

    def _run_pytest(self, arguments: Sequence[str], limit_s: float, variables: dict[str, str] | None = None) -> tuple[int | None, str]:
        """pytest's exit code, None if it took too long, and its output; all processes that it started have ended."""
        with tempfile.TemporaryDirectory(dir=self._folder / "homes", ignore_cleanup_errors=True) as home:
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--basetemp={home}/pytest"]
            with Path(home, "output").open("w+", encoding="utf-8", errors="replace") as output:
                process = subprocess.Popen(
                    [*command, *self._deselected, *arguments],
                    cwd=self._tree,
                    env=self._environment(home) | (variables or {}),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                )
                _limit_resources(process.pid)
                try:
                    code = process.wait(0 if self._is_stopped else limit_s)
                except subprocess.TimeoutExpired:
                    code = None
                self._kill_processes()
                process.wait()
                output.seek(0)
                return code, output.read()

    def _environment(self, home: str) -> dict[str, str]:
        """One thread, nothing of the user's own, and Hypothesis as in continuous integration: the same examples every time."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("FMNIST_", "PYTEST_", "XDG_", "COVERAGE_"))}
        folders = {"HOME": home, "TMPDIR": home, "FMNIST_HOME": f"{home}/runs"}
        path = {"PYTHONPATH": str(self._tree), "PYTHONDONTWRITEBYTECODE": "1"}
        threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
        return inherited | folders | path | threads | {"CI": "true", _MARK: str(self._folder)}

    def _kill_processes(self) -> None:
        """Kills all that this worker started, training processes included, which have left pytest's group."""
        while found := [process for process in psutil.process_iter() if _is_marked(process, str(self._folder))]:
            for process in found:
                with contextlib.suppress(psutil.Error):
                    process.kill()
            psutil.wait_procs(found, timeout=1)


def _is_marked(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(_MARK) == mark and process.status() != psutil.STATUS_ZOMBIE
    except (psutil.Error, OSError):
        return False


def _limit_resources(pid: int) -> None:
    """The processes that it starts inherit the limits."""
    if sys.platform == "linux":
        for kind, limit in ((psutil.RLIMIT_AS, _MEMORY_LIMIT_BYTES), (psutil.RLIMIT_FSIZE, _FILE_LIMIT_BYTES)):
            psutil.Process(pid).rlimit(kind, (limit, limit))


def _limit_s(unmutated_s: float) -> float:
    """Seconds until tests count as timed out; the constant part is for starting up, and for a busy machine."""
    return 60 + 4 * unmutated_s
