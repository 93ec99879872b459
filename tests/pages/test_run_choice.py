"""Which network pages show unless somebody chooses one, and the lists to choose from, whose lines change while a run trains."""

from typing import Any

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Multiselect, Selectbox

from fmnist_core.classroom.people import rename_person
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.settings.presets import find_preset
from fmnist_core.training.events import Event
from tests.pages.conftest import go_to, open_page, person_of, query
from tests.written_runs import epoch_done, started, step_done, write_run


def write_ended(name: str, owner: str = "", **about: Any) -> str:
    """A run that finished and learned something, unless `about` says otherwise, of the person with this secret."""
    events: list[Event] = [started(), step_done(4, [2.0, 1.5, 1.0, 0.5], 1.0), epoch_done(1, 4, 1.0)]
    usual: dict[str, Any] = {"state": "finished", "name": name, "epoch": 1, "test_accuracy": 0.8, "has_weights": True}
    return write_run(events, owner=person_of(owner) if owner else None, **usual | about).id


def send_old_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes every list send outdated lines, like a browser that has not received the new ones yet."""

    def send(widget: Selectbox[str] | Multiselect[str]) -> WidgetState:
        state = WidgetState(id=widget.id)
        if isinstance(widget, Multiselect):
            state.string_array_value.data[:] = [f"{line}, as it was" for line in widget.values]
        else:
            state.string_value = f"{widget.value}, as it was"
        return state

    for kind in (Selectbox, Multiselect):
        monkeypatch.setattr(kind, "_widget_state", property(send))


@pytest.mark.parametrize(("page", "key"), [("train", "run_on_show"), ("evaluate", "run_picker")])
def test_an_outdated_line_chooses_nothing(page: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = write_ended("One")
    at = open_page(page, run=run_id)
    send_old_lines(monkeypatch)
    at.run()
    assert not at.exception
    assert not at.warning
    assert query(at, "run") == run_id
    assert at.session_state[key] == run_id


def test_an_outdated_name_to_compare_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    run_id, other = write_ended("One"), write_ended("Other")
    at = open_page("train", run=run_id, compare=other)
    assert at.multiselect(key="others").value == [other]
    send_old_lines(monkeypatch)
    at.run()
    assert not at.exception
    assert query(at, "compare") == other


def choose(at: AppTest, run_id: str) -> None:
    at.selectbox(key="run_picker").select(run_id).run()
    assert query(at, "run") == run_id


def test_runs_with_the_same_name_and_minute_can_be_told_apart() -> None:
    ids = [write_ended("Twin") for _ in range(3)]
    at = open_page("evaluate")
    lines = at.selectbox(key="run_picker").options
    assert len(set(lines)) == len(lines) == 4
    for run_id in (*ids, STARTER_ID, *ids):
        choose(at, run_id)


# Which network


def network(at: AppTest) -> str:
    """The id of the network on show, which is in the URL too."""
    assert not at.exception
    shown = str(at.selectbox(key="run_picker").value)
    assert query(at, "run") == shown
    return shown


def test_a_newcomer_gets_the_starter_and_never_what_others_trained() -> None:
    write_ended("Of Ben", "Ben's")
    write_ended("Nobody's")
    for page in ("evaluate", "look_inside", "predict"):
        assert network(open_page(page)) == STARTER_ID


def test_it_is_the_links_else_the_chosen_one_else_my_newest_that_learned_something() -> None:
    older, newer = write_ended("Older", "Anna's"), write_ended("Newer", "Anna's")
    of_ben = write_ended("Of Ben", "Ben's")
    write_ended("Diverged", "Anna's", state="diverged")
    write_ended("Stopped", "Anna's", state="stopped")
    write_ended("Near chance", "Anna's", test_accuracy=0.11)
    write_ended("On purpose", "Anna's", config=find_preset("few-images").config)
    at = open_page("evaluate", by="Anna's")
    assert network(at) == newer
    at.selectbox(key="run_picker").select(older).run()
    assert network(go_to(at, "look_inside")) == older, "chosen"
    assert network(open_page("evaluate", by="Anna's", run=of_ben)) == of_ben
    at.query_params["run"] = of_ben
    assert network(at.run()) == of_ben, "the link's"
    assert network(go_to(at, "evaluate")) == of_ben, "whoever follows a link has chosen it"
    assert network(open_page("evaluate", by="Anna's")) == newer, "another session"


def test_a_network_that_nobody_chose_gives_way_to_my_next_one() -> None:
    at = open_page("evaluate", by="Anna's")
    assert network(at) == STARTER_ID
    mine = write_ended("Mine", "Anna's")
    assert network(at.run()) == STARTER_ID, "not while it is looked at"
    assert network(go_to(at, "look_inside")) == mine
    at.selectbox(key="run_picker").select(STARTER_ID).run()
    assert network(go_to(at, "evaluate")) == STARTER_ID
    at.selectbox(key="run_picker").select(mine).run()
    newest = write_ended("Newest", "Anna's")
    assert network(go_to(at, "look_inside")) == newest


def test_watching_a_run_does_not_choose_it_for_other_pages() -> None:
    of_ben = write_ended("Of Ben", "Ben's")
    at = open_page("train", by="Anna's", run=of_ben)
    assert network(go_to(at, "evaluate")) == STARTER_ID


def test_lists_show_mine_then_the_starter_then_others_with_their_names() -> None:
    rename_person(person_of("Ben's"), "Ben")
    rename_person(person_of("the other Ben's"), "Ben")
    runs = {owner: write_ended(f"Run of {owner}", owner) for owner in ("Anna's", "Ben's", "the other Ben's", "Cleo's")}
    at = open_page("evaluate", by="Anna's")
    names = [" · ".join(line.split(" · ")[:2]) for line in at.selectbox(key="run_picker").options]
    assert names == [
        "Run of Anna's · 80.00 %",
        "Starter model (comes with the dashboard) · 91.50 %",
        "Run of Cleo's · by somebody",
        "Run of the other Ben's · by Ben (2)",
        "Run of Ben's · by Ben",
    ]
    at = open_page("train", by="Anna's", run=runs["Anna's"])
    assert at.multiselect(key="others").options[:3] == ["Starter model", "Run of Cleo's by somebody", "Run of the other Ben's by Ben (2)"]
    assert at.selectbox(key="run_on_show").options[0].startswith("Run of Anna's · 80.00 %")
    assert at.selectbox(key="run_on_show").options[1].startswith("Run of Cleo's · by somebody")
