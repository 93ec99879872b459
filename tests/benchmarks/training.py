"""Speed, accuracy and memory of training: `python -m tests.benchmarks.training [--part speed …]` prints one table per part.

The baseline is the article's own loop, see `tests.benchmarks.tutorial`. Everything that is compared is measured in one process, in turns,
with the same number of threads. There are many short rounds, and each ratio is the median of the ratios within the rounds, because a
shared machine was 30 % faster or slower for half a minute at a time. Nothing else should be running; the first line prints the load.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import torch
from torch import nn

from fmnist_core.classroom.people import LOCAL
from fmnist_core.dataset.split import Split, load_split, pick
from fmnist_core.evaluation.prediction import evaluate
from fmnist_core.jobs.control import start_run, stop
from fmnist_core.jobs.heartbeat import want_warmth
from fmnist_core.jobs.worker import train_run, warm_up
from fmnist_core.network.devices import compute_dtype, pick_device, pick_precision
from fmnist_core.network.fast import fast_forward, to_device
from fmnist_core.network.inputs import to_inputs
from fmnist_core.network.model import FashionCNN
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.event_log import read_events
from fmnist_core.runs.record import load_run
from fmnist_core.runs.weights import load_model
from fmnist_core.settings.config import TrainConfig
from fmnist_core.settings.presets import find_preset
from fmnist_core.training.events import EpochDone, Event, StepDone
from fmnist_core.training.loop import train
from fmnist_core.training.state import draw_network, make_optimizer
from tests.benchmarks.tutorial import BATCH_SIZE, ItemByItem, Tutorial
from tests.benchmarks.viewer import watch_training
from tests.load.dashboard import processor_s

TUTORIAL_EPOCHS = 25
TUTORIAL_ACCURACY = 0.9073
LIMIT_S = 600
IDLE_SHARE = 0.1  # of a core; a server and a dispatcher together took 0.01 to 0.03 while nothing happened
IMAGES_PER_EPOCH = 60_000


# The contestants. Each times a number of steps with batches of 100, after a warm-up.


class Stopwatch:
    """Wall-clock and processor seconds per step of this process."""

    def __init__(self) -> None:
        self.step_s: list[float] = []
        self.step_cpu_s: list[float] = []
        self._began: tuple[int, float, float] | None = None

    def begin(self, step: int = 0) -> None:
        self._began = (step, time.perf_counter(), time.process_time())

    def end(self, step: int) -> None:
        assert self._began is not None
        first, wall_s, cpu_s = self._began
        self.step_s.append((time.perf_counter() - wall_s) / (step - first))
        self.step_cpu_s.append((time.process_time() - cpu_s) / (step - first))


Contestant = Callable[[Stopwatch], None]


def tutorial_contestant(split: Split, warm_up: int, steps: int) -> Contestant:
    tutorial = Tutorial(ItemByItem(split))

    def take_turn(watch: Stopwatch) -> None:
        tutorial.do(warm_up)
        watch.begin()
        tutorial.do(steps)
        watch.end(steps)

    return take_turn


def bare_contestant(split: Split, config: TrainConfig, warm_up: int, steps: int) -> Contestant:
    """Only the training step: no accuracy, no reports, no events."""
    model = to_device(draw_network(config), pick_device())
    device = model.fc.weight.device
    precision = pick_precision(config.precision, device)
    parts = torch.as_tensor(split.images).split(5_000)
    inputs = torch.cat([to_inputs(model, part).to(compute_dtype(precision)) for part in parts])
    labels = torch.as_tensor(split.labels).long().to(device)
    optimizer, forward, criterion = make_optimizer(config, model), fast_forward(model, precision), nn.CrossEntropyLoss()

    def endless() -> Iterator[None]:
        while True:
            for batch in torch.randperm(len(labels)).split(config.batch_size):
                optimizer.zero_grad()
                loss = criterion(forward(inputs.index_select(0, batch)), labels.index_select(0, batch))
                loss.backward()
                optimizer.step()
                yield

    trained = endless()

    def take_turn(watch: Stopwatch) -> None:
        for _ in range(warm_up):
            next(trained)
        watch.begin()
        for _ in range(steps):
            next(trained)
        watch.end(steps)

    return take_turn


class ReportClock:
    """Times a run by its events, from the first report after the warm-up to the first one `steps` later."""

    def __init__(self, watch: Stopwatch, warm_up: int, steps: int) -> None:
        self._watch, self._warm_up, self._steps = watch, warm_up, steps
        self._began_at: int | None = None
        self.has_ended = False

    def take(self, event: Event) -> bool:
        """Takes the next event; returns whether the round is over. A round must end within the first epoch."""
        if isinstance(event, EpochDone) and not self.has_ended:
            raise SystemExit("An epoch ended in the middle of a round: choose fewer --steps.")
        if not isinstance(event, StepDone) or self.has_ended:
            return self.has_ended
        if self._began_at is None and event.step >= self._warm_up:
            self._began_at = event.step
            self._watch.begin(event.step)
        elif self._began_at is not None and event.step >= self._began_at + self._steps:
            self._watch.end(event.step)
            self.has_ended = True
        return self.has_ended


def generator_contestant(splits: tuple[Split, Split], config: TrainConfig, warm_up: int, steps: int) -> Contestant:
    """`train` with a report about every 0.3 s, each with the probes and a checkpoint; nothing is written to disk."""

    def take_turn(watch: Stopwatch) -> None:
        clock = ReportClock(watch, warm_up, steps)
        with contextlib.closing(train(config, *splits)) as events:
            any(clock.take(event) for event in events)

    return take_turn


def written_contestant(config: TrainConfig, warm_up: int, steps: int) -> Contestant:
    """A run like those the pages start: it writes events, kernels and checkpoints to its folder. It is stopped at the end of the round."""

    def take_turn(watch: Stopwatch) -> None:
        run_id = create_run(config)
        clock = ReportClock(watch, warm_up, steps)

        def listen(event: Event) -> None:
            if clock.take(event):
                stop(run_id, by=LOCAL)

        train_run(run_id, listen)

    return take_turn


def median_ratio(ones: list[float], others: list[float]) -> float:
    """The median over all rounds of one contestant's time divided by another's."""
    return float(np.median(np.divide(ones, others)))


def take_turns(contestants: dict[str, Contestant], rounds: int) -> dict[str, Stopwatch]:
    watches = {name: Stopwatch() for name in contestants}
    for _ in range(rounds):
        for name, take_turn in contestants.items():
            take_turn(watches[name])
    return watches


# Parts


def measure_speed(options: argparse.Namespace) -> None:
    splits = load_split("train"), load_split("test")
    auto, full = find_preset("article").config, replace(find_preset("article").config, precision="float32")
    counts = options.warm_up, options.steps
    watches = take_turns(
        {
            "the article's loop": tutorial_contestant(splits[0], *counts),
            "the training step alone": bare_contestant(splits[0], auto, *counts),
            "`train`": generator_contestant(splits, auto, *counts),
            "`train`, everything written to disk": written_contestant(auto, *counts),
            "`train` in float32": generator_contestant(splits, full, *counts),
        },
        options.rounds,
    )
    yardstick = watches["the article's loop"]
    rows = [
        [
            name,
            f"{BATCH_SIZE / np.median(watch.step_s):,.0f}",
            f"{median_ratio(yardstick.step_s, watch.step_s):.2f} ×",
            f"{np.median(watch.step_cpu_s) * IMAGES_PER_EPOCH / BATCH_SIZE:.1f}",
            f"{median_ratio(yardstick.step_cpu_s, watch.step_cpu_s):.2f} ×",
            f"{1000 * min(watch.step_s):.1f} – {1000 * max(watch.step_s):.1f}",
        ]
        for name, watch in watches.items()
    ]
    print_table(
        f"Speed, batches of {BATCH_SIZE}, medians of {options.rounds} rounds of {options.steps} steps",
        ["", "images per second", "faster", "processor seconds per epoch", "fewer", "ms per step, lowest – highest"],
        rows,
    )


def measure_time_to_accuracy(options: argparse.Namespace) -> None:
    """How many times faster `train` reaches the article's accuracy than the article's loop, whose 25 epochs are extrapolated."""
    train_split, test_split = some_images(options)
    preset = find_preset(options.preset or "quick")
    config = preset.config if options.epochs is None else replace(preset.config, epochs=options.epochs)
    tutorial = Tutorial(ItemByItem(train_split))
    epoch_steps = options.tutorial_steps or -(-len(train_split) // BATCH_SIZE)
    watch = Stopwatch()
    rows, took_s, accuracies = [], [], []
    warm_up()
    tutorial.do(options.warm_up)
    for seed in range(options.seeds):
        watch.begin()
        tutorial.do(epoch_steps)
        watch.end(epoch_steps)
        reached = reach(replace(config, seed=seed), train_split, test_split, options.target)
        took_s += [] if reached.seconds is None else [reached.seconds]
        accuracies.append(reached.accuracies[-1])
        when = "never" if reached.seconds is None else f"{reached.seconds:.1f}"
        rows.append([str(seed), when, str(reached.epoch or "–"), ", ".join(f"{100 * a:.2f}" for a in reached.accuracies)])
    epoch_s = float(np.median(watch.step_s)) * -(-len(train_split) // BATCH_SIZE)
    print_table(
        f'Seconds until "{preset.name}" reaches a test accuracy of {100 * options.target:.2f} %',
        ["seed", "seconds", "after epoch", "test accuracy after each epoch, %"],
        rows,
    )
    print(
        f"The article's loop: {epoch_s:.1f} s per epoch (median of {options.seeds} × {epoch_steps} steps), "
        f"{TUTORIAL_EPOCHS * epoch_s:.0f} s for {TUTORIAL_EPOCHS}"
    )
    print(f"Mean accuracy after the last epoch measured: {100 * np.mean(accuracies):.2f} %")
    if len(took_s) < options.seeds:
        print(f"**{options.seeds - len(took_s)} of {options.seeds} seeds never reached the target**; the mean covers the others.")
    if took_s:
        mean_s = float(np.mean(took_s))
        print(f"Mean {mean_s:.1f} s: **{TUTORIAL_EPOCHS * epoch_s / mean_s:.1f} times** as fast; slowest seed {max(took_s):.1f} s\n")


class Reached:
    """When a run reached the target accuracy, if it did, and its test accuracy after each epoch."""

    def __init__(self) -> None:
        self.seconds: float | None = None
        self.epoch: int | None = None
        self.accuracies: list[float] = []


def reach(config: TrainConfig, train_split: Split, test_split: Split, target: float) -> Reached:
    """Trains until the target is reached. The clock covers all of `train`; it stops while each epoch is tested again in float32,
    and that test decides.
    """
    reached = Reached()
    paused_s = 0.0
    began_s = time.perf_counter()
    with contextlib.closing(train(config, train_split, test_split)) as events:
        for event in events:
            if not isinstance(event, EpochDone):
                continue
            now_s = time.perf_counter()
            model = FashionCNN(pixels=config.pixels)
            model.load_state_dict({name: torch.as_tensor(array) for name, array in event.weights.items()})
            accuracy = evaluate(model, test_split, views=config.test_views).accuracy
            reached.accuracies.append(accuracy)
            if accuracy >= target:
                reached.seconds, reached.epoch = now_s - began_s - paused_s, event.epoch
                break
            paused_s += time.perf_counter() - now_s
    return reached


def measure_tutorial(options: argparse.Namespace) -> None:
    """The first epoch after which the article's own loop reaches its accuracy. It is tested after every epoch, unlike the author's."""
    train_split, test_split = some_images(options)
    items = ItemByItem(train_split)
    rows = []
    for seed in range(options.seeds):
        tutorial = Tutorial(items, seed)
        took_s, accuracies = 0.0, list[float]()
        while len(accuracies) < (options.epochs or TUTORIAL_EPOCHS) and max(accuracies, default=0.0) < options.target:
            began_s = time.perf_counter()
            tutorial.do(-(-len(items) // BATCH_SIZE))
            took_s += time.perf_counter() - began_s
            accuracies.append(tutorial.accuracy(test_split))
        reached = f"{took_s:.1f}" if accuracies[-1] >= options.target else "never"
        rows.append([str(seed), reached, str(len(accuracies)), ", ".join(f"{100 * a:.2f}" for a in accuracies)])
    print_table(
        f"The article's loop, tested after every epoch, until it reaches {100 * options.target:.2f} %",
        ["seed", "seconds of training", "epochs", "test accuracy after each, %"],
        rows,
    )


def measure_best(options: argparse.Namespace) -> None:
    """The accuracy that complete runs report, trained like those that the pages start."""
    preset = find_preset(options.preset or "best")
    config = replace(preset.config, training_images=options.images or preset.config.training_images)
    config = config if options.epochs is None else replace(config, epochs=options.epochs)
    test_split = load_split("test")
    warm_up()
    rows, reported, plain, seconds = [], [], [], []
    for seed in range(options.seeds):
        began_s = time.perf_counter()
        run_id = create_run(replace(config, seed=seed))
        train_run(run_id, lambda _event: None)
        seconds.append(time.perf_counter() - began_s)
        run = load_run(run_id)
        model = load_model(run)
        reported.append(json.loads((run.folder / "evaluation.json").read_text())["accuracy"])
        plain.append(evaluate(model, test_split).accuracy)
        mirrored = evaluate(model, test_split, views="mirrored").accuracy
        last = evaluate(load_model(run, "last"), test_split, views=config.test_views).accuracy
        figures = [f"{100 * accuracy:.2f}" for accuracy in (reported[-1], plain[-1], mirrored, last)]
        rows.append([str(seed), *figures, f"{run.best_epoch or run.epoch} of {run.epochs}", f"{seconds[-1]:.0f}"])
    print_table(
        f'Test accuracy of "{preset.name}", %',
        ["seed", "reported", "one view", "two views, one mirrored", "last epoch", "epoch reported", "seconds"],
        rows,
    )
    for name, accuracies in (("reported", reported), ("one view", plain)):
        print(f"{name}: mean {100 * np.mean(accuracies):.2f}, {100 * min(accuracies):.2f} to {100 * max(accuracies):.2f}")
    print(f"slowest {max(seconds):.0f} s, {'within' if max(seconds) <= LIMIT_S else '**over**'} the limit of {LIMIT_S} s\n")


def measure_memory(options: argparse.Namespace) -> None:
    rows = []
    for key in ("article", "best", "photos-and-drawings"):
        run_id = start_run(find_preset(key).config, by=LOCAL)
        peak_bytes = watch_memory(run_id, options.seconds)
        events, _ = read_events(load_run(run_id).folder)
        steps = sum(len(event.losses) for event in events if isinstance(event, StepDone))
        rows.append([find_preset(key).name, f"{peak_bytes / 1e6:.0f}", f"{peak_bytes / 2**20:.0f}", f"{steps:,}"])
    print_table("Peak memory of a training process", ["", "MB", "MiB", "steps"], rows)


def watch_memory(run_id: str, seconds: float) -> int:
    """Stops the run after this many seconds of training; returns the peak in bytes, including that of the final evaluation."""
    peak_bytes, began_s = 0, None
    while True:
        run = load_run(run_id)
        if began_s is None and run.state == "training":
            began_s = time.perf_counter()
        if began_s is not None and time.perf_counter() - began_s > seconds:
            stop(run_id, by=LOCAL)
            seconds = float("inf")
        owner = json.loads((run.folder / "status.json").read_text())["pid"]
        if owner != os.getpid():
            try:
                peak_bytes = max(peak_bytes, peak_memory(int(owner)))
            except (psutil.Error, OSError):
                return peak_bytes
        if run.state == "failed":
            raise SystemExit(run.message)
        time.sleep(0.02)


def peak_memory(pid: int) -> int:
    """The peak memory so far in bytes, which Linux records; on other systems the current memory."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
        raise psutil.NoSuchProcess(pid)  # a zombie has no such line
    return int(psutil.Process(pid).memory_info().rss)


def measure_live(options: argparse.Namespace) -> None:
    """What the live view adds to the time per step, and how much of an epoch the test after it takes."""
    splits = load_split("train"), load_split("test")
    config = replace(find_preset("article").config, epochs=1)
    counts = options.warm_up, options.steps
    watches = take_turns(
        {
            "the training step alone": bare_contestant(splits[0], config, *counts),
            "`train`: accuracy, reports, probes, checkpoints in memory": generator_contestant(splits, config, *counts),
            "the same, everything written to disk": written_contestant(config, *counts),
        },
        options.rounds,
    )
    bare_s = watches["the training step alone"].step_s
    rows = [
        [name, f"{1 / np.median(watch.step_s):.1f}", f"{100 * (median_ratio(watch.step_s, bare_s) - 1):+.1f} %"]
        for name, watch in watches.items()
    ]
    tests_s, epochs_s = zip(*(time_an_epoch(config) for _ in range(options.rounds)), strict=True)
    print_table(
        f"Cost of the live view, medians of {options.rounds} rounds of {options.steps} steps",
        ["", "steps per second", "time per step"],
        rows,
    )
    share = 100 * np.median(tests_s) / np.median(epochs_s)
    print(f"The test after an epoch takes {np.median(tests_s):.2f} s of the epoch's {np.median(epochs_s):.2f} s, or {share:.1f} %.\n")


def time_an_epoch(config: TrainConfig) -> tuple[float, float]:
    """Seconds that the test after the first epoch takes, including what is written to disk then, and seconds of the whole epoch."""
    run_id = create_run(config)
    times: dict[str, float] = {}

    def listen(event: Event) -> None:
        times[type(event).__name__] = time.perf_counter()

    train_run(run_id, listen)
    return times["EpochDone"] - times["StepDone"], times["EpochDone"] - times["Started"]


def measure_viewers(options: argparse.Namespace) -> None:
    """Steps per second of a run that nobody, one person or ten people watch; the server shares the processor with the training."""
    port = 8599
    command = [sys.executable, "-m", "streamlit", "run", "dashboard.py", "--server.headless=true", f"--server.port={port}"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    paces: dict[int, list[float]] = {0: [], 1: [], 10: []}
    busy: dict[int, list[float]] = {viewers: [] for viewers in paces}
    got: dict[int, str] = {}
    try:
        wait_until_idle()
        for viewers in list(paces) * options.rounds:
            run_id = start_run(replace(find_preset("article").config, epochs=50), by=LOCAL)
            wait_for_steps(run_id, options.warm_up)
            stop = threading.Event()
            seen = watch_training(port, run_id, viewers, stop) if viewers else None
            time.sleep(5)  # until the pages have been drawn once
            first, used_s, began_s = count_steps(run_id), processor_s(psutil.Process(server.pid)), time.perf_counter()
            time.sleep(options.seconds)
            took_s = time.perf_counter() - began_s
            paces[viewers].append((count_steps(run_id) - first) / took_s)
            busy[viewers].append((processor_s(psutil.Process(server.pid)) - used_s) / took_s)
            stop.set()
            got[viewers] = "–" if seen is None else f"{len(seen.poll_s):,}, {seen.received_bytes / 1e3:,.0f} KB"
            stop_and_wait(run_id)
    finally:
        server.terminate()
        server.wait()
    rows = [
        [
            str(viewers),
            f"{np.median(pace):.1f}",
            f"{100 * (median_ratio(paces[0], pace) - 1):+.1f} %",
            f"{100 * np.median(busy[viewers]):.1f} %",
            got[viewers],
        ]
        for viewers, pace in paces.items()
    ]
    print_table(
        f"Viewers of one run, medians of {options.rounds} rounds of {options.seconds:g} s",
        ["viewers", "steps per second", "time per step", "server's share of one core", "updates received in the last round"],
        rows,
    )


def measure_click(options: argparse.Namespace) -> None:
    """Seconds from `start_run` to the first loss in the run's file. The page's own refresh comes on top, see `pages`."""
    config = find_preset(options.preset or "article").config
    time_start(config)  # so that there is a dispatcher, as beside every server
    cold_s = []
    for _ in range(options.tries):
        while any(is_worker(child) for child in children()):
            time.sleep(0.1)
        cold_s.append(time_start(config))
    warm_s = []
    for _ in range(options.tries):
        want_warmth()
        wait_until_idle()
        warm_s.append(time_start(config))
    rows = [
        [name, f"{np.median(times):.2f}", f"{min(times):.2f} – {max(times):.2f}", str(len(times))]
        for name, times in (("with a warm worker", warm_s), ("without one", cold_s))
    ]
    print_table("Seconds from the click to the first loss", ["", "median", "lowest – highest", "tries"], rows)


def time_start(config: TrainConfig) -> float:
    """Starts a run, stops it after its first loss, and returns how many seconds that loss took."""
    began_s = time.perf_counter()
    run_id = start_run(config, by=LOCAL)
    wait_for_steps(run_id, 1)
    took_s = time.perf_counter() - began_s
    stop_and_wait(run_id)
    return took_s


# Runs in processes of their own


def wait_until_idle() -> None:
    """Waits until the processes that this one has started do next to nothing for a second, so that those that train are ready."""
    before_s, now_s = -1.0, 0.0
    while now_s < 1 or now_s - before_s > IDLE_SHARE:
        time.sleep(1)
        before_s, now_s = now_s, sum(processor_s(child) for child in children())


def children() -> list[psutil.Process]:
    """The processes that this one or one of its children has started."""
    return psutil.Process().children(recursive=True)


def is_worker(process: psutil.Process) -> bool:
    """Whether it trains the runs that the dispatcher sends, or waits for one."""
    with contextlib.suppress(psutil.Error):  # it has just ended
        return "--await-runs" in process.cmdline()
    return False


def count_steps(run_id: str) -> int:
    events, _ = read_events(load_run(run_id).folder)
    return max((event.step for event in events if isinstance(event, StepDone)), default=0)


def wait_for_steps(run_id: str, steps: int) -> None:
    while count_steps(run_id) < steps:
        if not (run := load_run(run_id)).is_live:
            raise SystemExit(f"The run ended too early: {run.state} {run.message}")
        time.sleep(0.005)


def stop_and_wait(run_id: str) -> None:
    stop(run_id, by=LOCAL)
    while load_run(run_id).is_live:
        time.sleep(0.05)


# Printing


def some_images(options: argparse.Namespace) -> tuple[Split, Split]:
    """The training and test images; only the first training images if `--images` says so."""
    train_split, test_split = load_split("train"), load_split("test")
    count = options.images or len(train_split)
    return pick(train_split, np.arange(min(count, len(train_split)))), test_split


def print_table(title: str, head: list[str], rows: list[list[str]]) -> None:
    print(f"\n### {title}\n")
    print(f"| {' | '.join(head)} |")
    print(f"|{' --- |' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    print(flush=True)


def print_machine() -> None:
    device = pick_device()
    load = psutil.getloadavg()[0]
    threads = torch.get_num_threads()
    print(
        f"PyTorch {torch.__version__} on {device.type}, {os.cpu_count()} cores, {threads} threads, {pick_precision('auto', device)};",
        end=" ",
    )
    print(f"load {load:.1f}{', **the machine is busy, so do not trust these figures**' if load > 1 else ''}; {time.strftime('%F %R')}")


PARTS: dict[str, Callable[[argparse.Namespace], None]] = {
    "speed": measure_speed,
    "time-to-accuracy": measure_time_to_accuracy,
    "tutorial": measure_tutorial,
    "best": measure_best,
    "memory": measure_memory,
    "live": measure_live,
    "viewers": measure_viewers,
    "click": measure_click,
}
COMPARE_PACES = ("speed", "live", "viewers")  # so that trainings keep to the one thread that everything else has there


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.training", description=__doc__)
    parser.add_argument("--part", nargs="+", choices=PARTS, default=["speed"], help="what to measure; default: speed")
    parser.add_argument("--rounds", type=int, help="rounds per contestant: speed, live (15), viewers (3)")
    parser.add_argument("--steps", type=int, default=60, help="speed, live: steps per round")
    parser.add_argument("--warm-up", type=int, default=20, help="steps before the clock starts")
    parser.add_argument("--seeds", type=int, help="how many seeds: time-to-accuracy (5), tutorial (1), best (3)")
    parser.add_argument("--preset", help="which preset: time-to-accuracy (quick), best (best), click (article)")
    parser.add_argument("--target", type=float, default=TUTORIAL_ACCURACY, help="accuracy to reach, from 0 to 1")
    parser.add_argument("--tutorial-steps", type=int, help="time-to-accuracy: steps of the article's loop to time; default: one epoch")
    parser.add_argument("--images", type=int, help="train on only the first IMAGES images, to try out the benchmark")
    parser.add_argument("--epochs", type=int, help="epochs instead of the preset's, to try out the benchmark")
    parser.add_argument("--seconds", type=float, default=20, help="memory, viewers: how long each run trains")
    parser.add_argument("--tries", type=int, default=5, help="click: how many times")
    return parser.parse_args(arguments)


def main() -> None:
    options = parse()
    torch.set_num_threads(1)
    print_machine()
    seeds, rounds = {"time-to-accuracy": 5, "best": 3}, {"viewers": 3}
    with tempfile.TemporaryDirectory() as home:
        os.environ["FMNIST_HOME"] = home
        for part in options.part:
            counts = {"seeds": options.seeds or seeds.get(part, 1), "rounds": options.rounds or rounds.get(part, 15)}
            os.environ["OMP_NUM_THREADS"] = "1" if part in COMPARE_PACES else str(os.cpu_count())
            PARTS[part](argparse.Namespace(**vars(options) | counts))


if __name__ == "__main__":
    main()
