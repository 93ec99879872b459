"""What pages ask of a trainer, and what it has carried out: two files of lines, each written by one side only.

Every command has an id. The trainer writes the id down when it has done what was asked, after all that comes of it has been written,
so that a page need not guess from other files whether it was heard.
"""

import contextlib
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fmnist_core.store.files import append_line, read_lines
from fmnist_core.store.records import RecordError, from_fields

# "go-on" ends a pause. "resume" is written by whoever lets an ended run continue, and closes what was asked before.
Name = Literal["pause", "go-on", "step", "epoch", "rate", "stop", "resume"]


@dataclass(frozen=True)
class Command:
    """One thing that was asked.

    Attributes:
        command: what.
        id: "" for commands of earlier versions, which nobody waits for.
        learning_rate: with "rate", the new one.
        more_epochs: with "resume", how many epochs were added.
    """

    command: Name
    id: str = ""
    learning_rate: float | None = None
    more_epochs: int | None = None


def send(folder: Path, name: Name, *, learning_rate: float | None = None, more_epochs: int | None = None) -> str:
    """Asks the trainer of the run in this folder for something and returns the command's id; raises OSError if it cannot be written."""
    command = Command(name, secrets.token_hex(6), learning_rate, more_epochs)
    append_line(folder / "commands.jsonl", {field: value for field, value in vars(command).items() if value is not None})
    return command.id


def is_pending(folder: Path, command_id: str) -> bool:
    """Whether the trainer still has to carry this command out; not if the run has ended and was continued since."""
    return any(command.id == command_id for command in _open_commands(folder)) and command_id not in _answered_ids(folder)


def stop_requested(folder: Path) -> bool:
    """Whether anybody has asked the run to stop since it last began or was continued."""
    return any(command.command == "stop" for command in _open_commands(folder))


class Inbox:
    """The trainer's side of the mailbox of one run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._taken = _read_commands(folder)
        self._unread = _open_commands(folder)

    def take_new(self) -> list[Command]:
        """The commands that came since the last call, the oldest first."""
        commands = _read_commands(self._folder)
        new, self._taken = [*self._unread, *commands[len(self._taken) :]], commands
        self._unread = []
        return new

    def answer(self, command: Command) -> None:
        """Notes that the command was carried out; to be called when all that comes of it has been written."""
        if command.id:
            append_line(self._folder / "answers.jsonl", {"id": command.id, "command": command.command})


def _open_commands(folder: Path) -> list[Command]:
    """Those since the run last began or was continued."""
    commands = _read_commands(folder)
    resumed = [place for place, command in enumerate(commands) if command.command == "resume"]
    return commands[resumed[-1] + 1 :] if resumed else commands


def _read_commands(folder: Path) -> list[Command]:
    """All commands of the run; a line that is none, such as one that a full disk cut off, is passed over."""
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
