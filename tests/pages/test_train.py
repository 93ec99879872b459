import json
import time
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fmnist_core import jobs, runs
from fmnist_core.config import TrainConfig, find_preset
from fmnist_core.runs import RunRecord, RunWriter
from pages.parts.live_run import format_duration
from tests.pages.conftest import open_page, query


@pytest.fixture(autouse=True)
def no_spare_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spare helps nobody here and takes a core for two seconds."""
    monkeypatch.setattr(jobs, "keep_spare", lambda: None)


def press_train(at: AppTest) -> AppTest:
    return next(button for button in at.button if button.label == "Train").click().run()


def test_the_defaults_are_the_articles() -> None:
    at = open_page("train")
    assert [field.value for field in at.number_input] == [5, 100, 0]
    assert at.selectbox[0].value == "0.001"
    assert query(at, "run") == ""


def test_training_from_the_page(small_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(small_data))
    at = open_page("train")
    at.number_input[0].set_value(1)
    at.text_input[0].set_value("Team *blue*")
    press_train(at)
    assert not at.exception
    run_id = query(at, "run")
    assert runs.load_run(run_id).name == "Team *blue*"
    deadline = time.monotonic() + 120
    while runs.load_run(run_id).is_live and time.monotonic() < deadline:
        time.sleep(0.1)
    at.run()
    assert at.success[0].value.startswith("Finished 1 epoch in ")
    assert [element.proto.page for element in at.get("page_link")] == ["evaluation", "kernels", "prediction"]
    alts = [chart.proto.alt for chart in at.get("plotly_chart")]
    assert alts[0].startswith("Loss against step for Team *blue*: from ")
    assert alts[1].startswith("Test accuracy against epoch. epoch 1: ")


@pytest.mark.parametrize(
    ("rate", "sentence"),
    [
        ("1000", "The learning rate 1000 is far too high: choose at most 100; 0.001 is a good start."),
        ("fast", 'The learning rate "fast" is not a number: choose one such as 0.001.'),
        ("nan", "The learning rate must be a number, not nan: choose one such as 0.001."),
        ("-1", "The learning rate -1 is too low to learn anything: choose at least 1e-08; 0.001 is a good start."),
    ],
)
def test_a_bad_learning_rate_starts_nothing(rate: str, sentence: str) -> None:
    at = open_page("train")
    at.session_state["train_settings"] = {"epochs": 7, "batch_size": 100, "rate": rate, "seed": 0, "name": ""}
    at.run()
    press_train(at)
    assert at.error[0].value == sentence
    assert runs.list_runs() == []
    assert at.number_input[0].value == 7


def test_a_comma_is_a_decimal_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "start", lambda config, name: runs.create_run(config, name))
    at = open_page("train")
    at.session_state["train_settings"] = {"epochs": 1, "batch_size": 100, "rate": "0,02", "seed": 0, "name": ""}
    at.run()
    press_train(at)
    assert runs.list_runs()[0].config.learning_rate == 0.02


def test_a_home_that_cannot_be_written_gets_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("")
    monkeypatch.setenv("FMNIST_HOME", str(blocked))
    at = press_train(open_page("train"))
    assert "set FMNIST_HOME to a folder of yours" in at.error[0].value


def test_a_live_run_is_found_without_a_link() -> None:
    run_id = runs.create_run(TrainConfig(epochs=3), "Alive")
    at = open_page("train")
    assert query(at, "run") == run_id
    assert any("**Alive**" in text.value for text in at.markdown)
    assert at.button(key="stop").label == "Stop"
    assert at.get("echarts_chart") or at.get("echarts")
    at.button(key="stop").click().run()
    assert (runs.run_folder(run_id) / "stop").exists()
    assert at.button(key="stop").disabled


@pytest.mark.parametrize(
    ("state", "message", "kind", "said"),
    [
        ("stopped", "", "info", "Stopped in epoch 2 after"),
        ("diverged", "The loss became infinite; try 0.01.", "error", "The loss became infinite; try 0.01."),
        ("failed", "The disk is full.", "error", "The run failed. The disk is full."),
    ],
)
def test_every_end_is_told(trained_run: RunRecord, state: runs.State, message: str, kind: str, said: str) -> None:
    status = json.loads((trained_run.folder / "status.json").read_text()) | {"state": state, "message": message}
    (trained_run.folder / "status.json").write_text(json.dumps(status))
    at = open_page("train", run=trained_run.id)
    assert not at.exception
    assert getattr(at, kind)[0].value.startswith(said)


def test_an_interrupted_run_still_opens(trained_run: RunRecord) -> None:
    status = json.loads((trained_run.folder / "status.json").read_text())
    status |= {"state": "training", "process": {"pid": 1, "create_time": 0.0}}
    (trained_run.folder / "status.json").write_text(json.dumps(status))
    at = open_page("train", run=trained_run.id)
    assert at.warning[0].value.startswith("Interrupted: its training process ended without a word. The weights of epoch 1 are kept.")
    assert at.get("plotly_chart")


def test_a_run_that_learned_nothing_gets_a_hint() -> None:
    from fmnist_core.training import EpochDone, Finished, Started

    run_id = runs.create_run(TrainConfig(epochs=1, learning_rate=10))
    writer = RunWriter(run_id)
    writer.write_event(Started(1, 100, 100, "CPU"))
    weights = {name: tensor.numpy() for name, tensor in runs.load_model(runs.load_run("starter")).state_dict().items()}
    writer.write_event(EpochDone(1, 1, 900.0, 2.9, 0.1, 1.0, weights))
    writer.write_event(Finished(1, 1, 0.1, 1.0))
    writer.end("finished")
    at = open_page("train", run=run_id)
    assert "The learning rate 10 is too high; try 0.01." in at.warning[0].value


def test_a_link_to_a_run_that_is_not_here() -> None:
    at = open_page("train", run="nobody")
    assert at.warning[0].value.startswith("This link names a run that is not here (nobody).")
    assert not at.exception


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (59.4, "59 s"), (65, "1 min 05 s"), (3_700, "1 h 01 min")])
def test_times_as_people_say_them(seconds: float, said: str) -> None:
    assert format_duration(seconds) == said


def test_a_preset_fills_the_form_and_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[TrainConfig] = []

    def start(config: TrainConfig, name: str) -> str:
        started.append(config)
        return runs.create_run(config, name)

    monkeypatch.setattr("fmnist_core.jobs.start", start)
    at = open_page("train")
    at.radio(key="preset").set_value("photos-and-drawings").run()
    assert [field.value for field in at.number_input] == [40, 128, 0]
    assert at.selectbox[0].value == "0.0035"
    at.number_input[0].set_value(3)
    press_train(at)
    assert not at.exception
    (config,) = started
    assert config == replace(find_preset("photos-and-drawings").config, epochs=3)
