"""The command line: train, presets, evaluate, predict, runs. `python -m fmnist_core --help` explains each."""

import argparse
import dataclasses
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from fmnist_core import jobs, runs
from fmnist_core.config import Augmentation, Optimizer, Pixels, Precision, Schedule, TestViews, TrainConfig
from fmnist_core.presets import PRESETS, find_preset

if TYPE_CHECKING:  # `runs` and a train that waits for its turn answer without PyTorch's second of import
    from fmnist_core.events import Event

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
    train.add_argument(
        "--preset", choices=[preset.key for preset in PRESETS], default=PRESETS[0].key, help="settings to start from; `presets` lists them"
    )
    _add_settings(train.add_argument_group("settings, where they differ from the preset's"))
    train.add_argument("--name", default="", help="what to call the run in lists")
    train.add_argument("--resume", metavar="RUN", help="go on with a run that ended; with --epochs, until it has so many in all")
    train.add_argument("--json", action="store_true", help="one event a line, as a JSON object")
    train.add_argument("--continue-run", metavar="RUN", help=argparse.SUPPRESS)  # a run that `jobs` has made ready
    train.set_defaults(command=_train)

    presets = commands.add_parser("presets", help="list the presets and their settings")
    presets.add_argument("--json", action="store_true", help="one JSON object a line")
    presets.set_defaults(command=_presets)

    evaluate = commands.add_parser("evaluate", help="accuracy, confusion matrix and figures per class on the test images")
    evaluate.add_argument("run", metavar="RUN", help=f'the id of a run, or "{runs.STARTER_ID}"')
    evaluate.add_argument(
        "--epoch", type=_epoch, metavar="N", help='weights of this epoch, or "last"; default those in use, of the best epoch'
    )
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


def _add_settings(group: "argparse._ArgumentGroup") -> None:
    """A flag for every field of `TrainConfig`; what is not given is not in the options either."""

    def add(flag: str, explanation: str, **options: Any) -> None:
        group.add_argument(flag, default=argparse.SUPPRESS, help=explanation, **options)

    whole, number, switch = {"type": int, "metavar": "N"}, {"type": float, "metavar": "X"}, {"action": argparse.BooleanOptionalAction}
    add("--epochs", "how often every training image is seen", **whole)
    add("--batch-size", "images a step", **whole)
    add("--learning-rate", "length of a step; with one-cycle the highest", **number)
    add("--seed", "where everything random starts", **whole)
    add("--pixels", "what the network is shown", choices=get_args(Pixels))
    add("--optimizer", "how weights follow their gradients; sgd has momentum 0.9", choices=get_args(Optimizer))
    add("--beta2", "share of what Adam knows of the gradients' size that it keeps a step", **number)
    add("--schedule", "how the learning rate goes", choices=get_args(Schedule))
    add("--augmentation", "how training images are changed every time", choices=get_args(Augmentation))
    add("--label-smoothing", "share of every label that is spread over all classes", **number)
    add("--weight-decay", "how fast weights shrink", **number)
    add("--weight-averaging", "keep a moving average of the weights", **switch)
    add("--test-views", "how a test image is looked at; the answer is the mean of all looks", choices=get_args(TestViews))
    add("--training-images", 'how many images to train on, or "all"', type=_whole_or_all, metavar="N")
    add("--validation-images", "how many training images choose the best epoch", **whole)
    add("--shuffled-labels", "give every training image the label of another", **switch)
    add("--left-out-class", 'number of a class, 0 to 9, that is never trained on, or "none"', type=_whole_or_none, metavar="N")
    add("--precision", "auto computes in bfloat16 where the processor is made for it", choices=get_args(Precision))


def _whole_or_all(text: str) -> int | None:
    return None if text == "all" else int(text)


def _whole_or_none(text: str) -> int | None:
    return None if text == "none" else int(text)


def _epoch(text: str) -> int | str:
    return text if text == "last" else int(text)


def _train(options: argparse.Namespace) -> int:
    run_id = _run_to_train(options)
    if run_id is None:
        return 0
    for number in (signal.SIGINT, signal.SIGTERM):  # Ctrl-C stops as the page's button does: nothing is lost
        signal.signal(number, lambda *_: jobs.stop(run_id))
    state = jobs.carry_out(run_id, _print_json if options.json else _Printer(runs.load_run(run_id)))
    run = runs.load_run(run_id)
    if options.json:
        print(json.dumps({"type": "Ended", "run": run_id, "state": state, "test_accuracy": run.test_accuracy, "message": run.message}))
    if state == "diverged":
        _fail(run.message)
    if not options.json:
        if state == "stopped":
            print(f"Stopped; what was learned is kept in {run_id}.")
        print(run_id)
    return 1 if state == "diverged" else 0


def _run_to_train(options: argparse.Namespace) -> str | None:
    """The id of the run that was asked for, made or made ready; None if nobody asked after all."""
    chosen = {name: getattr(options, name) for name in TrainConfig.__dataclass_fields__ if hasattr(options, name)}
    if options.continue_run == jobs.AWAIT_RUN:
        jobs.preload()
        run_id = sys.stdin.readline().strip()
        if not run_id:
            return None  # the one that would have sent it has ended
        log = runs.run_folder(run_id) / jobs.LOG_NAME
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), sys.stderr.fileno())
        return run_id
    if options.continue_run is not None:
        return str(options.continue_run)
    if options.resume is None:
        return runs.create_run(dataclasses.replace(find_preset(options.preset).config, **chosen), options.name)
    if set(chosen) - {"epochs"}:
        raise ValueError("A run goes on with the settings it began with: --resume takes no setting but --epochs.")
    planned = runs.load_run(options.resume).epochs
    runs.prepare_resume(options.resume, max(0, chosen.get("epochs", planned) - planned))
    return str(options.resume)


def _print_json(event: "Event") -> None:
    print(json.dumps(runs.event_fields(event)), flush=True)


class _Printer:
    """Prints events as the article does: a line every 100 steps and the test accuracy an epoch."""

    def __init__(self, run: runs.RunRecord) -> None:
        self._epochs = run.epochs
        self._steps_per_epoch = 0

    def __call__(self, event: "Event") -> None:
        from fmnist_core.events import EpochDone, RateChanged, Resumed, Started, StepDone

        match event:
            case Started():
                self._steps_per_epoch = event.steps_per_epoch
                counts = f"{event.train_images} training images, {event.validation_images} to choose the best epoch"
                print(f"{counts}, {event.test_images} test images, {event.device}, {event.precision}", flush=True)
            case Resumed():
                self._steps_per_epoch = event.steps_per_epoch
                print(f"Going on after step {event.step}, in epoch {event.epoch}/{self._epochs}", flush=True)
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
                print(f"Epoch : {epoch}/{self._epochs}, Iter : {iteration}/{self._steps_per_epoch}, Loss: {loss:.4f}", flush=True)


def _presets(options: argparse.Namespace) -> int:
    for preset in PRESETS:
        settings = preset.config.to_json()
        if options.json:
            about = {"key": preset.key, "name": preset.name, "group": preset.group, "sentence": preset.sentence}
            print(json.dumps(about | {"question": preset.question, "settings": settings}))
            continue
        plain = TrainConfig().to_json()
        always = ("epochs", "batch_size", "learning_rate")
        shown = [f"{name} {value}" for name, value in settings.items() if name in always or value != plain[name]]
        print(f"{preset.key:20} {preset.sentence}\n{'':20} {', '.join(shown)}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    run = runs.load_run(options.run)
    model = runs.load_model(run, options.epoch)

    from fmnist_core.data import load_split
    from fmnist_core.prediction import evaluate

    evaluation = evaluate(model, load_split("test"), views=run.config.test_views)
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
    from fmnist_core.familiarity import fit_familiarity, score_unfamiliarity
    from fmnist_core.imaging import prepare
    from fmnist_core.pictures import PictureError, open_picture
    from fmnist_core.prediction import answer

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
        print(f"{run.id:22} {run.state:12} {accuracy}  {run.epoch}/{run.epochs} epochs  {run.name}")
    return 0


def _fail(error: Exception | str) -> int:
    """One sentence on standard error; returns the exit code."""
    if isinstance(error, OSError) and error.strerror:
        error = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    print(str(error).replace("\n", " "), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
