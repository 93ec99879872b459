"""Starting, queueing and stopping training processes."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fmnist_core import runs
from fmnist_core.config import TrainConfig
from fmnist_core.runs import RunRecord, RunWriter, State

if TYPE_CHECKING:  # a process that waits for its turn has not imported PyTorch
    from fmnist_core.training import Event

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
    command = [sys.executable, "-m", "fmnist_core", "train", "--continue-run", run_id]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent.parent), os.environ.get("PYTHONPATH", "")])}
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        detached = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    with (runs.run_folder(run_id) / "trainer.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log, **detached)
    threading.Thread(target=_watch, args=(process, run_id), daemon=True).start()
    return run_id


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

    from fmnist_core.data import load_split
    from fmnist_core.evaluation import evaluate
    from fmnist_core.training import Diverged, Finished, train

    torch.set_num_threads(threads_per_run())
    train_split, test_split = load_split("train"), load_split("test")
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


def _watch(process: "subprocess.Popen[bytes]", run_id: str) -> None:
    """Waits for the process, so that no zombie stays, and speaks for one that died before it claimed its run."""
    code = process.wait()
    try:
        if runs.load_run(run_id).state == "waiting":
            log = (runs.run_folder(run_id) / "trainer.log").read_text(encoding="utf-8", errors="replace").strip()
            runs.mark_failed(run_id, log.splitlines()[-1] if log else f"The training process ended with code {code}.")
    except (runs.RunError, OSError):
        return
