"""Part `data`: damaged CSV and IDX files in place of the data; each is refused with a sentence or read exactly, in bounded memory."""

import gzip
import os
import random
import shutil
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np

from fmnist_core.dataset.classes import DataError
from fmnist_core.dataset.kaggle_csv import write_csv
from fmnist_core.dataset.split import load_split
from tests.faults.commands import run_command
from tests.faults.isolation import explain, isolate
from tests.faults.report import Report
from tests.faults.surroundings import surroundings, why_no_forks
from tests.faults.visits import is_sentence, visit_pages, warm_pages

_MOST_MB = 1_000.0
_SLOW_S = 60.0
_IMAGES = 60
_MOST = 2**32 - 1
_LYING_SIZES = (
    (2**31, 28, 28),
    (_MOST, 28, 28),
    (200, 2**31, 28),
    (2**31, 2**31, 4),  # their product is 2**64, and 0 in 64 bits
    (_MOST, _MOST, _MOST),
    (0, 28, 28),
    (200, 0, 28),
    (2**16, 2**16, _MOST),
    (2**22, 2**21, 2**21),
)
Make = Callable[[Path], None]


def run(report: Report, seed: int, *, small: bool) -> None:
    """Reads each damaged file in place of the test images; the nastiest are also met by the pages and by a training run."""
    if why_no_forks():
        report.skip("damaged data", why_no_forks())
        return
    with surroundings() as folder:
        small_data = Path(os.environ["FMNIST_DATA"])
        warm_pages(report, "starter")
        cases = [*_csv_cases(seed, small=small), *_idx_cases(seed, small=small)]
        for number, (name, make, may_load) in enumerate(cases):
            data = folder / "case"
            shutil.copytree(small_data, data)
            make(data)
            outcome = isolate(partial(_load, data, may_load=may_load), timeout_s=2 * _SLOW_S, most_mb=_MOST_MB)
            report.record(name, outcome.problem or str(outcome.value))
            if number % (60 if small else 8) == 0:
                _try_everyone(report, name, data)
            shutil.rmtree(data)


def _load(folder: Path, *, may_load: bool) -> str:
    began_s = time.monotonic()
    try:
        split = load_split("test", folder)
    except DataError as error:
        if not is_sentence(str(error)):
            return f"not a sentence: {str(error)[:200]!r}"
    except Exception as error:
        return explain(error)
    else:
        if not may_load:
            return f"loaded {len(split)} images as if nothing were wrong"
        assert split.images.shape == (len(split), 28, 28)
        assert split.images.dtype == split.labels.dtype == np.uint8
    took_s = time.monotonic() - began_s
    return f"took {took_s:.0f} s" if took_s > _SLOW_S else ""


def _try_everyone(report: Report, name: str, data: Path) -> None:
    """A command and all pages with this data."""

    def use() -> list[str]:
        os.environ["FMNIST_DATA"] = str(data)
        code, _, complaint = run_command(["evaluate", "starter"])
        fine = code == 0 or (code == 1 and is_sentence(complaint))
        return ["" if fine else f"evaluate: exit code {code}, {complaint[:200]!r}", *visit_pages("starter")]

    outcome = isolate(use, timeout_s=240, most_mb=1_500)
    report.record(f"pages and a command with {name}", outcome.problem or "; ".join(problem for problem in outcome.value if problem))


# CSV files


def _csv_cases(seed: int, *, small: bool) -> Iterator[tuple[str, Make, bool]]:
    """Name, what is done in the data's folder, and whether the images may load anyway."""
    chance = random.Random(seed)
    images = np.random.default_rng(seed).integers(0, 256, (_IMAGES, 28, 28)).astype(np.uint8)
    whole = write_csv(images, np.arange(_IMAGES) % 10)
    header, *rows = whole.splitlines()
    first = rows[0].split(b",")

    def csv(words: str, content: bytes, *, may_load: bool = False) -> tuple[str, Make, bool]:
        return f"CSV, {words}", lambda folder: _write(folder / "fashion-mnist_test.csv", content), may_load

    def with_cell(words: str, cell: bytes, column: int = 7) -> tuple[str, Make, bool]:
        row = b",".join([*first[:column], cell, *first[column + 1 :]])
        return csv(words, b"\n".join([header, *rows[:9], row, *rows[9:]]) + b"\n", may_load=cell in (b"1e2", b"12.0"))

    yield csv("whole", whole, may_load=True)
    yield csv("empty", b"")
    yield csv("a header alone", header + b"\n")
    yield csv("a column too many in every row", b"\n".join([header, *(row + b",0" for row in rows)]))
    yield csv("a column too many everywhere", b"\n".join([header + b",more", *(row + b",0" for row in rows)]))
    yield csv("a comma after every row", b"\n".join([header, *(row + b"," for row in rows)]))
    yield csv("a column too many in every row, no header", b"\n".join(row + b",0" for row in rows))
    yield csv("a column too many in the last row", whole.rstrip() + b",0\n")
    yield csv("a column too few in every row", b"\n".join([header, *(row.rpartition(b",")[0] for row in rows)]))
    yield csv("a column too few in the last row", whole.rstrip().rpartition(b",")[0] + b"\n")
    yield csv("a first row that begins with 3abc", b"\n".join([b",".join([b"3abc", *first[1:]]), *rows]))
    yield csv("a first row that begins with nothing", b"\n".join([b",".join([b"", *first[1:]]), *rows]))
    yield csv("a first row of numbers in quotes that are none", b"\n".join([b",".join([b'"x"', *first[1:]]), *rows]))
    yield csv("two headers", b"\n".join([header, header, *rows]))
    yield csv("a header in the middle", b"\n".join([header, *rows[:5], header, *rows[5:]]))
    yield csv("the header of another file", b"\n".join([b"a,b,c", *rows]))
    yield csv("5,000 columns in the header", b"\n".join([b",".join([b"x"] * 5_000), *rows]))
    for words, cell in {
        "a cell of 5,000 digits": b"7" * 5_000,
        "a cell of a million digits": b"7" * 1_000_000,
        "a cell of 2**63": b"9223372036854775808",
        "a cell of -1": b"-1",
        "a cell of 256": b"256",
        "a cell of 1e2": b"1e2",
        "a cell of 12.0": b"12.0",
        "a cell of 12.5": b"12.5",
        "a cell of nan": b"nan",
        "a cell of inf": b"inf",
        "a cell of True": b"True",
        "an empty cell": b"",
        "a cell of a space": b" ",
        "a cell of NUL": b"\x00",
        "a cell of 3abc": b"3abc",
        "a cell of a digit that is no digit": "²".encode(),
        "a cell of arabic digits": "٤٢".encode(),
        "a cell that is not UTF-8": b"\xff\xfe",
        "a cell of an open quote": b'"12',
        "a cell of 0x1F": b"0x1F",
        "a cell of 1_0": b"1_0",
        "a cell with a terminal's commands": b"\x1b[31mred\x1b]0;title\x07",
    }.items():
        yield with_cell(words, cell)
    yield with_cell("a label of 10", b"10", column=0)
    yield with_cell("a label of -1", b"-1", column=0)
    yield csv("NULs", bytes(200_000))
    yield csv("UTF-16", whole.decode().encode("utf-16"))
    yield csv("gzip", gzip.compress(whole))
    yield csv("semicolons", whole.replace(b",", b";"))
    yield csv("tabs", whole.replace(b",", b"\t"))
    yield csv("old Mac line ends", whole.replace(b"\n", b"\r"))
    quoted = [b",".join(b'"' + cell + b'"' for cell in row.split(b",")) for row in (header, *rows)]
    yield csv("quotes around every cell", b"\n".join(quoted), may_load=True)
    yield csv("one line of everything", b",".join([header, *rows]))
    columns = 100_000 if small else 10_000_000
    yield csv(f"a row of {columns:,} columns", b"\n".join([header, *rows, b"0," * columns + b"0"]))
    yield csv(f"a header of {columns:,} columns", b"\n".join([b"x," * columns + b"x", *rows]))
    yield csv(f"a first row of {columns:,} columns, no header", b"0," * columns + b"0\n" + b"\n".join(rows))
    size_mb = 5 if small else 300
    yield csv(f"{size_mb} MB without a line's end", b"7" * (size_mb * 1_000_000))
    yield csv(f"{size_mb} MB in one quoted cell", header + b'\n"' + b"7\n" * (size_mb * 500_000))
    yield csv(f"{size_mb} MB of line ends", b"\n" * (size_mb * 1_000_000))
    yield csv(f"{size_mb} MB of commas", b",\n" * (size_mb * 500_000))
    for _ in range(2 if small else 25):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        yield csv("three bytes changed", bytes(damaged), may_load=True)
        yield csv("cut at random", whole[: chance.randrange(len(whole))], may_load=True)
    for words, make in _special_files():
        yield f"CSV, {words}", partial(_place, make, "fashion-mnist_test.csv"), False


# IDX files


def _idx_cases(seed: int, *, small: bool) -> Iterator[tuple[str, Make, bool]]:
    chance = random.Random(seed)
    images, labels = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"

    def head(*sizes: int, magic: bytes | None = None) -> Callable[[bytes], bytes]:
        start = bytes((0, 0, 8, len(sizes))) if magic is None else magic
        return lambda whole: start + struct.pack(f">{len(sizes)}I", *sizes) + whole[16:]

    def idx(words: str, change: Callable[[bytes], bytes], name: str = images, *, may_load: bool = False) -> tuple[str, Make, bool]:
        return f"IDX, {words}", lambda folder: _write(folder / name, change((folder / name).read_bytes())), may_load

    def packed(words: str, change: Callable[[bytes], bytes], *, may_load: bool = False) -> tuple[str, Make, bool]:
        return f"gzip, {words}", lambda folder: _write(folder / f"{images}.gz", change((folder / images).read_bytes())), may_load

    yield idx("empty", lambda _: b"")
    yield idx("its magic alone", lambda whole: whole[:4])
    yield idx("its header alone", lambda whole: whole[:16])
    yield idx("a byte too few", lambda whole: whole[:-1])
    yield idx("a byte too many", lambda whole: whole + b"x")
    for sizes in _LYING_SIZES:
        yield idx(f"sizes {sizes}", head(*sizes))
        yield idx(f"sizes {sizes} and nothing else", partial(_only_head, sizes))
    yield idx("28 images of 200×28", head(28, 200, 28))
    yield idx("of floats", lambda whole: b"\x00\x00\x0d" + whole[3:])
    yield idx("of four dimensions", lambda whole: whole[:3] + b"\x04" + whole[4:])
    yield idx("of 255 dimensions", lambda whole: whole[:3] + b"\xff" + whole[4:])
    yield idx("labels a byte too few", lambda whole: whole[:-1], labels)
    yield idx("labels that count 2**31", lambda whole: whole[:4] + struct.pack(">I", 2**31) + whole[8:], labels)
    yield idx("a label of 10", lambda whole: whole[:-1] + b"\x0a", labels)
    yield idx("a label of 255", lambda whole: whole[:-1] + b"\xff", labels)
    yield idx("a label fewer", lambda whole: whole[:4] + struct.pack(">I", 199) + whole[8:-1], labels)
    yield idx("labels in place of images", lambda _: struct.pack(">II", 0x801, 200) + bytes(200))
    for _ in range(2 if small else 20):
        yield idx("random header", lambda whole: chance.randbytes(16) + whole[16:])
    for words, make in _special_files():
        yield f"IDX, {words}", partial(_place, make, images), False
    yield packed("of nothing", lambda _: gzip.compress(b""))
    yield packed("no gzip", lambda _: b"no gzip")
    yield packed("cut", lambda whole: gzip.compress(whole)[:-9])
    yield packed("bytes after its end", lambda whole: gzip.compress(whole) + b"more")
    yield packed("a wrong checksum", lambda whole: _spoil(gzip.compress(whole), -6))
    for place in range(2, 12, 4 if small else 1):
        yield packed(f"byte {place} changed", lambda whole, place=place: _spoil(gzip.compress(whole), place), may_load=True)  # type: ignore[misc]
    size_gb = 1 if small else 8
    for words, header in {
        "nothing": b"",
        "images": struct.pack(">4I", 0x803, size_gb * 1_000_000_000 // 784, 28, 28),
        "zeros after 200 images": struct.pack(">4I", 0x803, 200, 28, 28) + bytes(200 * 784),
    }.items():
        yield f"gzip, {size_gb} GB of {words}", partial(_place, partial(_write_bomb, header=header, size_gb=size_gb), f"{images}.gz"), False
    count = 100_000 if small else 1_000_000
    yield f"gzip, {count:,} members", partial(_place, partial(_write_members, count=count), f"{images}.gz"), False


def _write_bomb(file: Path, header: bytes, size_gb: int) -> None:
    """A gzip file that holds a header and gigabytes of zeros: a block of zeros is compressed once, and repeated."""
    packer = zlib.compressobj(9, wbits=31)
    block = bytes(10_000_000)
    with file.open("wb") as opened:
        opened.write(packer.compress(header))
        opened.write(packer.flush(zlib.Z_FULL_FLUSH))
        plain = zlib.compressobj(9, wbits=-15)
        repeated = plain.compress(block) + plain.flush(zlib.Z_FULL_FLUSH)
        for _ in range(size_gb * 100):
            opened.write(repeated)
        opened.write(b"\x03\x00" + bytes(8))  # an empty last block; nobody gets as far as the checksum


def _write_members(file: Path, count: int) -> None:
    file.write_bytes(gzip.compress(bytes(8_000)) * count)


def _special_files() -> Iterator[tuple[str, Make]]:
    yield "a folder", Path.mkdir
    yield "a named pipe", lambda file: os.mkfifo(file)
    yield "a link to itself", lambda file: file.symlink_to(file.name)
    yield "a link to /dev/zero", lambda file: file.symlink_to("/dev/zero")
    yield "a link to /dev/null", lambda file: file.symlink_to("/dev/null")
    yield "20 GB of nothing", _make_sparse


def _make_sparse(file: Path) -> None:
    file.touch()
    os.truncate(file, 20_000_000_000)


def _place(make: Make, name: str, folder: Path) -> None:
    (folder / name).unlink(missing_ok=True)
    make(folder / name)


def _only_head(sizes: tuple[int, ...], _whole: bytes) -> bytes:
    return bytes((0, 0, 8, len(sizes))) + struct.pack(f">{len(sizes)}I", *sizes)


def _write(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def _spoil(content: bytes, place: int) -> bytes:
    damaged = bytearray(content)
    damaged[place] ^= 0x55
    return bytes(damaged)
