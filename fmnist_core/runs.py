"""A run is a folder; reading and writing it is here and nowhere else.

    <FMNIST_HOME>/runs/<id>/
        config.json         name, settings, when it was created
        status.json         state, the trainer's process, how far it is; replaced whole
        events.jsonl        one event a line, only ever appended to
        live.json           the first layer's kernels as they are now
        commands.jsonl      what pages ask of the trainer, a line each
        checkpoints/        epoch-003.safetensors after every epoch, last.safetensors where it was stopped within one,
                            resume.safetensors with all that is needed to go on
        evaluation.json     accuracy, confusion matrix and figures per class of the weights in use
        claim-1.json        the process that trains it now
        reserve             room for a last word on a full disk
        trainer.log         what the trainer wrote to its standard error

One process, the trainer, writes; any number read, and ask by appending a command. Every file but the log is written beside
its place and renamed, or appended line by line, so that a reader never sees half a fact.
"""

import contextlib
import json
import os
import re
import secrets
import shutil
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from fmnist_core.config import TrainConfig
from fmnist_core.files import create_once, drop_unfinished_line, is_alive, read_json, this_process, write_json, write_whole

if TYPE_CHECKING:  # PyTorch takes a second to import, and listing runs needs none of it
    import numpy as np
    from numpy.typing import NDArray

    from fmnist_core.evaluation import Evaluation
    from fmnist_core.events import Checkpoint, EpochDone, Event, Weights
    from fmnist_core.network.model import FashionCNN

STARTER_ID = "starter"
STARTER_FOLDER = Path(__file__).parent / "starter"
MAX_NAME_LENGTH = 60
_ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")

_CHECKPOINT_EVERY_S = 30.0  # within an epoch; one took 1.3 ms, and longer on a slow disk
_RESERVE_BYTES = 64 * 1024

State = Literal["waiting", "training", "paused", "finished", "stopped", "diverged", "failed", "interrupted"]
LIVE_STATES: tuple[State, ...] = ("waiting", "training", "paused")
_RESUMABLE_STATES: tuple[State, ...] = ("stopped", "failed", "interrupted")


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
        epochs: how many it is to do in all; more than in its settings where some were added.
        best_epoch: the one whose weights are used, chosen by validation images; None where the newest are.
        test_accuracy: of the weights in use, 0 to 1; None before there are any.
        message: why it diverged, failed or stopped, in a sentence; else "".
        has_weights: whether it can be evaluated and used.
        has_checkpoint: whether all is there that is needed to train on.
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
        """Whether it ended before its last epoch and can go on from where it was, or begin if it has not come to its first."""
        return self.state in _RESUMABLE_STATES and (self.has_checkpoint or self.epoch == 0)

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
    about = read_json(folder / "config.json")
    status = read_json(folder / "status.json")
    try:
        config = TrainConfig.from_json(about["config"])
        created_at = datetime.fromisoformat(about["created_at"])
        name = str(about["name"])
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(damaged.format(file="config.json")) from error
    try:
        state: State = status["state"]
        if state in LIVE_STATES and not is_alive(status["process"]):
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
            epochs=int(status.get("epochs") or config.epochs),
            best_epoch=None if status.get("best_epoch") is None else int(status["best_epoch"]),
            test_accuracy=None if accuracy is None else float(accuracy),
            message=str(status["message"]),
            has_weights=_newest_weights(folder) is not None,
            has_checkpoint=_resume_file(folder).is_file(),
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


def load_model(run: RunRecord, epoch: int | Literal["last"] | None = None) -> "FashionCNN":
    """The run's network in evaluation mode, on the CPU.

    Args:
        epoch: the weights after this epoch, or the "last" there are; default those in use: of the best epoch, else the last.
    Raises:
        RunError: if there are no such weights or the file does not hold this network's.
    """
    import safetensors
    import safetensors.torch

    from fmnist_core.network.model import FashionCNN

    file = _weights_in_use(run) if epoch is None else _newest_weights(run.folder) if epoch == "last" else _epoch_file(run.folder, epoch)
    if file is None or not file.is_file():
        wanted = f"weights of epoch {epoch}" if isinstance(epoch, int) else "weights yet"
        raise RunError(f'The run "{run.id}" has no {wanted}: wait for its first epoch or choose another run.')
    model = FashionCNN(pixels=run.config.pixels)
    try:
        model.load_state_dict(safetensors.torch.load(file.read_bytes()))
    except (safetensors.SafetensorError, RuntimeError, OSError) as error:
        raise RunError(f"{file} does not hold this network's weights: choose another run.") from error
    return model.eval()


def weights_stamp(run: RunRecord) -> tuple[str, int]:
    """Changes whenever the weights in use do: a key for caches."""
    file = _weights_in_use(run)
    return (run.id, file.stat().st_mtime_ns if file is not None and file.is_file() else 0)


def load_checkpoint(run: RunRecord) -> "Checkpoint | None":
    """All that the run needs to go on; None where it has not come to its first step.

    Raises:
        RunError: if the file does not hold that.
    """
    from safetensors import SafetensorError, safe_open

    from fmnist_core.events import Checkpoint

    file = _resume_file(run.folder)
    if not file.is_file():
        return None
    try:
        with safe_open(str(file), framework="np") as opened:
            facts = json.loads((opened.metadata() or {})["facts"])
            return Checkpoint({name: opened.get_tensor(name) for name in opened.keys()}, facts)  # noqa: SIM118  # no mapping
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise RunError(f"{file} is damaged: nothing can go on from it. Start a new run.") from error


def load_live_kernels(run: RunRecord) -> "NDArray[np.float32] | None":
    """(16, 5, 5) weights of the first layer at the newest report; None before there is one."""
    import numpy as np

    kernels = read_json(run.folder / "live.json").get("kernels")
    try:
        return None if kernels is None else np.asarray(kernels, np.float32).reshape(-1, 5, 5)
    except ValueError:
        return None


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
    _delete_stale_drafts()
    try:
        (draft / "checkpoints").mkdir(parents=True)
        write_json(draft / "config.json", about)
        write_json(draft / "status.json", vars(_Status("waiting")))
        _reserve_room(draft)
        draft.rename(runs_folder() / run_id)
    except OSError as error:
        raise RunError(f"Nothing can be written to {runs_folder()} ({error.strerror}): set FMNIST_HOME to a folder of yours.") from error
    return run_id


def _delete_stale_drafts() -> None:
    """Removes what a `create_run` that was killed left half-made more than an hour ago."""
    for draft in runs_folder().glob(".*.new"):
        with contextlib.suppress(OSError):  # another process was quicker
            if time.time() - draft.stat().st_mtime > 3600:
                shutil.rmtree(draft)


def clean_name(name: str) -> str:
    """A run's name on one line, without control characters, cut to 60 characters."""
    printable = "".join(c if c.isprintable() else " " for c in name)
    return " ".join(printable.split())[:MAX_NAME_LENGTH]


def send_command(run_id: str, command: str, **details: Any) -> None:
    """Asks the trainer for something; it looks every 0.3 s, while paused more often.

    Raises:
        RunError: if there is no such run or its folder cannot be written.
    """
    file = run_folder(run_id) / "commands.jsonl"
    try:
        with file.open("ab") as appended:  # one write at the end of the file: lines of two pages never mix
            appended.write((json.dumps({"command": command} | details) + "\n").encode())
    except OSError as error:
        raise RunError(f"Nothing can be written to {file.parent} ({error.strerror}), so the run cannot be told.") from error


def read_commands(folder: Path) -> list[dict[str, Any]]:
    """Every command since the run began, the oldest first."""
    try:
        lines = (folder / "commands.jsonl").read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    return [_parse_command(line) for line in lines]


def _parse_command(line: bytes) -> dict[str, Any]:
    try:
        command = json.loads(line)
    except ValueError:  # a disk that was full in the middle of it
        return {}
    return command if isinstance(command, dict) else {}


def prepare_resume(run_id: str, more_epochs: int = 0) -> None:
    """Puts an ended run back in the state "waiting", owned by this process, to be trained on from its checkpoint.

    Raises:
        RunError: if it is live, has no checkpoint, or cannot be written.
    """
    run = load_run(run_id)
    if run.is_live:
        raise RunError("This run is already going on.")
    if run.state == "finished" and run.has_checkpoint and more_epochs == 0:
        raise RunError("This run has done all its epochs: give it some more.")
    if run.is_starter or not (run.is_resumable or (run.state == "finished" and run.has_checkpoint)):
        raise RunError("There is nothing this run could go on from: start a new one.")
    send_command(run_id, "resume", more_epochs=more_epochs)
    status = _Status("waiting", run.epoch, run.epochs + more_epochs, run.best_epoch, run.test_accuracy)
    try:
        write_json(run.folder / "status.json", vars(status))
    except OSError as error:
        raise RunError(f"Nothing can be written to {run.folder} ({error.strerror}): free some space and try again.") from error


def mark_ended(run_id: str, state: State, message: str) -> None:
    """Says how a run ended whose trainer could not; one that already ended stays as it is."""
    run = load_run(run_id)
    if run.state in (*LIVE_STATES, "interrupted"):
        write_json(run.folder / "status.json", vars(_Status(state, run.epoch, run.epochs, run.best_epoch, run.test_accuracy, message)))


@dataclass
class _Status:
    state: State
    epoch: int = 0
    epochs: int | None = None
    best_epoch: int | None = None
    test_accuracy: float | None = None
    message: str = ""
    process: dict[str, float] = field(default_factory=this_process)


class RunWriter:
    """The trainer's pen: the only one that writes to a run once it exists. Claims the run for this process.

    Raises:
        RunError: if another process trains it.
    """

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.folder = run_folder(run_id)
        run = load_run(run_id)
        self._claim = self._take_claim()
        self._status = _Status("waiting", run.epoch, run.epochs, run.best_epoch, run.test_accuracy)
        self._newest: Checkpoint | None = None
        self._is_saved = True
        self._views = run.config.test_views
        self.is_evaluated = False  # whether evaluation.json is known to be that of the weights in use
        self._saved_s = -_CHECKPOINT_EVERY_S
        commands = read_commands(self.folder)
        self._commands_done = max((i + 1 for i, command in enumerate(commands) if command.get("command") == "resume"), default=0)
        if run.has_checkpoint:
            drop_unfinished_line(self.folder / "events.jsonl")
        else:  # it begins anew
            (self.folder / "events.jsonl").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            _reserve_room(self.folder)
        self._save_status()

    @property
    def epochs(self) -> int:
        """How many epochs the run is to do in all."""
        assert self._status.epochs is not None
        return self._status.epochs

    def take_commands(self) -> list[dict[str, Any]]:
        """The commands that came since the last call."""
        commands = read_commands(self.folder)
        new, self._commands_done = commands[self._commands_done :], len(commands)
        return new

    def write_event(self, event: "Event") -> None:
        """Appends the event, and what follows from it: status, kernels, weights after an epoch, and now and then a checkpoint."""
        from fmnist_core.events import EpochDone, RateChanged, Resumed, Started, StepDone

        with (self.folder / "events.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps(event_fields(event)) + "\n")
        if isinstance(event, StepDone | EpochDone | RateChanged):
            self._newest, self._is_saved = event.checkpoint, False
        match event:
            case Started() | Resumed():
                self.change_state("training")
            case StepDone():
                kernels = event.weights["layer1.0.weight"].astype(float).round(4).tolist()
                write_json(self.folder / "live.json", {"step": event.step, "kernels": kernels})
                if time.monotonic() - self._saved_s >= _CHECKPOINT_EVERY_S:
                    self.save_checkpoint()
            case RateChanged():
                self.save_checkpoint()
            case EpochDone():
                self._write_weights(event.weights, _epoch_file(self.folder, event.epoch))
                _last_file(self.folder).unlink(missing_ok=True)
                self.save_checkpoint()
                self._status.epoch = event.epoch
                if event.is_best or event.validation_accuracy is None:
                    self._use_weights_of(event)
                self._save_status()

    def _use_weights_of(self, event: "EpochDone") -> None:
        self._status.test_accuracy = event.test_accuracy
        self._status.best_epoch = event.epoch if event.is_best else None
        self.is_evaluated = self._views == "one"
        if self.is_evaluated:
            write_json(self.folder / "evaluation.json", event.evaluation.to_json())

    def save_checkpoint(self) -> None:
        """Writes the newest checkpoint, from which the run can go on; the old one stays until the new one is whole."""
        if self._newest is None or self._is_saved:
            return
        import safetensors.numpy

        with (self.folder / "events.jsonl").open("ab") as events:
            os.fsync(events.fileno())  # what was reported before it must not be lost where it survives
        content = safetensors.numpy.save(dict(self._newest.tensors), metadata={"facts": json.dumps(dict(self._newest.facts))})
        write_whole(_resume_file(self.folder), content, durable=True)
        self._is_saved, self._saved_s = True, time.monotonic()

    def keep_unfinished_epoch(self) -> bool:
        """Saves where the run stands, and the weights of an epoch cut short; False if these are an epoch's own."""
        self.save_checkpoint()
        if self._newest is None or self._newest.facts["epoch_images"] == 0:
            return False
        self._write_weights(self._newest.weights, _last_file(self.folder))
        self.is_evaluated = self.is_evaluated and self._status.best_epoch is not None
        return True

    def write_evaluation(self, evaluation: "Evaluation") -> None:
        """Writes the figures of the weights in use and takes over their accuracy."""
        write_json(self.folder / "evaluation.json", evaluation.to_json())
        self._status.test_accuracy = evaluation.accuracy
        self._save_status()

    def change_state(self, state: State) -> None:
        """Says what the run is doing now."""
        self._status.state = state
        self._save_status()

    def end(self, state: State, message: str = "") -> None:
        """The last word; the run may be claimed again."""
        (self.folder / "reserve").unlink(missing_ok=True)
        self._claim.unlink(missing_ok=True)  # first: who reads that the run has ended may let it go on at once
        self._status.state, self._status.message = state, message
        self._save_status()

    def fail(self, message: str) -> None:
        """The last word where something went wrong: keeps what can be kept, also on a full disk."""
        with contextlib.suppress(OSError):
            (self.folder / "reserve").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.keep_unfinished_epoch()
        with contextlib.suppress(OSError):
            self.end("failed", message)

    def _take_claim(self) -> Path:
        numbers = [int(file.stem.removeprefix("claim-")) for file in self.folder.glob("claim-*.json")]
        newest = max(numbers, default=0)
        owner = read_json(self.folder / f"claim-{newest}.json")
        if owner.get("pid") == os.getpid():
            return self.folder / f"claim-{newest}.json"
        mine = self.folder / f"claim-{newest + 1}.json"
        if (owner and is_alive(owner)) or not create_once(mine, this_process()):
            raise RunError(f'The run "{self.run_id}" is being trained by another process.')
        return mine

    def _save_status(self) -> None:
        write_json(self.folder / "status.json", vars(self._status))

    def _write_weights(self, weights: "Weights", file: Path) -> None:
        import safetensors.numpy

        write_whole(file, safetensors.numpy.save(dict(weights)), durable=True)


def event_fields(event: "Event") -> dict[str, Any]:
    """An event as JSON has it: its type and fields, probabilities in whole per mille, and no checkpoint."""
    import numpy as np

    fields: dict[str, Any] = {"type": type(event).__name__} | {
        k: v for k, v in vars(event).items() if k not in ("checkpoint", "evaluation")
    }
    if "losses" in fields:
        fields["losses"] = [round(loss, 6) for loss in fields["losses"]]
    if fields["type"] == "StepDone":
        # The step after which the weights are no numbers any more still had a loss that was one.
        fields["probes"] = np.nan_to_num(1000 * fields["probes"]).round().astype(int).tolist()
    return fields


# Files


def _epoch_file(folder: Path, epoch: int) -> Path:
    return folder / "checkpoints" / f"epoch-{epoch:03d}.safetensors"


def _last_file(folder: Path) -> Path:
    return folder / "checkpoints" / "last.safetensors"


def _resume_file(folder: Path) -> Path:
    return folder / "checkpoints" / "resume.safetensors"


def _weights_in_use(run: RunRecord) -> Path | None:
    """Of the best epoch where one was chosen, else the newest."""
    return _newest_weights(run.folder) if run.best_epoch is None else _epoch_file(run.folder, run.best_epoch)


def _newest_weights(folder: Path) -> Path | None:
    """`last` where a run was stopped within an epoch, else the highest epoch."""
    last = _last_file(folder)
    return last if last.is_file() else max((folder / "checkpoints").glob("epoch-*.safetensors"), default=None)


def _reserve_room(folder: Path) -> None:
    """A file to delete when the disk is full, so that the run can still say so."""
    (folder / "reserve").write_bytes(bytes(_RESERVE_BYTES))
