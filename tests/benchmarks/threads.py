"""What the number of threads is worth, and the priority of trainings: `python -m tests.benchmarks.threads [--part alone …]`.

Trainings of "The article" in processes of their own, which have warmed up: one alone, two at once, one beside a busy loop, and one beside
a loop that works in short bursts, as a server does. Each with the tuned number of threads, with one, and with one for every core, in
turns; each ratio is the median of the ratios within the rounds. A round in which other processes took more than a tenth of a core is
measured again, unless `--disturbed` says that any will do: then only the ratios mean something.
"""

import argparse
import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import psutil

from fmnist_core.classroom.people import LOCAL
from fmnist_core.jobs import worker
from fmnist_core.jobs.control import stop
from fmnist_core.jobs.cores import OtherWork, usable_cores, yield_to_clicks
from fmnist_core.jobs.threads import use_threads
from fmnist_core.jobs.worker import train_run, warm_up
from fmnist_core.runs.creation import create_run
from fmnist_core.settings.presets import find_preset
from fmnist_core.training.events import Event, StepDone
from tests.benchmarks.training import median_ratio, print_machine, print_table

TUNED = "tuned"
_FOREIGN_CORES = 0.1
_SETTLING_S = 1.5  # between two rounds, in which the work of others is looked at
_BURST_S, _EVERY_S = 0.03, 0.1
_BUSY_LOOP = "while True: pass"
# Prints how long each burst of work took, which is 0.03 s on an idle core.
_BURSTS = f"""
import sys, time
def work(rounds):
    began_s = time.perf_counter()
    for _ in range(rounds): pass
    return time.perf_counter() - began_s
rounds = int(1e6 * {_BURST_S} / min(work(1_000_000) for _ in range(5)))
while True:
    time.sleep({_EVERY_S})
    print(work(rounds), flush=True)
"""


# A training process


class FixedThreads:
    """In place of `TrainingThreads`: always the same number."""

    def __init__(self, threads: int) -> None:
        self._threads = threads

    def follow(self, _event: Event) -> None:
        use_threads(self._threads)

    def settle(self) -> None:
        use_threads(1)


def train_on_demand(threads: str, yields: bool) -> None:
    """Trains for as many seconds as each line on standard input says; prints images per second and the threads of each report."""
    if threads != TUNED:
        vars(worker)["TrainingThreads"] = lambda _run: FixedThreads(int(threads))
    vars(worker)["keep_likeness"] = lambda *_: None  # computed after the training
    if yields:
        yield_to_clicks()
    os.environ.pop("OMP_NUM_THREADS", None)
    warm_up()
    config = replace(find_preset("article").config, epochs=200)
    print("ready", flush=True)
    for line in sys.stdin:
        run_id, seconds = create_run(config), float(line)
        reports: list[tuple[float, StepDone]] = []

        def listen(event: Event, run_id: str = run_id, seconds: float = seconds, reports: list[tuple[float, StepDone]] = reports) -> None:
            if isinstance(event, StepDone):
                reports.append((time.perf_counter(), event))
                if reports[-1][0] - reports[0][0] > seconds:
                    stop(run_id, by=LOCAL)

        train_run(run_id, listen)
        (began_s, first), (ended_s, last) = reports[0], reports[-1]
        pace = (last.step - first.step) * config.batch_size / (ended_s - began_s)
        print(json.dumps([pace, [report.threads for _, report in reports]]), flush=True)


class Trainer:
    """A process that has warmed up, and trains when it is asked to."""

    def __init__(self, threads: str, *, yields: bool = False) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.threads", "--train", threads, *(["--yields"] if yields else [])]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self._read() == "ready"

    def begin(self, seconds: float) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()

    def result(self) -> tuple[float, list[int]]:
        """Images per second, and the threads of each report."""
        pace, threads = json.loads(self._read())
        return pace, threads

    def end(self) -> None:
        self.process.kill()
        self.process.wait()

    def _read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


# Rounds


@dataclass
class Round:
    """One measurement: images per second of all trainings together, the mean number of threads, and the seconds that bursts took."""

    images_per_s: float
    threads: float
    bursts_s: list[float]


class Disturbed(Exception):
    """Other processes took part of the machine meanwhile."""


@contextlib.contextmanager
def beside(code: str) -> Iterator["subprocess.Popen[str] | None"]:
    """A process that runs this code; none for ""."""
    if not code:
        yield None
        return
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        time.sleep(0.5)
        yield process
    finally:
        process.kill()
        process.wait()


def measure(trainers: Sequence[Trainer], seconds: float, code: str, limit: float) -> Round:
    """Lets these trainings run at once, beside a process that runs the code.

    Args:
        limit: how many cores other processes may take meanwhile.
    Raises:
        Disturbed: if they took more.
    """
    with beside(code) as process:
        own = [trainer.process.pid for trainer in trainers] + ([] if process is None else [process.pid])
        others, before_s, began_s = OtherWork(usable_cores()), cpu_seconds(own), time.monotonic()
        for trainer in trainers:
            trainer.begin(seconds)
        results = [trainer.result() for trainer in trainers]
        busy = others.busy_cores() or 0.0
        if busy - (cpu_seconds(own) - before_s) / (time.monotonic() - began_s) > limit:
            raise Disturbed
        if process is None or process.stdout is None or code == _BUSY_LOOP:
            bursts_s = []
        else:
            process.kill()
            bursts_s = [float(line) for line in process.stdout.read().split("\n")[1:-2]]
    return Round(sum(pace for pace, _ in results), float(np.mean([np.mean(threads) for _, threads in results])), bursts_s)


def cpu_seconds(pids: Sequence[int]) -> float:
    return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids)


def take_turns(trainers: Mapping[str, Sequence[Trainer]], code: str, options: argparse.Namespace) -> dict[str, list[Round]]:
    """Rounds of each contestant in turn, or fewer if the machine is not left alone for so long; ends the trainers."""
    limit, rounds = (float("inf") if options.disturbed else _FOREIGN_CORES), options.rounds
    measured: dict[str, list[Round]] = {name: [] for name in trainers}
    deadline_s = time.monotonic() + options.patience
    try:
        with contextlib.suppress(TimeoutError):
            for _ in range(rounds):
                for name, several in trainers.items():
                    measured[name].append(undisturbed(several, options.seconds, code, limit, deadline_s))
    finally:
        for trainer in (trainer for several in trainers.values() for trainer in several):
            trainer.end()
    complete = min(map(len, measured.values()))
    if complete < rounds:
        print(f"Only {complete} rounds: other processes kept disturbing them.", file=sys.stderr, flush=True)
    return {name: done[:complete] for name, done in measured.items()}


def undisturbed(trainers: Sequence[Trainer], seconds: float, code: str, limit: float, deadline_s: float) -> Round:
    """Waits until the machine is left alone, and measures; once more if it was not left alone meanwhile."""
    while time.monotonic() < deadline_s:
        others = OtherWork(usable_cores())
        time.sleep(_SETTLING_S)
        if (others.busy_cores() or 0.0) <= limit:
            with contextlib.suppress(Disturbed):
                return measure(trainers, seconds, code, limit)
    raise TimeoutError


# Parts


def measure_threads(title: str, count: int, code: str, options: argparse.Namespace) -> None:
    """So many trainings at once beside a process: tuned, on one thread, and on one for every core."""
    choices = (TUNED, "1", str(len(usable_cores())))
    trainers = {choice: [Trainer(choice) for _ in range(count)] for choice in choices}
    rounds = take_turns(trainers, code, options)
    if not rounds[TUNED]:
        return
    tuned = [done.images_per_s for done in rounds[TUNED]]
    rows = []
    for choice, name in zip(choices, ("tuned", "one thread", f"{choices[2]} threads"), strict=True):
        paces = [done.images_per_s for done in rounds[choice]]
        mean = f"{np.mean([done.threads for done in rounds[choice]]):.2f}"
        rows.append(
            [name, f"{np.median(paces):,.0f}", f"{min(paces):,.0f} – {max(paces):,.0f}", mean, f"{median_ratio(tuned, paces):.2f} ×"]
        )
    head = ["", "images per second", "lowest – highest", "threads, mean", "tuned against it"]
    print_table(f"{title}, medians of {len(tuned)} rounds of {options.seconds:g} s", head, rows)


def measure_clicks(options: argparse.Namespace) -> None:
    """One training for each core, and a loop that works in bursts; with the same priority, and with a lower one."""
    contestants = {"the same priority": False, "a lower priority": True}
    trainers = {name: [Trainer("1", yields=yields) for _ in usable_cores()] for name, yields in contestants.items()}
    rounds = take_turns(trainers, _BURSTS, options)
    rows = []
    for name, done in rounds.items() if all(rounds.values()) else ():
        bursts_ms = 1000 * np.concatenate([one.bursts_s for one in done])
        figures = [np.median(bursts_ms), np.percentile(bursts_ms, 95), bursts_ms.max()]
        rows.append([name, f"{np.median([one.images_per_s for one in done]):,.0f}", *(f"{figure:.0f}" for figure in figures)])
    head = ["trainings with", "images per second", "burst, median ms", "95 %", "longest"]
    print_table(f"Bursts of {1000 * _BURST_S:.0f} ms beside {len(usable_cores())} trainings, {options.rounds} rounds", head, rows)


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "alone": functools.partial(measure_threads, "One training alone", 1, ""),
    "two": functools.partial(measure_threads, "Two trainings at once, together", 2, ""),
    "busy": functools.partial(measure_threads, "One training beside a busy loop", 1, _BUSY_LOOP),
    "bursts": functools.partial(measure_threads, "One training beside bursts of work", 1, _BURSTS),
    "clicks": measure_clicks,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.threads", description=__doc__)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=list(PARTS), help="what to measure; default: everything")
    parser.add_argument("--rounds", type=int, default=5, help="rounds per contestant")
    parser.add_argument("--seconds", type=float, default=15, help="how long each trains in a round")
    parser.add_argument("--patience", type=float, default=600, help="seconds per part, at most, to wait for an idle machine")
    parser.add_argument("--disturbed", action="store_true", help="keep rounds that other processes disturbed")
    parser.add_argument("--train", help=argparse.SUPPRESS)  # a process that this one starts
    parser.add_argument("--yields", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.train:
        train_on_demand(options.train, options.yields)
        return
    print_machine()
    with tempfile.TemporaryDirectory() as home:
        os.environ["FMNIST_HOME"] = home
        for part in options.part:
            PARTS[part](options)


if __name__ == "__main__":
    main()
