"""The command line: train, evaluate, predict, runs. `python -m fmnist_core --help` explains each."""

import argparse
import dataclasses
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fmnist_core import jobs, runs
from fmnist_core.config import PRESETS, find_preset

if TYPE_CHECKING:  # `runs` and a train that waits for its turn answer without PyTorch's second of import
    from fmnist_core.training import Event

_PRINT_EVERY_STEPS = 100


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0 done, 1 failed with a sentence on standard error, 2 misused."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (ValueError, OSError) as error:  # DataError, RunError and PictureError are ValueErrors
        return _fail(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fmnist_core", description="Fashion-MNIST and one small convolutional network.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train a network; the last line is the id of the run")
    names = "; ".join(f"{preset.key}: {preset.sentence}" for preset in PRESETS)
    train.add_argument(
        "--preset", choices=[preset.key for preset in PRESETS], default=PRESETS[0].key, help=f"settings to start from ({names})"
    )
    train.add_argument("--epochs", type=int, metavar="N")
    train.add_argument("--batch-size", type=int, metavar="N")
    train.add_argument("--learning-rate", type=float, metavar="X")
    train.add_argument("--seed", type=int, metavar="N")
    train.add_argument("--name", default="", help="what to call the run in lists")
    train.add_argument("--continue-run", metavar="RUN", help=argparse.SUPPRESS)  # a run that `jobs.start` has made
    train.set_defaults(command=_train)

    evaluate = commands.add_parser("evaluate", help="accuracy, confusion matrix and figures per class on the test images")
    evaluate.add_argument("run", metavar="RUN", help=f'the id of a run, or "{runs.STARTER_ID}"')
    evaluate.add_argument("--json", action="store_true", help="one JSON object")
    evaluate.set_defaults(command=_evaluate)

    predict = commands.add_parser("predict", help="what pictures show")
    predict.add_argument("run", metavar="RUN", help=f'the id of a run, or "{runs.STARTER_ID}"')
    predict.add_argument("images", metavar="IMAGE", nargs="+", help="PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF files")
    predict.add_argument(
        "--json", action="store_true", help="a JSON object a line: file, label, probabilities, kind of picture, unfamiliarity"
    )
    predict.set_defaults(command=_predict)

    listing = commands.add_parser("runs", help="list the runs, the newest first")
    listing.set_defaults(command=_runs)
    return parser


def _train(options: argparse.Namespace) -> int:
    run_id = options.continue_run
    if run_id is None:
        chosen = {name: getattr(options, name) for name in ("epochs", "batch_size", "learning_rate", "seed")}
        chosen = {name: value for name, value in chosen.items() if value is not None}
        run_id = runs.create_run(dataclasses.replace(find_preset(options.preset).config, **chosen), options.name)
    elif run_id == jobs.AWAIT_RUN:
        jobs.preload()
        run_id = sys.stdin.readline().strip()
        if not run_id:
            return 0  # the one that would have sent it has ended
        log = runs.run_folder(run_id) / jobs.LOG_NAME
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), sys.stderr.fileno())
    epochs = runs.load_run(run_id).config.epochs
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C stops as the page's button does: nothing is lost
        signal.signal(number, lambda *_: runs.request_stop(run_id))
    state = jobs.carry_out(run_id, _Printer(epochs))
    if state == "diverged":
        _fail(runs.load_run(run_id).message)
    elif state == "stopped":
        print(f"Stopped; what was learned is kept in {run_id}.")
    print(run_id)
    return 1 if state == "diverged" else 0


class _Printer:
    """Prints events as the article does: a line every 100 steps and the test accuracy an epoch."""

    def __init__(self, epochs: int) -> None:
        self._epochs = epochs
        self._steps_per_epoch = 0

    def __call__(self, event: "Event") -> None:
        from fmnist_core.training import EpochDone, Started, StepDone

        match event:
            case Started():
                self._steps_per_epoch = event.steps_per_epoch
                print(f"{event.train_images} training images, {event.test_images} test images, {event.device}", flush=True)
            case StepDone():
                self._print_steps(event.epoch, event.step, event.losses)
            case EpochDone():
                print(f"Test accuracy after epoch {event.epoch}/{self._epochs}: {100 * event.test_accuracy:.2f} %", flush=True)

    def _print_steps(self, epoch: int, last_step: int, losses: tuple[float, ...]) -> None:
        for step, loss in enumerate(losses, start=last_step - len(losses) + 1):
            iteration = step - (epoch - 1) * self._steps_per_epoch
            if iteration % _PRINT_EVERY_STEPS == 0 or (iteration == self._steps_per_epoch < _PRINT_EVERY_STEPS):
                print(f"Epoch : {epoch}/{self._epochs}, Iter : {iteration}/{self._steps_per_epoch}, Loss: {loss:.4f}", flush=True)


def _evaluate(options: argparse.Namespace) -> int:
    run = runs.load_run(options.run)
    model = runs.load_model(run)

    from fmnist_core.data import load_split
    from fmnist_core.evaluation import evaluate

    evaluation = evaluate(model, load_split("test"))
    figures = evaluation.to_json()
    if options.json:
        print(json.dumps({"run": run.id} | figures))
        return 0
    print(f"{run.name}: {100 * evaluation.accuracy:.2f} % of {len(evaluation.labels):,} test images, loss {evaluation.loss:.4f}")
    print(f"{'class':12} precision  recall      F1  images")
    for row in figures["per_class"]:
        shares = ("      –" if row[key] is None else f"{100 * row[key]:5.1f} %" for key in ("precision", "recall", "f1"))
        print(f"{row['class']:12}   " + " ".join(shares) + f"  {row['images']:6}")
    return 0


def _predict(options: argparse.Namespace) -> int:
    model = runs.load_model(runs.load_run(options.run))

    from fmnist_core.data import CLASS_NAMES, load_split
    from fmnist_core.evaluation import answer
    from fmnist_core.familiarity import fit_familiarity, score_unfamiliarity
    from fmnist_core.imaging import prepare
    from fmnist_core.pictures import PictureError, open_picture

    familiarity = fit_familiarity(model, load_split("train"), load_split("test"))
    failed = False
    for file in options.images:
        try:
            preparation = prepare(open_picture(Path(file).read_bytes(), name=file))
        except (PictureError, OSError) as error:
            failed = bool(_fail(error))
            continue
        probabilities, score = answer(model, preparation.views), score_unfamiliarity(model, preparation.views)
        label, is_unfamiliar = CLASS_NAMES[probabilities.argmax()], score > familiarity.threshold
        if options.json:
            by_class = {name: float(share) for name, share in zip(CLASS_NAMES, probabilities, strict=True)}
            about = {"kind": preparation.kind, "unfamiliarity": score, "is_unfamiliar": is_unfamiliar}
            print(json.dumps({"file": file, "label": label, "probabilities": by_class} | about))
        else:
            note = ", unlike anything it was trained on" if is_unfamiliar else ""
            print(f"{file}: {label} ({100 * probabilities.max():.1f} %{note})")
    return int(failed)


def _runs(_options: argparse.Namespace) -> int:
    records = [*runs.list_runs(), runs.load_run(runs.STARTER_ID)]
    for run in records:
        accuracy = "      –" if run.test_accuracy is None else f"{100 * run.test_accuracy:5.2f} %"
        print(f"{run.id:22} {run.state:12} {accuracy}  {run.epoch}/{run.config.epochs} epochs  {run.name}")
    return 0


def _fail(error: Exception | str) -> int:
    """One sentence on standard error; returns the exit code."""
    if isinstance(error, OSError) and error.strerror:
        error = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    print(str(error).replace("\n", " "), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
