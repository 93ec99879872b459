"""What needs whole data sets is computed and kept with the run: by the trainer as its last act, or later for a run that lacks it."""

import contextlib
import math
import sys
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

from fmnist_core.evaluation.answers import Answers
from fmnist_core.evaluation.steps import Result, Steps, finish_unless
from fmnist_core.runs.claim import claim_training, is_start_claimed
from fmnist_core.runs.folders import RunError
from fmnist_core.runs.kept import kept_folder, read_answers, read_likeness, write_answers, write_likeness
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.weights import find_weights, load_model, weights_digest
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import VIEW_COUNTS
from fmnist_core.store.files import delete_half_files

if TYPE_CHECKING:
    from fmnist_core.dataset.split import Split

_LIKENESS_COST = 3  # times that of classifying the test images once
_NOT_FINITE = "This network's outputs are not finite numbers, so nothing can be computed from them: choose another run."


def keep_likeness(writer: RunWriter, train_split: "Split", test_split: "Split") -> None:
    """Computes and keeps what the network of a run that has just ended finds alike, then releases the claim on the run.

    The run has ended whatever happens here: what is missing afterwards is computed when somebody asks for it. If somebody wants to
    continue the run meanwhile, this ends within a pass of 200 images.
    """
    try:
        run = load_run(writer.run_id)
        weights = find_weights(run)
        if weights is None or not run.has_weights:
            return
        from fmnist_core.insight.likeness import fit_likeness

        likeness = finish_unless(fit_likeness(load_model(run), train_split, test_split), lambda: is_start_claimed(run.folder))
        if likeness is not None:
            write_likeness(run.folder, weights, likeness, train_split, test_split)
    except Exception as error:  # a full disk, too little memory, outputs that are no finite numbers
        sys.stderr.write(f"The run has ended, but what its network finds alike was not kept: {error}\n")
    finally:
        writer.release()


def completion_steps(run_id: str) -> Iterator[tuple[float, str]]:
    """Computes and keeps what the ended run lacks for the data in use; yields the share done and what is being done.

    Raises:
        RunError: if its weights cannot be read or its outputs are not finite numbers, or if it is trained again meanwhile.
        DataError, OSError: if the data cannot be read, or the results cannot be written.
    """
    yield 0.0, "Loading the network and the images"
    from fmnist_core.dataset.split import load_split
    from fmnist_core.evaluation.prediction import evaluation_steps
    from fmnist_core.insight.likeness import fit_likeness

    run = load_run(run_id)
    model = load_model(run)
    weights = find_weights(run)
    assert weights is not None
    digest = weights_digest(weights)
    train_split, test_split = load_split("train"), load_split("test")
    views = run.config.test_views
    answers_cost = 0 if read_answers(run, test_split) is not None else VIEW_COUNTS[views]
    likeness_cost = 0 if read_likeness(run, train_split, test_split) is not None else _LIKENESS_COST
    first_part = answers_cost / max(1, answers_cost + likeness_cost)
    if answers_cost:
        steps = evaluation_steps(model, test_split, views=views)
        evaluation = yield from _described(steps, "Classifying all test images", 0, first_part)
        if not math.isfinite(evaluation.loss):
            raise RunError(_NOT_FINITE)
        with _claimed(run, digest):
            write_answers(kept_folder(run), weights, Answers.of(evaluation, views))
    if likeness_cost:
        try:
            fitting = fit_likeness(model, train_split, test_split)
            likeness = yield from _described(fitting, "Indexing the training images", first_part, 1 - first_part)
        except ValueError as error:
            raise RunError(_NOT_FINITE) from error
        with _claimed(run, digest):
            write_likeness(kept_folder(run), weights, likeness, train_split, test_split)
    yield 1.0, "Done"


def _described(steps: Steps[Result], what: str, first: float, weight: float) -> Generator[tuple[float, str], None, Result]:
    """The steps as a part, of this weight, of the whole."""
    while True:
        try:
            share = next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
        yield first + weight * share, what


@contextlib.contextmanager
def _claimed(run: RunRecord, digest: str | None) -> Iterator[None]:
    """Only whoever has claimed a run writes to it; raises RunError if it is trained, or has other weights than at first."""
    if run.is_starter:
        kept_folder(run).mkdir(parents=True, exist_ok=True)
        yield
        return
    claim = claim_training(run.folder)
    if claim is None:
        raise RunError("This run is being trained again: its results are kept when it ends.")
    try:
        weights = find_weights(load_run(run.id))
        if weights is None or weights_digest(weights) != digest:
            raise RunError("This run has been trained further meanwhile: try again.")
        delete_half_files(run.folder)
        yield
    finally:
        claim.release()
