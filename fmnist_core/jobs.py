"""Starting, queueing and stopping training processes."""

import contextlib
import functools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from fmnist_core import runs
from fmnist_core.config import TrainConfig
from fmnist_core.runs import RunRecord, RunWriter, State

if TYPE_CHECKING:  # a process that waits for its turn has not imported PyTorch
    from fmnist_core.data import Split
    from fmnist_core.training import Event

LOG_NAME = "trainer.log"
AWAIT_RUN = "-"  # in place of a run's id: it comes as a line on standard input
_POLL_S = 0.2


def training_slots() -> int:
    """How many runs train at once: the environment variable FMNIST_SLOTS, or one for every two cores."""
    chosen = os.environ.get("FMNIST_SLOTS", "").strip()
    return max(1, int(chosen)) if chosen.isdigit() else max(1, (os.cpu_count() or 1) // 2)


def threads_per_run() -> int:
    """Threads of one training process, so that all slots together fill the machine."""
    return max(1, (os.cpu_count() or 1) // training_slots())


def start(config: TrainConfig, name: str = "") -> str:
    """Starts a training process of its own and returns the id of its run at once.

    The process is the command a person can type, `python -m fmnist_core train`; it outlives the one that started it.

    Raises:
        RunError: if the run's folder cannot be made.
    """
    run_id = runs.create_run(config, name)
    process = _take_spare()
    if process is not None and process.stdin is not None:
        with contextlib.suppress(OSError), process.stdin:  # one that died just now is reported by `_watch`
            process.stdin.write(f"{run_id}\n".encode())
    else:
        with (runs.run_folder(run_id) / LOG_NAME).open("wb") as log:
            process = _launch(run_id, stdin=subprocess.DEVNULL, stderr=log)
    threading.Thread(target=_watch, args=(process, run_id), daemon=True).start()
    return run_id


def keep_spare() -> None:
    """Sees to it that a process waits that has imported PyTorch and read the data, so that the next run starts at once.

    The first step came 2.7 s after a cold start, and 0.07 s after it with a spare (two cores, otherwise idle).
    The spare ends when this process does.
    """
    global _spare
    with _spare_lock:
        if _spare is None or _spare.process.poll() is not None or _spare.settings != _environment_settings():
            _discard(_spare)
            _spare = _Spare(_launch(AWAIT_RUN, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL), _environment_settings())


def stop(run_id: str) -> None:
    """Asks a run to stop; what it learned is kept. Raises RunError if there is no such run."""
    runs.request_stop(run_id)


def runs_ahead(run: RunRecord) -> int:
    """How many live runs were created before this one; it trains once fewer than `training_slots()` are."""
    return sum(other.is_live and (other.created_at, other.id) < (run.created_at, run.id) for other in runs.list_runs())


def wait_for_turn(run_id: str) -> bool:
    """Blocks until the run may train; False if it was asked to stop before that."""
    folder = runs.run_folder(run_id)
    while not (folder / "stop").exists():
        if runs_ahead(runs.load_run(run_id)) < training_slots():
            return True
        time.sleep(_POLL_S)
    return False


def preload() -> None:
    """Imports and reads what a training run needs; data that cannot be read is reported by the run itself."""
    import torch

    from fmnist_core.data import DataError

    torch.optim.Adam([torch.zeros(1)])  # the first optimizer of a process imports another second's worth of PyTorch
    with contextlib.suppress(DataError, OSError):
        _load_splits()


def carry_out(run_id: str, listen: Callable[["Event"], None]) -> State:
    """Trains the run in this process: waits for its turn, writes every event, keeps and evaluates the weights.

    Args:
        listen: called with each event after it is written.
    Returns:
        How the run ended: "finished", "stopped" or "diverged".
    Raises:
        DataError, OSError: if the data cannot be read or the run not be written; the run says "failed" and why.
    """
    writer = RunWriter(run_id)
    try:
        if not wait_for_turn(run_id):
            writer.end("stopped", "It was stopped before its turn came.")
            return "stopped"
        return _train_into(writer, listen)
    except Exception as error:
        writer.end("failed", str(error) or type(error).__name__)
        raise


def _train_into(writer: RunWriter, listen: Callable[["Event"], None]) -> State:
    import torch

    from fmnist_core.evaluation import evaluate
    from fmnist_core.training import Diverged, Finished, train

    torch.set_num_threads(threads_per_run())
    train_split, test_split = _load_splits()
    state: State = "stopped"
    message = ""
    with contextlib.closing(train(runs.load_run(writer.run_id).config, train_split, test_split)) as events:
        for event in events:
            writer.write_event(event)
            listen(event)
            if isinstance(event, Finished):
                state = "finished"
            elif isinstance(event, Diverged):
                state, message = "diverged", event.message
            elif writer.stop_requested:
                writer.keep_unfinished_epoch()
                break
    run = runs.load_run(writer.run_id)
    if run.has_weights:
        writer.write_evaluation(evaluate(runs.load_model(run), test_split))
    writer.end(state, message)
    return state


@functools.lru_cache(maxsize=1)
def _load_splits() -> tuple["Split", "Split"]:
    from fmnist_core.data import load_split

    return load_split("train"), load_split("test")


# Processes


@dataclass(frozen=True)
class _Spare:
    process: "subprocess.Popen[bytes]"
    settings: tuple[str | None, ...]


_spare: _Spare | None = None
_spare_lock = threading.Lock()


def _take_spare() -> "subprocess.Popen[bytes] | None":
    """The waiting process, if there is one that is alive and reads and writes where this process does."""
    global _spare
    with _spare_lock:
        taken, _spare = _spare, None
    if taken is not None and taken.process.poll() is None and taken.settings == _environment_settings():
        return taken.process
    _discard(taken)
    return None


def _discard(spare: _Spare | None) -> None:
    if spare is not None and spare.process.stdin is not None:
        spare.process.kill()
        spare.process.stdin.close()
        spare.process.wait()


def _environment_settings() -> tuple[str | None, ...]:
    return tuple(os.environ.get(name) for name in ("FMNIST_HOME", "FMNIST_DATA", "FMNIST_SLOTS"))


def _launch(run_id: str, stdin: int, stderr: "int | BinaryIO") -> "subprocess.Popen[bytes]":
    """The command line's `train` on a run that exists; not ended by a Ctrl-C meant for this process."""
    command = [sys.executable, "-m", "fmnist_core", "train", "--continue-run", run_id]
    # Threads that wait without spinning: with another busy process on two cores an epoch's steps took 5.8 s against 9.9 s,
    # and 4.4 s of processor time against 6.7 s (12,000 images, means of two); alone they took 2.9 s against 2.6 s.
    environment = {"OMP_WAIT_POLICY": "PASSIVE"} | os.environ
    environment["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        detached = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return subprocess.Popen(command, env=environment, stdin=stdin, stdout=subprocess.DEVNULL, stderr=stderr, **detached)


def _watch(process: "subprocess.Popen[bytes]", run_id: str) -> None:
    """Waits for the process, so that no zombie stays, and speaks for one that died before it claimed its run."""
    code = process.wait()
    try:
        if runs.load_run(run_id).state == "waiting":
            log = runs.run_folder(run_id) / LOG_NAME
            lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
            runs.mark_failed(run_id, lines[-1] if lines else f"The training process ended with code {code} before it began.")
    except (runs.RunError, OSError):
        return
