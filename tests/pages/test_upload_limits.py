"""How much may be uploaded. What a running server does with it is in tests/browser/test_server.py."""

import pytest

from pages.parts.shared import upload_limits
from pages.parts.shared.upload_limits import MB, NOT_ASKED, SERVER_FULL, SESSION_FULL, TOO_LARGE, TOO_MANY, UploadLimits
from tests.pages.conftest import open_page


class Store:
    """Stands for Streamlit's file manager: notes what was removed."""

    def __init__(self) -> None:
        self.removed: list[tuple[str, str]] = []

    def remove_file(self, session_id: str, file_id: str) -> None:
        self.removed.append((session_id, file_id))


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def limits(clock: Clock) -> UploadLimits:
    """Limits of a server on which Ann and Ben look at an uploader."""
    limits = UploadLimits(clock)
    limits.allow("ann", max_file_mb=1000)
    limits.allow("ben", max_file_mb=1000)
    return limits


def upload(limits: UploadLimits, store: Store, session: str, file: str, size: int) -> str:
    """A whole upload; the reason why it was refused, or ""."""
    problem = limits.begin_upload(session, file, size) or limits.receive(session, file, size)
    limits.end_upload(session, file, store, is_stored=not problem)
    return problem


def test_only_a_session_whose_page_shows_an_uploader_may_upload(limits: UploadLimits) -> None:
    assert limits.begin_upload("nobody", "1", 1) == NOT_ASKED
    assert limits.begin_upload("ann", "1", 1) == ""


def test_a_page_without_an_uploader_ends_the_permission_and_drops_what_was_uploaded(limits: UploadLimits, store: Store) -> None:
    assert upload(limits, store, "ann", "1", 5) == ""
    limits.begin_run("ann")
    limits.allow("ann")
    limits.end_run("ann", store)
    assert (limits.total, store.removed) == (5, [])
    limits.begin_run("ann")
    limits.end_run("ann", store)
    assert (limits.total, store.removed) == (0, [("ann", "1")])
    assert limits.begin_upload("ann", "2", 1) == NOT_ASKED
    assert limits.begin_upload("ben", "2", 1) == ""


def test_a_file_is_as_large_as_its_page_allows_at_most(limits: UploadLimits, store: Store) -> None:
    limits.allow("ann")
    assert upload(limits, store, "ann", "1", 20 * 2**20) == ""
    assert upload(limits, store, "ann", "2", 22 * 2**20) == TOO_LARGE.format(20)
    assert limits.begin_upload("ann", "3", 0) == ""
    assert limits.receive("ann", "3", 22 * 2**20) == TOO_LARGE.format(20), "whatever was announced"
    limits.allow("ann", max_file_mb=200)
    assert upload(limits, store, "ann", "4", 22 * 2**20) == ""


def test_an_upload_that_arrives_after_its_page_was_left_is_dropped(limits: UploadLimits, store: Store) -> None:
    limits.begin_upload("ann", "1", 5)
    limits.begin_run("ann")
    limits.end_run("ann", store)
    assert store.removed == []
    assert limits.receive("ann", "1", 5) == ""
    limits.end_upload("ann", "1", store, is_stored=True)
    assert (limits.total, store.removed) == (0, [("ann", "1")])


def test_an_upload_that_failed_is_dropped(limits: UploadLimits, store: Store) -> None:
    limits.begin_upload("ann", "1", 5)
    limits.receive("ann", "1", 3)
    assert limits.total == 3
    limits.end_upload("ann", "1", store, is_stored=False)
    assert limits.total == 0


def test_a_session_holds_400_megabytes_at_most(limits: UploadLimits, store: Store) -> None:
    assert upload(limits, store, "ann", "1", 399 * MB) == ""
    assert upload(limits, store, "ann", "2", 2 * MB) == SESSION_FULL
    assert upload(limits, store, "ann", "3", 1 * MB) == ""
    assert upload(limits, store, "ben", "4", 2 * MB) == ""


def test_the_size_is_counted_as_it_arrives_whatever_was_announced(limits: UploadLimits) -> None:
    assert limits.begin_upload("ann", "1", 0) == ""
    assert limits.receive("ann", "1", 400 * MB) == ""
    assert limits.receive("ann", "1", 1) == SESSION_FULL


def test_all_sessions_together_hold_a_gigabyte_at_most(limits: UploadLimits, store: Store) -> None:
    limits.allow("eve", max_file_mb=1000)
    assert [upload(limits, store, name, "1", 400 * MB) for name in ("ann", "ben", "eve")] == ["", "", SERVER_FULL]
    assert upload(limits, store, "eve", "2", 200 * MB) == ""


def test_what_the_page_has_taken_or_the_person_has_removed_no_longer_counts(limits: UploadLimits, store: Store) -> None:
    upload(limits, store, "ann", "1", 300 * MB)
    assert upload(limits, store, "ann", "2", 300 * MB) == SESSION_FULL
    limits.take("ann", "1")
    assert upload(limits, store, "ann", "3", 300 * MB) == ""
    limits.forget("ann", "3")
    assert upload(limits, store, "ann", "4", 300 * MB) == ""


def test_empty_files_are_bounded_too(limits: UploadLimits, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_limits, "MAX_SESSION_FILES", 2)
    assert [upload(limits, store, "ann", file, 0) for file in ("1", "2", "3")] == ["", "", TOO_MANY]
    limits.forget("ann", "1")
    assert upload(limits, store, "ann", "3", 0) == ""


def test_no_file_is_replaced_by_another_upload_under_its_id(limits: UploadLimits) -> None:
    limits.begin_upload("ann", "1", 5)
    limits.receive("ann", "1", 5)
    assert limits.begin_upload("ann", "1", 1) == TOO_MANY
    assert limits.total == 5


def test_what_no_page_has_taken_is_dropped_after_a_minute_without_uploads(limits: UploadLimits, store: Store, clock: Clock) -> None:
    upload(limits, store, "ann", "taken", 5)
    limits.take("ann", "taken")
    upload(limits, store, "ann", "forgotten", 5)
    clock.now_s = 60
    limits.sweep(store, lambda _: True)
    assert store.removed == []
    clock.now_s = 61
    limits.sweep(store, lambda _: True)
    assert (limits.total, store.removed) == (0, [("ann", "forgotten")])


def test_nothing_is_dropped_while_another_upload_of_the_session_arrives(limits: UploadLimits, store: Store, clock: Clock) -> None:
    upload(limits, store, "ann", "1", 5)
    limits.begin_upload("ann", "2", 5)
    clock.now_s = 1000
    limits.sweep(store, lambda _: True)
    assert store.removed == []
    limits.receive("ann", "2", 5)
    limits.end_upload("ann", "2", store, is_stored=True)
    clock.now_s = 1060
    limits.sweep(store, lambda _: True)
    assert store.removed == []
    clock.now_s = 1061
    limits.sweep(store, lambda _: True)
    assert store.removed == [("ann", "1"), ("ann", "2")]


def test_a_session_that_has_ended_is_forgotten(limits: UploadLimits, store: Store, clock: Clock) -> None:
    upload(limits, store, "ann", "1", 5)
    limits.take("ann", "1")
    clock.now_s = 61
    limits.sweep(store, lambda session: session == "ben")
    assert store.removed == [("ann", "1")]
    assert limits.begin_upload("ann", "2", 1) == NOT_ASKED
    assert limits.begin_upload("ben", "2", 1) == ""


def test_a_refusal_is_told_once(limits: UploadLimits, store: Store) -> None:
    assert upload(limits, store, "ann", "1", 401 * MB) == SESSION_FULL
    assert upload(limits, store, "ann", "2", 1) == ""
    assert limits.tell_refusal("ben") == ""
    assert limits.tell_refusal("ann") == SESSION_FULL
    assert limits.tell_refusal("ann") == ""


def test_the_page_says_why_an_upload_was_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    page = open_page("predict", source="Upload")
    assert not page.error
    monkeypatch.setattr(upload_limits.LIMITS, "tell_refusal", lambda _session: SERVER_FULL)
    assert page.run().error[0].value == SERVER_FULL
