"""Opens pages in Streamlit's AppTest, through dashboard.py, as a browser does."""

import re

from streamlit.testing.v1 import AppTest

from fmnist_core.classroom.people import Person, person_id
from tests.conftest import ROOT


def open_page(page: str, by: str = "", **query: str) -> AppTest:
    """The page of pages/<page>.py after its first run, with these query parameters.

    Args:
        by: the secret of the visitor's browser; by default, each page is opened by somebody else.
    """
    at = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60)
    if by:
        at.session_state["visitor"] = by
    at.run()
    assert not at.exception
    return go_to(at, page, **query)


def go_to(at: AppTest, page: str, **query: str) -> AppTest:
    """Clicks in the navigation, which empties the URL, or on a link with these query parameters."""
    at.switch_page(f"pages/{page}.py")
    for name in list(at.query_params):
        del at.query_params[name]
    for name, value in query.items():
        at.query_params[name] = value
    return at.run()


def person_of(secret: str) -> Person:
    """The person whose browser keeps this secret."""
    return Person(person_id(secret))


def unescaped(markdown: str) -> str:
    """What a browser shows of a text with parts from `wording.escape`."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown).replace("\u2060", "")


def query(at: AppTest, name: str) -> str:
    """A query parameter, which AppTest returns as a list or as text; "" if there is none."""
    value = at.query_params.get(name, "")
    return value if isinstance(value, str) else value[0]


def press(at: AppTest, key: str) -> AppTest:
    """Clicks on the button with this key."""
    at.button(key=key).click().run()
    assert not at.exception
    return at


def words(at: AppTest) -> str:
    """All text and all messages on the page."""
    return unescaped("\n".join(element.value for kind in (at.markdown, at.info, at.error, at.warning, at.success) for element in kind))
