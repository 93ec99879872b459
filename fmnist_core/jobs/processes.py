"""The engine of today: each run is trained by a process on this machine, which writes the run's folder itself."""

import contextlib
import signal
import subprocess
import threading
import time
from dataclasses import dataclass
from typing import BinaryIO

from fmnist_core.jobs.engine import News
from fmnist_core.jobs.launch import launch
from fmnist_core.runs import mailbox
from fmnist_core.runs.claim import is_training_claimed
from fmnist_core.runs.folders import RunError, run_folder
from fmnist_core.runs.record import LIVE_STATES, read_status
from fmnist_core.store.files import open_to_append, read_last_lines
from fmnist_core.store.records import RecordError

LOG_NAME = "trainer.log"
_STARTING_S = 10.0  # how long a process that an earlier dispatcher started may take to claim its run


@dataclass
class _Trainer:
    """A training process: it trains a run, or waits for the next one.

    Attributes:
        was_warm: whether it had been started before it was given the run.
    """

    process: "subprocess.Popen[bytes]"
    was_warm: bool = False

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def take(self, run_id: str) -> bool:
        """Gives it a run; False if it has died."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(f"{run_id}\n".encode())
            self.process.stdin.flush()
        except OSError:
            return False
        return self.is_alive

    def dismiss(self) -> None:
        """Lets it end as soon as it has nothing to train, without waiting for that."""
        with contextlib.suppress(OSError):
            if self.process.stdin is not None:
                self.process.stdin.close()
        threading.Thread(target=self.process.wait, daemon=True).start()  # otherwise it would stay as a zombie


class ProcessEngine:
    """Trains in processes on this machine.

    A process that has trained a run waits for the next one, because starting another takes 2.5 s of processor time. Each ends when
    nobody can give it runs any more, at the latest when this process does, but not before it has trained the run that it has.
    """

    def __init__(self) -> None:
        self._busy: dict[str, _Trainer] = {}
        self._idle: list[_Trainer] = []
        self._created_s = time.monotonic()

    def start(self, run_id: str) -> None:
        """See `Engine.start`."""
        folder = run_folder(run_id)
        if is_training_claimed(folder):
            mailbox.send(folder, "turn")
            return
        self._release(run_id)  # it had ended, and was asked for again before anybody looked
        while self._idle:
            trainer = self._idle.pop()
            trainer.was_warm = True
            if trainer.is_alive and trainer.take(run_id):
                self._busy[run_id] = trainer
                return
            trainer.dismiss()
        with open_to_append(folder / LOG_NAME) as log:
            trainer = _start_trainer(log)
        trainer.take(run_id)
        self._busy[run_id] = trainer

    def send(self, run_id: str, command: mailbox.Name, *, reason: str = "") -> None:
        """See `Engine.send`."""
        with contextlib.suppress(RunError, OSError):
            mailbox.send(run_folder(run_id), command, reason=reason)

    def news(self, run_id: str) -> News:
        """See `Engine.news`."""
        trainer = self._busy.get(run_id)
        was_alive = trainer is not None and trainer.is_alive
        try:
            folder = run_folder(run_id)
            is_claimed = is_training_claimed(folder)
            state = read_status(folder).state
        except RunError:  # it was deleted
            return self._lose(run_id)
        except RecordError:
            state = "training"
        if is_claimed:
            if trainer is not None and not was_alive:  # an earlier dispatcher's process was faster than the one started here
                self._busy.pop(run_id).dismiss()
            return News("starting" if state == "waiting" else "paused" if state == "paused" else "training")
        if state not in LIVE_STATES:
            self._release(run_id)
            return News("ended")
        is_expected = time.monotonic() - self._created_s < _STARTING_S if trainer is None else trainer.is_alive
        return News("starting") if is_expected and state == "waiting" else self._lose(run_id)

    def keep_warm(self, wanted: bool) -> None:
        """See `Engine.keep_warm`. The first step came 2.7 s after a cold start, and 0.07 s with a warm process (two cores, idle)."""
        for dead in [trainer for trainer in self._idle if not trainer.is_alive]:
            self._idle.remove(dead)
            dead.dismiss()
        if wanted and not self._idle:
            with contextlib.suppress(OSError):  # a run that is started says why there can be no process
                self._idle.append(_start_trainer(subprocess.DEVNULL))
        elif not wanted:
            while self._idle:
                self._idle.pop().dismiss()

    def _release(self, run_id: str) -> None:
        """Lets the process that trained a run wait for the next one."""
        trainer = self._busy.pop(run_id, None)
        if trainer is not None:
            self._idle.append(trainer)

    def _lose(self, run_id: str) -> News:
        trainer = self._busy.pop(run_id, None)
        if trainer is None:
            return News("gone", "Its training process ended unexpectedly.")
        try:
            code = trainer.process.wait(1)
        except subprocess.TimeoutExpired:
            code = 0
        trainer.dismiss()
        if code == -signal.SIGKILL:
            return News("gone", "It was killed (signal 9), which systems do when memory runs out.")
        is_broken = code > 0 and not trainer.was_warm
        reason = _last_line(run_id) if is_broken else ""
        return News("gone", reason or f"Its training process ended unexpectedly, with code {code}.", is_broken)


def _start_trainer(stderr: "int | BinaryIO") -> _Trainer:
    """Starts a process that trains the runs whose ids it is given, one after the other."""
    return _Trainer(launch(["train", "--await-runs"], stdin=subprocess.PIPE, stderr=stderr))


def _last_line(run_id: str) -> str:
    """The last line of the training process's log; "" if it has none."""
    try:
        lines = [line for line in read_last_lines(run_folder(run_id) / LOG_NAME)[0] if line.strip()]
    except RunError:
        return ""
    return lines[-1].decode(errors="replace").strip() if lines else ""
