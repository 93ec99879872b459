"""Visits to all pages through Streamlit's AppTest, in one session, as a person does who follows a link."""

import logging
import os
import re

from streamlit.testing.v1 import AppTest

from fmnist_core.runs.folders import STARTER_ID
from tests.conftest import ROOT
from tests.faults.isolation import explain
from tests.faults.report import Report

PAGES = ("home", "browse", "train", "runs", "evaluate", "look_inside", "predict", "board", "teacher")
_TIMEOUT_S = 60
os.environ.setdefault("STREAMLIT_CLIENT_SHOW_ERROR_DETAILS", "full")
logging.getLogger("streamlit").setLevel(logging.CRITICAL)  # every first run in a process warns that there is no browser


def is_sentence(text: str) -> bool:
    """Whether a message is one for people: a line of words that ends like a sentence, or in what the system says about a file."""
    text = text.strip()
    ends = text.endswith((".", "!", "?", "…")) or re.search(r": [A-Z][\w ]+$", text) is not None
    return ends and " " in text and len(text) <= 1_000 and "\n" not in text and "Traceback" not in text


def check_sentence(error: Exception) -> None:
    """Raises AssertionError unless what an exception says is a sentence for people."""
    assert is_sentence(str(error)), f"not a sentence: {error}"


def warm_pages(report: Report, run_id: str) -> None:
    """Visits the pages in this process, so that a forked child has loaded already what all sessions share; they must work of course."""
    report.record("pages without a fault", "; ".join(filter(None, visit_pages(run_id))))


def visit_pages(run_id: str, *, shows: str = "") -> list[str]:
    """The problems of visiting every page with this run in the link, and Train and Home without; "" for a page that has none.

    On Runs it is chosen beside the starter.

    Args:
        shows: text that must be on the pages about the run.
    """
    at = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=_TIMEOUT_S)
    problems = [_problem("home", at)]
    for page in PAGES:
        at.switch_page(f"pages/{page}.py")
        problems.append(_problem(page, at, run=run_id, chosen=f"{run_id},{STARTER_ID}"))
        if shows and page in ("train", "evaluate") and not problems[-1] and shows not in text_of(at):
            problems.append(f"{page}: {shows!r} is not on it")
    at.switch_page("pages/train.py")
    return [*problems, _problem("train", at)]


def _problem(page: str, at: AppTest, **query: str) -> str:
    for name in list(at.query_params):
        del at.query_params[name]
    for name, value in query.items():
        at.query_params[name] = value
    try:
        at.run()
    except Exception as error:  # AppTest's own time-out is a RuntimeError
        return f"{page}: {explain(error)}"
    if at.exception:
        places = re.findall(r"/((?:fmnist_core|pages)/\S+)\", line (\d+)", "\n".join(at.exception[0].stack_trace))
        return f"{page}: {at.exception[0].message[:200]!r} {places[-1:]}"
    return ""


def text_of(at: AppTest) -> str:
    """All text on a page that AppTest knows, with the lines of its lists."""
    texts = [str(element.value) for elements in (at.title, at.markdown, at.caption, at.info, at.warning, at.error) for element in elements]
    return "\n".join([*texts, *(option for box in at.selectbox for option in box.options)])
