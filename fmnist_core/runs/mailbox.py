"""Commands to a training process, and its answers: two files of lines, each written by one side only.

Every command has an id. The training process writes down the id of a command when it has been carried out and its consequences have been
written, so that a page does not have to guess from other files.
"""

import contextlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fmnist_core.store.files import append_line, read_lines
from fmnist_core.store.records import RecordError, from_fields

# "go-on" ends a pause. "resume" is written when an ended run is continued; earlier commands no longer count.
Name = Literal["pause", "go-on", "step", "epoch", "rate", "stop", "resume"]


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        command: its name.
        id: "" for commands written by earlier versions, which nobody waits for.
        learning_rate: for "rate", the new learning rate.
        more_epochs: for "resume", how many epochs were added.
    """

    command: Name
    id: str = ""
    learning_rate: float | None = None
    more_epochs: int | None = None


def send(folder: Path, name: Name, *, learning_rate: float | None = None, more_epochs: int | None = None) -> str:
    """Sends a command to the training process of the run in this folder and returns its id; raises OSError if it cannot be written."""
    command = Command(name, secrets.token_hex(6), learning_rate, more_epochs)
    append_line(folder / "commands.jsonl", {field: value for field, value in vars(command).items() if value is not None})
    return command.id


def is_pending(folder: Path, command_id: str) -> bool:
    """Whether the command still has to be carried out; False if the run has ended and been continued since."""
    return any(command.id == command_id for command in _open_commands(folder)) and command_id not in _answered_ids(folder)


def stop_requested(folder: Path) -> bool:
    """Whether the run was told to stop since it last started or was continued."""
    return any(command.command == "stop" for command in _open_commands(folder))


class Inbox:
    """The training process's side of a run's mailbox."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken = _read_commands(folder)
        self._unread = _open_commands(folder)

    def take_new(self) -> list[Command]:
        """The commands sent since the last call, the oldest first."""
        commands = _read_commands(self._folder)
        new, self._taken = [*self._unread, *commands[len(self._taken) :]], commands
        self._unread = []
        return new

    def answer(self, command: Command) -> None:
        """Records that the command was carried out; call it when all its consequences have been written."""
        if command.id:
            append_line(self._folder / "answers.jsonl", {"id": command.id, "command": command.command})


def _open_commands(folder: Path) -> list[Command]:
    """The commands since the run last started or was continued."""
    commands = _read_commands(folder)
    resumed = [index for index, command in enumerate(commands) if command.command == "resume"]
    return commands[resumed[-1] + 1 :] if resumed else commands


def _read_commands(folder: Path) -> list[Command]:
    """All commands of the run; lines that are not commands, such as one that a full disk cut short, are skipped."""
    commands = []
    for line in read_lines(folder / "commands.jsonl")[0]:
        with contextlib.suppress(ValueError):  # RecordError is one
            commands.append(from_fields(Command, json.loads(line)))
    return commands


def _answered_ids(folder: Path) -> set[str]:
    ids = set()
    for line in read_lines(folder / "answers.jsonl")[0]:
        with contextlib.suppress(ValueError, TypeError, KeyError, RecordError):
            ids.add(json.loads(line)["id"])
    return ids
