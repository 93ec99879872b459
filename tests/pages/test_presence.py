import pytest

from pages.parts.shared import presence
from pages.parts.shared.presence import Presence, Presences, people_present
from tests.pages.conftest import open_page


@pytest.fixture
def presences(monkeypatch: pytest.MonkeyPatch) -> Presences:
    """What the server knows: nobody yet."""
    fresh = Presences()
    monkeypatch.setattr(presence, "PRESENCES", fresh)
    return fresh


def is_active(_session_id: str) -> bool:
    return True


def test_everybody_is_listed_once_with_the_page_they_opened_last(presences: Presences) -> None:
    presences.note_page("a1", "anna", "Browse", is_active)
    presences.note_page("b1", "ben", "Train", is_active)
    presences.note_page("a2", "anna", "Predict", is_active)
    assert people_present() == [Presence("anna", "Predict"), Presence("ben", "Train")]
    presences.note_page("a1", "anna", "Evaluate", is_active)
    assert Presence("anna", "Evaluate") in people_present()
    assert len(people_present()) == 2


def test_a_run_is_watched_until_the_session_opens_another_page(presences: Presences) -> None:
    presences.note_page("a1", "anna", "Train", is_active)
    presences.note_run("a1", "run-1")
    presences.note_page("b1", "ben", "Train", is_active)
    presences.note_run("b1", "run-2")
    assert presence.sessions_watching() == [Presence("anna", "Train", "run-1"), Presence("ben", "Train", "run-2")]
    presences.note_page("a1", "anna", "Browse", is_active)
    assert presence.sessions_watching() == [Presence("ben", "Train", "run-2")]


def test_a_session_without_a_connection_is_not_here_and_may_come_back(presences: Presences) -> None:
    presences.note_page("a1", "anna", "Browse", is_active)
    assert presences.of_sessions(lambda _session_id: False) == []
    assert presences.of_sessions(is_active) == [Presence("anna", "Browse")]


def test_sessions_that_have_ended_are_dropped() -> None:
    now_s = 0.0
    presences = Presences(clock=lambda: now_s)
    presences.note_page("old", "anna", "Browse", is_active)
    presences.note_page("open all day", "ben", "Browse", is_active)
    now_s = 3600.0
    presences.note_page("new", "carl", "Browse", lambda session_id: session_id == "open all day")
    assert [one.person for one in presences.of_sessions(is_active)] == ["ben", "carl"]


def test_a_run_noted_for_an_unknown_session_is_ignored(presences: Presences) -> None:
    presences.note_run("nobody", "run-1")
    assert people_present() == []


def test_a_page_notes_who_opened_it(presences: Presences) -> None:
    at = open_page("browse")
    assert not at.exception
    (here,) = people_present()
    assert (here.page, here.run_id, len(here.person)) == ("Browse", "", 32)
    at.switch_page("pages/evaluate.py").run()
    assert [one.page for one in people_present()] == ["Evaluate"]
    assert presences.of_sessions(is_active) == people_present()
