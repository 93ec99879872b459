"""Runs and histories made up for the diagnosis."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.runs.diagnosis import Finding
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.record import RunRecord
from fmnist_core.runs.series import LossSeries
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.files import write_json
from fmnist_core.training.events import EpochDone, Started


def make_run(folder: Path, config: TrainConfig | None = None, confusion: NDArray[np.int64] | None = None, **about: Any) -> RunRecord:
    """A finished run; with a confusion matrix it has an evaluation too."""
    folder.mkdir(exist_ok=True)
    if confusion is not None:
        about = {"test_accuracy": float(np.trace(confusion) / confusion.sum())} | about
        per_class = [{"class": name} for name in CLASS_NAMES]
        write_json(
            folder / "evaluation.json", {"accuracy": about["test_accuracy"], "confusion": confusion.tolist(), "per_class": per_class}
        )
    run = RunRecord(
        id="a-run",
        name="A run",
        folder=folder,
        config=config or TrainConfig(),
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
        state="finished",
        epoch=1,
        epochs=1,
        best_epoch=None,
        test_accuracy=None,
        message="",
        has_weights=True,
        has_checkpoint=True,
    )
    return replace(run, **about)


def make_history(losses: "NDArray[np.float64] | list[float]", *epochs: tuple[float, float, float], **figures: Any) -> RunHistory:
    """A history with, for each epoch, training accuracy, test accuracy and test loss."""
    steps = len(losses) // max(1, len(epochs))
    done = [
        EpochDone(epoch=i, step=i * steps, train_loss=1.0, train_accuracy=train, test_loss=loss, test_accuracy=test, elapsed_s=float(i))
        for i, (train, test, loss) in enumerate(epochs, start=1)
    ]
    return RunHistory(started=Started(steps, **figures), losses=LossSeries(losses), epochs=done)


def falling(start: float, end: float, steps: int = 200, noise: float = 0.05) -> NDArray[np.float64]:
    """Losses that fall ever more slowly, each a little off."""
    shape = np.exp(-np.linspace(0, 5, steps))
    random = np.random.default_rng(0).normal(0, noise, steps)
    return np.maximum(0.001, end + (start - end) * shape + random)


def even_confusion(right: int = 90, of: int = 100) -> NDArray[np.int64]:
    """Every class is classified correctly equally often, and otherwise confused with the next one."""
    return right * np.eye(10, dtype=np.int64) + (of - right) * np.roll(np.eye(10, dtype=np.int64), 1, axis=1)


def kinds(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.kind for finding in findings]


def only(findings: tuple[Finding, ...]) -> Finding:
    assert len(findings) == 1, findings
    return findings[0]
