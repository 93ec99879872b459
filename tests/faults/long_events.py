"""Part `events`: a run with 200 MB of events, some of them damaged; reading it takes bounded memory, and sessions share what is read."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil
from streamlit.testing.v1 import AppTest

from fmnist_core.runs.diagnosis import diagnose
from fmnist_core.runs.history import AXES
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.shared_histories import SHARED_HISTORIES
from tests.conftest import ROOT
from tests.faults.isolation import MB, isolate
from tests.faults.report import Report
from tests.faults.surroundings import surroundings, use_home, why_no_forks
from tests.faults.visits import visit_pages, warm_pages
from tests.loss_tables import loss_table
from tests.runs.long_events import write_long_events
from tests.written_runs import started, write_run

_MOST_MB = 150.0
_MOST_OF_A_SECOND_MB = 20.0
_BAD_LINES = (b"{", b"", b"\x00" * 500, b"\xff\xfe", b"[" * 5_000, b'{"type": "StepDone", "step": 1e999}', b"null")
_BAD_EVERY_BYTES = 2_000_000
_TIMEOUT_S = 400.0


def run(report: Report, seed: int, *, small: bool) -> None:
    """Reads long events whole, damaged, and with a line that never ends; ended and while the run is live."""
    del seed
    if why_no_forks():
        report.skip("long events", why_no_forks())
        return
    megabytes = 12 if small else 200
    with surroundings() as folder:
        warm_pages(report, "starter")
        changes: dict[str, Callable[[Path], None]] = {
            "whole": lambda _: None,
            "with bad lines": _put_bad_lines,
            "with a line of 60 MB in the middle": partial(_put_line, size=60_000_000),
            "with its last line unfinished": partial(_append, b'{"type": "StepDone", "step": 5'),
            "with 20 MB of NULs after it": partial(_append, bytes(20_000_000)),
        }
        for number, (words, change) in enumerate(changes.items()):
            if small and number > 1:
                break
            use_home(folder / f"home-{number}")
            written = write_run([started()], state="training" if number % 2 else "finished")
            last_step = write_long_events(written.folder, megabytes)
            change(written.folder / "events.jsonl")
            name = f"{megabytes} MB of events {words}"
            read = isolate(partial(_read, written, last_step), timeout_s=_TIMEOUT_S, most_mb=_MOST_MB)
            report.record(f"{name}, read", read.problem or str(read.value))
            opened = isolate(partial(visit_pages, written.id), timeout_s=_TIMEOUT_S, most_mb=2 * _MOST_MB)
            report.record(f"{name}, opened", opened.problem or "; ".join(filter(None, opened.value)))
            shared = isolate(partial(_open_twice, written.id), timeout_s=_TIMEOUT_S, most_mb=2 * _MOST_MB)
            report.record(f"{name}, opened by two", shared.problem or str(shared.value))


def _read(run: RunRecord, last_step: int) -> str:
    """What is wrong with the history of the events; "" if nothing is."""
    history = SHARED_HISTORIES.read(load_run(run.id))
    while SHARED_HISTORIES.unread_bytes(run) > MB:  # one call need not read everything
        before = SHARED_HISTORIES.unread_bytes(run)
        history = SHARED_HISTORIES.read(load_run(run.id))
        if SHARED_HISTORIES.unread_bytes(run) >= before:
            return f"{before:,} bytes are never read"
    for axis in AXES:
        if len(loss_table(history, 0.9, axis)) > 1_000:
            return f"{len(loss_table(history, 0.9, axis))} points on a chart"
    history.epoch_table()
    history.step_table()
    diagnose(run, history)
    return "" if history.steps == last_step else f"it ends at step {history.steps:,} in place of {last_step:,}"


def _open_twice(run_id: str) -> str:
    """How much memory a second session took that opened the same run, if it was much."""
    held_mb = []
    for _ in range(3):
        at = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=300).run()
        at.switch_page("pages/train.py")
        at.query_params["run"] = run_id
        began_s = time.monotonic()
        at.run()
        if at.exception:
            return str(at.exception[0].message)[:200]
        held_mb.append(psutil.Process(os.getpid()).memory_info().rss / MB)
    took_s = time.monotonic() - began_s
    grown_mb = held_mb[2] - held_mb[1]
    if grown_mb > _MOST_OF_A_SECOND_MB:
        return f"one more session took {grown_mb:.0f} MB"
    return f"one more session took {took_s:.0f} s" if took_s > 20 else ""


def _put_bad_lines(file: Path) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    with file.open("wb") as opened:
        for number, line in enumerate(lines):
            opened.write(line)
            if 0 < number < len(lines) - 1 and number % max(1, _BAD_EVERY_BYTES // 1_400) == 0:
                opened.write(_BAD_LINES[number // (_BAD_EVERY_BYTES // 1_400) % len(_BAD_LINES)] + b"\n")


def _put_line(file: Path, size: int) -> None:
    whole = file.read_bytes()
    middle = whole.index(b"\n", len(whole) // 2) + 1
    with file.open("wb") as opened:
        opened.write(whole[:middle] + b'{"type": "' + b"x" * size + b'"}\n')
        opened.write(whole[middle:])


def _append(more: bytes, file: Path) -> None:
    with file.open("ab") as opened:
        opened.write(more)
