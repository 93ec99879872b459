import json
import os
import sys
import time
from pathlib import Path

import pytest

from fmnist_core.store.files import (
    MAX_JSON_BYTES,
    append_line,
    delete_half_files,
    drop_unfinished_line,
    open_to_append,
    read_json,
    read_last_lines,
    read_lines,
    read_whole,
    write_json,
    write_whole,
)


def test_written_data_is_read_back(tmp_path: Path) -> None:
    file = tmp_path / "status.json"
    assert read_json(file) == {}
    write_json(file, {"state": "running", "epochs": [1, 2]})
    assert read_json(file) == {"state": "running", "epochs": [1, 2]}
    file.write_text('{"state": "runn')
    assert read_json(file) == {}


def test_a_file_is_replaced_atomically_and_no_temporary_file_remains(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    for content, durable in ((b"first", False), (b"2", True)):
        write_whole(file, content, durable=durable)
        assert file.read_bytes() == content
        assert list(tmp_path.iterdir()) == [file]


def test_only_a_durable_write_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bytes] = []
    monkeypatch.setattr(os, "fsync", lambda _number: synced.extend(file.read_bytes() for file in tmp_path.glob(".*.tmp")))
    write_whole(tmp_path / "quick", b"quick")
    assert synced == []
    write_whole(tmp_path / "durable", b"durable", durable=True)
    assert synced == [b"durable"], "the content must be complete before it is synced"


def test_a_failed_write_leaves_the_old_file_unchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "status.json"
    write_json(file, {"old": True})

    def refuse(_source: Path, _target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        write_json(file, {"new": True})
    assert read_json(file) == {"old": True}
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(("refusals", "is_written"), [(0, True), (1, True), (5, True), (6, False)])
def test_replacing_a_file_that_a_reader_on_windows_has_open_is_retried(
    refusals: int, is_written: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    left = [refusals]
    replace = Path.replace

    def refuse(source: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] >= 0:
            raise PermissionError(13, "The file is in use")
        return replace(source, target)

    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(time, "sleep", waits.append)
    file = tmp_path / "status.json"
    if is_written:
        write_json(file, {"new": True})
        assert read_json(file) == {"new": True}
    else:
        with pytest.raises(PermissionError):
            write_json(file, {"new": True})
        assert list(tmp_path.iterdir()) == []
    assert waits == [0.01, 0.02, 0.05, 0.1, 0.2][:refusals]


def test_reading_lines_continues_where_the_last_call_ended(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    assert read_lines(file) == ([], 0)
    append_line(file, {"step": 1})
    append_line(file, {"step": 2})
    lines, offset = read_lines(file)
    assert [json.loads(line) for line in lines] == [{"step": 1}, {"step": 2}]
    assert offset == file.stat().st_size
    with file.open("ab") as opened:
        opened.write(b'{"step": 3}\n{"st')
    lines, after = read_lines(file, offset)
    assert lines == [b'{"step": 3}']
    assert after == offset + 12, "an unfinished line is left for the next call"
    with file.open("ab") as opened:
        opened.write(b'ep": 4}\n')
    assert read_lines(file, after)[0] == [b'{"step": 4}']
    file.unlink()
    assert read_lines(file, after) == ([], 0)


@pytest.mark.parametrize(
    ("content", "kept"),
    [(b'{"a": 1}\n{"b', b'{"a": 1}\n'), (b'{"a": 1}\n', b'{"a": 1}\n'), (b'{"a', b""), (b"", b"")],
)
def test_an_unfinished_line_of_a_dead_process_is_removed(content: bytes, kept: bytes, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(content)
    drop_unfinished_line(file)
    assert file.read_bytes() == kept


def test_without_a_file_there_is_nothing_to_remove(tmp_path: Path) -> None:
    drop_unfinished_line(tmp_path / "events.jsonl")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("newlines", [0, 1])
def test_a_half_line_at_the_end_becomes_a_line_of_its_own(newlines: int, tmp_path: Path) -> None:
    """Otherwise the next line would be lost with it."""
    file = tmp_path / "commands.jsonl"
    file.write_bytes(b'{"half": ' + newlines * b"\n")
    append_line(file, {"whole": 1})
    append_line(file, {"whole": 2})
    assert file.read_bytes() == b'{"half": \n{"whole": 1}\n{"whole": 2}\n'


def test_a_line_that_is_not_written_in_full_is_an_error(tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux has /dev/full")
    (tmp_path / "events.jsonl").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        append_line(tmp_path / "events.jsonl", {"step": 1})


_NESTED = b"[" * 100_000


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"\x00" * 9, _NESTED, _NESTED + b"]" * 100_000, b'{"a": ' + b"9" * 5000])
def test_what_is_not_json_reads_as_nothing(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "status.json"
    file.write_bytes(content)
    assert read_json(file) == {}


def test_only_regular_files_of_a_bounded_size_are_read(tmp_path: Path) -> None:
    """A named pipe would block whoever opens it, and /dev/zero never ends."""
    file = tmp_path / "whole"
    file.write_bytes(b"12345")
    assert read_whole(file, 5) == b"12345"
    with pytest.raises(OSError, match="it is larger than 4 bytes"):
        read_whole(file, 4)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    for name in ("pipe", "zero", "folder", "loop", "missing"):
        with pytest.raises(OSError, match=name):
            read_whole(tmp_path / name)
        assert read_json(tmp_path / name) == {}
        assert read_lines(tmp_path / name) == ([], 0)
        assert read_last_lines(tmp_path / name) == ([], 0)
    for name in ("pipe", "zero", "folder", "loop"):
        with pytest.raises(OSError, match=name):
            open_to_append(tmp_path / name)


def test_a_file_is_created_or_continued(tmp_path: Path) -> None:
    for line in (b"one\n", b"two\n"):
        with open_to_append(tmp_path / "log") as log:
            log.write(line)
    assert (tmp_path / "log").read_bytes() == b"one\ntwo\n"


def test_long_files_are_read_in_parts_and_endless_lines_passed_over(tmp_path: Path) -> None:
    file = tmp_path / "commands.jsonl"
    file.write_bytes(b"x" * (MAX_JSON_BYTES - 3) + b"\n" + b"abc\n" + b"y" * (2 * MAX_JSON_BYTES) + b"\nlast\n")
    found, offset, calls = [], 0, 0
    while offset < file.stat().st_size:
        lines, offset = read_lines(file, offset)
        found += lines
        calls += 1
    assert calls == 5
    assert [line for line in found if len(line) < 9] == [b"abc", b"", b"last"]


def test_the_last_lines_are_those_that_are_whole(tmp_path: Path) -> None:
    file = tmp_path / "commands.jsonl"
    lines = [f"{number:07}".encode() for number in range(10_000)]
    file.write_bytes(b"\n".join(lines[:5]) + b"\n00")
    assert read_last_lines(file) == (lines[:5], 40)
    file.write_bytes(b"\n".join(lines) + b"\n")
    last, offset = read_last_lines(file)
    assert last == lines[-65_536 // 8 + 1 :]
    assert offset == 80_000


def test_the_half_line_after_a_long_file_is_removed(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    for whole in (b"", b"a\n" * 100_000):
        file.write_bytes(whole + b"b" * 200_000)
        drop_unfinished_line(file)
        assert file.read_bytes() == whole


def test_half_files_of_the_dead_are_deleted_in_a_folder_and_in_those_below_it(tmp_path: Path) -> None:
    kept = [tmp_path / name for name in ("config.json", "answers/epoch-001.safetensors", "a.tmp")]
    halves = [tmp_path / name for name in (".config.json.1.ab.tmp", "answers/.epoch-001.safetensors.1.ab.tmp")]
    for file in (*kept, *halves):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"half")
    delete_half_files(tmp_path)
    assert {file for file in tmp_path.rglob("*") if file.is_file()} == set(kept)
