"""RunRecord: a run's settings and status at one moment, read from its two small files, whatever stands in them."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta

from fmnist_core.runs import recovery
from fmnist_core.runs.claim import is_claimed
from fmnist_core.runs.folders import (
    STARTER_FOLDER,
    STARTER_ID,
    RunError,
    is_run,
    list_run_ids,
    newest_weights,
    resume_file,
    run_folder,
    runs_folder,
)
from fmnist_core.runs.listing import RememberedRuns
from fmnist_core.runs.names import clean_name
from fmnist_core.settings.config import MAX_EPOCHS, TrainConfig
from fmnist_core.store.files import read_whole
from fmnist_core.store.records import Record, RecordError, from_fields, parse_json
from fmnist_core.store.text import visible_line

State = Literal["waiting", "training", "paused", "finished", "stopped", "diverged", "failed", "interrupted"]
LIVE_STATES: tuple[State, ...] = ("waiting", "training", "paused")
_RESUMABLE_STATES: tuple[State, ...] = ("stopped", "failed", "interrupted")
YEARS = range(1990, 9000)  # of which every time zone has a date
_MAX_MESSAGE = 1_000
_MAX_REASON = 200
_REREADS = 3


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
        damage: "", or in a sentence what was damaged and what this record was rebuilt from.
        owner: id of the person who started it; "" if it was started on the command line or by an earlier version. The database of the
            classroom decides whose a run is; this is what it is rebuilt from.
        owner_name: what that person was called then.
        is_queued: whether it waits in the queue without a process of its own.
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
    damage: str = ""
    owner: str = ""
    owner_name: str = ""
    is_queued: bool = False

    @property
    def full_config(self) -> TrainConfig:
        """Its settings, with the epochs that were added to it."""
        return self.config if self.epochs == self.config.epochs else replace(self.config, epochs=self.epochs)

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


@dataclass(frozen=True)
class DamagedRun:
    """A run whose settings are lost, so that nothing can be done with it.

    Attributes:
        id: its folder's name.
        problem: in a sentence, which file is damaged, why, and what to do.
    """

    id: str
    problem: str


@dataclass
class Status:
    """The content of status.json; the attributes are those of `RunRecord`.

    Attributes:
        pid: the process that wrote it.
        is_queued: whether nothing but the queue knows of it, so that it is live although no process has claimed it.
    """

    state: State
    epoch: Annotated[int, Meta(ge=0, le=MAX_EPOCHS)]
    test_accuracy: Annotated[float, Meta(ge=0, le=1)] | None
    message: str
    epochs: Annotated[int, Meta(ge=1, le=MAX_EPOCHS)] | None = None
    best_epoch: Annotated[int, Meta(ge=1, le=MAX_EPOCHS)] | None = None
    pid: int = field(default_factory=os.getpid)
    is_queued: bool = False


@dataclass(frozen=True)
class _About:
    """The content of config.json."""

    name: str
    config: dict[str, Any]
    created_at: datetime
    owner: Annotated[str, Meta(max_length=64)] = ""
    owner_name: Annotated[str, Meta(max_length=200)] = ""

    def __post_init__(self) -> None:
        if self.created_at.year not in YEARS:
            raise ValueError(f"the year {self.created_at.year}")


def load_run(run_id: str) -> RunRecord:
    """The run with this id. If its status is lost, it is rebuilt from checkpoints and events, and `damage` says so.

    Raises:
        RunError: if there is no such run, or its settings are damaged.
    """
    return _load(run_folder(run_id), _read_status)


def load_folder(folder: Path) -> RunRecord:
    """The run in a folder that is not among the runs, such as one that is being imported; its id is the folder's name.

    Raises:
        RunError: if its settings are damaged.
    """
    return _load(folder, _read_status)


def load_claimed_run(run_id: str) -> RunRecord:
    """The run that this process has claimed although nobody trains it: a live one that is not in the queue was interrupted.

    Raises:
        RunError: as `load_run` does.
    """
    return _load(run_folder(run_id), _read_abandoned_status)


def _load(folder: Path, read_its_status: Callable[[Path], Status]) -> RunRecord:
    run_id = STARTER_ID if folder == STARTER_FOLDER else folder.name
    try:
        about = _read(_About, folder / "config.json")
        config = TrainConfig.from_json(about.config)
    except Exception as error:  # a setting can be anything that JSON can express
        raise RunError(_tell_damage(run_id, folder, error)) from error
    damage = ""
    try:
        status = read_its_status(folder)
    except RecordError as error:
        status = _rebuild_status(folder, config)
        damage = f"status.json cannot be read ({_shorten(error)}). This was rebuilt from its checkpoints and events."
    created_at = about.created_at if about.created_at.tzinfo is not None else about.created_at.replace(tzinfo=UTC)
    return RunRecord(
        id=run_id,
        name=clean_name(about.name) or run_id,
        folder=folder,
        config=config,
        created_at=created_at,
        state=status.state,
        epoch=status.epoch,
        epochs=status.epochs or config.epochs,
        best_epoch=status.best_epoch,
        test_accuracy=status.test_accuracy,
        message=visible_line(status.message)[:_MAX_MESSAGE],
        has_weights=newest_weights(folder) is not None,
        has_checkpoint=os.path.isfile(resume_file(folder)),  # noqa: PTH113  # Path.is_file may raise
        damage=damage,
        owner=about.owner,
        owner_name=visible_line(about.owner_name),
        is_queued=_is_queued(status),
    )


def list_runs() -> list[RunRecord]:
    """All readable runs but the starter, the newest first."""
    return scan_runs()[0]


def scan_runs() -> tuple[list[RunRecord], list[DamagedRun]]:
    """All readable runs but the starter, the newest first, and those whose settings are lost.

    Records are remembered as long as nothing has changed: of 1,000 runs, listing them again takes some 7 ms instead of 140.
    """
    found, damaged = [], []
    root, run_ids = runs_folder(), list_run_ids()
    for run_id in run_ids:
        try:
            found.append(_REMEMBERED.read(str(root), run_id))
        except RunError as error:
            if is_run(root / run_id):  # otherwise it is being created or was deleted
                damaged.append(DamagedRun(run_id, str(error)))
    _REMEMBERED.forget_all_but(run_ids)
    found.sort(key=lambda run: (run.created_at, run.id), reverse=True)
    return found, sorted(damaged, key=lambda run: run.id)


_REMEMBERED = RememberedRuns(load_run)


def read_status(folder: Path) -> Status:
    """The content of status.json; raises RecordError if it is damaged."""
    return _read(Status, folder / "status.json")


def _read_status(folder: Path) -> Status:
    """The status as it is now; raises RecordError if it is damaged.

    A status that says that the run is live is true while a process has claimed the run. The last status is written before the claim is
    given up, so it is read again after a claim was not found. A run in the queue is live without any process.
    """
    status = read_status(folder)
    for _ in range(_REREADS):
        if status.state not in LIVE_STATES or _is_queued(status) or is_claimed(folder):
            return status
        before, status = status, read_status(folder)
        if status == before:
            break
    return _as_interrupted(status)


def _read_abandoned_status(folder: Path) -> Status:
    status = read_status(folder)
    return status if _is_queued(status) else _as_interrupted(status)


def _is_queued(status: Status) -> bool:
    return status.is_queued and status.state == "waiting"


def _as_interrupted(status: Status) -> Status:
    return replace(status, state="interrupted") if status.state in LIVE_STATES else status


def _rebuild_status(folder: Path, config: TrainConfig) -> Status:
    known = recovery.recover(folder, config)
    state: State = "training" if is_claimed(folder) else known.ended or "interrupted"
    return Status(state, known.epoch, known.test_accuracy, known.message, known.epochs, known.best_epoch)


def _read(kind: type[Record], file: Path) -> Record:
    """The record in a JSON file; raises RecordError if there is none, or the file cannot be read."""
    try:
        return from_fields(kind, parse_json(read_whole(file)))
    except OSError as error:
        raise RecordError(f"{error.strerror or error}.") from error


def _tell_damage(run_id: str, folder: Path, error: Exception) -> str:
    advice = f"Restore that file from a backup or delete the folder {folder}."
    return f'The run "{run_id}" is damaged: config.json cannot be read ({_shorten(error)}). {advice}'


def _shorten(error: Exception) -> str:
    """What an error says, as part of a sentence."""
    return str(error)[:_MAX_REASON].rstrip(".")
