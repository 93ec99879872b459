"""The command line: train, presets, evaluate, predict, complete, runs, archive, import. `python -m fmnist_core --help` explains each."""

import argparse
import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from fmnist_core.classroom.people import LOCAL
from fmnist_core.jobs.commands import complete_results, dispatch_runs, train_or_resume
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.kept import read_answers, read_likeness
from fmnist_core.runs.record import load_run, scan_runs
from fmnist_core.runs.weights import load_model
from fmnist_core.settings.changes import find_changes
from fmnist_core.settings.config import SETTINGS, TrainConfig
from fmnist_core.settings.declaration import Setting
from fmnist_core.settings.number_words import count
from fmnist_core.settings.presets import PRESETS
from fmnist_core.store.files import read_whole
from fmnist_core.store.text import visible_line

if TYPE_CHECKING:
    from fmnist_core.exports.archive import Progress

_MAX_PICTURE_BYTES = 200_000_000  # the largest picture that can be opened, of 25 megapixels with 64 bits each
_ALWAYS_LISTED = ("epochs", "batch_size", "learning_rate")


def main(arguments: list[str] | None = None) -> int:
    """Runs one command and returns its exit code: 0 done, 1 failed with a sentence on standard error, 2 misused."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options))
    except (ValueError, OSError) as error:  # DataError, RunError and PictureError are ValueErrors
        return _fail(error)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:  # it may quote arguments as they are
        super().error(visible_line(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m fmnist_core", description="Fashion-MNIST and one small convolutional network.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    train = commands.add_parser("train", help="train a network; the last line is the id of the run")
    train.add_argument(
        "--preset", choices=[preset.key for preset in PRESETS], default=PRESETS[0].key, help="settings to start from; `presets` lists them"
    )
    settings = train.add_argument_group("settings that replace the preset's")
    for setting in SETTINGS.values():
        _add_flag(settings, setting)
    train.add_argument("--name", default="", help="what to call the run in lists")
    train.add_argument("--resume", metavar="RUN", help="continue a run that ended; with --epochs, until it has that many in total")
    train.add_argument("--json", action="store_true", help="one event per line, as a JSON object")
    train.add_argument("--await-runs", action="store_true", help=argparse.SUPPRESS)  # whose ids come as lines on standard input
    train.set_defaults(command=train_or_resume)

    presets = commands.add_parser("presets", help="list the presets and their settings")
    presets.add_argument("--json", action="store_true", help="one JSON object per line")
    presets.set_defaults(command=_presets)

    evaluate = commands.add_parser("evaluate", help="accuracy, confusion matrix and figures per class on the test images")
    evaluate.add_argument("run", metavar="RUN", help=f'the id of a run, or "{STARTER_ID}"')
    evaluate.add_argument("--epoch", type=_epoch, metavar="N", help='weights of this epoch, or "last"; by default the best epoch')
    evaluate.add_argument("--json", action="store_true", help="one JSON object")
    evaluate.set_defaults(command=_evaluate)

    predict = commands.add_parser("predict", help="classify pictures")
    predict.add_argument("run", metavar="RUN", help=f'the id of a run, or "{STARTER_ID}"')
    predict.add_argument("images", metavar="IMAGE", nargs="+", help="PNG, JPEG, WebP, GIF, BMP, TIFF or AVIF files")
    predict.add_argument(
        "--json", action="store_true", help="one JSON object per line: file, label, probabilities, kind of picture, unfamiliarity"
    )
    predict.set_defaults(command=_predict)

    dispatching = commands.add_parser("dispatch", help="give waiting runs their turns, until none is left; servers start this")
    dispatching.set_defaults(command=dispatch_runs)

    complete = commands.add_parser("complete", help="compute what the pages need and a run of an earlier version has not kept")
    complete.add_argument("run", metavar="RUN", help=f'the id of a run, or "{STARTER_ID}"')
    complete.set_defaults(command=complete_results)

    listing = commands.add_parser("runs", help="list the runs, the newest first")
    listing.set_defaults(command=_runs)

    archive = commands.add_parser("archive", help="write runs into a zip file that another dashboard can import")
    archive.add_argument("file", metavar="FILE", type=Path, help="the zip file, which is replaced if it exists")
    archive.add_argument("runs", metavar="RUN", nargs="*", help="ids of runs; by default all except the starter")
    archive.set_defaults(command=_archive)

    importing = commands.add_parser("import", help="add the runs in such a zip file to those here")
    importing.add_argument("file", metavar="FILE", type=Path, help="the zip file")
    importing.set_defaults(command=_import)
    return parser


def _add_flag(group: "argparse._ArgumentGroup", setting: Setting) -> None:
    """Adds the flag of a setting; a flag that is not given leaves no trace in the options."""
    options: dict[str, Any] = {"default": argparse.SUPPRESS, "help": setting.help.replace("%", "%%")}
    match setting.kind:
        case "choice":
            options["choices"] = list(setting.choices)
        case "switch":
            options["action"] = argparse.BooleanOptionalAction
        case "decimal":
            options |= {"type": float, "metavar": "X"}
        case "whole" | "class":
            options |= {"type": _whole_or(setting.none_means), "metavar": "N"}
            if setting.none_means:
                options["help"] += f' Or "{setting.none_means}".'
    group.add_argument(f"--{setting.name.replace('_', '-')}", **options)


def _whole_or(word: str) -> Callable[[str], int | None]:
    """A reader of whole numbers, or of the word that stands for None."""

    def whole_number(text: str) -> int | None:  # argparse's error message quotes this name
        return None if word and text == word else int(text)

    return whole_number


def _epoch(text: str) -> int | str:
    return text if text == "last" else int(text)


def _presets(options: argparse.Namespace) -> int:
    for preset in PRESETS:
        if options.json:
            about = {"key": preset.key, "name": preset.name, "group": preset.group, "sentence": preset.sentence}
            print(json.dumps(about | {"question": preset.question, "settings": preset.config.to_json()}))
            continue
        changed = find_changes(preset.config, TrainConfig())
        shown = [f"{name} {getattr(preset.config, name)}" for name in SETTINGS if name in _ALWAYS_LISTED or name in changed]
        print(f"{preset.key:20} {preset.sentence}\n{'':20} {', '.join(shown)}")
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    run = load_run(options.run)

    from fmnist_core.dataset.split import load_split

    split, views = load_split("test"), run.config.test_views
    kept = read_answers(run, split, options.epoch)
    if kept is not None and kept.views == views:
        evaluation = kept.evaluation(split)
    else:
        model = load_model(run, options.epoch)

        from fmnist_core.evaluation.prediction import evaluate

        evaluation = evaluate(model, split, views=views)
    figures = evaluation.to_json()
    if options.json:
        print(json.dumps({"run": run.id} | figures))
        return 0
    print(
        f"{visible_line(run.name)}: {100 * evaluation.accuracy:.2f} % of {len(evaluation.labels):,} test images, loss {evaluation.loss:.4f}"
    )
    print(f"{'class':12} precision  recall      F1  images")
    for row in figures["per_class"]:
        shares = ("      –" if row[key] is None else f"{100 * row[key]:5.1f} %" for key in ("precision", "recall", "f1"))
        print(f"{row['class']:12}   " + " ".join(shares) + f"  {row['images']:6}")
    return 0


def _predict(options: argparse.Namespace) -> int:
    run = load_run(options.run)
    model = load_model(run)

    from fmnist_core.dataset.classes import CLASS_NAMES
    from fmnist_core.dataset.split import load_split
    from fmnist_core.evaluation.steps import finish
    from fmnist_core.insight.answer import answer_picture
    from fmnist_core.insight.likeness import fit_likeness
    from fmnist_core.pictures.opening import open_picture
    from fmnist_core.pictures.preparation import prepare

    splits = load_split("train"), load_split("test")
    familiarity = (read_likeness(run, *splits) or finish(fit_likeness(model, *splits))).familiarity
    failed = False
    for file in options.images:
        try:
            preparation = prepare(open_picture(read_whole(Path(file), _MAX_PICTURE_BYTES), name=file))
        except Exception as error:  # whatever is wrong with one file, the next one is classified
            failed = bool(_fail(_name_picture(error, file)))
            continue
        answer = answer_picture(model, preparation.views)
        label, level = CLASS_NAMES[answer.first], answer.level(familiarity)
        if options.json:
            by_class = {name: float(share) for name, share in zip(CLASS_NAMES, answer.probabilities, strict=True)}
            about = {"kind": preparation.kind, "unfamiliarity": answer.unfamiliarity, "level": level, "is_unfamiliar": level == "unlike"}
            print(json.dumps({"file": file, "label": label, "probabilities": by_class} | about))
        else:
            note = {"familiar": "", "unusual": ", unusual for it", "unlike": ", unlike almost anything it was trained on"}[level]
            print(f"{visible_line(file)}: {label} ({100 * answer.probabilities[answer.first]:.1f} %{note})")
    return int(failed)


def _name_picture(error: Exception, file: str) -> Exception | str:
    """What to print about a picture that cannot be classified: always with its name, because there may be many."""
    from fmnist_core.pictures.opening import PictureError

    if isinstance(error, OSError) and error.filename:
        return error
    if isinstance(error, PictureError):
        return error if str(error).startswith(file) else f"{file}: {error}"
    return f"{file} cannot be classified ({type(error).__name__}): choose another picture."


def _runs(_options: argparse.Namespace) -> int:
    found, damaged = scan_runs()
    for run in (*found, load_run(STARTER_ID)):
        accuracy = "      –" if run.test_accuracy is None else f"{100 * run.test_accuracy:5.2f} %"
        print(f"{run.id:22} {run.state:12} {accuracy}  {run.epoch}/{count(run.epochs, 'epoch')}  {visible_line(run.name)}")
        if run.damage:
            print(f"{'':22} {visible_line(run.damage)}")
    for lost in damaged:
        print(f"{lost.id:22} damaged      {visible_line(lost.problem)}")
    return 0


def _archive(options: argparse.Namespace) -> int:
    from fmnist_core.exports.archive import write_archive

    for run_id in options.runs:
        load_run(run_id)  # a mistyped id is no reason for an archive with one run less
    return _report(write_archive(options.runs or [run.id for run in scan_runs()[0]], options.file))


def _import(options: argparse.Namespace) -> int:
    from fmnist_core.exports.archive_import import import_archive

    return _report(import_archive(options.file, by=LOCAL))


def _report(steps: "Iterable[Progress]") -> int:
    """Prints a line per run; returns 1 if any was left out."""
    failed = False
    for step in steps:
        print(f"{step.done}/{step.total}  {step.run_id:22} {visible_line(step.name)}", flush=True)
        failed |= bool(step.problem and _fail(f"{step.run_id}: {step.problem}"))
    return int(failed)


def _fail(error: Exception | str) -> int:
    """One sentence on standard error, without control characters of names that it quotes; returns the exit code."""
    if isinstance(error, OSError) and error.strerror:
        error = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    print(visible_line(str(error)), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
