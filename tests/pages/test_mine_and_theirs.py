"""Train opens on the visitor's own run; others' runs are one line each, and only their owners and the teacher can control them."""

from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fmnist_core.classroom.people import rename_person
from fmnist_core.classroom.teacher import sign_in
from fmnist_core.runs.mailbox import Inbox
from fmnist_core.runs.record import RunRecord, State
from fmnist_core.runs.trash import delete_run
from fmnist_core.settings.config import TrainConfig
from fmnist_core.settings.presets import find_preset
from fmnist_core.training.events import Event
from tests.pages.conftest import go_to, open_page, person_of, query, unescaped
from tests.written_runs import epoch_done, started, step_done, write_run

CONTROLS = {"pause", "resume", "step", "epoch", "stop", "continue", "train_more"}
EVENTS: list[Event] = [started(), step_done(4, [2.0, 1.5, 1.0, 0.5], 1.0), epoch_done(1, 4, 1.0)]


# More than four settings are no preset's.
OWN = replace(TrainConfig(), batch_size=7, optimizer="sgd", beta2=0.5, schedule="one-cycle", training_images=300, precision="float32")


@pytest.fixture(autouse=True)
def no_dispatcher(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing gives slots, so that runs stay in the queue."""
    monkeypatch.setattr("fmnist_core.jobs.control.ensure_dispatcher", lambda: None)


@pytest.fixture
def pin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PIN is set, which nobody here has typed."""
    monkeypatch.setenv("FMNIST_TEACHER_PIN", "a-pin-that-nobody-types")


def write(owner: str = "", state: State = "training", **about: Any) -> RunRecord:
    """A run with one of two epochs behind it; its owner is the person with this secret."""
    preset: str = about.pop("preset", "quick")
    usual: dict[str, Any] = {"epoch": 1, "config": find_preset(preset).config, "has_weights": True, "test_accuracy": 0.8}
    return write_run(EVENTS, state, owner=person_of(owner) if owner else None, **usual | about)


def lines(at: AppTest) -> dict[str, str]:
    """What the line of each live run says, by the query that its link opens."""
    return {link.proto.query_string: unescaped(link.proto.label) for link in at.get("page_link") if link.proto.label.endswith("· Watch")}


def shows_settings(at: AppTest) -> bool:
    """Whether no run is shown, only the settings and an empty frame."""
    assert not at.exception
    return any(found.value == "No run yet" for found in at.subheader)


def controls(at: AppTest) -> set[str]:
    assert not at.exception
    return CONTROLS & {str(button.key) for button in at.button}


# What the page opens on


@pytest.mark.parametrize("state", ["waiting", "training", "paused"])
def test_it_opens_on_my_live_run(state: State) -> None:
    mine = write("Anna's", state)
    write("Anna's", "finished")
    write("Ben's")
    at = open_page("train", by="Anna's")
    assert query(at, "run") == mine.id
    assert not shows_settings(at)


def test_it_opens_on_the_settings_and_not_on_anothers_run() -> None:
    write("Ben's")
    write("Ben's", "finished")
    write()
    for by in ("Anna's", ""):
        at = open_page("train", by=by)
        assert shows_settings(at)
        assert query(at, "run") == ""


def test_a_run_of_mine_that_i_looked_at_is_there_when_i_come_back_and_anothers_is_not() -> None:
    ended, watched = write("Anna's", "finished"), write("Ben's")
    at = open_page("train", by="Anna's", run=ended.id)
    assert query(go_to(go_to(at, "browse"), "train"), "run") == ended.id
    go_to(at, "train", run=watched.id)
    assert query(at.run(), "run") == watched.id, "as long as the page is open"
    assert shows_settings(go_to(go_to(at, "browse"), "train"))
    live = write("Anna's")
    assert query(go_to(go_to(at, "browse"), "train"), "run") == live.id


@pytest.mark.parametrize("link", [{"preset": "best"}, {"preset": "article"}, {"changes": "epochs=7"}], ids=str)
def test_a_link_to_a_preset_opens_the_settings_even_while_my_run_trains(link: dict[str, str]) -> None:
    mine = write("Anna's")
    at = open_page("train", by="Anna's", **link)
    heading = f"Settings: {find_preset(link.get('preset', 'article')).name}"
    assert [found.value for found in at.subheader if found.value.startswith(heading)]
    for _ in range(2):
        assert shows_settings(at)
        assert lines(at) == {f"run={mine.id}": "**You** train “Written” (Quick), epoch 2 of 2 · Watch"}
        at.button(key="choose_article").click().run()  # the default, which is not in the URL
    assert query(go_to(go_to(at, "browse"), "train"), "run") == mine.id


def test_a_link_to_a_run_is_followed_whatever_preset_it_carries() -> None:
    """The URL of a run keeps the choices of the form below it, and a reload opens the same view."""
    mine = write("Anna's")
    at = open_page("train", by="Anna's", preset="quick", run=mine.id)
    assert not shows_settings(at)
    assert query(at, "preset") == "quick"


def test_a_link_to_a_deleted_run_is_named_once_and_forgotten() -> None:
    deleted = write("Anna's", "finished")
    at = open_page("train", by="Anna's", run=deleted.id)
    delete_run(deleted.id)
    at.run()
    assert "does not exist" in at.warning[0].value
    assert shows_settings(at)
    assert query(at, "run") == ""
    live = write("Anna's")
    at.run()
    assert not at.warning
    assert query(at, "run") == live.id
    at = open_page("train", by="Anna's", run=deleted.id, preset="best")
    assert shows_settings(at)
    assert [found.value for found in at.subheader if found.value == "Settings: Best"]


# Others' live runs


def test_others_live_runs_are_one_line_each() -> None:
    rename_person(person_of("Ben's"), "Team *blue*")
    mine = write("Anna's", name="My [own]")
    runs = {
        write("Ben's", name="").id: "**Team *blue*** trains Quick, epoch 2 of 2",
        write(
            "Ben's", "paused", name="Run 2.0", preset="few-images"
        ).id: "**Team *blue*** has paused “Run 2.0” (100 training images), epoch 2 of 15",
        write("Ben's", name="", config=replace(OWN, learning_rate=30)).id: (
            "**Team *blue*** trains own settings: rate 30, SGD, 300 images, epoch 2 of 5"
        ),
        write("Cleo's", "waiting").id: "**somebody** waits to train “Written” (Quick)",
        write().id: "**somebody** trains “Written” (Quick), epoch 2 of 2",
    }
    write("Ben's", "finished")
    others = {f"run={run_id}": f"{text} · Watch" for run_id, text in runs.items()}
    assert lines(open_page("train", by="Anna's")) == others
    assert lines(open_page("train")) == others | {f"run={mine.id}": "**somebody** trains “My [own]” (Quick), epoch 2 of 2 · Watch"}
    (first, *rest) = lines(open_page("train", by="Anna's", preset="quick")).values()
    assert first.startswith("**You**")
    assert [text.split("** ")[1].split()[0] for text in rest] == ["trains", "trains", "trains", "has", "waits"]


def test_when_many_train_the_rest_is_folded() -> None:
    for _ in range(8):
        write("Ben's", "waiting")
    at = open_page("train")
    assert len(lines(at)) == 8
    (folded,) = [found for found in at.expander if found.label == "3 more runs"]
    assert not folded.proto.expanded
    assert len(folded.get("page_link")) == 3


# Who may do what


@pytest.mark.usefixtures("pin")
@pytest.mark.parametrize("state", ["training", "paused", "waiting", "stopped", "finished"])
def test_a_stranger_sees_the_run_but_no_controls(state: State) -> None:
    rename_person(person_of("Ben's"), "Team *blue*")
    run = write("Ben's", state)
    assert controls(open_page("train", by="Ben's", run=run.id))
    at = open_page("train", by="Anna's", run=run.id)
    assert controls(at) == set()
    assert not any(button.label == "Change" for button in at.button)
    assert any(found.value.startswith("Written · ") for found in at.subheader)
    assert any(unescaped(text.value).startswith("by Team *blue* · Quick") for text in at.markdown)
    who = "Only Team *blue*, who started this run, and the teacher can pause, stop or change it."
    assert any(unescaped(caption.value) == who for caption in at.caption) == run.is_live
    assert not any("you can resume it later" in info.value for info in at.info)


@pytest.mark.usefixtures("pin")
def test_what_nobody_owns_is_the_teachers_to_control() -> None:
    at = open_page("train", run=write().id)
    assert controls(at) == set()
    assert any(caption.value == "Only the teacher can pause, stop or change it." for caption in at.caption)


@pytest.mark.parametrize("owner", ["Ben's", ""])
def test_without_a_pin_everybody_may_do_everything(owner: str) -> None:
    assert controls(open_page("train", by="Anna's", run=write(owner).id)) == {"pause", "step", "epoch", "stop"}


@pytest.mark.parametrize(
    ("by", "has_pin", "reason"),
    [
        ("Ben's", True, ""),
        ("the teacher's", True, "The teacher stopped it."),
        ("Ben's", False, ""),
        ("Anna's", False, "*Anna* stopped it."),
        ("the other Anna's", False, "*Anna* (2) stopped it."),
        ("a newcomer's", False, "Somebody else stopped it."),
    ],
)
def test_the_owner_is_told_who_stopped_a_run(by: str, has_pin: bool, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rename_person(person_of("Anna's"), "*Anna*")
    rename_person(person_of("the other Anna's"), "*Anna*")
    if has_pin:
        monkeypatch.setenv("FMNIST_TEACHER_PIN", "only-the-teacher-types-this")
        sign_in(person_of("the teacher's").id, "only-the-teacher-types-this")
    run = write("Ben's")
    at = open_page("train", by=by, run=run.id)
    at.button(key="stop").click().run()
    assert not at.exception
    assert [(sent.command, sent.reason) for sent in Inbox(run.folder).take_new()] == [("stop", reason)]


def test_i_see_why_my_run_was_stopped() -> None:
    mine = write("Anna's", "stopped", message="The teacher stopped this run: time is up.")
    at = open_page("train", by="Anna's", run=mine.id)
    assert unescaped(at.info[0].value).startswith("The teacher stopped this run: time is up. It classifies 80.00 %")
