import json
from dataclasses import FrozenInstanceError

import pytest

from fmnist_core.runs import mailbox
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import run_folder
from fmnist_core.runs.mailbox import Command, Inbox, is_pending, stop_requested
from fmnist_core.runs.transitions import prepare_resume
from fmnist_core.runs.writer import RunWriter
from fmnist_core.settings.config import TrainConfig
from fmnist_core.store.files import append_line


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
def test_a_line_that_is_not_a_command_is_skipped(line: bytes) -> None:
    folder = run_folder(create_run(TrainConfig()))
    inbox = Inbox(folder)
    with (folder / "commands.jsonl").open("ab") as file:
        file.write(line + b"\n")
    mailbox.send(folder, "pause")
    assert names(inbox.take_new()) == ["pause"]


def test_commands_of_earlier_versions_have_no_id_and_are_carried_out() -> None:
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


def test_a_command_is_a_line_with_what_it_says_and_an_id() -> None:
    folder = run_folder(create_run(TrainConfig()))
    sent = [mailbox.send(folder, "pause"), mailbox.send(folder, "rate", learning_rate=0.5), mailbox.send(folder, "resume", more_epochs=0)]
    assert [json.loads(line) for line in (folder / "commands.jsonl").read_text().splitlines()] == [
        {"command": "pause", "id": sent[0]},
        {"command": "rate", "id": sent[1], "learning_rate": 0.5},
        {"command": "resume", "id": sent[2], "more_epochs": 0},
    ]
    assert [len(command_id) for command_id in sent] == [12, 12, 12]


def test_an_answer_is_a_line_with_the_id() -> None:
    folder = run_folder(create_run(TrainConfig()))
    Inbox(folder).answer(Command("rate", "abc", 0.5))
    assert (folder / "answers.jsonl").read_text() == '{"id": "abc", "command": "rate"}\n'


def test_the_only_command_is_pending_and_no_other_is() -> None:
    folder = run_folder(create_run(TrainConfig()))
    command = mailbox.send(folder, "pause")
    assert is_pending(folder, command)
    assert not is_pending(folder, "another")


def test_of_several_continuations_the_last_one_counts() -> None:
    folder = run_folder(create_run(TrainConfig()))
    for name in ("pause", "resume", "stop", "step", "resume", "epoch"):
        mailbox.send(folder, name)
    assert names(Inbox(folder).take_new()) == ["epoch"]
    assert not stop_requested(folder)


def test_commands_that_come_later_come_once_each_and_in_their_order() -> None:
    folder = run_folder(create_run(TrainConfig()))
    mailbox.send(folder, "resume")
    mailbox.send(folder, "pause")
    inbox = Inbox(folder)
    mailbox.send(folder, "step")
    mailbox.send(folder, "epoch")
    assert names(inbox.take_new()) == ["pause", "step", "epoch"]
    mailbox.send(folder, "go-on")
    assert names(inbox.take_new()) == ["go-on"]
    assert inbox.take_new() == []


def test_a_command_stays_as_it_is() -> None:
    with pytest.raises(FrozenInstanceError):
        Command("pause").id = "abc"  # type: ignore[misc]


@pytest.mark.parametrize("number", [None, 0.0, -5.0, 1e9, float("nan"), float("inf")])
def test_what_is_not_a_learning_rate_is_never_sent_nor_obeyed(number: float | None) -> None:
    """Commands are checked as settings are, when they are sent and when they are read."""
    run_id = create_run(TrainConfig())
    folder = run_folder(run_id)
    inbox = Inbox(folder)
    with pytest.raises(ValueError, match="learning rate"):
        mailbox.send(folder, "rate", learning_rate=number)
    append_line(folder / "commands.jsonl", {"command": "rate", "id": "a", "learning_rate": number})
    append_line(folder / "commands.jsonl", {"command": "rate", "id": "b", "learning_rate": 0.5})
    assert inbox.take_new() == [Command("rate", "b", 0.5)]
    assert not is_pending(folder, "a")
    assert is_pending(folder, "b")


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[" * 10_000,
        b"null",
        b'"stop"',
        b'{"command": "explode"}',
        b'{"command": ["stop"]}',
        b'{"command": "stop", "id": 7}',
        b'{"command": "resume", "more_epochs": -3}',
        b'{"command": "resume", "more_epochs": 1e999}',
        b"\xff\xfe",
        b"\x00" * 30,
    ],
    ids=lambda line: line[:40],
)
def test_a_bad_line_among_the_commands_is_passed_over(line: bytes) -> None:
    run_id = create_run(TrainConfig())
    folder = run_folder(run_id)
    inbox = Inbox(folder)
    mailbox.send(folder, "pause")
    with (folder / "commands.jsonl").open("ab") as commands:
        commands.write(line + b"\n")
    mailbox.send(folder, "stop")
    assert names(inbox.take_new()) == names(Inbox(folder).take_new()) == ["pause", "stop"]
    assert stop_requested(folder)
    assert mailbox.added_epochs(folder) == 0


@pytest.mark.parametrize("line", [b"{", b"[" * 10_000, b"null", b'{"id": ["a"]}', b'{"id": null}', b"\xff"], ids=lambda line: line[:40])
def test_a_bad_line_among_the_answers_is_passed_over(line: bytes) -> None:
    run_id = create_run(TrainConfig())
    folder = run_folder(run_id)
    command_id = mailbox.send(folder, "pause")
    (folder / "answers.jsonl").write_bytes(line + b"\n")
    assert is_pending(folder, command_id)
    Inbox(folder).answer(Command("pause", command_id))
    assert not is_pending(folder, command_id)


def test_commands_are_read_once_each_however_many_there_are() -> None:
    run_id = create_run(TrainConfig())
    folder = run_folder(run_id)
    inbox = Inbox(folder)
    with (folder / "commands.jsonl").open("ab") as commands:
        commands.write(b'{"command": "pause", "id": "old"}\n' * 100_000)
    mailbox.send(folder, "stop")
    taken: list[Command] = []
    while new := inbox.take_new():
        taken += new
    assert len(taken) == 100_001
    assert (taken[-1].command, stop_requested(folder)) == ("stop", True)
