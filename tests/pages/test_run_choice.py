"""The lists of runs to choose from, whose lines change while a run trains."""

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Multiselect, Selectbox

from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.training.events import Event
from tests.pages.conftest import open_page, query
from tests.written_runs import epoch_done, started, step_done, write_run


def write_ended(name: str) -> str:
    events: list[Event] = [started(), step_done(4, [2.0, 1.5, 1.0, 0.5], 1.0), epoch_done(1, 4, 1.0)]
    return write_run(events, "finished", name=name, epoch=1, test_accuracy=0.8, has_weights=True).id


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
