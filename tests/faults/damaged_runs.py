"""Part `runs`: every damaged form of every file of a run, and whatever is done with that run, while another run is in the same home."""

import contextlib
import functools
import math
import random
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from fmnist_core.dataset.classes import DataError
from fmnist_core.dataset.split import load_split
from fmnist_core.jobs.line import place_of
from fmnist_core.runs.diagnosis import diagnose
from fmnist_core.runs.folders import RunError, run_folder
from fmnist_core.runs.history import AXES, RunHistory
from fmnist_core.runs.kept import read_answers, read_likeness
from fmnist_core.runs.mailbox import is_pending, stop_requested
from fmnist_core.runs.record import LIVE_STATES, RunRecord, list_runs, load_run, scan_runs
from fmnist_core.runs.results import read_evaluation, read_live_kernels
from fmnist_core.runs.transitions import prepare_resume
from fmnist_core.runs.writer import RunWriter
from fmnist_core.store.records import RecordError
from tests.faults.commands import run_command
from tests.faults.damage import Damage, all_damage
from tests.faults.isolation import Outcome, explain, isolate
from tests.faults.report import Report
from tests.faults.surroundings import TrainedHome, difference, digest, end_processes, surroundings, train_home, use_home, why_no_forks
from tests.faults.visits import is_sentence, visit_pages, warm_pages
from tests.jobs.trained import assert_same_result, result_of
from tests.loss_tables import loss_table

_MOST_MB = 400.0  # a reader's; 50 MB of garbage may be held once, not seven times
_MOST_TRAINING_MB = 1_500.0
_HANGS_S = 240.0  # reading 20 GB takes 72 s on two cores that are shared with other work
_EVALUATED = (
    "config.json",
    "status.json",
    "evaluation.json",
    "checkpoints",
    "answers",
    "the folder",
)  # damage that can matter to `evaluate`
_STATES = {*LIVE_STATES, "finished", "stopped", "diverged", "failed", "interrupted"}
_FULL = {"read": 1_000_000, "resumed": 240, "opened": 60, "opened live": 40}
_SMALL = {"read": 70, "resumed": 25, "opened": 4, "opened live": 3}


def run(report: Report, seed: int, *, small: bool) -> None:
    """Reads, resumes and opens runs with each damage, or with a sample of it."""
    if why_no_forks():
        report.skip("damaged runs", why_no_forks())
        return
    counts = _SMALL if small else _FULL
    with surroundings() as folder:
        home = train_home(folder / "home")
        forms = all_damage(run_folder(home.victim), seed, small=small)
        chance = random.Random(seed)
        for damage in _sample(forms, counts["read"], chance):
            _try(report, f"read, {damage}", home, damage, functools.partial(_read_everything, home, damage), most_mb=_MOST_MB)
        for damage in _sample(forms, counts["resumed"], chance):
            _try(report, f"resumed, {damage}", home, damage, functools.partial(_resume, home, damage), most_mb=_MOST_TRAINING_MB)
        warm_pages(report, home.healthy)
        for damage in _sample(forms, counts["opened"], chance):
            _try(report, f"opened, {damage}", home, damage, lambda: _open_pages(home), most_mb=_MOST_MB)
        of_live_runs = [damage for damage in forms if not damage.file.endswith(("safetensors", "lock", "the folder", "checkpoints"))]
        for damage in _sample(of_live_runs, counts["opened live"], chance):
            _try(report, f"opened live, {damage}", home, damage, lambda: _open_pages(home), most_mb=_MOST_MB, live=True)


def _sample(forms: list[Damage], count: int, chance: random.Random) -> list[Damage]:
    """At most this many: the nasty ones first, as long as they leave half of the places to the others; each file has its share."""
    if count >= len(forms):
        return forms
    nasty = [damage for damage in forms if damage.is_nasty]
    others = [damage for damage in forms if not damage.is_nasty]
    picked = nasty if len(nasty) <= count // 2 else chance.sample(nasty, count // 2)
    by_file: dict[str, list[Damage]] = {}
    for damage in chance.sample(others, len(others)):
        by_file.setdefault(damage.file, []).append(damage)
    taken = list(picked)
    while len(taken) < count:
        for left in by_file.values():
            if left and len(taken) < count:
                taken.append(left.pop())
    return taken


@dataclass(frozen=True)
class _Bystanders:
    """What must be as before, whatever is done with the damaged run: the healthy run's files, and a file outside the home."""

    healthy: dict[str, str]
    canary: str

    @staticmethod
    def of(folder: Path, home: TrainedHome) -> "_Bystanders":
        return _Bystanders(digest(folder / "home" / "runs" / home.healthy), (folder / "elsewhere" / "canary").read_text())


def _try(
    report: Report,
    case: str,
    home: TrainedHome,
    damage: Damage,
    work: Callable[[], object],
    *,
    most_mb: float,
    live: bool = False,
) -> None:
    """Copies the home, damages its victim, and does the work in a child.

    Args:
        live: whether the victim's training lock is held meanwhile, so that it counts as training.
    """
    folder = home.folder.parent / "case"
    shutil.copytree(home.folder, folder / "home", symlinks=True)
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "canary").write_text("unharmed")
    use_home(folder / "home")
    try:
        with _held(home.victim) if live else contextlib.nullcontext():
            damage.apply(run_folder(home.victim))
            before = _Bystanders.of(folder, home)
            outcome = isolate(work, timeout_s=_HANGS_S, most_mb=most_mb)
        report.record(case, _judge(outcome, before, _Bystanders.of(folder, home)))
    finally:
        use_home(home.folder)
        end_processes(folder)  # such as one that completes a run, which would write into the folder while it is deleted
        shutil.rmtree(folder)


@contextlib.contextmanager
def _held(run_id: str) -> Iterator[None]:
    """This process trains the run, as far as anyone can see."""
    prepare_resume(run_id)
    writer = RunWriter(run_id)
    writer.change_state("training")
    try:
        yield
    finally:
        del writer


def _judge(outcome: Outcome, before: _Bystanders, after: _Bystanders) -> str:
    """What is wrong with an outcome, on one line; "" if nothing is."""
    problems = [outcome.problem, *(outcome.value or [])]
    if before.healthy != after.healthy:
        problems.append(f"the healthy run was changed: {difference(before.healthy, after.healthy)}")
    if before.canary != after.canary:
        problems.append("a file outside the home was changed")
    return "; ".join(problem for problem in problems if problem)


def _read_everything(home: TrainedHome, damage: Damage) -> list[str]:
    """The problems that reading the victim has, in all ways that do not change it."""
    found: list[RunRecord] = []

    def load() -> None:
        found.append(load_run(home.victim))
        _check_record(found[0])

    problems = [
        _attempt("list_runs", lambda: _check_list(home)),
        _attempt("load_run", load),
        _attempt("place_of", lambda: place_of(home.healthy)),
        _attempt("runs", lambda: _check_command(["runs"], shows=home.healthy)),
    ]
    if damage.file.startswith(_EVALUATED):
        problems += [
            _attempt("evaluate", lambda: _check_command(["evaluate", home.victim])),
            _attempt("evaluate the last", lambda: _check_command(["evaluate", home.victim, "--epoch", "last", "--json"])),
            _attempt("evaluate the healthy run", lambda: _check_command(["evaluate", home.healthy], shows="Healthy run")),
        ]
    if found:
        problems += [_attempt(name, functools.partial(read, found[0])) for name, read in _READERS.items()]
    return problems


def _attempt(name: str, work: Callable[[], object]) -> str:
    """The problem with some work; a sentence about the run is none."""
    try:
        work()
    except (RunError, RecordError, DataError) as error:
        return "" if is_sentence(str(error)) else f"{name}: not a sentence: {str(error)[:200]!r}"
    except Exception as error:
        return f"{name}: {explain(error)}"
    return ""


def _check_list(home: TrainedHome) -> None:
    """The healthy run is listed as ever; the victim is listed as a run or as damaged, or has no files of a run any more."""
    listed = {run.id: run for run in list_runs()}
    healthy = listed[home.healthy]
    assert (healthy.state, healthy.name, healthy.is_resumable) == ("finished", "Healthy run", False), healthy
    damaged = [run.id for run in scan_runs()[1]]
    for run in listed.values():
        _check_record(run)
    try:
        load_run(home.victim)
        where, why = set(listed), ""
    except RunError as error:
        where, why = set(damaged), str(error)
    assert home.victim in where or "no run" in why, f"listed nowhere, though load_run says {why!r}"


def _check_record(run: RunRecord) -> None:
    """A record's values are of a kind that every reader can use."""
    assert run.state in _STATES, run.state
    assert isinstance(run.epoch, int), run.epoch
    assert 0 <= run.epoch <= 1_000, run.epoch
    assert isinstance(run.epochs, int), run.epochs
    assert 1 <= run.epochs <= 1_000, run.epochs
    assert run.best_epoch is None or 1 <= run.best_epoch <= 1_000, run.best_epoch
    assert run.test_accuracy is None or (math.isfinite(run.test_accuracy) and 0 <= run.test_accuracy <= 1), run.test_accuracy
    assert run.created_at.tzinfo is not None, run.created_at
    assert run.created_at.astimezone(), run.created_at
    assert len(run.name) <= 200, len(run.name)
    assert run.name.isprintable(), run.name
    assert len(run.message) <= 2_000, len(run.message)
    f"{run.name}{run.message}".encode()


def _check_command(arguments: list[str], shows: str = "") -> None:
    """A command ends with 0, or with 1 and a sentence on standard error; it prints one line for each thing, which can be encoded."""
    code, printed, complaint = run_command(arguments)
    assert code in (0, 1), f"exit code {code}"
    assert "Traceback" not in complaint, complaint[-300:]
    assert (code == 1) == bool(complaint), f"exit code {code} with {complaint!r}"
    assert not complaint or is_sentence(complaint), f"not a sentence: {complaint[:200]!r}"
    assert shows in printed, f"{shows} is not in {printed[:200]!r}"
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u202e]", printed + complaint), "control characters are printed"


def _read_history(run: RunRecord) -> None:
    history = RunHistory()
    history.read_new(run)
    history.read_new(run)
    for axis in AXES:
        loss_table(history, 0.6, axis)
        history.rate_table(axis)
    history.accuracy_table()
    history.epoch_table()
    history.step_table()
    history.newest_probabilities()
    if history.newest_probabilities() is not None:
        history.probabilities_over_time(0)
        history.answer_trail(0, 3)
    diagnose(run, history)


def _read_evaluation(run: RunRecord) -> None:
    saved = read_evaluation(run.folder)
    if saved is not None:
        assert saved.confusion.shape == (10, 10), saved.confusion.shape
        assert (saved.confusion >= 0).all()
        assert 0 <= saved.accuracy <= 1, saved.accuracy
        assert len(saved.class_names) == 10, saved.class_names


def _read_kept(run: RunRecord) -> None:
    train, test = load_split("train"), load_split("test")
    answers, likeness = read_answers(run, test), read_likeness(run, train, test)
    if answers is not None:
        assert 0 <= answers.evaluation(test).accuracy <= 1
    if likeness is not None:
        assert math.isfinite(likeness.familiarity.unusual), likeness.familiarity


def _read_kernels(run: RunRecord) -> None:
    kernels = read_live_kernels(run.folder)
    assert kernels is None or kernels.shape == (16, 5, 5), kernels.shape


_READERS: dict[str, Callable[[RunRecord], object]] = {
    "history": _read_history,
    "evaluation.json": _read_evaluation,
    "live.json": _read_kernels,
    "kept results": _read_kept,
    "is_pending": lambda run: is_pending(run.folder, "0123456789ab"),
    "stop_requested": lambda run: stop_requested(run.folder),
}


def _resume(home: TrainedHome, damage: Damage) -> list[str]:
    """The problems of `train --resume` with the victim; where it trains to its end, the result may have to be that without damage."""
    problems = [_attempt("resume", lambda: _check_resume(home, damage))]
    return [*problems, _attempt("list_runs after it", lambda: _check_list(home))]


def _check_resume(home: TrainedHome, damage: Damage) -> None:
    code, _, complaint = run_command(["train", "--resume", home.victim, "--json"])
    assert code in (0, 1), f"exit code {code}"
    assert "Traceback" not in complaint, complaint[-300:]
    assert (code == 1) == bool(complaint), f"exit code {code} with {complaint!r}"
    assert not complaint or is_sentence(complaint), f"not a sentence: {complaint[:200]!r}"
    if code == 1:
        with contextlib.suppress(RunError):
            assert not load_run(home.victim).is_live, "the run seems to train still"
        return
    trained = load_run(home.victim)
    assert trained.state in ("finished", "stopped", "diverged"), f"{trained.state} after the command has ended well"
    if damage.must_not_change_the_result and trained.state == "finished":
        assert_same_result(result_of(home.victim), home.result)


def _open_pages(home: TrainedHome) -> list[str]:
    """The problems of every page, with the victim and with the healthy run."""
    return [*visit_pages(home.victim), *visit_pages(home.healthy, shows="Healthy run")]
