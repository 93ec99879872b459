import json

import pytest

from fmnist_core.runs import mailbox
from fmnist_core.runs.folders import run_folder
from fmnist_core.runs.mailbox import Command, Inbox, is_pending, stop_requested
from fmnist_core.runs.writer import RunWriter, create_run, prepare_resume
from fmnist_core.settings.config import TrainConfig


def names(commands: list[Command]) -> list[str]:
    return [command.command for command in commands]


def test_commands_come_once_each_and_only_those_since_the_run_was_continued() -> None:
    run_id = create_run(TrainConfig())
    folder = run_folder(run_id)
    mailbox.send(folder, "stop")
    writer = RunWriter(run_id)
    mailbox.send(folder, "rate", learning_rate=0.02)
    stop, rate = writer.inbox.take_new()
    assert (stop.command, stop.learning_rate, rate.command, rate.learning_rate) == ("stop", None, "rate", 0.02)
    assert writer.inbox.take_new() == []
    writer.end("stopped")
    prepare_resume(run_id)
    mailbox.send(folder, "pause")
    inbox = RunWriter(run_id).inbox
    mailbox.send(folder, "go-on")
    assert names(inbox.take_new()) == ["pause", "go-on"]


def test_a_command_is_pending_until_the_trainer_answers_it() -> None:
    folder = run_folder(create_run(TrainConfig()))
    inbox = Inbox(folder)
    first, second = mailbox.send(folder, "pause"), mailbox.send(folder, "pause")
    assert first != second
    assert is_pending(folder, first)
    pause, other = inbox.take_new()
    assert is_pending(folder, first), "it has been read, and not carried out"
    inbox.answer(pause)
    assert not is_pending(folder, first)
    assert is_pending(folder, second)
    inbox.answer(other)
    assert not is_pending(folder, second)


def test_what_was_asked_before_a_run_was_continued_is_not_pending() -> None:
    run_id = create_run(TrainConfig())
    folder = run_folder(run_id)
    command = mailbox.send(folder, "epoch")
    RunWriter(run_id).end("stopped")
    prepare_resume(run_id)
    assert not is_pending(folder, command)
    assert not is_pending(folder, "never sent")


def test_whether_anybody_asked_it_to_stop_since_it_was_continued() -> None:
    folder = run_folder(create_run(TrainConfig()))
    found = []
    for name in ("pause", "stop", "pause", "resume", "pause", "stop"):
        mailbox.send(folder, name)
        found.append(stop_requested(folder))
    assert found == [False, True, True, False, False, True]


@pytest.mark.parametrize("line", [b'{"command": "st', b"[]", b'{"command": "explode"}', b'{"command": "rate", "learning_rate": "high"}'])
def test_a_line_that_is_no_command_is_passed_over(line: bytes) -> None:
    folder = run_folder(create_run(TrainConfig()))
    inbox = Inbox(folder)
    with (folder / "commands.jsonl").open("ab") as file:
        file.write(line + b"\n")
    mailbox.send(folder, "pause")
    assert names(inbox.take_new()) == ["pause"]


def test_commands_of_earlier_versions_have_no_id_and_are_heeded() -> None:
    folder = run_folder(create_run(TrainConfig()))
    inbox = Inbox(folder)
    (folder / "commands.jsonl").write_text('{"command": "stop"}\n')
    (command,) = inbox.take_new()
    inbox.answer(command)
    assert command == Command("stop")
    assert not (folder / "answers.jsonl").exists()


def test_damaged_answers_leave_a_command_pending() -> None:
    folder = run_folder(create_run(TrainConfig()))
    command = mailbox.send(folder, "pause")
    (folder / "answers.jsonl").write_text('{\n[]\n{"id": 3}\n5\n')
    assert is_pending(folder, command)
    with (folder / "answers.jsonl").open("a") as file:
        file.write(json.dumps({"id": command}) + "\n")
    assert not is_pending(folder, command)
