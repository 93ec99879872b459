"""How often the starter model is wrong at each level of unfamiliarity: `python -m tests.benchmarks.unfamiliarity FOLDER…`.

A FOLDER holds one of these:

- photographs and a `labels.csv` with the columns file and label, or drawings as `*.ndjson`, as `tests.benchmarks.pictures` takes them;
- pictures of any kind and a `labels.csv` with the columns file, label (one of the ten classes, or none) and also (a second answer that
  counts as correct, or nothing).

Icons, in a folder "emoji", count only where they are drawings. It prints a line for each kind of picture, and for the test images, and
level: how many pictures of things that the model knows there were, how many of them it classified wrongly, and how many pictures of other
things had the same level. The counts of the first two are what `fmnist_core.insight.familiarity.STARTER_RATES` holds.
"""

import csv
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.dataset.split import load_split
from fmnist_core.insight.answer import Answer, answer_picture
from fmnist_core.insight.familiarity import STARTER_RATES, Level
from fmnist_core.pictures.kinds import DRAWING, PHOTO, READY
from fmnist_core.pictures.opening import PictureError, open_picture
from fmnist_core.pictures.preparation import Preparation, prepare, prepare_drawing
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.kept import read_likeness
from fmnist_core.runs.record import load_run
from fmnist_core.runs.weights import load_model
from tests.benchmarks.pictures import DRAWING_ANSWERS, PHOTO_ANSWERS, draw_strokes

_LEVELS: tuple[Level, ...] = ("familiar", "unusual", "unlike")


def pictures_in(folder: Path) -> Iterator[tuple[Preparation, set[str]]]:
    """Each picture of a folder, prepared, and the answers that count as correct; none for a thing that the model does not know."""
    for file in sorted(folder.glob("*.ndjson")):
        for line in file.read_text(encoding="utf-8").splitlines():
            drawing = json.loads(line)
            yield prepare_drawing(draw_strokes(drawing["drawing"])), DRAWING_ANSWERS.get(drawing["word"], set())
    if not (folder / "labels.csv").exists():
        return
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    for row in rows:
        correct = {row["label"], row["also"]} & set(CLASS_NAMES) if "also" in row else PHOTO_ANSWERS.get(row["label"], set())
        try:
            preparation = prepare(open_picture((folder / row["file"]).read_bytes(), row["file"]))
        except PictureError as error:
            print(error, file=sys.stderr)
            continue
        if folder.name != "emoji" or preparation.kind == DRAWING:
            yield preparation, correct


def main() -> None:
    run = load_run(STARTER_ID)
    model, splits = load_model(run), (load_split("train"), load_split("test"))
    likeness = read_likeness(run, *splits)
    assert likeness is not None, "it is part of the program"
    counts: Counter[tuple[str, str, str]] = Counter()

    def note(kind: str, answer: Answer, correct: set[str]) -> None:
        outcome = "other things" if not correct else "correct" if CLASS_NAMES[answer.first] in correct else "wrong"
        counts[kind, answer.level(likeness.familiarity), outcome] += 1

    for preparation, correct in (picture for folder in sys.argv[1:] for picture in pictures_in(Path(folder))):
        note(preparation.kind, answer_picture(model, preparation.views), correct)
    for image, label in zip(splits[1].images, splits[1].labels, strict=True):
        note(READY, answer_picture(model, image[np.newaxis]), {CLASS_NAMES[label]})
    print(likeness.familiarity)
    for kind in (PHOTO, DRAWING, READY):
        for level in _LEVELS:
            right, wrong, others = (counts[kind, level, outcome] for outcome in ("correct", "wrong", "other things"))
            kept = STARTER_RATES[kind][level]
            print(f"{kind:8}{level:9}{wrong:5} of {wrong + right:5} wrong; {others} of other things; kept: {kept.wrong} of {kept.of}")


if __name__ == "__main__":
    main()
