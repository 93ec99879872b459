"""Damaged forms of a run's files: whatever a crash, a full disk, another program or a person may leave there."""

import functools
import json
import os
import random
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import safe_open

JSON_FILES = ("config.json", "status.json", "live.json", "evaluation.json")
LINE_FILES = ("events.jsonl", "commands.jsonl", "answers.jsonl")
LOCK_FILES = ("starting.lock", "trainer.lock", "completion.lock")
OTHER_FILES = ("reserve", "trainer.log", "completion.json", "completion.stop")
GARBAGE_BYTES = 50_000_000
_NESTED = 100_000

# What a field may hold instead of its value, as JSON text.
VALUES = {
    "null": "null",
    '"x"': '"x"',
    "empty text": '""',
    "[]": "[]",
    "{}": "{}",
    "true": "true",
    "false": "false",
    "-1": "-1",
    "0": "0",
    "2.5": "2.5",
    "1e308": "1e308",
    "1e999": "1e999",
    "-Infinity": "-Infinity",
    "Infinity": "Infinity",
    "NaN": "NaN",
    "2**31": str(2**31),
    "2**63": str(2**63),
    "10**12": str(10**12),
    "10**400": str(10**400),
    "5,000 digits": "7" * 5_000,
    "a date without zone": '"2026-01-01T00:00:00"',
    "the year 1": '"0001-01-01T00:00:00+14:00"',
    "the year 9999": '"9999-12-31T23:59:59-12:00"',
    "half a character": '"\\ud800"',
    "a null character": '"a\\u0000b"',
    "hostile text": json.dumps("\x1b[31m![x](http://evil.example/x.png) $x^2$ :red[y] <script>alert(1)</script>\r\n\u202e"),
    "a million characters": json.dumps("a" * 1_000_000),
    "a deeply nested list": "[" * _NESTED + "]" * _NESTED,
    "a deeply nested object": '{"a":' * _NESTED + "1" + "}" * _NESTED,
    "a list of lists of different lengths": "[[1], [2, 3], []]",
    "a list of a thing of each type": '[null, "x", {}, [], 1e999]',
}


@dataclass(frozen=True)
class Damage:
    """A damaged form of one file.

    Attributes:
        file: its path in the run's folder.
        form: what is done to it, in words.
        apply: does it, given the run's folder.
        is_nasty: whether every page is opened with it; others are sampled.
        must_not_change_the_result: a run that resumes with it all the same must end as if there were no damage.
    """

    file: str
    form: str
    apply: Callable[[Path], None]
    is_nasty: bool = False
    must_not_change_the_result: bool = False

    def __str__(self) -> str:
        return f"{self.file}, {self.form}"


def all_damage(folder: Path, seed: int, *, small: bool) -> list[Damage]:
    """Every damaged form of every file of this run.

    Args:
        small: without what takes long to write.
    """
    chance = random.Random(seed)
    found: list[Damage] = []
    tensors = sorted(str(file.relative_to(folder)) for file in folder.rglob("*.safetensors"))
    for name in (*JSON_FILES, *LINE_FILES, *LOCK_FILES, *OTHER_FILES, *tensors, "checkpoints", "answers"):
        found += _forms_of_any_file(name, chance, GARBAGE_BYTES // (50 if small else 1))
    for name in JSON_FILES:
        found += _forms_of_json(name)
        found += _forms_of_fields(name, json.loads((folder / name).read_text()))
    for name in LINE_FILES:
        found += _forms_of_lines(folder, name)
    for name in tensors:
        found += _forms_of_tensors(folder, name)
    found += _forms_of_folders()
    return found


def _replace(file: Path, content: bytes) -> None:
    _remove(file)
    file.write_bytes(content)


def _remove(file: Path) -> None:
    if file.is_dir() and not file.is_symlink():
        file.rename(file.with_name(f"{file.name}.aside"))
    else:
        file.unlink(missing_ok=True)


def _content(file: Path) -> bytes:
    return file.read_bytes() if file.is_file() else b'{"some": "content"}\n'


def _forms_of_any_file(name: str, chance: random.Random, garbage_bytes: int) -> Iterator[Damage]:
    def form(words: str, make: Callable[[Path], None], *, nasty: bool = False) -> Damage:
        return Damage(name, words, lambda folder: make(folder / name), is_nasty=nasty)

    def content(words: str, change: Callable[[bytes], bytes]) -> Damage:
        return form(words, lambda file: _replace(file, change(_content(file))))

    def link(target: str) -> Callable[[Path], None]:
        def make(file: Path) -> None:
            _remove(file)
            file.symlink_to(target)

        return make

    def special(make: Callable[[Path], None]) -> Callable[[Path], None]:
        def replace(file: Path) -> None:
            _remove(file)
            make(file)

        return replace

    yield form("missing", _remove)
    yield content("empty", lambda _: b"")
    yield content("a space", lambda _: b" ")
    for number in range(3):
        share, place, bit = chance.random(), chance.random(), chance.randrange(8)
        yield content(f"cut at {share:.3f}", functools.partial(_cut, share=share))
        yield content(f"bit {bit} at {place:.3f} flipped", functools.partial(_flip, share=place, bit=bit))
        yield content(f"byte {number} flipped", functools.partial(_flip, place=number, bit=7))
    yield content("NULs", lambda whole: bytes(len(whole)))
    yield content("NULs at its end", lambda whole: whole + bytes(4_096))
    yield content("NULs in its second half", lambda whole: whole[: len(whole) // 2] + bytes(len(whole) - len(whole) // 2))
    yield content("not UTF-8", lambda whole: b"\xff\xfe\xfa" + whole)
    yield content("a byte order mark", lambda whole: b"\xef\xbb\xbf" + whole)
    yield content("UTF-16", lambda whole: whole.decode("latin-1").encode("utf-16"))
    yield content("doubled", lambda whole: whole + whole)
    yield content(f"{garbage_bytes // 1_000_000} MB of garbage", lambda _: random.Random(0).randbytes(garbage_bytes))
    yield content(f"{garbage_bytes // 1_000_000} MB of brackets", lambda _: b"[" * garbage_bytes)
    yield content(f"{garbage_bytes // 1_000_000} MB of empty lines", lambda _: b"\n" * garbage_bytes)
    yield form("a folder", special(Path.mkdir), nasty=True)
    yield form("a named pipe", special(lambda file: os.mkfifo(file)), nasty=True)
    yield form("a socket", special(_make_socket))
    yield form("a link to itself", link(name.rpartition("/")[2]), nasty=True)
    yield form("a link to nothing", link("nothing"))
    yield form("a link to /dev/zero", link("/dev/zero"), nasty=True)
    yield form("a link to /dev/full", link("/dev/full"))
    yield form("a link to /etc/passwd", link("/etc/passwd"))
    yield form("a link to a file elsewhere", link(str(Path("..", "..", "..", "elsewhere", "canary"))), nasty=True)
    yield form("20 GB of nothing", special(lambda file: _make_sparse(file, 20_000_000_000)), nasty=True)


def _cut(whole: bytes, share: float) -> bytes:
    return whole[: int(share * len(whole))]


def _flip(whole: bytes, bit: int, share: float = 0.0, place: int = 0) -> bytes:
    damaged = bytearray(whole)
    if damaged:
        damaged[min(place + int(share * len(damaged)), len(damaged) - 1)] ^= 1 << bit
    return bytes(damaged)


def _make_socket(file: Path) -> None:
    """A socket's path may have a hundred characters only, so that it is made where it is."""
    here = Path.cwd()
    os.chdir(file.parent)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(file.name)
    finally:
        os.chdir(here)


def _make_sparse(file: Path, size: int) -> None:
    file.touch()
    os.truncate(file, size)


def _forms_of_json(name: str) -> Iterator[Damage]:
    """The whole file is a value of another type."""
    for words, text in VALUES.items():
        nasty = words in ("a deeply nested object", "null", "5,000 digits")
        yield Damage(name, f"the whole of it is {words}", _write(name, text.encode()), nasty)


def _forms_of_fields(name: str, whole: Any) -> Iterator[Damage]:
    """Each field in turn replaced by each value, missing, there twice, and among strangers."""
    for path in _paths(whole):
        words = ".".join(str(step) for step in path)
        for value, text in VALUES.items():
            nasty = name in ("config.json", "status.json") and value in ("Infinity", "a date without zone", "hostile text", "-1")
            changed = put(whole, path, text)
            yield Damage(name, f"{words} is {value}", _write(name, changed), nasty)
        missing = put(whole, path, None)
        yield Damage(name, f"{words} is missing", _write(name, missing))
    text = json.dumps(whole)
    twice = text[:-1] + ', "state": "training", "name": 5, "epoch": null, "config": []}'
    yield Damage(name, "fields there twice", _write(name, twice.encode()))
    strange = json.dumps(whole | {f"strange {number}": [number] for number in range(10_000)})
    yield Damage(name, "10,000 strange fields", _write(name, strange.encode()))
    if name == "status.json":
        for state in ("waiting", "training", "paused", "finished", "stopped", "diverged", "failed", "interrupted", "none such", "Training"):
            changed = put(whole, ("state",), json.dumps(state))
            yield Damage(name, f"state is {state}", _write(name, changed), is_nasty=True)


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each field, and to the first member of each list."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value[:1]) if isinstance(value, list) else ()
    for key, member in inner:
        yield from _paths(member, (*path, key))


def put(whole: Any, path: tuple[Any, ...], text: str | None) -> bytes:
    """The JSON text of a value in which one field is this text, or missing if it is None."""
    changed = json.loads(json.dumps(whole))
    inner = changed
    for step in path[:-1]:
        inner = inner[step]
    if text is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = "@placeholder@"
    return json.dumps(changed).replace('"@placeholder@"', text or "", 1).encode()


def _forms_of_lines(folder: Path, name: str) -> Iterator[Damage]:
    """Bad lines between good ones, and each field of each kind of line replaced by each value."""
    lines = _content(folder / name).splitlines()
    bad_lines = {
        "no JSON": b"{",
        "nothing": b"",
        "not UTF-8": b'{"type": "\xff"}',
        "NULs": bytes(300),
        "two lines in one": lines[0] + lines[-1],
        "half a line": lines[-1][: len(lines[-1]) // 2],
        "half a line and the next": lines[-1][: len(lines[-1]) // 2] + lines[-1],
        "carriage returns": lines[-1] + b"\r",
        "a type of no kind": b'{"type": "None", "command": "none"}',
        "a type that is a list": b'{"type": [], "command": [], "id": []}',
        "5 MB": b'{"type": "' + b"x" * 5_000_000 + b'"}',
    } | {f"which is {words}": text.encode() for words, text in VALUES.items()}
    for words, line in bad_lines.items():
        nasty = words in ("no JSON", "NULs", "5 MB", "which is a deeply nested object", "a type that is a list")
        yield Damage(name, f"a line in the middle: {words}", _insert(name, line, at_end=False), nasty)
        yield Damage(name, f"a line at its end: {words}", _insert(name, line, at_end=True), nasty)
    yield Damage(name, "its last line unfinished", lambda folder: _replace(folder / name, _content(folder / name) + b'{"type": "Step'))
    yield Damage(name, "its lines shuffled", lambda folder: _replace(folder / name, _shuffled(_content(folder / name))))
    seen = set()
    for line in lines:
        record = json.loads(line)
        kind = record.get("type", record.get("command"))
        if kind in seen:
            continue
        seen.add(kind)
        for path in _paths(record):
            words = ".".join(str(step) for step in path)
            for value, text in VALUES.items():
                nasty = value in ("10**12", "Infinity", "-1") and name == "events.jsonl" and len(path) == 1
                yield Damage(name, f"a {kind} whose {words} is {value}", _insert(name, put(record, path, text), at_end=True), nasty)
            yield Damage(name, f"a {kind} without {words}", _insert(name, put(record, path, None), at_end=True))


def _insert(name: str, line: bytes, *, at_end: bool) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        lines = _content(folder / name).splitlines()
        place = len(lines) if at_end else len(lines) // 2
        _replace(folder / name, b"\n".join([*lines[:place], line, *lines[place:]]) + b"\n")

    return apply


def _shuffled(content: bytes) -> bytes:
    lines = content.splitlines()
    random.Random(0).shuffle(lines)
    return b"\n".join(lines) + b"\n"


def _forms_of_tensors(folder: Path, name: str) -> Iterator[Damage]:
    """Headers that lie, and tensors that are missing, renamed, of another type or shape."""
    whole = (folder / name).read_bytes()
    size = struct.unpack("<Q", whole[:8])[0]
    header, body = whole[8 : 8 + size], whole[8 + size :]
    for words, length in {"0": 0, "one more": size + 1, "one less": size - 1, "2**63": 2**63, "2**64 - 1": 2**64 - 1}.items():
        yield Damage(name, f"its header's length is {words}", _write(name, struct.pack("<Q", length) + whole[8:]))
    about = json.loads(header)
    for tensor in [key for key in about if key != "__metadata__" and about[key]["shape"]][:2]:
        for path in (("dtype",), ("shape",), ("shape", 0), ("data_offsets",), ("data_offsets", 0), ("data_offsets", 1)):
            for value in ("null", '"x"', "[]", "-1", "1e308", "10**12", "2**63", "5,000 digits", "a deeply nested list"):
                lying = put(about, (tensor, *path), VALUES[value])
                words = f"in its header, {'.'.join(map(str, path))} of {tensor} is {value}"
                yield Damage(name, words, _write(name, struct.pack("<Q", len(lying)) + lying + body))
    with safe_open(str(folder / name), framework="np") as opened:
        tensors, facts = {key: opened.get_tensor(key) for key in opened.keys()}, opened.metadata() or {}  # noqa: SIM118  # no mapping
    yield from _changes_of_tensors(name, tensors, facts)
    for fact, text in facts.items():
        yield from _changes_of_facts(name, tensors, fact, json.loads(text))


def _changes_of_tensors(name: str, tensors: dict[str, Any], facts: dict[str, str]) -> Iterator[Damage]:
    is_resume = name.endswith("resume.safetensors")

    def with_these(words: str, new: dict[str, Any], *, nasty: bool = False) -> Damage:
        return Damage(name, words, _write(name, _pack(new, facts)), nasty, must_not_change_the_result=is_resume)

    strangers = {"optimizer.99.exp_avg": np.zeros(3, np.float32), "trained.more": np.zeros(1, np.float32)}
    yield with_these("no tensors", {})
    yield with_these("tensors too many", tensors | strangers)
    yield with_these("no optimizer", {key: array for key, array in tensors.items() if not key.startswith("optimizer.")}, nasty=is_resume)
    for key, array in tensors.items():
        others = {other: value for other, value in tensors.items() if other != key}
        yield with_these(f"{key} is missing", others)
        yield with_these(f"{key} has another name", others | {f"{key}x": array})
        yield with_these(f"{key} is float64", others | {key: array.astype(np.float64)})
        yield with_these(f"{key} is int8", others | {key: array.astype(np.int8)})
        longer = np.concatenate([np.atleast_1d(array)] * 2)
        yield with_these(f"{key} is twice as long", others | {key: longer}, nasty=is_resume and "exp_avg" in key)
        yield with_these(f"{key} has no elements", others | {key: array.ravel()[:0]})
        yield with_these(f"{key} has another shape", others | {key: array.reshape(1, -1) if array.ndim < 2 else array.ravel()})
        if array.size > 1:
            yield with_these(f"{key} is one number", others | {key: array.ravel()[:1]})
        if array.dtype.kind == "f":
            spoilt = others | {key: np.full_like(array, np.nan)}
            yield Damage(name, f"{key} is not a number", _write(name, _pack(spoilt, facts)))


def _changes_of_facts(name: str, tensors: dict[str, Any], fact: str, counters: Any) -> Iterator[Damage]:
    """The text in a checkpoint's metadata, which is JSON again."""

    def with_these(words: str, facts: dict[str, str] | None, *, nasty: bool = False, same: bool = False) -> Damage:
        return Damage(name, words, _write(name, _pack(tensors, facts)), nasty, must_not_change_the_result=same)

    yield with_these("no metadata", None, same=True)
    yield with_these("its metadata have another name", {"other": json.dumps(counters)}, same=True)
    for value, text in VALUES.items():
        yield with_these(f"its {fact} are {value}", {fact: text}, same=True)
    for path in _paths(counters):
        words = ".".join(map(str, path))
        yield with_these(f"its {words} is missing", {fact: put(counters, path, None).decode()})
        for value, text in VALUES.items():
            nasty = value in ("10**12", "-1", "Infinity")
            yield with_these(f"its {words} is {value}", {fact: put(counters, path, text).decode()}, nasty=nasty)


def _pack(tensors: dict[str, Any], facts: dict[str, str] | None) -> bytes:
    return safetensors.numpy.save({key: np.ascontiguousarray(array) for key, array in tensors.items()}, metadata=facts)


def _write(name: str, content: bytes) -> Callable[[Path], None]:
    return lambda folder: _replace(folder / name, content)


def _forms_of_folders() -> Iterator[Damage]:
    """Files that are no run's, and what is left when much is missing."""

    def only(*kept: str) -> Callable[[Path], None]:
        def apply(folder: Path) -> None:
            for file in folder.iterdir():
                if file.name not in kept:
                    _remove(file) if file.is_file() else file.rename(folder.parent.parent / f"aside-{file.name}")

        return apply

    def swap(one: str, other: str) -> Callable[[Path], None]:
        def apply(folder: Path) -> None:
            first, second = (folder / one).read_bytes(), (folder / other).read_bytes()
            (folder / one).write_bytes(second)
            (folder / other).write_bytes(first)

        return apply

    def more_epochs(folder: Path) -> None:
        whole = (folder / "checkpoints" / "epoch-001.safetensors").read_bytes()
        for name in (
            "epoch-999",
            "epoch-000",
            "epoch-1e9",
            "epoch-",
            "epoch-\u0664\u0665\u0666",
            "epoch--01",
            "epoch-0001",
            "epoch-002 (copy)",
        ):
            (folder / "checkpoints" / f"{name}.safetensors").write_bytes(whole)

    def odd_neighbours(folder: Path) -> None:
        for name in ("starter", "a" * 64, "-", "with space", "\u2028", "lost+found", "x.json"):
            (folder.parent / name).mkdir()
            (folder.parent / name / "config.json").write_bytes((folder / "config.json").read_bytes())
        (folder.parent / "a-file").write_text("x")
        (folder.parent / "a-link").symlink_to("a-link")
        (folder.parent / "a-link-to-a-run").symlink_to(folder.name)
        (folder.parent / "empty").mkdir()

    yield Damage("the folder", "empty", only(), is_nasty=True)
    yield Damage("the folder", "nothing but checkpoints", only("checkpoints"), is_nasty=True)
    yield Damage("the folder", "nothing but events.jsonl", only("events.jsonl"), is_nasty=True)
    yield Damage("the folder", "nothing but config.json", only("config.json"), is_nasty=True)
    yield Damage("the folder", "config.json and checkpoints", only("config.json", "checkpoints"), is_nasty=True)
    yield Damage("the folder", "config.json and status.json swapped", swap("config.json", "status.json"))
    yield Damage("the folder", "status.json and events.jsonl swapped", swap("status.json", "events.jsonl"))
    yield Damage("the folder", "commands.jsonl and answers.jsonl swapped", swap("commands.jsonl", "answers.jsonl"))
    yield Damage("the folder", "checkpoints with odd names", more_epochs, is_nasty=True)
    yield Damage("the folder", "odd folders beside it", odd_neighbours, is_nasty=True)
