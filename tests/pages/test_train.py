import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fmnist_core.classroom.lesson import change_lesson
from fmnist_core.classroom.people import LOCAL, Person
from fmnist_core.jobs import queue
from fmnist_core.jobs.worker import train_run
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import epoch_file, run_folder
from fmnist_core.runs.record import RunRecord, State, list_runs, load_run
from fmnist_core.settings.config import SETTINGS, TrainConfig
from fmnist_core.settings.presets import PRESETS, Preset, find_preset, find_question
from pages.parts.shared import url_state
from pages.parts.train.start import describe_start
from tests.pages.conftest import open_page, query, unescaped

ARTICLE = find_preset("article")
FAILURES = [preset for preset in PRESETS if preset.group == "failure"]


@pytest.fixture(autouse=True)
def no_dispatcher(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing gives slots, so that runs stay in the queue."""
    monkeypatch.setattr("fmnist_core.jobs.control.ensure_dispatcher", lambda: None)


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[TrainConfig, str]]:
    """The settings and name of each run that the page starts; nothing is trained."""
    calls: list[tuple[TrainConfig, str]] = []

    def start(config: TrainConfig, name: str, *, by: Person) -> str:
        assert by.id, "whose run it is"
        calls.append((config, name))
        return create_run(config, name)

    monkeypatch.setattr("pages.parts.train.start.start_run", start)
    return calls


def press_train(at: AppTest) -> AppTest:
    at.button(key="train").click().run()
    assert not at.exception
    return at


def choose(at: AppTest, key: str) -> AppTest:
    at.button(key=f"choose_{key}").click().run()
    assert not at.exception
    return at


def fields_of(at: AppTest) -> list[Any]:
    return [*at.number_input, *at.text_input, *at.selectbox, *at.toggle]


def set_field(at: AppTest, setting: str, value: Any) -> None:
    """Fills in a field of any kind."""
    key = f"setting_{setting}"
    next(field for field in fields_of(at) if field.key == key).set_value(value).run()


def type_rate(at: AppTest, text: str) -> None:
    """Enters a learning rate that is not in the list, because AppTest cannot type into a selectbox."""
    at.session_state["train_settings"] = at.session_state["train_settings"] | {"learning_rate": text}
    at.run()


def chosen(at: AppTest) -> list[str]:
    """The preset's keys whose buttons are marked as chosen."""
    return [str(button.key).removeprefix("choose_") for button in at.button if str(button.key).startswith("choose_") and button.proto.icon]


def heading(at: AppTest) -> str:
    """The preset in the form's heading."""
    return next(found.value.removeprefix("Settings: ") for found in at.subheader if found.value.startswith("Settings: "))


def expander(at: AppTest, label: str) -> Any:
    return next(found for found in at.expander if found.label == label)


# Presets


def test_the_articles_recipe_is_the_default(started: list[tuple[TrainConfig, str]]) -> None:
    at = open_page("train")
    assert at.number_input(key="setting_epochs").value == 5
    assert at.number_input(key="setting_batch_size").value == 100
    assert at.selectbox(key="setting_learning_rate").value == "0.001"
    assert at.selectbox(key="setting_pixels").value == "raw"
    assert chosen(at) == ["article"]
    assert heading(at) == "The article"
    assert query(at, "run") == query(at, "preset") == ""
    press_train(at)
    assert started == [(TrainConfig(epochs=5, batch_size=100, learning_rate=0.001, pixels="raw"), "")]


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.key)
def test_a_preset_fills_the_form_and_the_run(preset: Preset, started: list[tuple[TrainConfig, str]]) -> None:
    at = choose(open_page("train"), preset.key)
    assert chosen(at) == [preset.key]
    assert at.selectbox(key="preset_list").value == preset.key, "on a narrow screen it is a list"
    assert heading(at) == preset.name
    assert at.number_input(key="setting_epochs").value == preset.config.epochs
    rate = str(at.selectbox(key="setting_learning_rate").value)
    assert float(rate) == preset.config.learning_rate
    assert "e" not in rate
    assert query(at, "preset") == ("" if preset == ARTICLE else preset.key)
    press_train(at)
    assert started == [(preset.config, "")]


@pytest.mark.parametrize("preset", FAILURES, ids=lambda preset: preset.key)
def test_a_failure_asks_before_it_runs(preset: Preset) -> None:
    at = open_page("train")
    question = f"**What do you expect?** {preset.question} Guess, then press Train."
    assert question not in [text.value for text in at.markdown]
    choose(at, preset.key)
    assert question in [text.value for text in at.markdown]
    assert preset.sentence in [text.value for text in at.markdown]


def test_a_preset_is_chosen_in_the_list_of_a_narrow_screen_too() -> None:
    at = open_page("train")
    at.selectbox(key="preset_list").set_value("few-images").run()
    assert not at.exception
    assert (heading(at), chosen(at)) == ("100 training images", ["few-images"])
    assert at.selectbox(key="preset_list").options[4].startswith("Watch it fail: ")


def test_a_link_can_name_a_preset(started: list[tuple[TrainConfig, str]]) -> None:
    at = open_page("train", preset="quick")
    assert heading(at) == "Quick"
    assert query(at, "preset") == "quick"
    press_train(at)
    assert started == [(find_preset("quick").config, "")]


def test_a_link_with_an_unknown_preset_opens_the_default() -> None:
    at = open_page("train", preset="magic")
    assert heading(at) == "The article"
    assert query(at, "preset") == ""
    assert unescaped(at.error[0].value) == "There is no preset “magic”, which the link names, so this is “The article”."
    at.run()
    assert at.error, "as long as nothing is chosen"
    assert not choose(at, "quick").error


def test_a_runs_question_is_found_by_its_settings() -> None:
    for preset in FAILURES:
        assert find_question(replace(preset.config, seed=7)) == preset.question
    assert find_question(ARTICLE.config) == ""
    assert find_question(replace(FAILURES[0].config, epochs=3)) == ""


# The form


MORE: list[tuple[str, Any, Any]] = [
    ("optimizer", "sgd", "sgd"),
    ("schedule", "one-cycle", "one-cycle"),
    ("augmentation", "flips-and-shifts", "flips-and-shifts"),
    ("beta2", "0.95", 0.95),
    ("label_smoothing", "0,1", 0.1),
    ("weight_decay", "0.05", 0.05),
    ("weight_averaging", True, True),
    ("test_views", "mirrored", "mirrored"),
    ("training_images", 300, 300),
    ("validation_images", 200, 200),
    ("pixels", "normalised", "normalised"),
    ("shuffled_labels", True, True),
    ("left_out_class", 8, 8),
    ("seed", 11, 11),
    ("precision", "float32", "float32"),
]


@pytest.mark.parametrize(("setting", "chosen", "expected"), MORE, ids=[setting for setting, _, _ in MORE])
def test_every_field_reaches_the_run(setting: str, chosen: Any, expected: Any, started: list[tuple[TrainConfig, str]]) -> None:
    at = open_page("train")
    set_field(at, setting, chosen)
    assert heading(at) == "The article, changed"
    press_train(at)
    assert started == [(replace(ARTICLE.config, **{setting: expected}), "")]


def test_every_setting_has_a_field_and_a_sentence() -> None:
    at = open_page("train")
    settings = {field.key.removeprefix("setting_") for field in fields_of(at) if field.key.startswith("setting_")}
    assert settings == set(TrainConfig.__dataclass_fields__) | {"name"}
    more = expander(at, "More settings")
    assert len(more.caption) == len(MORE)
    assert [text.value for text in more.caption if text.value.startswith(SETTINGS["optimizer"].help)]
    assert [text for text in more.caption if re.search(r"On this processor it is (bfloat16|float32)\.$", text.value)]


def test_changed_settings_are_kept_and_can_be_undone(started: list[tuple[TrainConfig, str]]) -> None:
    at = choose(open_page("train"), "quick")
    set_field(at, "name", "Team *blue*")
    assert heading(at) == "Quick"
    set_field(at, "epochs", 7)
    assert heading(at) == "Quick, changed"
    at.switch_page("pages/browse.py").run()
    at.switch_page("pages/train.py").run()
    assert heading(at) == "Quick, changed"
    assert query(at, "preset") == "quick"
    assert at.number_input(key="setting_epochs").value == 7
    press_train(at)
    assert started == [(replace(find_preset("quick").config, epochs=7), "Team *blue*")]
    assert at.number_input(key="setting_epochs").value == 7
    at.button(key="undo").click().run()
    assert heading(at) == "Quick"
    assert at.number_input(key="setting_epochs").value == find_preset("quick").config.epochs
    assert at.text_input(key="setting_name").value == "Team *blue*"


def test_a_link_carries_what_was_changed(started: list[tuple[TrainConfig, str]]) -> None:
    wanted = replace(
        find_preset("best").config, epochs=7, label_smoothing=0.1, weight_averaging=False, training_images=300, left_out_class=8, seed=5
    )
    at = choose(open_page("train"), "best")
    for setting, value in (("epochs", 7), ("label_smoothing", "0,1"), ("weight_averaging", False), ("training_images", 300), ("seed", 5)):
        set_field(at, setting, value)
    set_field(at, "left_out_class", 8)
    set_field(at, "batch_size", 0)  # invalid, so it stays out of the link
    other = open_page("train", preset="best", changes=query(at, "changes"))
    assert heading(other) == "Best, changed"
    press_train(other)
    assert started == [(wanted, "")]


def test_a_value_changed_to_none_is_in_the_link_too() -> None:
    at = choose(open_page("train"), "few-images")
    set_field(at, "training_images", None)
    other = open_page("train", preset="few-images", changes=query(at, "changes"))
    assert other.number_input(key="setting_training_images").value is None
    assert heading(other) == "100 training images, changed"


@pytest.mark.parametrize("changes", ["epochs=many", "epochs=500", "magic=1", "optimizer=", "weight_averaging=perhaps", "seed=" + 30 * "9"])
def test_a_link_with_invalid_settings_opens_the_preset(changes: str) -> None:
    at = open_page("train", changes=changes)
    assert not at.exception
    assert heading(at) == "The article"
    assert query(at, "changes") == ""
    assert unescaped(at.error[0].value) == "The link has settings that are not valid, so these are those of “The article”."


def test_the_back_button_undoes_a_change(monkeypatch: pytest.MonkeyPatch) -> None:
    at = open_page("train")
    set_field(at, "name", "Team blue")
    set_field(at, "epochs", 7)
    assert query(at, "changes") == "epochs=7"
    del at.query_params["changes"]
    monkeypatch.setattr(url_state, "get_script_run_ctx", lambda: SimpleNamespace(is_history_navigation=True))
    at.run()
    assert heading(at) == "The article"
    assert at.text_input(key="setting_name").value == "Team blue"


@pytest.mark.parametrize("button", ["undo", "choose_quick"])
def test_an_unchanged_preset_leaves_no_changes_in_the_link(button: str) -> None:
    at = open_page("train")
    set_field(at, "epochs", 7)
    at.button(key=button).click().run()
    assert query(at, "changes") == ""


def test_a_changed_failure_asks_nothing() -> None:
    at = choose(open_page("train"), "rate-too-high")
    set_field(at, "batch_size", 10)
    assert heading(at) == "Learning rate too high, changed"
    assert not [text for text in at.markdown if "What do you expect?" in text.value]


@pytest.mark.parametrize(
    ("rate", "sentence"),
    [
        ("1000", "The learning rate 1000 is far too high: choose at most 100; 0.001 is a good start."),
        ("fast", 'The learning rate "fast" is not a number: choose one such as 0.001.'),
        ("nan", "The learning rate must be a number, not nan: choose one such as 0.001."),
        ("-1", "The learning rate -1 is too low to learn anything: choose at least 0.00000001; 0.001 is a good start."),
    ],
)
def test_a_bad_learning_rate_starts_nothing(rate: str, sentence: str) -> None:
    at = open_page("train")
    set_field(at, "epochs", 7)
    type_rate(at, rate)
    assert [unescaped(error.value) for error in at.error] == [sentence], "as soon as it is typed"
    press_train(at)
    assert [unescaped(error.value) for error in at.error] == [sentence]
    assert list_runs() == []
    assert at.number_input(key="setting_epochs").value == 7
    assert at.selectbox(key="setting_learning_rate").value == rate


@pytest.mark.parametrize(
    ("setting", "bad", "sentence"),
    [
        ("epochs", 500, "The number of epochs 500 is out of range: choose one from 1 to 200."),
        ("batch_size", 0, "The batch size 0 is out of range: choose one from 1 to 10,000."),
        ("training_images", 70_000, "The number of training images 70,000 is out of range: choose one from 1 to 60,000."),
        ("validation_images", -1, "The number of validation images -1 is out of range: choose one from 0 to 60,000."),
        ("label_smoothing", "much", 'The label smoothing "much" is not a number: choose one such as 0.1.'),
        ("label_smoothing", "1", "The label smoothing must be a number from 0 to 0.9, not 1.0."),
        ("weight_decay", "", 'The weight decay "" is not a number: choose one such as 0.01.'),
        ("seed", -3, "The seed -3 is out of range: choose one from 0 to 4,294,967,295."),
    ],
)
def test_a_bad_value_is_reported_and_nothing_is_lost(setting: str, bad: Any, sentence: str) -> None:
    at = open_page("train")
    set_field(at, "name", "Kept")
    set_field(at, "optimizer", "sgd")
    set_field(at, setting, bad)
    assert [unescaped(error.value) for error in at.error] == [sentence], "as soon as it is typed"
    press_train(at)
    assert [unescaped(error.value) for error in at.error] == [sentence]
    assert list_runs() == []
    assert at.session_state["train_settings"][setting] == bad
    assert at.text_input(key="setting_name").value == "Kept"
    assert at.selectbox(key="setting_optimizer").value == "sgd"


def test_a_number_that_must_not_be_empty_comes_back_when_it_is_removed(started: list[tuple[TrainConfig, str]]) -> None:
    at = open_page("train")
    set_field(at, "epochs", 7)
    set_field(at, "epochs", None)
    assert not at.error
    press_train(at)
    assert started[0][0].epochs == at.number_input(key="setting_epochs").value


def test_a_decimal_comma_is_accepted(started: list[tuple[TrainConfig, str]]) -> None:
    at = open_page("train")
    type_rate(at, "0,02")
    press_train(at)
    assert started[0][0].learning_rate == 0.02


def test_a_home_folder_that_cannot_be_written_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    monkeypatch.setenv("FMNIST_HOME", str(blocked))
    at = press_train(open_page("train"))
    assert "set FMNIST_HOME to a folder you can write to" in unescaped(at.error[0].value)


def test_validation_is_explained() -> None:
    text = " ".join(element.value for element in expander(open_page("train"), "Why validation images?").markdown)
    assert "5,000 of the 60,000 training images are held out" in text
    assert "The test images do not choose anything" in text


# The page around it


def test_training_from_the_page_works_with_fewer_images_than_requested(small_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(small_data))
    at = choose(open_page("train"), "class-left-out")
    set_field(at, "epochs", 1)
    set_field(at, "name", "Team *blue*")
    press_train(at)
    run_id = query(at, "run")
    assert load_run(run_id).name == "Team *blue*"
    assert [row.run for row in queue.rows()] == [run_id]
    assert train_run(run_id, lambda _event: None) == "finished"  # as the dispatcher would have it
    at.run()
    assert not at.exception
    assert not at.error


def test_another_network_can_be_trained_beside_an_ended_run(trained_run: RunRecord, started: list[tuple[TrainConfig, str]]) -> None:
    at = open_page("train", run=trained_run.id)
    press_train(choose(at, "quick"))
    assert started == [(find_preset("quick").config, "")]
    assert query(at, "run") != trained_run.id


def said(at: AppTest) -> str:
    """The words under the button about the run that was started there."""
    (line,) = [unescaped(text.value) for text in at.markdown if re.search(r"“Run \d+”|“Mine”", text.value)]
    return line


def test_a_run_that_has_to_wait_is_named_beside_the_button_while_mine_stays_on_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_SLOTS", "1")
    at = press_train(open_page("train"))
    first = query(at, "run")
    assert said(at) == "“Run 1” starts …"
    press_train(at)
    assert query(at, "run") == first
    assert said(at) == "“Run 2” waits: 1 ahead."
    press_train(at)
    assert said(at) == "“Run 3” waits: 2 ahead."
    at.button(key="show_started").click().run()
    assert not at.exception
    assert query(at, "run") != first
    set_field(at, "epochs", 3)
    assert not [text for text in at.markdown if "waits: 2 ahead" in text.value], "the line is about what is typed now"


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        ("training", "Training, watch: “Run 1”."),
        ("paused", "“Run 1” is paused."),
        ("finished", "“Run 1” has finished."),
        ("failed", "“Run 1” has ended."),
    ],
)
def test_what_became_of_a_run_is_shown_beside_the_button(state: State, sentence: str) -> None:
    at = press_train(open_page("train"))
    run = load_run(query(at, "run"))
    assert unescaped(describe_start(replace(run, state=state))) == sentence


def test_a_link_to_an_unknown_run_shows_a_warning() -> None:
    at = open_page("train", run="nobody")
    assert at.warning[0].value.startswith("The run in this link does not exist or cannot be shown (nobody).")
    assert not at.exception


def test_a_damaged_run_is_named_beside_the_others(trained_run: RunRecord) -> None:
    """One whose settings are lost, and one whose status was."""
    lost = create_run(TrainConfig(), "Lost")
    folder = run_folder(lost)
    (folder / "config.json").write_text("{")
    at = open_page("train", run=trained_run.id)
    assert not at.exception
    assert [option for option in at.selectbox(key="run_on_show").options if "Lost" in option] == []
    (sentence,) = [unescaped(text.value) for text in expander(at, "1 damaged run").markdown]
    assert sentence.startswith(f'The run "{lost}" is damaged: config.json cannot be read')
    at = open_page("train", run=lost)
    assert at.warning[0].value.startswith("The run in this link does not exist or cannot be shown")
    (trained_run.folder / "status.json").write_text("")
    at = open_page("train", run=trained_run.id)
    assert not at.exception
    assert unescaped(at.warning[0].value).startswith("status.json cannot be read (It is empty). This was rebuilt")
    assert [metric.value for metric in at.metric] or at.success, "its outcome is shown"


@pytest.mark.parametrize("page", ["home", "evaluate", "look_inside", "predict"])
def test_damaged_weights_of_the_newest_run_reach_nobody_who_did_not_choose_it(page: str, trained_run: RunRecord) -> None:
    epoch_file(trained_run.folder, 1).write_bytes(b"not weights")
    at = open_page(page)
    assert not at.exception
    assert not at.error
    if page != "home":
        assert query(at, "run") == "starter"
        chosen = open_page(page, run=trained_run.id)
        assert "does not hold this network's weights: choose another run." in unescaped(chosen.error[0].value)
        assert not chosen.exception


def test_a_fourth_waiting_run_is_refused_with_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_TEACHER_PIN", "246813")  # whose machine it is may fill the queue further
    change_lesson(LOCAL, max_queued=3)
    at = open_page("train")
    for _ in range(3):
        press_train(at)
    at.button(key="train").click().run()
    assert unescaped(at.error[0].value) == "3 of your runs are waiting already: wait until one of them trains, or stop one."
    assert len(list_runs()) == 3
    press_train(open_page("train"))  # somebody else
    assert len(list_runs()) == 4
