"""The question for the visitor's name; tests/browser/test_people.py shows that the browser remembers the answer."""

import pytest
from streamlit.testing.v1 import AppTest

from fmnist_core.classroom.people import MAX_PERSON_NAME, load_person
from fmnist_core.classroom.records import records
from fmnist_core.store.database import DatabaseError
from pages.parts.shared.name_question import VISIBILITY
from tests.pages.conftest import open_page, person_of, unescaped

QUESTION = "What should we call you?"


def is_asked(at: AppTest) -> bool:
    return any(field.key == "asked_name" for field in at.text_input)


def press(at: AppTest, label: str) -> AppTest:
    next(button for button in at.button if button.label == label).click().run()
    assert not at.exception
    return at


def name_shown(at: AppTest) -> str:
    """The label of the button in the header; "" if there is none."""
    labels = [block.proto.popover.label for block in at.get("popover")]
    return unescaped(labels[0]) if labels else ""


@pytest.mark.parametrize("page", ["home", "train", "predict"])
def test_the_first_page_asks_and_says_who_sees_the_answer(page: str) -> None:
    at = open_page(page)
    assert at.text_input(key="asked_name").label == QUESTION
    assert at.markdown[0].value == VISIBILITY
    assert name_shown(at) == "Your name?"


def test_the_class_board_does_not_ask_because_a_projector_has_no_name() -> None:
    at = open_page("board", by="Anna's secret")
    assert (is_asked(at), name_shown(at)) == (False, "Your name")
    assert is_asked(open_page("home", by="Anna's secret")), "the next page does"


def test_a_name_is_saved_and_shown_on_every_page() -> None:
    at = open_page("home", by="Anna's secret")
    at.text_input(key="asked_name").set_value("  *Anna*\u202e ")
    press(at, "Save")
    assert load_person(person_of("Anna's secret").id).name == "*Anna*"
    for page in ("home", "browse"):
        at.switch_page(f"pages/{page}.py").run()
        assert not is_asked(at)
        assert name_shown(at) == "*Anna*"
    assert not is_asked(open_page("home", by="Anna's secret")), "as after a reload"
    assert is_asked(open_page("home", by="Ben's secret"))


def test_skip_is_remembered_and_a_name_can_be_given_later() -> None:
    at = open_page("home", by="Anna's secret")
    at.text_input(key="asked_name").set_value("typed, but not meant")
    press(at, "Skip")
    assert name_shown(at) == "Your name"
    at = open_page("train", by="Anna's secret")
    assert not is_asked(at)
    at.text_input(key="changed_name").set_value("x" * MAX_PERSON_NAME)
    press(at, "Save")
    assert name_shown(at) == load_person(person_of("Anna's secret").id).name == "x" * MAX_PERSON_NAME
    at.text_input(key="changed_name").set_value("")
    press(at, "Save")
    assert name_shown(at) == "Your name"


def test_without_cookies_the_session_remembers() -> None:
    at = press(open_page("home"), "Skip")
    at.switch_page("pages/browse.py").run()
    assert not is_asked(at)


def test_a_name_that_cannot_be_saved_is_reported_once_and_not_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page("home")
    with monkeypatch.context() as patch:

        def refuse() -> None:
            raise DatabaseError("The *disk* is full.")

        patch.setattr(records(), "write", refuse)
        press(at, "Save")
    assert [unescaped(error.value) for error in at.error] == ["Your name was not saved. The *disk* is full."]
    at.run()
    assert not at.error
    assert not is_asked(at)
