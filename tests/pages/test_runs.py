"""Runs: the table of all runs, what is done with those chosen in it, and what is deleted; tests/browser/test_runs.py ticks its rows."""

import json
import re
from dataclasses import replace
from typing import Any

import pandas as pd
import pytest
from streamlit.testing.v1 import AppTest

from fmnist_core.classroom.lesson import change_lesson
from fmnist_core.classroom.notes import notes, star, stars, write_note
from fmnist_core.classroom.people import LOCAL, rename_person
from fmnist_core.classroom.permission import note_owner
from fmnist_core.classroom.records import records
from fmnist_core.runs.disk import LIMIT, disk_use
from fmnist_core.runs.folders import STARTER_FOLDER, STARTER_ID, archives_folder
from fmnist_core.runs.record import RunRecord, State, list_runs, load_run
from fmnist_core.runs.trash import delete_run, list_deleted
from fmnist_core.settings.presets import find_preset
from fmnist_core.training.events import Event
from tests.hostile_texts import HOSTILE
from tests.pages.conftest import open_page, person_of, press, query, unescaped, words
from tests.written_runs import epoch_done, started, step_done, write_many, write_run

ANNA, BEN = "the secret of Anna's browser", "the secret of Ben's browser"
QUICK = find_preset("quick").config


@pytest.fixture
def pin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A teacher's PIN, so that people can only change what is theirs."""
    monkeypatch.setenv("FMNIST_TEACHER_PIN", "4711-4712")


def write(name: str, state: State = "finished", owner: str = "", **about: Any) -> RunRecord:
    seconds = about.pop("seconds", 1.0)
    events: list[Event] = [started(), step_done(4, [2.0, 1.5, 1.0, 0.5], seconds), epoch_done(1, 4, seconds)]
    usual = {"epoch": 1, "test_accuracy": 0.8, "has_weights": True}
    run = write_run(events, state, name=name, **usual | about)
    if owner:
        note_owner(run.id, person_of(owner).id)
    return run


def table(at: AppTest) -> pd.DataFrame:
    found: pd.DataFrame = at.dataframe[0].value
    return found


def names(at: AppTest) -> list[str]:
    return list(table(at)["name"])


def chosen(at: AppTest) -> list[str]:
    return list(at.multiselect(key="chosen_list").value)


def choose(at: AppTest, *runs: RunRecord) -> AppTest:
    at.multiselect(key="chosen_list").set_value([run.id for run in runs]).run()
    assert not at.exception
    return at


def keys(at: AppTest) -> set[str]:
    return {button.key for button in at.button if button.key}


def captions(at: AppTest) -> list[str]:
    return [unescaped(caption.value) for caption in at.caption]


# The table


def test_without_runs_it_says_what_to_do() -> None:
    at = open_page("runs")
    assert not at.exception
    assert "No network has been trained here yet" in words(at)
    assert [link.proto.page for link in at.get("page_link")] == ["training"]
    assert not at.dataframe


def test_a_row_has_all_that_is_known_of_a_run() -> None:
    rename_person(person_of(ANNA), "Anna")
    config = replace(QUICK, epochs=7, training_images=300, seed=2)
    run = write("Blue", "stopped", ANNA, config=config, best_epoch=1, seconds=84.4, epoch=3, test_accuracy=0.8125)
    write_note(run.id, "A first try", by=LOCAL)
    star([run.id], True, by=person_of(BEN))
    star([run.id], True, by=person_of(ANNA))
    row = table(open_page("runs", by=ANNA)).iloc[0].to_dict()
    assert row.pop("started") == pd.Timestamp(run.created_at.astimezone().replace(tzinfo=None))
    assert row == {
        "name": "Blue",
        "accuracy": 81.25,
        "state": "stopped, 3 of 7",
        "owner": "Anna",
        "star": "★ 2",
        "preset": "Quick: 7 epochs, seed 2, 300 images",
        "data": "300 images",
        "trained": 84.4,
        "note": "A first try",
    }
    assert table(open_page("runs"))["star"][0] == "☆ 2"


def test_epochs_that_were_added_are_named_and_compared() -> None:
    more, usual = write("More", config=QUICK, epochs=7, epoch=7), write("Usual", config=QUICK)
    at = choose(open_page("runs"), usual, more)
    assert dict(zip(names(at), table(at)["preset"], strict=True))["More"] == "Quick: 7 epochs"
    assert at.dataframe[1].value.to_dict("list") == {"Setting": ["Epochs"], "Usual": ["2"], "More": ["7"]}


def test_what_the_owner_of_an_imported_run_was_called_is_shown() -> None:
    run = write("Blue")
    about = json.loads((run.folder / "config.json").read_text())
    (run.folder / "config.json").write_text(json.dumps(about | {"owner_name": "Anna"}))
    assert table(open_page("runs"))["owner"][0] == "Anna (imported)"
    assert any(" · by Anna (imported) · " in line for line in open_page("evaluate").selectbox(key="run_picker").options)


def test_all_runs_are_listed_the_newest_first_and_the_starter_last() -> None:
    waiting, first = write("Waits", "waiting", has_weights=False, test_accuracy=None, epoch=0), write("First")
    at = open_page("runs")
    newest_first = sorted((waiting, first), key=lambda run: (run.created_at, run.id), reverse=True)
    assert names(at) == [*(run.name for run in newest_first), "Starter model"]
    assert list(table(at)["owner"]) == ["–"] * 3
    assert pd.isna(table(at).set_index("name")["accuracy"]["Waits"])


@pytest.mark.parametrize(
    ("find", "found"),
    [
        ("blue", ["Blue"]),
        ("ANNA", ["Green"]),
        ("quick", ["Blue", "Green", "Red"]),
        ("seed 5 quick", ["Green"]),
        ("odd", ["Red"]),
        ("diverged", ["Red"]),
        ("sgd rate-30", []),
        ("zoe\u0308", ["Zo\u00eb $x$ [a](b) .*"]),
        ("$X$ .*", ["Zo\u00eb $x$ [a](b) .*"]),
        ("[a](B)", ["Zo\u00eb $x$ [a](b) .*"]),
        ("\u05e9\u05dc", ["\u05e9\u05dc\u05d5\u05dd"]),
        ("\\d", []),
        ("30 sgd", ["Red"]),
    ],
)
def test_search_finds_each_word_in_whatever_the_table_shows(find: str, found: list[str]) -> None:
    rename_person(person_of(ANNA), "Anna")
    write("Blue", config=QUICK)
    red = write("Red", "diverged", config=replace(QUICK, learning_rate=30, optimizer="sgd"))
    write_note(red.id, "An odd one", by=LOCAL)
    write("Green", owner=ANNA, config=replace(QUICK, seed=5))
    for name in ("Zo\u00eb $x$ [a](b) .*", "\u05e9\u05dc\u05d5\u05dd"):
        write(name, config=find_preset("article").config)
    at = open_page("runs")
    at.text_input(key="find").set_value(find).run()
    assert (sorted(names(at)) if at.dataframe else []) == found
    assert ("No run fits these choices" in words(at)) is (not found)
    assert query(at, "find") == find


def test_filters_and_order() -> None:
    runs = {
        "Blue": write("Blue", owner=ANNA, test_accuracy=0.7, seconds=5.0),
        "Red": write("Red", "stopped", owner=BEN, test_accuracy=0.9, seconds=9.0),
        "Green": write("Green", "failed", owner=ANNA, test_accuracy=None, seconds=7.0),
        "White": write("White", "training", owner=BEN, test_accuracy=0.8, seconds=1.0),
        "Black": write("Black", "diverged", test_accuracy=0.1),
    }
    star([runs["Red"].id], True, by=person_of(ANNA))
    at = open_page("runs", by=ANNA, run_state="Ended early")
    assert sorted(names(at)) == ["Green", "Red"]
    at.selectbox(key="run_state").set_value("Still training").run()
    assert names(at) == ["White"]
    at.selectbox(key="run_state").set_value("Diverged").run()
    assert names(at) == ["Black"]
    at.selectbox(key="run_state").set_value("Any state").run()
    at.toggle(key="mine").set_value(True).run()
    assert sorted(names(at)) == ["Blue", "Green"]
    at.toggle(key="mine").set_value(False).run()
    at.toggle(key="starred").set_value(True).run()
    assert names(at) == ["Red"]
    at.toggle(key="starred").set_value(False).run()
    for order, first in (
        ("Most accurate first", ["Starter model", "Red", "White", "Blue", "Black", "Green"]),
        ("By name", ["Black", "Blue", "Green", "Red", "Starter model", "White"]),
        ("Longest training first", ["Starter model", "Red", "Green", "Blue"]),
        ("Oldest first", [run.name for run in sorted(runs.values(), key=lambda run: (run.created_at, run.id))]),
    ):
        at.selectbox(key="sort").set_value(order).run()
        assert names(at)[: len(first)] == first, order
        assert query(at, "sort") == order


@pytest.mark.parametrize("link", [{"run_state": "Asleep", "sort": "odd", "mine": "perhaps", "find": "x" * 200, "chosen": "a,../b,$x$"}])
def test_a_link_that_makes_no_sense_is_ignored(link: dict[str, str]) -> None:
    write("Blue")
    at = open_page("runs", **link)
    assert not at.exception
    assert names(at) == ["Blue", "Starter model"]
    assert chosen(at) == []


def test_a_thousand_runs() -> None:
    write_many(1_000)
    at = open_page("runs")
    assert len(names(at)) == 1_001
    at.text_input(key="find").set_value("nr-99").run()
    assert sorted(names(at)) == sorted(f"Nr-{number}-" for number in (99, *range(990, 1_000)))
    at.text_input(key="find").set_value("").run()
    press(at, "choose_all")
    assert "1,001 runs are chosen" in words(at).replace("**", "")
    assert query(at, "chosen") == ""
    press(at, "delete")
    assert len(list_deleted()) == 1_000
    assert list_runs() == []
    press(at, "undo_delete")
    assert len(list_runs()) == 1_000
    assert list_deleted() == []


# With the chosen runs


def test_runs_are_chosen_by_name_and_the_link_keeps_them() -> None:
    blue, red = write("Blue"), write("Red")
    at = choose(open_page("runs"), blue, red)
    assert query(at, "chosen") == f"{blue.id},{red.id}"
    assert "2 runs compared" in [title.value for title in at.subheader]
    assert chosen(open_page("runs", chosen=f"{red.id},no-such-run")) == [red.id]
    press(at, "choose_none")
    assert chosen(at) == []
    assert query(at, "chosen") == ""


def test_what_a_filter_hides_stays_chosen() -> None:
    blue, red = write("Blue"), write("Red")
    at = choose(open_page("runs"), blue, red)
    at.text_input(key="find").set_value("blue").run()
    assert names(at) == ["Blue"]
    assert chosen(at) == [blue.id, red.id]


def test_one_run_opens_on_the_pages_that_can_show_it() -> None:
    def pages(*runs: RunRecord) -> list[str]:
        at = choose(open_page("runs"), *runs)
        links = [link.proto for link in at.get("page_link")]
        assert all(f"run={run.id}" in link.query_string for run in runs for link in links)
        return [link.page for link in links]

    assert pages(write("Blue")) == ["training", "evaluation", "kernels", "prediction"]
    assert pages(write("Failed", "failed", has_weights=False)) == ["training"]
    assert pages(load_run(STARTER_ID)) == ["evaluation", "kernels", "prediction"]
    assert pages(*list_runs()) == []


def test_star_rename_and_note_one_run() -> None:
    run = write("Blue")
    at = choose(open_page("runs", by=ANNA), run)
    press(at, "star")
    assert stars() == {run.id: frozenset({person_of(ANNA).id})}
    assert table(at)["star"][0] == "★ 1"
    assert "star" not in keys(at)
    press(at, "unstar")
    assert stars() == {}
    assert at.text_input(key="new_name").value == "Blue"
    at.text_input(key="new_name").set_value(" Red\u202e ")
    press(at, "rename_button")
    assert load_run(run.id).name == "Red" == names(at)[0] == at.text_input(key="new_name").value
    at.text_input(key="new_note").set_value("Much better")
    press(at, "note_button")
    assert notes() == {run.id: "Much better"}
    assert table(at)["note"][0] == "Much better"


def test_several_runs_get_one_name_with_numbers_and_one_note() -> None:
    runs = [write(name) for name in ("a", "b", "c")]
    at = choose(open_page("runs"), *runs)
    at.text_input(key="new_name").set_value("Series")
    press(at, "rename_button")
    assert [load_run(run.id).name for run in runs] == ["Series 1", "Series 2", "Series 3"]
    assert "Renamed 3 runs" in words(at)
    at.text_input(key="new_note").set_value("Together")
    press(at, "note_button")
    assert notes() == {run.id: "Together" for run in runs}
    assert at.text_input(key="new_note").value == "Together"


def test_a_name_of_nothing_is_refused_with_a_sentence() -> None:
    run = write("Blue")
    at = choose(open_page("runs"), run)
    at.text_input(key="new_name").set_value(" \u200b ")
    press(at, "rename_button")
    assert "A run needs a name: type one." in words(at)
    assert load_run(run.id).name == "Blue"


def test_delete_and_undo_one_and_several() -> None:
    runs = [write(name) for name in ("Blue", "Red", "Green")]
    at = choose(open_page("runs"), runs[0])
    assert at.button(key="delete").label == "Delete"
    press(at, "delete")
    assert "Blue was deleted. You can restore deleted runs for 30 days." in words(at).replace("**", "")
    assert sorted(names(at)) == ["Green", "Red", "Starter model"]
    assert chosen(at) == []
    choose(at, runs[1], runs[2])
    assert at.button(key="delete").label == "Delete 2 runs"
    press(at, "delete")
    assert "2 runs were deleted" in words(at)
    press(at, "undo_delete")
    assert {run.name for run in list_runs()} == {"Red", "Green"}
    assert "undo_delete" not in keys(at)
    assert sorted(chosen(at)) == sorted([runs[1].id, runs[2].id])


def test_deleted_runs_are_listed_and_restored_later() -> None:
    blue, red = write("Blue", config=QUICK), write("Red")
    at = choose(open_page("runs"), blue, red)
    press(at, "delete")
    at = open_page("runs")
    assert "undo_delete" not in keys(at), "that was another session's"
    assert any("2 deleted runs" in expander.label for expander in at.expander)
    lists = [select for select in at.multiselect if select.label == "Runs to restore"]
    lines = sorted(line.split(" · deleted")[0] for line in lists[0].options)
    assert lines == [
        "Blue · Quick",
        "Red · The article: 2 epochs, normalised pixels",
    ]
    assert "Everyone in this room sees them." in words(at)
    lists[0].set_value([blue.id]).run()
    press(at, "restore")
    assert [run.name for run in list_runs()] == ["Blue"]
    press(at, "restore_all")
    assert {run.name for run in list_runs()} == {"Blue", "Red"}
    assert list_deleted() == []


def test_a_live_run_is_not_deleted_and_the_others_are() -> None:
    live, ended = write("Live", "training"), write("Ended")
    at = choose(open_page("runs"), live, ended)
    press(at, "delete")
    assert [run.name for run in list_runs()] == ["Live"]
    assert "Live: This run is still training or waiting: stop it first." in words(at)


def test_what_was_refused_is_named() -> None:
    live = [write(f"*Live* {number}", "training") for number in range(5)]
    at = choose(open_page("runs"), *live)
    press(at, "delete")
    (message,) = at.error
    sentence = "This run is still training or waiting: stop it first."
    assert unescaped(message.value) == f"*Live* 0, *Live* 1, *Live* 2 and 2 more: {sentence}"
    assert r"\*Live\* 0" in message.value


def test_of_two_who_delete_a_run_the_later_is_told() -> None:
    blue, red = write("Blue"), write("Red")
    at = choose(open_page("runs"), blue, red)
    delete_run(blue.id)
    press(at, "delete")
    assert "Blue: This run has been deleted already." in words(at)
    assert list_runs() == []


@pytest.mark.usefixtures("pin")
def test_what_is_not_ones_own_can_only_be_starred_and_compared() -> None:
    mine, theirs = write("Mine", owner=ANNA), write("Theirs", owner=BEN)
    at = choose(open_page("runs", by=ANNA), theirs)
    assert at.button(key="delete").disabled
    assert not {"rename_button", "note_button"} & keys(at)
    assert "This run is not yours: only its owner and the teacher can rename, note or delete it." in captions(at)
    press(at, "star")
    assert list(stars()) == [theirs.id]
    choose(at, mine, theirs)
    assert at.button(key="delete").label == "Delete 1 run"
    assert "Theirs is not yours: only its owner and the teacher can rename, note or delete it." in captions(at)
    others = [write(name, owner=BEN) for name in ("B*d", "C")]
    at = choose(open_page("runs", by=ANNA), mine, theirs, *others, load_run(STARTER_ID))
    assert "Theirs, B*d and C are not yours: only their owners and the teacher can rename, note or delete them." in captions(at)
    assert "The starter model comes with the dashboard, and stays as it is." in captions(at)
    press(at, "delete")
    assert sorted(run.name for run in list_runs()) == ["B*d", "C", "Theirs"]


def test_the_starter_is_nobodys_to_change() -> None:
    write("Blue")
    at = choose(open_page("runs"), load_run(STARTER_ID))
    assert at.button(key="delete").disabled
    assert "The starter model comes with the dashboard, and stays as it is." in captions(at)
    assert not any("not yours" in caption for caption in captions(at))


@pytest.mark.usefixtures("pin")
def test_a_forged_click_is_refused_by_the_core() -> None:
    """A session whose page offers to delete a run that has become somebody else's."""
    run = write("Mine", owner=ANNA)
    at = choose(open_page("runs", by=ANNA), run)
    with records().write() as connection:
        connection.execute("UPDATE owners SET person = ?", (person_of(BEN).id,))
    at.text_input(key="new_name").set_value("Taken")
    for key in ("rename_button", "note_button", "delete"):
        again = choose(open_page("runs", by=ANNA), run)
        assert key not in keys(again) or again.button(key=key).disabled
    press(at, "delete")
    assert [run.name for run in list_runs()] == ["Mine"]
    assert "Only the person who started this run, and the teacher, can change it." in words(at)


@pytest.mark.usefixtures("pin")
def test_others_deleted_runs_are_not_offered() -> None:
    run = write("Theirs", owner=BEN)
    delete_run(run.id, by=person_of(BEN).id)
    assert not any("deleted run" in expander.label for expander in open_page("runs", by=ANNA).expander)
    at = open_page("runs", by=BEN)
    assert any("1 deleted run" in expander.label for expander in at.expander)
    assert "Only you and the teacher see these." in words(at)


# Comparing


def test_two_runs_are_compared_in_charts_and_settings() -> None:
    blue, red = write("Blue", config=QUICK), write("Red", config=replace(QUICK, learning_rate=0.3, seed=4))
    at = choose(open_page("runs"), blue, red)
    settings = at.dataframe[1].value
    assert settings.to_dict("list") == {"Setting": ["Learning rate", "Seed"], "Blue": ["0.01", "0"], "Red": ["0.3", "4"]}
    charts = {chart.proto.id.split("-")[-1]: chart.proto for chart in at.get("plotly_chart")}
    drawn = [json.loads(chart.spec) for chart in charts.values()]
    assert [[line["name"] for line in chart["data"]] for chart in drawn] == [["Blue", "Red"]] * 2
    assert [chart.alt for chart in charts.values()] == [
        "Training losses of 2 runs: Blue ends at 1.18, Red ends at 1.18.",
        "Test accuracies of 2 runs: Blue 80.00 % after epoch 1, Red 80.00 % after epoch 1.",
    ]
    assert drawn[0]["layout"]["yaxis"].get("type") != "log"
    at.toggle(key="compared_log").set_value(True).run()
    assert json.loads(at.get("plotly_chart")[0].proto.spec)["layout"]["yaxis"]["type"] == "log"


def test_losses_that_are_computed_differently_are_compared_on_test_images() -> None:
    blue, red = write("Blue", config=QUICK), write("Red", config=replace(QUICK, label_smoothing=0.1))
    at = choose(open_page("runs"), blue, red)
    assert at.get("plotly_chart")[0].proto.alt == "Test losses of 2 runs: Blue ends at 0.60, Red ends at 0.60."
    assert not at.warning
    at.segmented_control(key="compared_loss").set_value("training").run()
    assert at.get("plotly_chart")[0].proto.alt.startswith("Training losses of 2 runs")
    assert "not all of these runs have smoothed labels" in at.warning[0].value


def test_runs_with_the_same_name_and_settings_are_told_apart() -> None:
    runs = [write("Twin") for _ in range(2)]
    at = choose(open_page("runs"), *runs)
    assert "All their settings are the same" in words(at)
    lines = json.loads(at.get("plotly_chart")[0].proto.spec)["data"]
    assert {line["name"] for line in lines} == {f"Twin · {run.id}" for run in runs}


def test_a_run_without_events_is_compared_too() -> None:
    empty, blue = write_run([], "failed", name="Empty"), write("Blue")
    at = choose(open_page("runs"), empty, blue)
    assert "Empty has none" in at.get("plotly_chart")[0].proto.alt
    at.toggle(key="compared_log").set_value(True).run()
    assert not at.exception


def test_there_is_a_limit_to_comparing() -> None:
    runs = [write(f"Run {number}") for number in range(11)]
    at = choose(open_page("runs"), *runs)
    assert "Choose at most 10 runs to compare them" in words(at)
    assert not at.get("plotly_chart")


# Still training


def test_what_still_trains_is_shown_live() -> None:
    rename_person(person_of(ANNA), "Anna *")
    run = write("Blue", "training", ANNA, config=replace(QUICK, seed=5), epoch=1)
    write("Waits", "waiting", has_weights=False, epoch=0, test_accuracy=None)
    at = open_page("runs")
    links = [link.proto for link in at.get("page_link")]
    assert [unescaped(link.label).replace("**", "") for link in links[:2]] == [
        "Anna * trains “Blue” (Quick: seed 5), epoch 2 of 2 · Watch",
        "somebody waits to train “Waits” (The article: 2 epochs, normalised pixels) · Watch",
    ]
    assert links[0].query_string == f"run={run.id}"


@pytest.mark.usefixtures("pin")
def test_pages_that_the_teacher_has_closed_are_no_links() -> None:
    write("Blue", "training", BEN, config=QUICK)
    red = write("Red", owner=ANNA)
    change_lesson(LOCAL, hidden_pages=("training", "evaluation"))
    at = choose(open_page("runs", by=ANNA), red)
    assert [link.proto.page for link in at.get("page_link")] == ["kernels", "prediction"]
    assert "**somebody** trains “Blue” (Quick), epoch 2 of 2" in words(at).splitlines()
    assert words(at).count("(closed in this lesson)") == 2


# The disk


def limit_to(monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    """Makes the runs use this share of what they may."""
    monkeypatch.setenv(LIMIT, str(disk_use(now=True).used / share / 10**9))
    disk_use(now=True)


@pytest.mark.parametrize("page", ["train", "runs"])
def test_it_says_that_the_database_wants_a_local_disk(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not open_page(page).warning
    monkeypatch.setattr("fmnist_core.classroom.records.network_type", lambda _folder: "nfs4")
    (warning,) = open_page(page).warning
    assert "is on a network drive (nfs4)" in unescaped(warning.value)
    assert unescaped(warning.value).endswith("SQLite needs a local disk, so set FMNIST_HOME to a folder on one.")


@pytest.mark.parametrize("page", ["runs", "train"])
def test_it_warns_before_the_disk_is_full_and_says_when_it_is(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write("Blue")
    limit_to(monkeypatch, 0.5)
    assert "hard_drive" not in "".join(f"{each.icon}" for kind in (open_page(page).warning, open_page(page).error) for each in kind)
    limit_to(monkeypatch, 0.9)
    at = open_page(page)
    assert [warning.value[:9] for warning in at.warning] == ["Room for "]
    limit_to(monkeypatch, 1.0)
    at = open_page(page)
    assert "No run can be started. The runs use" in words(at)
    assert ("trainings" in [link.proto.page for link in at.get("page_link")]) is (page == "train")


def test_the_clean_up_shows_what_it_would_delete_and_deletes_that() -> None:
    weights = next((STARTER_FOLDER / "checkpoints").glob("*.safetensors")).read_bytes()
    many, old = write("Many epochs", epoch=3), write("In the trash")
    for epoch in (2, 3):
        (many.folder / "checkpoints" / f"epoch-{epoch:03d}.safetensors").write_bytes(weights)
    delete_run(old.id)
    at = press(open_page("runs"), "clean_up")
    plan = at.dataframe[-1].value
    assert list(plan["What"]) == ["deleted run", "weights of other epochs"]
    assert list(plan["Name"]) == ["In the trash", "Many epochs"]
    assert at.number_input(key="clean_oldest").value == 0
    at.number_input(key="clean_oldest").set_value(1).run()
    assert list(at.dataframe[-1].value["What"]) == ["deleted run", "whole run"]
    at.number_input(key="clean_oldest").set_value(0).run()
    at.checkbox(key="clean_deleted").set_value(False).run()
    assert list(at.dataframe[-1].value["Name"]) == ["Many epochs"]
    assert [run.name for run in list_deleted()] == ["In the trash"], "nothing is deleted before the button is pressed"
    press(at, "clean_up_now")
    assert sorted(file.name for file in (many.folder / "checkpoints").glob("epoch*")) == ["epoch-003.safetensors"]
    assert [run.name for run in list_deleted()] == ["In the trash"]
    assert "Cleaned up: " in words(at)
    assert "clean_up_now" not in keys(at)


def test_archives_are_cleaned_up_only_if_asked_for() -> None:
    write("Blue")
    archive = archives_folder() / "fashion-mnist-runs-20260101-000000.zip"
    archive.parent.mkdir()
    archive.write_bytes(bytes(400_000))
    at = press(open_page("runs"), "clean_up")
    assert re.search(r"1 run uses \d+ KB, 0 deleted runs 0 KB, 1 archive 40\d KB\.", words(at))
    assert "There is nothing to delete" in words(at)
    at.checkbox(key="clean_archives").set_value(True).run()
    assert at.dataframe[-1].value[["What", "Name"]].to_dict("list") == {"What": ["archive"], "Name": [archive.name]}
    assert archive.exists(), "nothing is deleted before the button is pressed"
    press(at, "clean_up_now")
    assert not archive.exists()
    assert "Cleaned up: 40" in words(at)


@pytest.mark.usefixtures("pin")
def test_a_student_cleans_up_only_what_is_theirs() -> None:
    write("Theirs", owner=BEN)
    archives_folder().mkdir()
    (archives_folder() / "fashion-mnist-runs-20260101-000000.zip").write_bytes(bytes(400_000))
    at = press(open_page("runs", by=ANNA), "clean_up")
    assert "clean_archives" not in {box.key for box in at.checkbox}
    assert "There is nothing to delete" in words(at)
    assert "clean_up_now" not in keys(at)


# Whatever stands in names, notes and files


def test_foreign_texts_become_nothing_but_text() -> None:
    for text in HOSTILE:
        run = write(text[:60])
        write_note(run.id, text, by=LOCAL)
    runs = list_runs()
    at = choose(open_page("runs"), *runs[:3])
    assert not at.exception
    press(at, "delete")
    at = open_page("runs")
    assert not at.exception


def test_damaged_runs_are_named_and_can_be_deleted() -> None:
    run = write("Blue")
    (run.folder / "config.json").write_text("{")
    at = open_page("runs")
    assert any("1 damaged run" in expander.label for expander in at.expander)
    assert f'The run "{run.id}" is damaged' in words(at)
    press(at, f"delete_{run.id}")
    assert [deleted.id for deleted in list_deleted()] == [run.id]
    press(at, "undo_delete")
    assert "is damaged" in words(at)


def test_without_a_database_the_page_says_why(home: Any) -> None:
    write("Blue")
    for file in home.glob("classroom.sqlite3*"):
        file.unlink()
    (home / "classroom.sqlite3").mkdir()
    at = open_page("runs")
    assert not at.exception
    assert "Cannot use" in words(at)
