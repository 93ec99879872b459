import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fmnist_core.classroom.people import Person, rename_person
from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.jobs import control, queue
from fmnist_core.jobs.control import start_run
from fmnist_core.runs.claim import release_start
from fmnist_core.runs.folders import STARTER_FOLDER, STARTER_ID, RunError, run_folder
from fmnist_core.runs.history import Trail
from fmnist_core.runs.mailbox import Command, Inbox, is_pending, send
from fmnist_core.runs.record import RunRecord, State, load_run
from fmnist_core.runs.trash import delete_run
from fmnist_core.settings.config import TrainConfig
from fmnist_core.settings.presets import find_preset
from fmnist_core.training.events import Event, Finished, RateChanged
from pages.parts.components.component import read_picked
from pages.parts.shared import presence
from pages.parts.shared.presence import Presences
from pages.parts.shared.run_histories import history_of
from pages.parts.shared.wording import distinct_lines, format_duration
from pages.parts.train import live_run, run_controls
from pages.parts.train.probes import describe_trail
from pages.parts.train.viewers import Viewers, count_viewers, pick_pace
from tests.pages.conftest import open_page, person_of, query, unescaped
from tests.runs.long_events import write_long_events
from tests.written_runs import PROBES, append_events, epoch_done, started, step_done, write_run

FINISHED = Finished(epoch=1, step=4, test_accuracy=0.8, elapsed_s=5.0, train_accuracy=0.9)
UNDER_WAY: list[Event] = [started(), step_done(1, [2.3], 1.0), step_done(3, [2.0, 1.5], 3.0, right=False)]
WHOLE: list[Event] = [*UNDER_WAY, step_done(4, [1.0], 4.0), epoch_done(1, 4, 5.0), FINISHED]


@pytest.fixture(autouse=True)
def no_dispatcher(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing gives slots, so that runs stay in the queue."""
    monkeypatch.setattr(control, "ensure_dispatcher", lambda: None)


@pytest.fixture
def reruns(monkeypatch: pytest.MonkeyPatch) -> type[Exception]:
    """What `st.rerun` raises, where no page runs that it could run again."""

    class Rerun(Exception): ...

    def rerun() -> None:
        raise Rerun

    monkeypatch.setattr("streamlit.rerun", rerun)
    return Rerun


def launched() -> list[str]:
    """The ids of the runs that the page has put into the queue."""
    return [row.run for row in queue.rows()]


def commands(run_id: str) -> list[Command]:
    return Inbox(run_folder(run_id)).take_new()


def answer(run_id: str) -> None:
    """Answers all commands, as the trainer does when it has carried them out."""
    inbox = Inbox(run_folder(run_id))
    for command in inbox.take_new():
        inbox.answer(command)


def component_data(at: AppTest, name: str) -> dict[str, Any]:
    """The data that a component was given; {} if it is not on the page."""
    found = [element.proto for element in at.get("bidi_component") if element.proto.component_name == name]
    return json.loads(found[0].mixed.json if found[0].WhichOneof("data") == "mixed" else found[0].json) if found else {}


def alts(at: AppTest, kind: str) -> list[str]:
    return [chart.proto.alt for chart in at.get(kind)]


def open_run(run_id: str, **more: str) -> AppTest:
    at = open_page("train", run=run_id, **more)
    assert not at.exception
    return at


# While it trains


def test_a_live_run_shows_progress_figures_charts_and_kernels() -> None:
    run = write_run([*UNDER_WAY, step_done(4, [1.0], 4.0), epoch_done(1, 4, 5.0, 0.8125)], epochs=2, name="Team *blue*")
    at = open_run(run.id)
    assert [unescaped(found.value) for found in at.subheader if "Team" in found.value] == ["Team *blue* · Training"]
    assert at.get("progress")[0].proto.text == "Step 4 of 8"
    assert {metric.label: metric.value for metric in at.metric} == {
        "Epoch": "1 of 2",
        "Images / s": "1,000",
        "Time left": "1 min 00 s",
        "Test accuracy": "81.25 %",
        "Learning rate": "0.001",
    }
    loss, accuracy, rate = alts(at, "echarts_chart")
    assert loss.startswith("Loss against step for Team *blue*: from 2.30 at step 1 to about ")
    assert loss.endswith(" at step 4.")
    assert accuracy == "Test accuracy against epoch. epoch 1: 81.25 %."
    assert rate.startswith("Learning rate against step: 0.001 now")
    kernels = component_data(at, "live_kernels")
    assert kernels["alt"] == "The 16 kernels of the first layer, 5×5 weights each, from 0.04 to 0.04, after step 4."
    assert any("start a new run" in info.value for info in at.info)


def test_twenty_probes_turn_correct_or_wrong_and_their_pictures_are_sent_separately() -> None:
    run = write_run(UNDER_WAY)
    probes = component_data(open_run(run.id), "probe_wall")
    assert probes["numbers"] == list(PROBES)
    assert probes["summary"].startswith("0 of these 20 test images are classified correctly.")
    assert probes["per_mille"] == [11] * 20
    assert probes["predicted"][:4] == [1, 1, 2, 2]
    assert len(json.dumps(probes)) < 1_500  # sent with every refresh
    append_events(run.id, [step_done(4, [1.0], 4.0)])
    at = open_run(run.id)
    assert component_data(at, "probe_wall")["summary"].startswith("20 of these 20")
    assert any("--probes: url(data:image/png;base64," in block.proto.body for block in at.get("html"))


def test_a_run_whose_probes_are_missing_still_shows_its_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.parts.train.live_run._FIRST_POINT_S", 0.0)
    run = write_run([started(probes=[10_000])])  # it was trained on a larger data set
    at = open_run(run.id)
    assert component_data(at, "probe_wall") == {}
    assert len(at.get("echarts_chart")) == 3


def test_a_run_whose_turn_it_is_says_that_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.parts.train.live_run._FIRST_POINT_S", 0.0)
    at = open_run(start_run(TrainConfig(epochs=3), "Next", by=person_of("Anna's")))
    assert not at.exception
    assert at.info[0].value == "It starts in a moment."


def test_a_waiting_run_shows_its_place_in_the_queue_and_what_is_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_SLOTS", "1")
    anna = rename_person(person_of("Anna's"), "*Anna*")
    training = write_run(UNDER_WAY, owner=anna)
    queue.ask_again(training.id)
    queue.place(queue.rows()[0])
    first = start_run(TrainConfig(epochs=3), "Queued", by=anna)
    at = open_run(first)
    place = "Waiting for its turn: number {} in line, {} ahead of it. "
    assert at.get("progress")[0].proto.text == "Waiting"
    ahead = "Ahead of it: **{}** train{} “Written” (The article: 2 epochs, normalised pixels), epoch 1 of 2"
    assert unescaped(at.info[0].value) == f"{place.format(1, '1 run')}{ahead.format('*Anna*', 's')}."
    for number in range(4):
        last = start_run(TrainConfig(epochs=3), f"Behind {number}", by=person_of(f"{number}"))
    at = open_page("train", by="Anna's", run=last)
    assert not at.exception
    words = unescaped(at.info[0].value)
    assert words.startswith(place.format(4, "4 runs") + ahead.format("You", ""))
    assert words.endswith("; and 1 more.")
    at = open_run(first)
    assert [at.button(key=key).disabled for key in ("pause", "step", "epoch", "stop")] == [True, True, True, False]
    write_status(training, state="finished")  # a moment ago, so that it is still in line
    at = open_run(first)
    assert not at.exception
    assert not [info for info in at.info if "Written" in info.value]


# Controls


@pytest.mark.parametrize(
    ("key", "state", "command", "label"),
    [
        ("pause", "training", "pause", "Pausing …"),
        ("step", "training", "step", "One step …"),
        ("epoch", "training", "epoch", "One epoch …"),
        ("stop", "training", "stop", "Stopping …"),
        ("resume", "paused", "go-on", "Resuming …"),
        ("stop", "paused", "stop", "Stopping …"),
    ],
)
def test_a_control_sends_a_command_and_shows_that_it_was_clicked(key: str, state: State, command: str, label: str) -> None:
    run = write_run(UNDER_WAY, state)
    at = open_run(run.id)
    at.button(key=key).click().run()
    assert not at.exception
    assert [asked.command for asked in commands(run.id)] == [command]
    assert (at.button(key=key).label, at.button(key=key).disabled) == (label, True)
    if key == "stop":  # the trainer tests the weights meanwhile
        assert [found.value for found in at.subheader if found.value.startswith("Written")] == ["Written · Stopped"]


def test_a_click_is_forgotten_once_the_trainer_has_answered() -> None:
    run = write_run(UNDER_WAY)
    at = open_run(run.id)
    at.button(key="pause").click().run()
    at.run()
    assert at.button(key="pause").label == "Pausing …", "the state alone is not an answer"
    write_status(run, state="paused")
    answer(run.id)
    at.run()
    assert (at.button(key="resume").label, at.button(key="resume").disabled) == ("Resume", False)
    assert [found.value for found in at.subheader if found.value.startswith("Written")] == ["Written · Paused"]
    assert "**Paused** after step 3 of 8" in at.get("progress")[0].proto.text
    assert at.info[0].value.startswith("**Paused.** Nothing is lost")


def test_a_click_whose_trainer_was_replaced_is_forgotten() -> None:
    run = write_run(UNDER_WAY)
    at = open_run(run.id)
    at.button(key="epoch").click().run()
    assert at.button(key="epoch").label == "One epoch …"
    send(run.folder, "resume")  # its process died, and somebody continued the run
    at.run()
    assert (at.button(key="epoch").label, at.button(key="epoch").disabled) == ("One epoch", False)


def options_of(at: AppTest, chart: int = 0) -> dict[str, Any]:
    """What ECharts draws: 0 for the loss, 1 for the accuracy, 2 for the learning rate."""
    options: dict[str, Any] = json.loads(at.get("echarts_chart")[chart].proto.spec)
    return options


def test_the_charts_are_the_same_in_every_state_and_zoom_when_nothing_trains() -> None:
    states: tuple[State, ...] = ("training", "paused", "finished")
    pages = {state: open_run(write_run(UNDER_WAY, state).id) for state in states}
    before = [chart.proto.id for chart in open_page("train", preset="quick").get("echarts_chart")]
    assert len(before) == 3
    assert [[chart.proto.id for chart in at.get("echarts_chart")] for at in pages.values()] == [before] * len(states)
    assert [(at.get("plotly_chart"), "dataZoom" in options_of(at), "dataZoom" in options_of(at, 1)) for at in pages.values()] == [
        ([], state != "training", state != "training") for state in states
    ]
    axes = [(options_of(at)["xAxis"], options_of(at)["yAxis"]) for at in pages.values()]
    assert axes[0] == axes[1] == axes[2]


def test_a_paused_run_has_downloads() -> None:
    at = open_run(write_run(UNDER_WAY, "paused").id)
    assert alts(at, "echarts_chart")[0].startswith("Loss against step for Written")
    assert [button.proto.label for button in at.get("download_button")] == ["Every step (CSV)", "Charts (HTML)"]


def change_rate(at: AppTest, text: str) -> AppTest:
    at.text_input(key="new_rate").set_value(text)
    next(button for button in at.button if button.label == "Change").click().run()
    assert not at.exception
    return at


def test_the_rate_can_be_changed_during_training_and_the_change_is_described() -> None:
    run = write_run(UNDER_WAY)
    at = change_rate(open_run(run.id), "0,02")
    assert [(asked.command, asked.learning_rate) for asked in commands(run.id)] == [("rate", 0.02)]
    assert any(button.label == "Changing …" for button in at.button)
    append_events(run.id, [RateChanged(epoch=1, step=3, learning_rate=0.02)])
    answer(run.id)
    at.run()
    assert any(button.label == "Change" for button in at.button)
    assert at.text_input(key="new_rate").value == "0.02", "the rate in force"
    assert next(metric.value for metric in at.metric if metric.label == "Learning rate") == "0.02"
    assert alts(at, "echarts_chart")[0].endswith("The learning rate was changed to 0.02 after step 3.")


def test_a_rate_that_was_changed_while_paused_counts_from_the_next_step() -> None:
    run = write_run([*UNDER_WAY, RateChanged(epoch=1, step=3, learning_rate=0.02)], "paused")
    at = open_run(run.id)
    assert at.info[0].value == "**Paused.** The learning rate is 0.02 from the next step."
    assert at.text_input(key="new_rate").value == "0.02"


def test_the_rate_of_a_schedule_that_moves_is_shown_behind_what_is_typed() -> None:
    run = write_run([*UNDER_WAY, step_done(4, [1.0], 4.0, learning_rate=0.00437)], config=find_preset("quick").config)
    at = open_run(run.id)
    field = at.text_input(key="new_rate")
    assert (field.value, field.placeholder) == ("", "0.00437")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("fast", 'The learning rate "fast" is not a number: choose one such as 0.001.'),
        ("1000", "The learning rate 1000 is far too high: choose at most 100; 0.001 is a good start."),
    ],
)
def test_a_bad_rate_is_refused_with_a_reason(text: str, sentence: str) -> None:
    run = write_run(UNDER_WAY)
    at = change_rate(open_run(run.id), text)
    assert [unescaped(error.value) for error in at.error] == [sentence]
    assert commands(run.id) == []


# The views and the pin, in the URL


def test_choices_live_in_the_url_and_defaults_stay_out() -> None:
    other = write_run(WHOLE, "finished", name="Other")
    run = write_run(WHOLE, "finished")
    at = open_run(run.id)
    at.segmented_control(key="axis").set_value("seconds").run()
    at.toggle(key="log").set_value(True).run()
    at.slider(key="smoothing").set_value(0.5).run()
    at.multiselect(key="others").set_value([other.id, STARTER_ID]).run()
    assert not at.exception
    assert {name: query(at, name) for name in ("axis", "log", "smoothing", "compare")} == {
        "axis": "seconds",
        "log": "yes",
        "smoothing": "0.5",
        "compare": f"{other.id},{STARTER_ID}",
    }
    at.segmented_control(key="axis").set_value("step").run()
    at.toggle(key="log").set_value(False).run()
    at.slider(key="smoothing").set_value(0.9).run()
    at.multiselect(key="others").set_value([]).run()
    assert [query(at, name) for name in ("axis", "log", "smoothing", "compare")] == ["", "", "", ""]


def test_a_link_opens_the_same_view() -> None:
    other = write_run(WHOLE, "finished", name="Other")
    run = write_run(WHOLE, "finished")
    at = open_run(run.id, axis="seconds", log="yes", smoothing="0.25", compare=f"{other.id},nobody", pin="3")
    loss = options_of(at)
    assert loss["xAxis"]["name"] == "seconds"
    assert loss["yAxis"]["type"] == "log"
    assert {"each batch", "smoothed", "Other"} <= {line["name"] for line in loss["series"]}
    assert alts(at, "echarts_chart")[0].endswith(" Compared with Other.")
    assert at.slider(key="smoothing").value == 0.25
    assert component_data(at, "probe_wall")["pinned"] == 3


@pytest.mark.parametrize("choice", [{"axis": "miles"}, {"smoothing": "2"}, {"compare": "nobody"}, {"pin": "20"}, {"log": "perhaps"}])
def test_a_link_with_an_invalid_choice_opens_the_default(choice: dict[str, str]) -> None:
    at = open_run(write_run(WHOLE, "finished").id, **choice)
    assert all(query(at, name) == "" for name in choice)


def test_three_runs_with_the_same_name_can_be_told_apart() -> None:
    """They were created in the same second, as can happen in a class."""
    triplets = [write_run(WHOLE, "finished", name="Triplet") for _ in range(3)]
    at = open_run(write_run(WHOLE, "finished").id)
    options = at.multiselect(key="others").options
    assert options == ["Starter model", *(f"Triplet · {run.id}" for run in reversed(triplets))]


def test_runs_whose_training_losses_differ_are_compared_by_their_test_loss_with_a_reason() -> None:
    other = write_run(WHOLE, "finished", name="Smoothed", config=replace(TrainConfig(epochs=2), label_smoothing=0.1))
    run = write_run(WHOLE, "finished")
    at = open_run(run.id, compare=other.id)
    assert options_of(at)["yAxis"]["name"] == "test loss"
    assert any("not computed in the same way" in warning.value for warning in at.warning)
    at.toggle(key="tested").set_value(False).run()
    assert options_of(at)["yAxis"]["name"] == "loss"
    assert query(at, "tested") == "no"
    assert any("not computed in the same way" in warning.value for warning in at.warning)
    at.multiselect(key="others").set_value([]).run()
    assert not at.warning
    assert query(at, "tested") == ""


def test_the_whole_plan_is_shown_on_request() -> None:
    run = write_run(UNDER_WAY, config=TrainConfig(epochs=50))
    at = open_run(run.id)
    assert options_of(at)["xAxis"]["max"] <= 50
    at.toggle(key="plan").set_value(True).run()
    assert options_of(at)["xAxis"]["max"] == 200
    assert query(at, "plan") == "yes"


def test_the_settings_of_runs_that_are_compared_are_named() -> None:
    """Otherwise a line called "Red" at rate 30 is a riddle."""
    config = replace(find_preset("quick").config, learning_rate=30, optimizer="sgd", training_images=300)
    red = write_run(WHOLE, "finished", name="*Red*", config=config)
    run = write_run(WHOLE, "finished")
    at = open_run(run.id, compare=f"starter,{red.id}")
    (line,) = [unescaped(caption.value) for caption in at.caption if caption.value.startswith("Compared with")]
    assert line.startswith("Compared with **Starter model**: Photos and drawings")
    assert line.endswith("; ***Red***: Quick (changed), 2 epochs, batch 128, rate 30, SGD, 300 images, seed 0.")
    delete_run(red.id)
    assert not any("Red" in caption.value for caption in at.run().caption)


def test_a_run_named_like_anothers_line_can_be_told_apart_too() -> None:
    lines = distinct_lines({"a": "Twin", "b": "Twin", "c": "Twin · a"})
    assert lines == {"a": "Twin · a", "b": "Twin · b", "c": "Twin · a · c"}
    assert distinct_lines({"a": "One", "b": "Other"}) == {"a": "One", "b": "Other"}


def test_the_described_loss_is_smoothed_like_the_chart() -> None:
    run = write_run([started(), step_done(4, [4.0, 3.0, 2.0, 1.0], 4.0)], "finished")
    description = "Loss against step for Written: from 4.00 at step 1 to about {} at step 4."
    at = open_run(run.id, smoothing="0")
    assert alts(at, "echarts_chart")[0] == description.format("1.00")
    at.slider(key="smoothing").set_value(0.5).run()
    # the mean of 1, 2, 3 and 4, weighted by 1, 1/2, 1/4 and 1/8
    assert alts(at, "echarts_chart")[0] == description.format("1.73")


@pytest.mark.parametrize(
    ("rights", "sentence"),
    [
        ([True, True], "It has been classified correctly ever since the first report, at step 1."),
        ([False, True], "It has been classified correctly since step 2."),
        (
            [True, False, True],
            "It has been classified correctly since step 3. Before that it was learned and forgotten once.",
        ),
        ([True, False], "It is now classified as Pullover. It was last classified correctly at step 1."),
        ([False, False], "It has never been classified correctly; it is now classified as Pullover."),
    ],
)
@pytest.mark.parametrize("state", ["training", "finished"])
def test_when_did_it_learn_this(rights: list[bool], sentence: str, state: State) -> None:
    reports = [step_done(step, [1.0], float(step), right=right) for step, right in enumerate(rights, start=1)]
    at = open_run(write_run([started(), *reports], state).id, pin="2")
    story = f"Trouser, test image 2: {sentence}"
    assert f"**When did it learn this?** {story}" in [text.value for text in at.markdown]
    assert f"Ten probabilities against step. {story}" in alts(at, "echarts_chart")


@pytest.mark.parametrize(
    "sent", [None, {}, {"picked": 3}, {"picked": ["old", 3]}, {"picked": ["now", 20]}, {"picked": ["now", -2]}, {"picked": ["now", True]}]
)
def test_an_invalid_pin_is_ignored(sent: Any) -> None:
    assert read_picked(sent, "now", range(-1, 20)) is None


def test_a_pin_can_be_set_and_removed() -> None:
    assert read_picked({"picked": ["now", 0]}, "now", range(-1, 20)) == 0
    assert read_picked({"picked": ["now", -1]}, "now", range(-1, 20)) == -1


# Ended


@pytest.mark.parametrize(
    ("state", "message", "kind", "opening"),
    [
        ("finished", "", "success", "Finished 1 epoch in 5 s. It classifies 80.00 % of the test images correctly."),
        ("stopped", "", "info", "Stopped in epoch 1 after 5 s; its weights are kept."),
        ("stopped", "It was paused for ten minutes and was unloaded.", "info", "It was paused for ten minutes and was unloaded."),
        (
            "diverged",
            "The loss became infinite; try 0.01.",
            "error",
            "Training diverged in epoch 2 after 5 s. The loss became infinite; try 0.01.",
        ),
        ("failed", "The disk is full.", "error", "The run failed. The disk is full."),
    ],
)
def test_every_outcome_is_described(state: State, message: str, kind: str, opening: str) -> None:
    epoch = 1 if state in ("finished", "diverged") else 0
    run = write_run(WHOLE, state, message=message, epoch=epoch, epochs=1, test_accuracy=0.8, has_weights=True)
    at = open_run(run.id)
    assert unescaped(getattr(at, kind)[0].value).startswith(opening)
    assert len(at.get("echarts_chart")) == 3
    assert [found.value for found in at.subheader if found.value.startswith("Written")] == [f"Written · {state.capitalize()}"]


def write_status(run: RunRecord, **changes: Any) -> None:
    file = run.folder / "status.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


def test_a_killed_run_is_continued_by_one_button() -> None:
    run = write_run(WHOLE[:-1], "training", epoch=1, epochs=2, test_accuracy=0.8, has_weights=True)
    release_start(run.folder)
    at = open_run(run.id)
    assert at.warning[0].value.startswith("Interrupted. Its training process stopped unexpectedly. The weights of epoch 1 are kept.")
    at.button(key="continue").click().run()
    assert not at.exception
    assert launched() == [run.id]
    assert load_run(run.id).state == "waiting"
    assert at.get("echarts_chart")


def test_five_more_epochs_or_any_other_number_can_be_trained() -> None:
    run = write_run(WHOLE, "finished", epoch=1, epochs=1, test_accuracy=0.8, has_weights=True)
    at = open_run(run.id)
    assert at.button(key="train_more").label == "Train 5 more epochs"
    at.number_input(key="more_epochs").set_value(1).run()
    assert at.button(key="train_more").label == "Train 1 more epoch"
    at.button(key="train_more").click().run()
    assert not at.exception
    assert launched() == [run.id]
    assert load_run(run.id).epochs == 2


def test_a_run_that_cannot_be_continued_has_no_button_for_it() -> None:
    at = open_run(write_run(WHOLE, "diverged", message="Too high.").id)
    assert not {"continue", "train_more"} & {button.key for button in at.button}


def test_the_reason_why_a_run_cannot_be_continued_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(run_id: str, *, by: Person) -> None:
        raise RunError(f"{run_id} cannot be continued, nor {by.name or 'anything'}.")

    monkeypatch.setattr(control, "continue_run", refuse)
    run = write_run(WHOLE, "stopped", has_weights=True)
    at = open_run(run.id)
    at.button(key="continue").click().run()
    assert [unescaped(error.value) for error in at.error] == [f"{run.id} cannot be continued, nor anything."]


def test_the_best_epoch_and_the_purpose_of_the_images_are_explained() -> None:
    held_out: dict[str, Any] = {"validation_loss": 0.5, "validation_accuracy": 0.75, "is_best": True}
    events: list[Event] = [started(validation_images=100, precision="bfloat16"), *UNDER_WAY[1:], epoch_done(1, 4, 5.0, **held_out)]
    later = epoch_done(2, 8, 9.0, **held_out | {"validation_accuracy": 0.7, "is_best": False})
    run = write_run([*events, later], "finished", epoch=2, best_epoch=1, test_accuracy=0.8, has_weights=True)
    at = open_run(run.id)
    table = at.dataframe[0].value
    assert table["is_best"].tolist() == [True, False]
    assert table["validation_accuracy"].tolist() == pytest.approx([75, 70])
    (text,) = [unescaped(caption.value) for caption in at.caption if "Computed in" in caption.value]
    assert text.startswith(
        "Epoch 1 did best on the 100 validation images: the other pages use its weights. Those of epoch 2 are kept too. "
        "Computed in bfloat16 on CPU, 2 cores. The 100 validation images, held out of the training images, choose"
    )
    assert "with the final weights" not in text  # there is no Finished event


@pytest.mark.parametrize(
    ("epochs", "words"),
    [
        (1, "It trained for one epoch: the other pages use its weights. "),
        (2, "Its last epoch did best on the 100 validation images: the other pages use its weights. "),
    ],
)
def test_the_last_epoch_is_not_praised_for_being_the_only_one(epochs: int, words: str) -> None:
    done = [epoch_done(epoch, 4 * epoch, 5.0 * epoch, validation_accuracy=0.5 + epoch / 10, is_best=True) for epoch in range(1, epochs + 1)]
    run = write_run([started(validation_images=100), *UNDER_WAY[1:], *done], "finished", epoch=epochs, best_epoch=epochs, has_weights=True)
    assert any(caption.value.startswith(words) for caption in open_run(run.id).caption)


@pytest.mark.parametrize(
    ("threads", "words"),
    [
        ((0, 0), ""),
        ((1, 1), ", with 1 thread"),
        ((2, 2), ", with 2 threads"),
        ((1, 4), ", with 1 thread, and up to 4 while the machine was otherwise idle"),
    ],
)
def test_it_says_with_how_many_threads_a_run_was_computed(threads: tuple[int, int], words: str) -> None:
    steps = [step_done(step, [2.0], step / 2, threads=number) for step, number in enumerate(threads, start=1)]
    at = open_run(write_run([started(precision="bfloat16"), *steps, epoch_done(1, 4, 5.0)], "finished", epoch=1, has_weights=True).id)
    assert any(unescaped(caption.value).startswith(f"Computed in bfloat16 on CPU, 2 cores{words}. No images") for caption in at.caption)


def test_the_two_training_accuracies_are_explained() -> None:
    """The table shows the mean over the epoch, the text that of the final weights."""
    run = write_run(WHOLE, "finished", epoch=1, epochs=1, test_accuracy=0.8, has_weights=True)
    at = open_run(run.id)
    (text,) = [caption.value for caption in at.caption if caption.value.startswith("Computed in")]
    assert "is the mean over each epoch, while the weights were still changing; with the final weights it is 90.00 %" in text
    assert at.dataframe[0].value["train_accuracy"].tolist() == pytest.approx([85])


def test_a_run_without_validation_images_says_so() -> None:
    at = open_run(write_run(WHOLE, "finished", epoch=1, test_accuracy=0.8, has_weights=True).id)
    assert any("No images were held out, so the latest weights are used." in caption.value for caption in at.caption)
    assert "validation_accuracy" not in at.dataframe[0].value


def test_the_question_about_a_failure_is_answered() -> None:
    preset = find_preset("rate-too-high")
    losses = [2.3, 40.0, *[90.0] * 18]
    run = write_run([started(20), step_done(20, losses, 4.0), epoch_done(1, 20, 5.0, 0.1)], "finished", config=preset.config, epoch=1)
    at = open_run(run.id)
    words = [text.value for text in at.markdown]
    assert f"**What did you expect?** {preset.question}" in words
    assert any("The learning rate of 30 is too high: try 0.01." in unescaped(text) for text in words)
    assert not at.success  # it finished, but that is no success
    assert at.info[0].value.startswith("Finished 1 epoch in 5 s.")


def test_runs_of_older_versions_still_open() -> None:
    """The starter's events, which lack all newer fields, as the events of a user's run."""
    run = write_run([], "finished", epoch=40, epochs=40, test_accuracy=0.915, has_weights=True)
    (run.folder / "events.jsonl").write_bytes((STARTER_FOLDER / "events.jsonl").read_bytes())
    at = open_run(run.id)
    assert at.success[0].value.startswith("Finished 40 epochs in 8 min 59 s. It classifies 91.50 % of the test images correctly.")
    assert component_data(at, "probe_wall") == {}
    assert len(at.get("echarts_chart")) == 3


@pytest.mark.parametrize(("seconds", "text"), [(0.4, "0 s"), (59.4, "59 s"), (65, "1 min 05 s"), (3_700, "1 h 01 min")])
def test_durations_are_formatted_for_people(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


# Many viewers


def watch_from_elsewhere(people: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """This many others watch a run, and nobody else but the session under test."""
    presences = Presences()
    for number in range(people):
        presences.note_page(f"session {number}", f"person {number}", "Train", lambda _session_id: True)
        presences.note_run(f"session {number}", "their run")
    monkeypatch.setattr(presence, "PRESENCES", presences)


def test_one_person_in_two_tabs_is_one_viewer(monkeypatch: pytest.MonkeyPatch) -> None:
    presences = Presences()
    monkeypatch.setattr(presence, "PRESENCES", presences)
    run = write_run([started(), step_done(2, [2.3, 2.0], 1.0)])
    at = open_run(run.id)
    (here,) = presence.sessions_watching()
    assert here.run_id == run.id
    presences.note_page("another tab", here.person, "Train", lambda _session_id: True)
    presences.note_run("another tab", run.id)
    at.run()
    assert "A run is watched in 2 tabs" in at.info[0].value
    assert count_viewers() == Viewers(people=1, tabs=2)


@pytest.mark.parametrize(
    ("people", "now", "picked"),
    [
        (1, None, 0.5),
        (2, 0.5, 1.0),
        (5, 0.5, 2.0),
        (10, 0.5, 4.0),
        (11, 4.0, 8.0),
        (30, None, 12.0),
        (500, None, 12.0),
        (9, 8.0, 8.0),  # one person leaving is not enough for a faster pace
        (8, 8.0, 4.0),
        (1, 12.0, 0.5),
    ],
)
def test_more_viewers_mean_fewer_refreshes(people: int, now: float | None, picked: float) -> None:
    assert pick_pace(people, now) == picked


@pytest.mark.parametrize(("people", "often"), [(2, "second"), (10, "4 seconds")])
def test_a_page_says_how_many_people_watch(people: int, often: str, monkeypatch: pytest.MonkeyPatch) -> None:
    watch_from_elsewhere(people - 1, monkeypatch)
    run = write_run([started(), step_done(2, [2.3, 2.0], 1.0)])
    at = open_run(run.id)
    assert not at.exception
    told = f" {people} people are watching a run, so pages refresh only every {often}, to leave the processor to training."
    assert at.info[0].value.endswith(told)
    watch_from_elsewhere(0, monkeypatch)
    at.run()
    assert "watching" not in at.info[0].value


def test_with_many_viewers_a_click_is_still_answered_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page waits for the trainer's answer, not for its next refresh four seconds later."""
    watch_from_elsewhere(9, monkeypatch)
    run = write_run(UNDER_WAY)
    at = open_run(run.id)
    checks = []

    def is_pending_twice(folder: Path, command_id: str) -> bool:
        """The trainer answers while the page waits, just before the page checks a second time."""
        checks.append(command_id)
        if len(checks) == 2:
            write_status(run, state="paused")
            answer(run.id)
        return is_pending(folder, command_id)

    monkeypatch.setattr(run_controls, "is_pending", is_pending_twice)
    at.button(key="pause").click().run()
    assert not at.exception
    assert len(checks) == 2
    assert at.button(key="resume").label == "Resume"


@pytest.mark.parametrize("is_damaged", [False, True])
@pytest.mark.parametrize("state", ["training", "paused"])
def test_a_run_that_vanishes_while_it_is_watched_is_missed_with_a_sentence(state: State, is_damaged: bool) -> None:
    run = write_run(UNDER_WAY, state)
    at = open_run(run.id)
    if is_damaged:
        (run.folder / "config.json").write_text("{")
    else:
        shutil.rmtree(run.folder)
    at.run()
    assert not at.exception
    assert at.warning[0].value.startswith("The run in this link does not exist or cannot be shown")
    assert at.button(key="train").label == "Train", "another can be started"


@pytest.mark.parametrize("fragment", ["_show_picture", "_show_inside"])
def test_a_run_that_was_drawn_as_ended_and_continues_is_drawn_as_live(fragment: str, reruns: type[Exception]) -> None:
    """Continued by a button of the part that is drawn again, or by the dispatcher after its process was lost."""
    run = write_run(UNDER_WAY)
    arguments: tuple[Any, ...] = {"_show_picture": ({}, None), "_show_inside": ({}, replace(run, state="interrupted"))}[fragment]
    with pytest.raises(reruns):
        getattr(live_run, fragment)(run.id, *arguments)


@pytest.mark.parametrize("fragment", ["_show_picture", "_show_inside"])
def test_what_refreshes_itself_draws_the_whole_page_when_its_run_has_vanished(fragment: str, reruns: type[Exception]) -> None:
    arguments: tuple[Any, ...] = {"_show_picture": ({}, 0.5), "_show_inside": ({}, None)}[fragment]
    with pytest.raises(reruns):
        getattr(live_run, fragment)("20200101-000000-abcd", *arguments)


# A record with damage, or a long one


@pytest.mark.parametrize(
    ("bad", "told"), [(1, "1 line of this run's record could not be read and was left out."), (3, "3 lines of this run's")]
)
def test_a_live_run_with_bad_lines_shows_its_charts_its_controls_and_the_form(bad: int, told: str) -> None:
    run = write_run(UNDER_WAY)
    with (run.folder / "events.jsonl").open("a") as file:
        file.writelines(line + "\n" for line in ("not an event", '{"type": "StepDone"}', "[" * 100_000)[:bad])
    append_events(run.id, [step_done(4, [1.0], 4.0)])
    at = open_run(run.id)
    assert next(caption.value for caption in at.caption if "record" in caption.value).startswith(told)
    assert len(at.get("echarts_chart")) == 3
    assert at.get("progress")[0].proto.text == "Step 4 of 8"
    assert at.button(key="train")
    at.button(key="stop").click().run()
    assert not at.exception
    assert [command.command for command in commands(run.id)] == ["stop"]


def test_a_record_without_damage_is_not_mentioned() -> None:
    at = open_run(write_run(UNDER_WAY).id)
    assert not [caption for caption in at.caption if "record" in caption.value]


def test_a_page_is_shown_while_the_events_are_lost() -> None:
    run = write_run([])
    (run.folder / "events.jsonl").mkdir()
    assert open_run(run.id).button(key="stop")


def test_a_long_run_offers_the_means_of_its_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pages.parts.shared.run_histories._PART_BYTES", 1_000)  # it is read in parts
    run = write_run([], "finished", epoch=1, epochs=1, test_accuracy=0.9, has_weights=True)
    steps = write_long_events(run.folder, 3)
    at = open_run(run.id)
    assert "Every 2 steps (CSV)" in [button.proto.label for button in at.get("download_button")]
    assert any(f"at step {steps:,}." in alt for alt in alts(at, "echarts_chart"))


def test_the_controls_of_a_live_run_do_not_wait_for_a_long_record(monkeypatch: pytest.MonkeyPatch) -> None:
    """The record is longer at each look, and whole in the end."""
    monkeypatch.setattr("pages.parts.shared.run_histories._LIVE_PART_BYTES", 1_000)
    run = write_run([], "training", epochs=1)
    steps = write_long_events(run.folder, 30)
    at = open_run(run.id)
    assert not at.exception
    assert at.button(key="stop").label == "Stop"
    seen = history_of(load_run(run.id)).steps
    assert 0 < seen < steps
    assert history_of(load_run(run.id)).steps > seen


def test_the_story_of_a_probe_says_how_many_reports_it_rests_on() -> None:
    trail = Trail(predicted=0, is_correct=True, correct_since=73, last_correct=100, changes=1, stride=8)
    told = "It has been classified correctly since step 73."
    assert describe_trail(trail, CLASS_NAMES) == f"{told} (Of this long run, one report in 8 is kept.)"
    assert describe_trail(replace(trail, stride=1), CLASS_NAMES) == told
