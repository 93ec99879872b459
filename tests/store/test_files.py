import json
import os
import threading
import time
from pathlib import Path

import pytest

from fmnist_core.store.files import append_line, create_once, drop_unfinished_line, read_json, read_lines, write_json, write_whole


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


def test_only_one_of_many_threads_creates_a_file(tmp_path: Path) -> None:
    file = tmp_path / "claim.json"
    won: list[int] = []

    def claim(number: int) -> None:
        if create_once(file, {"by": number}):
            won.append(number)

    threads = [threading.Thread(target=claim, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert read_json(file) == {"by": won[0]}
    assert list(tmp_path.iterdir()) == [file]
