"""The work of others, from made-up counters; the priority of a real training process."""

import os
import sys
import time
from pathlib import Path

import pytest

from fmnist_core.jobs import cores
from fmnist_core.jobs.cores import OtherWork, usable_cores, yield_to_clicks
from fmnist_core.runs.record import load_run
from fmnist_core.store.files import read_json
from tests.jobs.trained import LONG, start_and_wait_for_a_step


class Counters:
    """Linux's counters of two cores, in a file; what is added is in seconds."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.file = folder / "stat"
        self.clock_s, self.own_s = 50.0, 3.0
        self.counts = [[100 * number for number in range(1, 11)] for _core in range(3)]
        monkeypatch.setattr(os, "sysconf", lambda _name: 100)
        monkeypatch.setattr(time, "process_time", lambda: self.own_s)
        self.write()

    def write(self) -> None:
        lines = [f"cpu{core} {' '.join(map(str, counts))}" for core, counts in enumerate(self.counts)]
        self.file.write_text("\n".join(["cpu  1 2 3 4 5 6 7 8 9 10", *lines, "intr 7 7", "ctxt 9", "cpufreq 1", "btime 1"]) + "\n")

    def pass_time(self, seconds: float, own_s: float = 0.0, *, core: int = 0, **busy_s: float) -> None:
        """Lets time pass; `user=0.5`, for example, adds half a second to this counter of the core."""
        names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guest_nice")
        self.clock_s, self.own_s = self.clock_s + seconds, self.own_s + own_s
        for name, added_s in busy_s.items():
            self.counts[core][names.index(name)] += round(100 * added_s)
        self.write()

    def watch(self, *numbers: int) -> OtherWork:
        return OtherWork(numbers, self.file, lambda: self.clock_s)


@pytest.fixture
def counters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Counters:
    return Counters(tmp_path, monkeypatch)


def test_what_others_computed_is_what_all_did_but_this_process(counters: Counters) -> None:
    work = counters.watch(0, 1)
    counters.pass_time(0.5, own_s=0.4, user=0.5)
    counters.pass_time(0.0, core=1, user=0.1, nice=0.05, system=0.03, irq=0.01, softirq=0.01, idle=0.3)
    assert work.busy_cores() == pytest.approx((0.7 - 0.4) / 0.5)
    counters.pass_time(0.5, own_s=0.5, user=0.5)
    assert work.busy_cores() == pytest.approx(0.0), "since the last call"


def test_time_that_is_idle_or_stolen_is_not_the_work_of_others(counters: Counters) -> None:
    work = counters.watch(0, 1)
    counters.pass_time(1.0, idle=0.4, iowait=0.3, steal=0.3)
    assert work.busy_cores() == 0.0


def test_cores_that_this_process_may_not_use_do_not_count(counters: Counters) -> None:
    work = counters.watch(1)
    counters.pass_time(1.0, core=0, user=1.0)
    counters.pass_time(0.0, core=1, user=0.25)
    assert work.busy_cores() == pytest.approx(0.25)


def test_a_reading_covers_at_least_a_fifth_of_a_second(counters: Counters) -> None:
    work = counters.watch(0)
    counters.pass_time(0.15, user=0.15)
    assert work.busy_cores() is None
    counters.pass_time(0.15)
    assert work.busy_cores() == pytest.approx(0.5), "of the whole time since the last reading"


def test_own_work_that_is_counted_later_by_the_system_is_no_negative_number(counters: Counters) -> None:
    work = counters.watch(0)
    counters.pass_time(0.3, own_s=0.3, user=0.28)
    assert work.busy_cores() == 0.0


def test_counters_that_stand_still_tell_nothing(counters: Counters) -> None:
    work = counters.watch(0, 1)
    counters.pass_time(0.3, own_s=0.3)
    assert work.busy_cores() is None


@pytest.mark.parametrize("content", [None, "", "cpu0 1 2\n", "cpu0 a b c d e f g h\n", b"\xff\xfe"])
def test_a_system_without_such_counters_tells_nothing(content: str | bytes | None, tmp_path: Path) -> None:
    file, now_s = tmp_path / "stat", [1.0]
    if isinstance(content, str):
        file.write_text(content)
    elif content is not None:
        file.write_bytes(content)
    work = OtherWork([0], file, lambda: now_s[0])
    now_s[0] += 1
    assert work.busy_cores() is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads the counters of Linux")
def test_the_counters_of_this_machine_are_understood() -> None:
    work = OtherWork(usable_cores())
    began_s = time.monotonic()
    while time.monotonic() - began_s < 0.3:
        pass
    busy = work.busy_cores()
    assert busy is not None
    assert 0 <= busy <= len(usable_cores()) + 0.5


def test_this_process_may_use_a_core() -> None:
    assert 1 <= len(usable_cores()) <= (os.cpu_count() or 1)


@pytest.mark.skipif(not hasattr(os, "getpriority"), reason="Windows has no such priorities")
def test_a_training_process_that_the_server_starts_comes_after_it() -> None:
    run_id = start_and_wait_for_a_step(LONG)
    pid = int(read_json(load_run(run_id).folder / "status.json")["pid"])
    assert os.getpriority(os.PRIO_PROCESS, pid) == min(19, os.getpriority(os.PRIO_PROCESS, 0) + 5)
    session = Path(f"/proc/{pid}/autogroup")
    if session.exists():
        assert session.read_text().split()[-1] == "5"


def test_a_session_that_others_share_keeps_its_priority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lowered: list[int] = []
    monkeypatch.setattr(os, "nice", lowered.append, raising=False)
    monkeypatch.setattr(os, "getsid", lambda _pid: 1, raising=False)
    monkeypatch.setattr(cores, "_SESSION_NICENESS", tmp_path / "autogroup")
    yield_to_clicks()
    assert (lowered, (tmp_path / "autogroup").exists()) == ([5], False)
    monkeypatch.setattr(os, "getsid", lambda _pid: os.getpid())
    yield_to_clicks()
    assert (tmp_path / "autogroup").read_text() == "5"
