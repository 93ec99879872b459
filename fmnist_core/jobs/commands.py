"""The commands that train: train, dispatch, complete. Each takes the options that the command line has read, and returns its exit code."""

import argparse
import dataclasses
import json
import os
import signal
import sys

from fmnist_core.classroom.people import LOCAL
from fmnist_core.classroom.records import network_warning
from fmnist_core.jobs.completion import complete_run
from fmnist_core.jobs.control import stop
from fmnist_core.jobs.cores import yield_to_clicks
from fmnist_core.jobs.dispatcher import dispatch
from fmnist_core.jobs.processes import LOG_NAME, ProcessEngine
from fmnist_core.jobs.threads import use_threads
from fmnist_core.jobs.worker import train_run, warm_up
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.event_log import event_to_json
from fmnist_core.runs.folders import run_folder
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.transitions import prepare_resume
from fmnist_core.settings.config import SETTINGS
from fmnist_core.settings.number_words import LONGEST_LOSS, count, format_loss
from fmnist_core.settings.presets import find_preset
from fmnist_core.store.files import open_to_append
from fmnist_core.store.text import visible_line
from fmnist_core.training.events import EpochDone, Event, RateChanged, Resumed, Started, StepDone

_PRINT_EVERY_STEPS = 100


def train_or_resume(options: argparse.Namespace) -> int:
    """Trains a new run or continues one, and prints its events; with --await-runs, trains those that another process sends."""
    if options.await_runs:
        return _train_what_is_sent()
    run_id = _run_to_train(options)
    _stop_on_signals(run_id)
    state = train_run(run_id, _print_json if options.json else _Printer(load_run(run_id)), takes_turns=True)
    run = load_run(run_id)
    if options.json:
        print(json.dumps({"type": "Ended", "run": run_id, "state": state, "test_accuracy": run.test_accuracy, "message": run.message}))
    if state == "diverged":
        print(visible_line(run.message), file=sys.stderr)
    if not options.json:
        if state == "stopped":
            print(f"Stopped; what the network learned so far is kept in {run_id}.")
        print(run_id)
    return 1 if state == "diverged" else 0


def dispatch_runs(_options: argparse.Namespace) -> int:
    """Dispatches until nothing is left to do."""
    dispatch(ProcessEngine())
    return 0


def complete_results(options: argparse.Namespace) -> int:
    """Computes what a run has not kept, and prints how far that is."""
    use_threads(1)
    yield_to_clicks(10)  # training comes first too
    complete_run(options.run, lambda completion: print(f"{100 * completion.share:3.0f} % {completion.sentence}", flush=True))
    return 0


def _train_what_is_sent() -> int:
    """Trains one run after the other whose ids come as lines on standard input, until that ends, or a run cannot be trained."""
    yield_to_clicks()
    warm_up()
    for line in sys.stdin:
        run_id = line.strip()
        with open_to_append(run_folder(run_id) / LOG_NAME) as log:
            os.dup2(log.fileno(), sys.stderr.fileno())
        _stop_on_signals(run_id)
        train_run(run_id, lambda _event: None)
    return 0


def _stop_on_signals(run_id: str) -> None:
    """Makes Ctrl-C stop a run the way the page's button does: nothing is lost."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop(run_id, by=LOCAL))


def _run_to_train(options: argparse.Namespace) -> str:
    """The id of the run to train, created or prepared to resume; warns if its folder is on a disk of the wrong kind."""
    warning = network_warning()
    if warning:
        print(visible_line(warning), file=sys.stderr)
    chosen = {name: getattr(options, name) for name in SETTINGS if hasattr(options, name)}
    if options.resume is None:
        return create_run(dataclasses.replace(find_preset(options.preset).config, **chosen), options.name)
    if set(chosen) - {"epochs"}:
        raise ValueError("A run keeps the settings it started with: --resume accepts no setting but --epochs.")
    planned = load_run(options.resume).epochs
    prepare_resume(options.resume, max(0, chosen.get("epochs", planned) - planned))
    return str(options.resume)


def _print_json(event: Event) -> None:
    print(json.dumps(event_to_json(event)), flush=True)


class _Printer:
    """Prints events as the article does: a line every 100 steps and the test accuracy after each epoch."""

    def __init__(self, run: RunRecord) -> None:
        self._epochs = run.epochs
        self._steps_per_epoch = 0

    def __call__(self, event: Event) -> None:
        match event:
            case Started():
                self._steps_per_epoch = event.steps_per_epoch
                counts = f"{count(event.train_images, 'training image')}, {event.validation_images:,} to choose the best epoch"
                print(f"{counts}, {count(event.test_images, 'test image')}, {event.device}, {event.precision}", flush=True)
            case Resumed():
                self._steps_per_epoch = event.steps_per_epoch
                print(f"Resuming after step {event.step}, in epoch {event.epoch}/{self._epochs}", flush=True)
            case StepDone():
                self._print_steps(event.epoch, event.step, event.losses)
            case RateChanged():
                print(f"Learning rate {event.learning_rate:g} after step {event.step}", flush=True)
            case EpochDone():
                print(f"Test accuracy after epoch {event.epoch}/{self._epochs}: {100 * event.test_accuracy:.2f} %", flush=True)

    def _print_steps(self, epoch: int, last_step: int, losses: tuple[float, ...]) -> None:
        for step, loss in enumerate(losses, start=last_step - len(losses) + 1):
            iteration = step - (epoch - 1) * self._steps_per_epoch
            if iteration % _PRINT_EVERY_STEPS == 0 or (iteration == self._steps_per_epoch < _PRINT_EVERY_STEPS):
                words = f"{loss:.4f}" if loss < LONGEST_LOSS else format_loss(loss)
                print(f"Epoch : {epoch}/{self._epochs}, Iter : {iteration}/{self._steps_per_epoch}, Loss: {words}", flush=True)
