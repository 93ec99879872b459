"""Part `texts`: hostile texts wherever others can put text: names, links, file names and messages; nothing is obeyed or interpreted."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from streamlit.testing.v1 import AppTest

from fmnist_core.runs.claim import release_start
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import run_folder
from fmnist_core.runs.record import load_run
from tests.conftest import ROOT
from tests.faults.commands import run_command
from tests.faults.isolation import explain, isolate
from tests.faults.report import Report
from tests.faults.surroundings import SHORT, surroundings, train_home, why_no_forks
from tests.faults.visits import PAGES, warm_pages
from tests.hostile_texts import HOSTILE, LONG, NAMES

_BROWSER_TEST = ROOT / "tests" / "browser" / "test_hostile_texts.py"
_PARAMETERS = (
    *("run", "compare", "axis", "smoothing", "log", "pin", "preset", "seed", "image", "class", "split", "count", "cell", "view"),
    *("mistakes", "item", "source", "part", "test_image", "epochs", "learning_rate"),
)
_CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def run(report: Report, seed: int, *, small: bool) -> None:
    """Each text in each place, through the command line and the pages; in Chromium only in the full form."""
    del seed
    if why_no_forks():
        report.skip("hostile texts", why_no_forks())
        return
    texts = [*HOSTILE, *NAMES, LONG, "\ud800", "-", ""]
    with surroundings() as folder:
        home = train_home(folder / "home")
        warm_pages(report, home.healthy)
        for number, text in enumerate(texts[:: 12 if small else 1]):
            places: dict[str, Callable[[], object]] = {
                "a run's name": partial(_name_a_run, text),
                "a run's name in its files": partial(_write_into_files, home.victim, text),
                "an argument of every command": partial(_give_to_commands, text),
                "a file's name": partial(_name_a_file, folder / f"files-{number}", text),
                "the parameters of every page": partial(_put_into_links, text),
            }
            for place, work in places.items():
                report.record(f"{text[:80]!r} as {place}", isolate(work, timeout_s=120).problem)
    if small:
        return
    if not _BROWSER_TEST.exists():
        report.skip("hostile texts in Chromium", f"needs {_BROWSER_TEST.name}")
    elif not (os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")):
        report.skip("hostile texts in Chromium", "needs Chromium")
    else:
        _try_in_chromium(report)


def _check_printed(arguments: list[str]) -> str:
    code, printed, complaint = run_command(arguments)
    assert code in (0, 1, 2), code
    assert "Traceback" not in complaint, complaint[-300:]
    assert not _CONTROLS.search(printed + complaint), f"{arguments[0]} prints {_CONTROLS.search(printed + complaint)!r}"
    return printed


def _name_a_run(text: str) -> None:
    run_id = create_run(SHORT, text)
    release_start(run_folder(run_id))
    run = load_run(run_id)
    assert 1 <= len(run.name) <= 60, run.name
    assert len(text) > 60 or run.name == HOSTILE.get(text, run.name), run.name
    assert not _CONTROLS.search(run.name), run.name
    run.name.encode()
    lines = _check_printed(["runs"]).splitlines()
    assert len([line for line in lines if line.startswith(run_id)]) == 1, lines
    problems = _open_everything(run=run_id)
    assert not problems, problems


def _write_into_files(run_id: str, text: str) -> None:
    """As another program, or an earlier version, might have written it."""
    folder = run_folder(run_id)
    for name, field in (("config.json", "name"), ("status.json", "message")):
        content = json.loads((folder / name).read_text()) | {field: text}
        (folder / name).write_text(json.dumps(content))
    status = json.loads((folder / "status.json").read_text()) | {"state": "failed"}
    (folder / "status.json").write_text(json.dumps(status))
    (folder / "trainer.log").write_bytes(text.encode(errors="surrogatepass"))
    _check_printed(["runs"])
    _check_printed(["evaluate", run_id])
    problems = _open_everything(run=run_id)
    assert not problems, problems


def _give_to_commands(text: str) -> None:
    if "\x00" in text:
        text = text.replace("\x00", "0")  # no system passes it on
    for arguments in (["evaluate", text], ["train", "--resume", text], ["predict", text, "x.png"], ["predict", "starter", text]):
        if not text.startswith("-"):
            _check_printed(arguments)


def _name_a_file(folder: Path, text: str) -> None:
    name = text.replace("/", "_").replace("\x00", "_")[:60].encode(errors="surrogatepass")[:200]
    folder.mkdir(parents=True, exist_ok=True)
    file = str(folder / os.fsdecode(name or b"empty"))
    try:
        Path(file).write_text("no picture")
    except (OSError, UnicodeEncodeError):
        return  # no system has such a file
    _check_printed(["predict", "starter", file])
    _check_printed(["predict", "starter", file, "--json"])


def _put_into_links(text: str) -> None:
    sent = re.sub("[\ud800-\udfff]", "\ufffd", text)  # half a surrogate pair has no percent-encoding; browsers send this for it
    problems = _open_everything(**dict.fromkeys(_PARAMETERS, sent))
    assert not problems, problems


def _open_everything(**parameters: str) -> list[str]:
    """The exceptions of all pages with these parameters, and the Markdown on them in which a text may be interpreted."""
    at = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60).run()
    problems = []
    for page in ("browse", *PAGES):
        at.switch_page(f"pages/{page}.py")
        for name, value in parameters.items():
            at.query_params[name] = value
        try:
            at.run()
        except Exception as error:
            problems.append(f"{page}: {explain(error)}")
            continue
        problems += [f"{page}: {exception.message[:200]}" for exception in at.exception]
        for shown in (*at.warning, *at.error, *at.info, *at.markdown, *at.caption):
            found = re.search(r"(?<!\\)(!\[[^\]]*\]\(http|(?<![(\\\w/])www\.evil|<script|(?<!\\)\$x\^2\$)", str(shown.value))
            if found:
                problems.append(f"{page}: {found[0]!r} stands in {str(shown.value)[:120]!r}")
    return problems


def _try_in_chromium(report: Report) -> None:
    """The browser test, each of whose cases is one here."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line", "-rA", str(_BROWSER_TEST)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if match := re.match(r"(PASSED|FAILED|ERROR) (\S+::.*?)(?: - (.*))?$", line):
            report.record(f"Chromium, {match[2]}", "" if match[1] == "PASSED" else match[3] or "failed")
        elif line.startswith("SKIPPED"):
            report.skip("hostile texts in Chromium", line)
