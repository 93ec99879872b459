"""Part `pictures`: damaged pictures of eight formats, each of which must open or be refused with a sentence, and good ones beside them."""

import io
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from fmnist_core.pictures.opening import PictureError, open_picture
from fmnist_core.pictures.preparation import prepare
from tests.conftest import ROOT
from tests.faults.commands import run_command
from tests.faults.isolation import explain, isolate
from tests.faults.report import Report
from tests.faults.surroundings import surroundings, why_no_forks
from tests.faults.visits import is_sentence
from tests.pictures.mutated import mutated_pictures

_SAMPLES = ROOT / "tests" / "pictures" / "hostile"
_SIGNATURES = {"PNG": b"\x89PNG\r\n\x1a\n", "JPEG": b"\xff\xd8\xff\xe0", "GIF": b"GIF89a", "BMP": b"BM", "TIFF": b"II*\x00"}
_BATCH = 40
_MOST_MB = 450.0
Picture = tuple[str, bytes]


def run(report: Report, seed: int, *, small: bool) -> None:
    """Opens and prepares each picture, and gives batches of them to the command line."""
    if why_no_forks():
        report.skip("damaged pictures", why_no_forks())
        return
    with surroundings() as folder:
        pictures = [*_samples(), *_odd_files(seed), *mutated_pictures(90 if small else 2_000, seed)]
        for start in range(0, len(pictures), _BATCH):
            _try_batch(report, pictures[start : start + _BATCH])
        chosen = random.Random(seed).sample(pictures, 6 if small else 60)
        _try_command_line(report, [*_samples(), *chosen], folder)


def _samples() -> list[Picture]:
    """The files that once broke a decoder."""
    return [(file.name, file.read_bytes()) for file in sorted(_SAMPLES.iterdir()) if file.suffix != ".md"]


def _odd_files(seed: int) -> Iterator[Picture]:
    """Files that are not pictures, or only claim to be one."""
    chance = np.random.default_rng(seed)
    yield "nothing", b""
    yield "text", b"no picture\n"
    for name, start in _SIGNATURES.items():
        yield f"{name} signature alone", start
        yield f"{name} signature and noise", start + chance.bytes(3_000)
        yield f"{name} signature and NULs", start + bytes(3_000)
        yield f"{name} signature and 0xFF", start + b"\xff" * 3_000
    yield "AVIF signature and noise", b"\x00\x00\x00\x1cftypavif" + chance.bytes(3_000)
    yield "WebP signature and noise", b"RIFF\xff\xff\xff\x7fWEBPVP8 " + chance.bytes(3_000)


def _try_batch(report: Report, pictures: list[Picture]) -> None:
    """One child opens them all; if it dies, each gets a child of its own, to find which one killed it."""
    outcome = isolate(lambda: [_open(content) for _, content in pictures], timeout_s=120, most_mb=_MOST_MB)
    if outcome.problem == "":
        for (name, _), problem in zip(pictures, outcome.value, strict=True):
            report.record(name, problem)
        return
    for name, content in pictures:
        alone = isolate(lambda content=content: _open(content), timeout_s=30, most_mb=_MOST_MB)  # type: ignore[misc]
        report.record(name, alone.problem or str(alone.value))


def _open(content: bytes) -> str:
    """What is wrong with the answer to a picture; "" if it is one, prepared, or a sentence."""
    try:
        preparation = prepare(open_picture(content, name="picture"))
        assert preparation.views.shape[1:] == (28, 28), preparation.views.shape
    except PictureError as error:
        return "" if is_sentence(str(error)) else f"not a sentence: {str(error)[:200]!r}"
    except Exception as error:
        return explain(error)
    return ""


def _try_command_line(report: Report, bad: list[Picture], folder: Path) -> None:
    """`predict` with good pictures before, between and after damaged ones: each good one gets an answer."""
    shirt = np.full((300, 260, 3), 210, np.uint8)
    shirt[60:250, 85:175] = shirt[60:110, 50:210] = (40, 50, 110)
    good = io.BytesIO()
    Image.fromarray(shirt).save(good, "PNG")
    files = []
    for index, (_name, content) in enumerate(bad):
        for kind, written in (("good", good.getvalue()), ("bad", content)):
            (folder / f"{index}-{kind}").write_bytes(written)
            files.append(str(folder / f"{index}-{kind}"))
    files += [str(folder / "missing"), str(folder), f"{folder}/0-good/", "a" * 300, "/dev/zero", str(folder / "0-good")]

    outcome = isolate(lambda: run_command(["predict", "starter", *files, "--json"]), timeout_s=240, most_mb=1_500)
    report.record("predict: the command itself", outcome.problem)
    if outcome.problem:
        return
    code, printed, complaint = outcome.value
    answered = {json.loads(line)["file"] for line in printed.splitlines()}
    complaints = complaint.splitlines()
    report.record("predict: exit code", "" if code == 1 else f"{code}, though a file is missing")
    for file in files:
        is_answered, is_good = file in answered, file.endswith("good")
        told = [line for line in complaints if file[:40] in line or repr(file)[1:20] in line]
        problem = "" if is_answered or (told and not is_good) else f"neither an answer nor a sentence; it printed {complaints[-3:]}"
        report.record(f"predict: {re.sub('.*/', '', file)[:40]!r}", problem)
