"""The events of a run as long as none in class should be: batches of one image, for hours."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fmnist_core.runs.event_log import event_to_json
from fmnist_core.training.events import Event, StepDone
from tests.written_runs import PROBES, epoch_done, started

STEPS_PER_EPOCH = 55_000  # 60,000 training images less 5,000 held out
STEPS_PER_REPORT = 45  # in 0.3 s; such a line has 1.4 KB
_REPORT_S = 0.3
_VARIANTS = 32  # reports that differ in losses and probabilities; made once per epoch, because making them is slow


def write_long_events(folder: Path, megabytes: float) -> int:
    """Writes events.jsonl of a run with batches of one image, as its trainer would, until it has this size; returns the number of steps.

    Args:
        megabytes: 200 are eleven hours, 6.6 million steps, and take five seconds to write.
    """
    step, size, epoch, elapsed_s = 0, 0, 0, 0.0
    with (folder / "events.jsonl").open("w", encoding="utf-8") as file:
        size += file.write(_line(started(STEPS_PER_EPOCH, train_images=STEPS_PER_EPOCH, validation_images=5_000)))
        while size < megabytes * 1e6:
            epoch += 1
            reports = _reports(epoch)
            for end in range(STEPS_PER_REPORT, STEPS_PER_EPOCH + 1, STEPS_PER_REPORT):
                step, elapsed_s = (epoch - 1) * STEPS_PER_EPOCH + end, elapsed_s + _REPORT_S
                size += file.write(next(reports) % {"step": step, "elapsed_s": elapsed_s, "remaining_s": 1e5 + 1 / step})
                if size >= megabytes * 1e6:
                    return step
            left_over = STEPS_PER_EPOCH % STEPS_PER_REPORT
            step = epoch * STEPS_PER_EPOCH
            size += file.write(_line(_report(epoch, step, left_over, elapsed_s)))
            elapsed_s += 6
            size += file.write(_line(epoch_done(epoch, step, elapsed_s, 0.9, validation_accuracy=0.91, validation_loss=0.3)))
    return step


def _reports(epoch: int) -> Iterator[str]:
    """Lines in which only step and times are missing."""
    lines = []
    for variant in range(_VARIANTS):
        fields = event_to_json(_report(epoch, epoch * _VARIANTS + variant, STEPS_PER_REPORT, 0.0))
        fields |= {"step": "<step>", "elapsed_s": "<elapsed_s>", "remaining_s": "<remaining_s>"}
        line = json.dumps(fields)
        for name, form in (("step", "d"), ("elapsed_s", "r"), ("remaining_s", "r")):
            line = line.replace(f'"<{name}>"', f"%({name}){form}")
        lines.append(line + "\n")
    while True:
        yield from lines


def _report(epoch: int, step: int, count: int, elapsed_s: float) -> StepDone:
    random = np.random.default_rng(step)
    losses = random.exponential(0.2 + 1 / epoch, count).tolist()
    probes = random.dirichlet(np.full(10, 0.1), len(PROBES)).astype(np.float32)
    return StepDone(epoch, step, tuple(losses), STEPS_PER_REPORT / _REPORT_S, elapsed_s, 1e5, 0.001, probes)


def _line(event: Event) -> str:
    return json.dumps(event_to_json(event)) + "\n"
