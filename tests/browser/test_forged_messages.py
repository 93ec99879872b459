"""Messages that no page of the sender offers: replayed from another's page, or sent when the page is closed already.

They are sent over the websocket that browsers use, by somebody who knows the ids of all widgets.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

import pytest

from fmnist_core.classroom.archives import list_archives
from fmnist_core.classroom.lesson import Lesson, change_lesson, lesson
from fmnist_core.classroom.people import LOCAL, Person, person_id
from fmnist_core.classroom.teacher import is_teacher, sign_in
from fmnist_core.jobs.control import start_run
from fmnist_core.runs.folders import list_run_ids
from fmnist_core.runs.record import load_run
from fmnist_core.settings.config import TrainConfig
from pages.parts.shared.visitor_cookie import COOKIE
from tests.browser.conftest import Server, start_server
from tests.load.browser import Browser
from tests.load.figures import Tally
from tests.load.screen import Click
from tests.other_thread import run_coroutine

TEACHER, OWNER, STRANGER = ("t" * 32, "o" * 32, "s" * 32)


@pytest.fixture
def classroom(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server with a PIN, which the teacher has typed, and whose database this process uses too; what is started has to wait."""
    home = tmp_path_factory.mktemp("forged") / "home"
    monkeypatch.setenv("FMNIST_HOME", str(home))
    monkeypatch.setenv("FMNIST_TEACHER_PIN", "tulip")
    sign_in(person_id(TEACHER), "tulip")
    change_lesson(LOCAL, paused=True)
    with start_server(home) as running:
        yield running


@asynccontextmanager
async def visit(server: Server, secret: str, page: str, query: str = "") -> AsyncIterator[Browser]:
    """A tab of the person with this cookie, on this page, until the block ends."""
    browser = Browser(urlsplit(server.url).port or 0, Tally(), page, SimpleCookie({COOKIE: secret}))
    try:
        await browser.open(page, query)
        yield browser
    finally:
        await browser.close()


async def replay(browser: Browser, clicks: list[Click]) -> None:
    """Sends clicks as they were offered to somebody else; those on a part of their page as clicks on the whole page."""
    for click in clicks:
        await browser.click(replace(click, fragment=""))


def test_a_strangers_copies_of_the_teachers_and_the_owners_clicks_do_nothing(classroom: Server) -> None:
    run_id = start_run(TrainConfig(), "theirs", by=Person(person_id(OWNER), "Anna"))

    async def forge() -> list[int]:
        async with visit(classroom, TEACHER, "lesson") as teacher, visit(classroom, OWNER, "training", f"run={run_id}") as owner:
            offered = teacher.screen.buttons("Stop", "Let waiting", "Send", "Archive", "Clear", "Save", "Sign out")
            owned = owner.screen.buttons("Stop", "Pause")
            for page, query in (("lesson", ""), ("training", f"run={run_id}"), ("trainings", "")):
                async with visit(classroom, STRANGER, page, query) as stranger:
                    await replay(stranger, [*offered, *owned])
            assert load_run(run_id).state == "waiting"
            assert lesson() == Lesson(paused=True)
            assert list_archives() == []
            assert is_teacher(person_id(TEACHER))
            await owner.click(owned[0])
            await teacher.click(next(click for click in offered if "pause_trainings" in click.state.id))
        return [len(offered), len(owned)]

    offered, owned = run_coroutine(forge())
    assert (offered >= 7, owned >= 1) == (True, True)
    assert load_run(run_id).state == "stopped", "the owner's own click does"
    assert lesson() == Lesson(), "and so does the teacher's"


def test_a_run_cannot_be_started_from_a_page_that_was_open_when_it_was_closed(classroom: Server) -> None:
    async def forge() -> str:
        async with visit(classroom, STRANGER, "training") as student:
            train = next(click for click in student.screen.buttons("Train") if "train" in click.state.id)
            assert train.fragment, "a part of the page answers, without asking whether the page is open"
            change_lesson(LOCAL, hidden_pages=("training",))
            await student.click(train)
        return "\n".join(student.screen.texts("alert"))

    assert "closed the Train page for this lesson" in run_coroutine(forge())
    assert list_run_ids() == []


def test_the_owner_may_still_stop_a_run_while_train_is_closed(classroom: Server) -> None:
    run_id = start_run(TrainConfig(), "theirs", by=Person(person_id(OWNER)))

    async def click() -> None:
        async with visit(classroom, OWNER, "training", f"run={run_id}") as owner:
            (button,) = [click for click in owner.screen.buttons("Stop") if click.state.id.endswith("-stop")]
            change_lesson(LOCAL, hidden_pages=("training",))
            await owner.click(button)

    run_coroutine(click())
    assert load_run(run_id).state == "stopped"
