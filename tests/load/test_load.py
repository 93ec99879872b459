"""The load test's small form, part by part, without timing; and its own means: a screen that keeps what a browser keeps."""

import random

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from fmnist_core.jobs.queue import Row
from fmnist_core.training.events import EpochDone, Event, StepDone
from tests.load.__main__ import PARTS, measure
from tests.load.figures import Outcome, Tally, describe_times
from tests.load.options import Options
from tests.load.screen import Screen
from tests.load.trainings import pace_of, steps_in
from tests.load.turns import out_of_turn
from tests.other_thread import call_in_other_thread

SMALL = Options(sessions=5, seconds=10, small=True)


def measure_small(part: str) -> Outcome:
    return call_in_other_thread(lambda: measure(part, SMALL))


@pytest.mark.parametrize("part", [part for part in PARTS if part != "rush"])
def test_every_session_is_answered_and_sees_no_exception(part: str) -> None:
    outcome = measure_small(part)
    assert outcome.problems == {}
    assert outcome.rows
    assert not any("none" in row.measured or "nan" in row.measured for row in outcome.rows)


def test_all_runs_of_a_rush_end_although_the_server_and_a_trainer_are_killed() -> None:
    outcome = measure_small("rush")
    assert outcome.rows[0].measured.startswith("10 asked for, 10 finished, 0 lost, 0 trained twice"), outcome


def test_the_screen_drops_what_a_run_did_not_draw_again() -> None:
    screen = Screen()
    begin(screen, "one")
    draw(screen, (0, 0), button="Train")
    draw(screen, (0, 1), text="Old")
    end(screen, "one")
    assert screen.button("Train") is not None
    begin(screen, "two")
    draw(screen, (0, 1), text="New")
    assert screen.button("Train") is not None
    end(screen, "two")
    assert screen.button("Train") is None
    assert screen.texts() == ["New"]


def test_a_fragment_replaces_only_its_own_elements() -> None:
    screen = Screen()
    begin(screen, "one")
    draw(screen, (0, 0), button="Train")
    draw(screen, (0, 1), text="Step 1", fragment="live")
    draw(screen, (0, 2), text="Gone soon", fragment="live")
    end(screen, "one")
    begin(screen, "two", "live")
    draw(screen, (0, 1), text="Step 2", fragment="live")
    end(screen, "two", "live")
    assert screen.texts() == ["Step 2"]
    assert screen.button("Train") is not None


def test_a_run_that_is_started_again_drops_nothing() -> None:
    screen = Screen()
    begin(screen, "one")
    draw(screen, (0, 0), button="Train")
    end(screen, "one")
    begin(screen, "two")
    end(screen, "two", status=ForwardMsg.FINISHED_EARLY_FOR_RERUN)
    assert screen.button("Train") is not None


def test_a_large_message_is_kept_and_can_be_referred_to() -> None:
    screen = Screen()
    begin(screen, "one")
    large = element((0, 0), text="Large")
    large.hash, large.metadata.cacheable = "abc", True
    screen.take(large)
    end(screen, "one")
    assert screen.large_hashes() == ["abc"]
    begin(screen, "two")
    short = ForwardMsg(ref_hash="abc")
    short.metadata.delta_path.extend((0, 3))
    screen.take(short)
    end(screen, "two")
    assert screen.texts() == ["Large"]
    for number in range(4):
        begin(screen, f"later {number}")
        end(screen, f"later {number}")
    assert screen.large_hashes() == []


def test_polls_of_one_part_of_a_page_drop_no_large_message_of_another() -> None:
    """The server refers to it in its answer to a click, which may take longer than several polls."""
    screen = Screen()
    begin(screen, "one")
    for number, fragment in enumerate(("", "form", "live")):
        large = element((0, number), text="Large", fragment=fragment)
        large.hash, large.metadata.cacheable = f"of {fragment}", True
        screen.take(large)
    end(screen, "one")
    for number in range(4):
        begin(screen, f"poll {number}", "live")
        end(screen, f"poll {number}", "live")
    assert screen.large_hashes() == ["of ", "of form"]


def test_what_can_be_clicked() -> None:
    screen = Screen()
    begin(screen, "one")
    draw(screen, (0, 0), button="Choose", fragment="form")
    draw(screen, (0, 1), button="Chosen")
    draw(screen, (0, 2), button="Choose", disabled=True)
    cell = element((0, 3))
    cell.delta.new_element.bidi_component.id, cell.delta.new_element.bidi_component.component_name = "table", "confusion_table"
    screen.take(cell)
    clicks = screen.buttons("Choose")
    assert [(click.state.id, click.state.trigger_value, click.fragment) for click in clicks] == [("Choose", True, "form")]
    assert len(screen.buttons("Cho")) == 2
    assert screen.cells("image_wall", 10, random.Random(0)) == []
    state = screen.cells("confusion_table", 1, random.Random(0))[0].state
    assert (state.id, state.json_trigger_value) == ("$$STREAMLIT_INTERNAL_KEY_table__events", '[{"event": "cell", "value": [0, 0]}]')


def test_an_exception_on_the_page_is_a_problem() -> None:
    screen = Screen()
    message = element((0, 0))
    message.delta.new_element.exception.type, message.delta.new_element.exception.message = "KeyError", "'name'"
    assert screen.take(message) == "exception: KeyError 'name'"


def test_the_pace_leaves_out_evaluations() -> None:
    events: list[Event] = [step(10, 1.0), step(20, 2.0), epoch(20, 5.0), step(30, 6.0), step(50, 7.0)]
    assert pace_of(events) == 15.0
    assert steps_in(events) == 40
    assert pace_of(events[:1]) != pace_of(events[:1])  # NaN
    assert steps_in([]) == 0


def row(place: int, person: str, asked_at: float, placed_at: float) -> Row:
    return Row(place, f"run {place}", person, is_placed=True, starts=1, asked_at=asked_at, placed_at=placed_at)


def test_whose_turn_it_was() -> None:
    fair = [row(1, "a", 0, 10), row(2, "a", 0, 12), row(3, "b", 0, 11), row(4, "c", 11, 13)]
    assert out_of_turn(fair) == [], "c was not ready before"
    unfair = [row(1, "a", 0, 10), row(2, "a", 0, 11), row(3, "b", 0, 12)]
    assert out_of_turn(unfair) == ["run 2 of a was placed before run 3 of b"]


def test_a_tally_adds_and_forgets() -> None:
    one, other = Tally(), Tally()
    one.click_s["Browse"].append(0.1)
    other.click_s["Browse"].append(0.3)
    one.problems["late"] += 1
    one.add(other)
    assert one.all_clicks_s() == [0.1, 0.3]
    assert describe_times(one.all_clicks_s()) == "0.200 s, 0.290 s, 0.30 s (n = 2)"
    one.clear()
    assert one.all_clicks_s() == []
    assert one.problems == {"late": 1}


def begin(screen: Screen, run: str, *fragments: str) -> None:
    message = ForwardMsg()
    message.new_session.page_script_hash = "page"
    message.metadata.run.script_run_id = run
    message.metadata.run.fragment_ids.extend(fragments)
    screen.take(message)


def draw(screen: Screen, path: tuple[int, ...], *, button: str = "", text: str = "", fragment: str = "", disabled: bool = False) -> None:
    message = element(path, text=text, fragment=fragment)
    if button:
        shown = message.delta.new_element.button
        shown.id, shown.label, shown.disabled = button, button, disabled
    screen.take(message)


def element(path: tuple[int, ...], *, text: str = "", fragment: str = "") -> ForwardMsg:
    message = ForwardMsg()
    message.metadata.delta_path.extend(path)
    message.delta.fragment_id = fragment
    message.delta.new_element.markdown.body = text
    return message


def end(screen: Screen, run: str, *fragments: str, status: "ForwardMsg.ScriptFinishedStatus.ValueType | None" = None) -> None:
    message = ForwardMsg()
    usual = ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY if fragments else ForwardMsg.FINISHED_SUCCESSFULLY
    message.script_finished = usual if status is None else status
    message.metadata.run.script_run_id = run
    message.metadata.run.fragment_ids.extend(fragments)
    screen.take(message)


def step(number: int, elapsed_s: float) -> StepDone:
    return StepDone(epoch=1, step=number, losses=(1.0,), images_per_s=0.0, elapsed_s=elapsed_s, remaining_s=0.0)


def epoch(number: int, elapsed_s: float) -> EpochDone:
    return EpochDone(epoch=1, step=number, train_loss=1.0, test_loss=1.0, test_accuracy=0.5, elapsed_s=elapsed_s)
