"""Commands to a training process, and its answers: two files of lines, each written by one side only.

Every command has an id. The training process writes down the id of a command when it has been carried out and its consequences have been
written, so that a page does not have to guess from other files.
"""

import contextlib
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from fmnist_core.settings.config import MAX_EPOCHS, SETTINGS
from fmnist_core.store.files import append_line, read_last_lines, read_lines
from fmnist_core.store.records import RecordError, from_fields, parse_json

# "go-on" ends a pause; "turn" tells a run that waited after it that it may train. "resume" is written when an ended run is continued;
# earlier commands no longer count.
_COMMANDS, _ANSWERS = "commands.jsonl", "answers.jsonl"
_MAX_REASON = 200
Name = Literal["pause", "go-on", "step", "epoch", "rate", "stop", "resume", "turn"]


@dataclass(frozen=True)
class Command:
    """One command.

    Attributes:
        command: its name.
        id: "" for commands written by earlier versions, which nobody waits for.
        learning_rate: for "rate", the new learning rate.
        more_epochs: for "resume", how many epochs were added.
        reason: for "stop", why, in a sentence; "" if its owner stopped it.

    Raises:
        ValueError: on creation, with a sentence, if a number is out of the range that the settings allow.
    """

    command: Name
    id: str = ""
    learning_rate: float | None = None
    more_epochs: Annotated[int, Meta(ge=0, le=MAX_EPOCHS)] | None = None
    reason: Annotated[str, Meta(max_length=_MAX_REASON)] = ""

    def __post_init__(self) -> None:
        if self.command == "rate":
            SETTINGS["learning_rate"].check(self.learning_rate)


def send(folder: Path, name: Name, *, learning_rate: float | None = None, more_epochs: int | None = None, reason: str = "") -> str:
    """Sends a command to the training process of the run in this folder and returns its id; raises OSError if it cannot be written."""
    command = Command(name, secrets.token_hex(6), learning_rate, more_epochs, reason[:_MAX_REASON])
    append_line(folder / _COMMANDS, {field: value for field, value in vars(command).items() if value not in (None, "")})
    return command.id


def is_pending(folder: Path, command_id: str) -> bool:
    """Whether the command still has to be carried out; False if the run has ended and been continued since."""
    return any(command.id == command_id for command in _open_commands(folder)[0]) and command_id not in _answered_ids(folder)


def stop_requested(folder: Path) -> bool:
    """Whether the run was told to stop since it last started or was continued."""
    return any(command.command == "stop" for command in _open_commands(folder)[0])


def added_epochs(folder: Path) -> int:
    """How many epochs were added to the run in all."""
    commands = _parse(read_lines(folder / _COMMANDS)[0])
    return sum(command.more_epochs or 0 for command in commands if command.command == "resume")


class Inbox:
    """The training process's side of a run's mailbox."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._unread, self._offset = _open_commands(folder)

    def take_new(self) -> list[Command]:
        """The commands sent since the last call, the oldest first."""
        lines, self._offset = read_lines(self._folder / _COMMANDS, self._offset)
        new, self._unread = [*self._unread, *_parse(lines)], []
        return new

    def answer(self, command: Command) -> None:
        """Records that the command was carried out; call it when all its consequences have been written."""
        if command.id:
            append_line(self._folder / _ANSWERS, {"id": command.id, "command": command.command})


def _open_commands(folder: Path) -> tuple[list[Command], int]:
    """The commands since the run last started or was continued, as far back as the last 64 KB go, and the offset after them."""
    lines, offset = read_last_lines(folder / _COMMANDS)
    commands = _parse(lines)
    resumed = [index for index, command in enumerate(commands) if command.command == "resume"]
    return commands[resumed[-1] + 1 :] if resumed else commands, offset


def _parse(lines: list[bytes]) -> list[Command]:
    """The commands in these lines; lines that are not commands, such as one that a full disk cut short, are skipped."""
    commands = []
    for line in lines:
        with contextlib.suppress(RecordError):
            commands.append(from_fields(Command, parse_json(line)))
    return commands


def _answered_ids(folder: Path) -> set[str]:
    ids = set()
    for line in read_last_lines(folder / _ANSWERS)[0]:
        with contextlib.suppress(RecordError):
            ids.add(from_fields(_Answer, parse_json(line)).id)
    return ids


@dataclass(frozen=True)
class _Answer:
    """A line of answers.jsonl."""

    id: str
