"""RunRecord: a run's settings and status at one moment, read from its two small files."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from fmnist_core.runs.claim import is_alive, this_process
from fmnist_core.runs.folders import STARTER_ID, RunError, list_run_ids, newest_weights, resume_file, run_folder
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.files import read_json
from fmnist_core.store.records import Record, from_fields

State = Literal["waiting", "training", "paused", "finished", "stopped", "diverged", "failed", "interrupted"]
LIVE_STATES: tuple[State, ...] = ("waiting", "training", "paused")
_RESUMABLE_STATES: tuple[State, ...] = ("stopped", "failed", "interrupted")


@dataclass(frozen=True)
class RunRecord:
    """A run's settings and status at one moment.

    Attributes:
        id: its folder's name; "starter" is the model that comes with the project.
        name: the name its owner gave it; any text up to 60 characters.
        config: its settings.
        created_at: UTC.
        state: "interrupted" means that its training process stopped unexpectedly.
        epoch: epochs completed and evaluated.
        epochs: how many it should complete in total; more than in its settings if some were added.
        best_epoch: the epoch whose weights are in use, chosen by validation images; None if the latest are in use.
        test_accuracy: of the weights in use, 0 to 1; None if there are none yet.
        message: why it diverged, failed or stopped, in a sentence; else "".
        has_weights: whether it can be evaluated and used.
        has_checkpoint: whether there is a checkpoint to continue training from.
    """

    id: str
    name: str
    folder: Path
    config: TrainConfig
    created_at: datetime
    state: State
    epoch: int
    epochs: int
    best_epoch: int | None
    test_accuracy: float | None
    message: str
    has_weights: bool
    has_checkpoint: bool

    @property
    def is_resumable(self) -> bool:
        """Whether it ended before its last epoch and can continue, or start over if it never reached its first step."""
        return self.state in _RESUMABLE_STATES and (self.has_checkpoint or self.epoch == 0)

    @property
    def is_live(self) -> bool:
        return self.state in LIVE_STATES

    @property
    def is_starter(self) -> bool:
        return self.id == STARTER_ID


@dataclass
class Status:
    """The content of status.json; the attributes are those of `RunRecord`.

    Attributes:
        process: the process that trains it, see `claim.this_process`.
    """

    state: State
    epoch: int
    test_accuracy: float | None
    message: str
    epochs: int | None = None
    best_epoch: int | None = None
    process: dict[str, float] = field(default_factory=this_process)


@dataclass(frozen=True)
class _About:
    """The content of config.json."""

    name: str
    config: dict[str, Any]
    created_at: datetime


def load_run(run_id: str) -> RunRecord:
    """The run with this id.

    Raises:
        RunError: if there is no such run, or its files are damaged.
    """
    folder = run_folder(run_id)
    about, status = _read(_About, folder / "config.json", run_id), _read(Status, folder / "status.json", run_id)
    try:
        config = TrainConfig.from_json(about.config)
    except (TypeError, ValueError) as error:
        raise _damaged(folder / "config.json", run_id) from error
    is_dead = status.state in LIVE_STATES and not is_alive(status.process)
    return RunRecord(
        id=run_id,
        name=about.name,
        folder=folder,
        config=config,
        created_at=about.created_at,
        state="interrupted" if is_dead else status.state,
        epoch=status.epoch,
        epochs=status.epochs or config.epochs,
        best_epoch=status.best_epoch,
        test_accuracy=status.test_accuracy,
        message=status.message,
        has_weights=newest_weights(folder) is not None,
        has_checkpoint=resume_file(folder).is_file(),
    )


def list_runs() -> list[RunRecord]:
    """All readable runs but the starter, the newest first."""
    found = []
    for run_id in list_run_ids():
        try:
            found.append(load_run(run_id))
        except RunError:
            continue
    return sorted(found, key=lambda run: (run.created_at, run.id), reverse=True)


def _read(kind: type[Record], file: Path, run_id: str) -> Record:
    try:
        return from_fields(kind, read_json(file))
    except (ValueError, KeyError) as error:
        raise _damaged(file, run_id) from error


def _damaged(file: Path, run_id: str) -> RunError:
    return RunError(f'The run "{run_id}" is damaged: {file.name} cannot be read. Delete its folder {file.parent} or choose another run.')
