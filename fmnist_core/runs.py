"""A run is a folder; reading and writing it is here and nowhere else.

    <FMNIST_HOME>/runs/<id>/
        config.json         name, settings, when it was created
        status.json         state, the trainer's process, how far it is; replaced whole
        events.jsonl        one event a line, only ever appended to
        checkpoints/        epoch-003.safetensors after every epoch, last.safetensors where it was stopped
        evaluation.json     accuracy, confusion matrix and figures per class of the newest weights
        stop                somebody asks the trainer to stop
        trainer.log         what the trainer wrote to its standard error

One process, the trainer, writes; any number read. Every file but the log is written beside its place and renamed,
or appended line by line, so that a reader never sees half a fact.
"""

import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import psutil

from fmnist_core.config import TrainConfig

if TYPE_CHECKING:  # PyTorch takes a second to import, and listing runs needs none of it
    from fmnist_core.evaluation import Evaluation
    from fmnist_core.model import FashionCNN
    from fmnist_core.training import Event, Weights

STARTER_ID = "starter"
STARTER_FOLDER = Path(__file__).parent / "starter"
MAX_NAME_LENGTH = 60
_ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")

State = Literal["waiting", "training", "finished", "stopped", "diverged", "failed", "interrupted"]
LIVE_STATES: tuple[State, ...] = ("waiting", "training")


class RunError(ValueError):
    """A run cannot be used; the message is one sentence for the person who asked for it."""


@dataclass(frozen=True)
class RunRecord:
    """What is known of a run at one moment, from its two small files.

    Attributes:
        id: its folder's name; "starter" is the model shipped with the project.
        name: what its owner calls it; any text up to 60 characters.
        config: its settings.
        created_at: UTC.
        state: "interrupted" means that its trainer died without a word.
        epoch: epochs finished and tested.
        test_accuracy: of the newest weights, 0 to 1; None before there are any.
        message: why it diverged or failed, in a sentence; else "".
        has_weights: whether it can be evaluated and used.
    """

    id: str
    name: str
    folder: Path
    config: TrainConfig
    created_at: datetime
    state: State
    epoch: int
    test_accuracy: float | None
    message: str
    has_weights: bool

    @property
    def is_live(self) -> bool:
        return self.state in LIVE_STATES

    @property
    def is_starter(self) -> bool:
        return self.id == STARTER_ID


def home_folder() -> Path:
    """Where runs are kept: the environment variable FMNIST_HOME, or `.fmnist-dashboard` in the user's own folder."""
    chosen = os.environ.get("FMNIST_HOME", "").strip()
    return Path(chosen).expanduser() if chosen else Path.home() / ".fmnist-dashboard"


def runs_folder() -> Path:
    """The folder that holds one folder a run."""
    return home_folder() / "runs"


# Reading


def run_folder(run_id: str) -> Path:
    """The folder of a run.

    Raises:
        RunError: if the id could not be one (it never becomes a path then) or there is no such run.
    """
    if not _ID_PATTERN.fullmatch(run_id):
        raise RunError(f"{run_id[:80]!r} is not the id of a run: ids are lower-case letters, digits and hyphens.")
    folder = STARTER_FOLDER if run_id == STARTER_ID else runs_folder() / run_id
    if not (folder / "config.json").is_file():
        raise RunError(f'There is no run "{run_id}": `python -m fmnist_core runs` lists those there are.')
    return folder


def load_run(run_id: str) -> RunRecord:
    """The run of this id; raises RunError if there is none or its files are damaged."""
    folder = run_folder(run_id)
    damaged = f'The run "{run_id}" is damaged: {{file}} cannot be read. Delete its folder {folder} or choose another run.'
    about = _read_json(folder / "config.json")
    status = _read_json(folder / "status.json")
    try:
        config = TrainConfig.from_json(about["config"])
        created_at = datetime.fromisoformat(about["created_at"])
        name = str(about["name"])
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(damaged.format(file="config.json")) from error
    try:
        state: State = status["state"]
        if state in LIVE_STATES and not _is_alive(status["process"]):
            state = "interrupted"
        accuracy = status["test_accuracy"]
        return RunRecord(
            id=run_id,
            name=name,
            folder=folder,
            config=config,
            created_at=created_at,
            state=state,
            epoch=int(status["epoch"]),
            test_accuracy=None if accuracy is None else float(accuracy),
            message=str(status["message"]),
            has_weights=_newest_checkpoint(folder) is not None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(damaged.format(file="status.json")) from error


def list_runs() -> list[RunRecord]:
    """All readable runs of this home, the newest first; the starter is not among them."""
    try:
        ids = [folder.name for folder in runs_folder().iterdir() if _ID_PATTERN.fullmatch(folder.name)]
    except OSError:
        return []
    found = []
    for run_id in ids:
        try:
            found.append(load_run(run_id))
        except RunError:
            continue
    return sorted(found, key=lambda run: (run.created_at, run.id), reverse=True)


def read_events(run: RunRecord, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
    """Events appended since `offset` and the offset for the next call; an unfinished line waits for its end.

    Returns:
        Each event as the dictionary of its fields with "type" ("StepDone", …) and without weights.
    """
    try:
        with (run.folder / "events.jsonl").open("rb") as file:
            file.seek(offset)
            new = file.read()
    except FileNotFoundError:
        return [], 0
    whole = new[: new.rfind(b"\n") + 1]
    return [json.loads(line) for line in whole.splitlines()], offset + len(whole)


def load_model(run: RunRecord, epoch: int | None = None) -> "FashionCNN":
    """The run's network in evaluation mode, on the CPU.

    Args:
        epoch: the weights after this epoch; default the newest there are.
    Raises:
        RunError: if there are no such weights or the file does not hold this network's.
    """
    import safetensors
    import safetensors.torch

    from fmnist_core.model import FashionCNN

    file = _newest_checkpoint(run.folder) if epoch is None else run.folder / "checkpoints" / f"epoch-{epoch:03d}.safetensors"
    if file is None or not file.is_file():
        wanted = "weights yet" if epoch is None else f"weights of epoch {epoch}"
        raise RunError(f'The run "{run.id}" has no {wanted}: wait for its first epoch or choose another run.')
    model = FashionCNN()
    try:
        model.load_state_dict(safetensors.torch.load(file.read_bytes()))
    except (safetensors.SafetensorError, RuntimeError, OSError) as error:
        raise RunError(f"{file} does not hold this network's weights: choose another run.") from error
    return model.eval()


def weights_stamp(run: RunRecord) -> tuple[str, int]:
    """Changes whenever the run's newest weights do: a key for caches."""
    file = _newest_checkpoint(run.folder)
    return (run.id, file.stat().st_mtime_ns if file else 0)


# Writing


def create_run(config: TrainConfig, name: str = "") -> str:
    """Makes the folder of a new run in the state "waiting", owned by this process, and returns its id.

    Raises:
        RunError: if the folder cannot be written; the sentence says which.
    """
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    name = clean_name(name) or f"Run {1 + len(list_runs())}"
    about = {"name": name, "config": config.to_json(), "created_at": now.isoformat()}
    draft = runs_folder() / f".{run_id}.new"
    try:
        (draft / "checkpoints").mkdir(parents=True)
        _write_json(draft / "config.json", about)
        _write_json(draft / "status.json", _Status("waiting").to_json())
        draft.rename(runs_folder() / run_id)
    except OSError as error:
        raise RunError(f"Nothing can be written to {runs_folder()} ({error.strerror}): set FMNIST_HOME to a folder of yours.") from error
    return run_id


def clean_name(name: str) -> str:
    """A run's name on one line, without control characters, cut to 60 characters."""
    printable = "".join(c if c.isprintable() else " " for c in name)
    return " ".join(printable.split())[:MAX_NAME_LENGTH]


def request_stop(run_id: str) -> None:
    """Asks the trainer to stop; it does within about 0.3 s and keeps what it learned."""
    (run_folder(run_id) / "stop").touch()


def mark_failed(run_id: str, message: str) -> None:
    """Says why a run failed whose trainer never came to speak; a run that already ended stays as it is."""
    run = load_run(run_id)
    if run.state in (*LIVE_STATES, "interrupted"):
        _write_json(run.folder / "status.json", _Status("failed", run.epoch, run.test_accuracy, message).to_json())


def delete_stale_drafts() -> None:
    """Removes what `create_run` left half-made more than an hour ago."""
    import shutil

    for draft in runs_folder().glob(".*.new"):
        if time.time() - draft.stat().st_mtime > 3600:
            shutil.rmtree(draft, ignore_errors=True)


@dataclass
class _Status:
    state: State
    epoch: int = 0
    test_accuracy: float | None = None
    message: str = ""
    process: dict[str, float] = field(default_factory=lambda: _this_process())

    def to_json(self) -> dict[str, Any]:
        return self.__dict__


class RunWriter:
    """The trainer's pen: the only one that writes to a run once it exists. Claims the run for this process."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.folder = run_folder(run_id)
        self._status = _Status("waiting")
        self._newest_weights: Weights | None = None
        self._save_status()

    @property
    def stop_requested(self) -> bool:
        return (self.folder / "stop").exists()

    def write_event(self, event: "Event") -> None:
        """Appends the event, and what follows from it: status, and weights after an epoch."""
        fields = {"type": type(event).__name__} | {k: v for k, v in vars(event).items() if k != "weights"}
        with (self.folder / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(fields) + "\n")
        weights = getattr(event, "weights", None)
        match fields["type"]:
            case "Started":
                self._change_status(state="training")
            case "StepDone":
                self._newest_weights = weights
            case "EpochDone":
                assert weights is not None
                self._write_weights(weights, f"epoch-{fields['epoch']:03d}")
                self._newest_weights = None
                self._change_status(epoch=fields["epoch"], test_accuracy=fields["test_accuracy"])

    def keep_unfinished_epoch(self) -> bool:
        """Saves the weights of an epoch cut short as `last.safetensors`; False if the newest are saved already."""
        if self._newest_weights is None:
            return False
        self._write_weights(self._newest_weights, "last")
        return True

    def write_evaluation(self, evaluation: "Evaluation") -> None:
        """Writes the figures of the newest weights and takes over their accuracy."""
        _write_json(self.folder / "evaluation.json", evaluation.to_json())
        self._change_status(test_accuracy=evaluation.accuracy)

    def end(self, state: State, message: str = "") -> None:
        """The last word."""
        self._change_status(state=state, message=message)

    def _change_status(self, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(self._status, name, value)
        self._save_status()

    def _save_status(self) -> None:
        _write_json(self.folder / "status.json", self._status.to_json())

    def _write_weights(self, weights: "Weights", stem: str) -> None:
        import safetensors.numpy

        _write_whole(self.folder / "checkpoints" / f"{stem}.safetensors", safetensors.numpy.save(dict(weights)))


# Files and processes


def _newest_checkpoint(folder: Path) -> Path | None:
    """`last` where a run was stopped within an epoch, else the highest epoch."""
    last = folder / "checkpoints" / "last.safetensors"
    if last.is_file():
        return last
    return max((folder / "checkpoints").glob("epoch-*.safetensors"), default=None)


def _read_json(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _write_json(file: Path, content: Any) -> None:
    _write_whole(file, (json.dumps(content, indent=1) + "\n").encode())


def _write_whole(file: Path, content: bytes) -> None:
    """Writes beside the place and renames, so that a reader finds the old file or the new one."""
    beside = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    beside.write_bytes(content)
    for seconds in _waits():
        try:
            beside.replace(file)
            return
        except PermissionError:  # Windows, while a reader has the file open
            time.sleep(seconds)
    beside.replace(file)


def _waits() -> Iterator[float]:
    yield from (0.01, 0.02, 0.05, 0.1, 0.2)


def _this_process() -> dict[str, float]:
    process = psutil.Process()
    return {"pid": process.pid, "create_time": process.create_time()}


def _is_alive(process: dict[str, float]) -> bool:
    """Whether that very process runs: pids come again, but not with the same time of creation."""
    try:
        found = psutil.Process(int(process["pid"]))
        return abs(found.create_time() - process["create_time"]) < 1 and found.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
