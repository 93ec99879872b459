"""How well a run classifies people's photographs and drawings: `python -m tests.benchmarks.pictures FOLDER [RUN]`.

FOLDER holds photographs and a `labels.csv` (`file,label`), or drawings as `*.ndjson`, one object per line: `{"word": …, "drawing":
[[xs, ys], …]}` with coordinates from 0 to 255. It prints the balanced accuracy: the mean, over all kinds of item that belong to one of the
ten classes, of the share that is classified correctly. For photographs it also prints the time per picture, and the area under the ROC
curve of the unfamiliarity score, which should tell items outside the ten classes from the others.
"""

import csv
import json
import sys
import time
from collections import defaultdict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.dataset.split import load_split
from fmnist_core.evaluation.steps import finish
from fmnist_core.insight.answer import Answer, answer_picture
from fmnist_core.insight.likeness import fit_likeness
from fmnist_core.network.model import FashionCNN
from fmnist_core.pictures.opening import open_picture
from fmnist_core.pictures.preparation import prepare, prepare_drawing
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import load_run
from fmnist_core.runs.weights import load_model

SHOES = {"Sandal", "Sneaker", "Ankle boot"}
PHOTO_ANSWERS = {
    "t-shirt": {"T-shirt/top"},
    "longsleeve": {"Pullover"},
    "shirt": {"Shirt"},
    "outwear": {"Coat"},
    "pants": {"Trouser"},
    "dress": {"Dress"},
    "shoes": SHOES,
}
DRAWING_ANSWERS = {
    "t-shirt": {"T-shirt/top", "Shirt"},
    "pants": {"Trouser"},
    "sweater": {"Pullover", "Coat", "Shirt"},
    "jacket": {"Pullover", "Coat", "Shirt"},
    "shoe": SHOES,
    "purse": {"Bag"},
    "backpack": {"Bag"},
    "flip flops": {"Sandal"},
}


def draw_strokes(strokes: list[list[list[int]]], side_px: int = 280, width_px: int = 14) -> NDArray[np.uint8]:
    """(side_px, side_px) uint8, white on black, with round joins and ends and a margin of 7 %."""
    sheet = np.zeros((side_px, side_px), np.uint8)
    margin = 0.07 * side_px
    for xs, ys in strokes:
        points = np.round((np.stack([xs, ys], axis=1) * ((side_px - 2 * margin) / 255) + margin) * 16).astype(np.int32)
        cv2.polylines(sheet, [points], False, (255,), width_px, cv2.LINE_AA, 4)
        for x, y in points:
            cv2.circle(sheet, (int(x), int(y)), 8 * width_px, (255,), -1, cv2.LINE_AA, 4)
    return sheet


def print_balanced(kinds: list[str], answers: list[str], correct: dict[str, set[str]]) -> None:
    """Prints a line per kind, and the balanced accuracy of all pictures, of those with even and of those with odd indices."""
    by_kind: dict[str, list[bool]] = defaultdict(list)
    for kind, answered in zip(kinds, answers, strict=True):
        if kind in correct:
            by_kind[kind].append(answered in correct[kind])
    for kind, hits in by_kind.items():
        print(f"  {kind:12} {np.mean(hits):.3f} of {len(hits)}")
    parts = [np.mean([np.mean(hits[first::step]) for hits in by_kind.values()]) for first, step in ((0, 1), (0, 2), (1, 2))]
    print(f"balanced accuracy {parts[0]:.3f} (even indices {parts[1]:.3f}, odd indices {parts[2]:.3f})")


def measure_photos(folder: Path, model: FashionCNN) -> None:
    with (folder / "labels.csv").open(newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["file"])
    answers: list[Answer] = []
    took_s = []
    for row in rows:
        content = (folder / row["file"]).read_bytes()
        began_s = time.perf_counter()
        preparation = prepare(open_picture(content, row["file"]))
        answers.append(answer_picture(model, preparation.views))
        took_s.append(time.perf_counter() - began_s)
    print_balanced([row["label"] for row in rows], [CLASS_NAMES[answer.first] for answer in answers], PHOTO_ANSWERS)
    print(f"median time from file to answer {np.median(took_s):.3f} s")
    familiarity = finish(fit_likeness(model, load_split("train"), load_split("test"))).familiarity
    scores = np.array([answer.unfamiliarity for answer in answers])
    is_known = np.array([row["label"] in PHOTO_ANSWERS for row in rows])
    known, unknown = scores[is_known], scores[~is_known]
    if len(unknown):
        print(f"unfamiliarity: area under the ROC curve {np.mean(unknown[:, np.newaxis] > known):.3f};", end=" ")
        print(f"{familiarity.false_alarm_rate:.4f} of the test images are unusual or more")
        for words, threshold in (("unusual or more", familiarity.unusual), ("unlike the training images", familiarity.unlike)):
            print(f"{words}: {np.mean(unknown > threshold):.2f} of the items outside the ten classes,", end=" ")
            print(f"{np.mean(known > threshold):.2f} of the others")


def measure_drawings(folder: Path, model: FashionCNN) -> None:
    drawings = [json.loads(line) for file in sorted(folder.glob("*.ndjson")) for line in file.read_text().splitlines()]
    for fill in (True, False):
        views = [prepare_drawing(draw_strokes(drawing["drawing"]), fill=fill).views for drawing in drawings]
        print("filled:" if fill else "not filled:")
        answers = [CLASS_NAMES[answer_picture(model, each).first] for each in views]
        print_balanced([drawing["word"] for drawing in drawings], answers, DRAWING_ANSWERS)


def measure_large_photo(model: FashionCNN) -> None:
    """Times a 12-megapixel JPEG in memory that shows a shape with noise."""
    import io

    pixels = np.random.default_rng(0).integers(150, 220, (300, 400, 3), np.uint8)
    pixels[60:240, 120:280] //= 3
    file = io.BytesIO()
    Image.fromarray(pixels).resize((4000, 3000), Image.Resampling.BICUBIC).save(file, "JPEG", quality=92)
    took_s = []
    for _ in range(7):
        began_s = time.perf_counter()
        answer_picture(model, prepare(open_picture(file.getvalue(), "large")).views)
        took_s.append(time.perf_counter() - began_s)
    print(f"12-megapixel JPEG, from file to answer: median {np.median(took_s):.3f} s")


def main() -> None:
    folder = Path(sys.argv[1])
    model = load_model(load_run(sys.argv[2] if len(sys.argv) > 2 else STARTER_ID))
    if (folder / "labels.csv").exists():
        measure_photos(folder, model)
        measure_large_photo(model)
    else:
        measure_drawings(folder, model)


if __name__ == "__main__":
    main()
