"""What the server answers besides pages; how browsers use it is in tests/browser/test_teacher.py."""

from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from fmnist_core.classroom import teacher
from fmnist_core.classroom.attempts import Attempts
from fmnist_core.classroom.lesson import change_lesson, lesson_version
from fmnist_core.classroom.people import LOCAL, person_id
from fmnist_core.classroom.records import records
from fmnist_core.classroom.teacher import sign_in
from fmnist_core.runs.folders import archives_folder
from pages.parts.shared.server_routes import server_routes
from pages.parts.shared.visitor_cookie import COOKIE

TEACHERS, STUDENTS = "t" * 32, "s" * 32
NAME = "fashion-mnist-runs-20260101-080000.zip"


def ask(path: str, secret: str = "", **parameters: str) -> Response:
    """The answer of the route with this path, to a browser with this cookie."""
    (route,) = [route for route in server_routes() if isinstance(route, Route) and route.path == path]
    headers = [(b"cookie", f"{COOKIE}={secret}".encode())] if secret else []
    answer: Response = route.endpoint(Request({"type": "http", "headers": headers, "path_params": parameters}))
    return answer


@pytest.fixture
def archive(monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive on a server with a PIN, which one browser's person has typed."""
    monkeypatch.setattr(teacher, "_tries", Attempts(5, 30, 60.0))
    monkeypatch.setenv("FMNIST_TEACHER_PIN", "483 tulip")
    sign_in(person_id(TEACHERS), "483 tulip")
    archives_folder().mkdir(parents=True)
    (archives_folder() / NAME).write_bytes(b"PK")
    return archives_folder() / NAME


def test_everybody_is_told_that_the_lesson_has_changed_and_nothing_else() -> None:
    before = ask("/live/lesson")
    change_lesson(LOCAL, hidden_pages=("prediction",))
    after = ask("/live/lesson")
    assert before.body != after.body == lesson_version().encode()
    assert len(bytes(after.body)) == 16


def test_an_archive_is_for_the_teacher(archive: Path) -> None:
    answer = ask("/archives/{name}", TEACHERS, name=archive.name)
    assert isinstance(answer, FileResponse)
    assert Path(answer.path) == archive
    for secret in ("", STUDENTS, "t"):
        assert ask("/archives/{name}", secret, name=archive.name).status_code == 403


@pytest.mark.usefixtures("archive")
@pytest.mark.parametrize("name", ["../classroom.sqlite3", "classroom.sqlite3", f"../archives/{NAME}", NAME.replace("1", "2"), ""])
def test_whatever_else_is_asked_for_is_no_archive(name: str) -> None:
    assert ask("/archives/{name}", TEACHERS, name=name).status_code == 404


def test_a_database_that_cannot_be_used_is_a_sentence(archive: Path, home: Path) -> None:
    records().close()
    (home / "classroom.sqlite3").unlink()
    (home / "classroom.sqlite3").mkdir()
    for answer in (ask("/archives/{name}", TEACHERS, name=archive.name), ask("/live/lesson")):
        assert answer.status_code == 503
        assert b"set FMNIST_HOME" in answer.body
