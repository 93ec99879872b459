"""Pages read what the trainer kept: no page goes over a whole data set, and what is missing is shown as being computed."""

from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fmnist_core.jobs import completion
from fmnist_core.jobs.completion import complete_run, stop_completion
from fmnist_core.network import inputs
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.transitions import prepare_resume
from fmnist_core.runs.writer import RunWriter
from fmnist_core.store.byte_cache import ByteCache
from pages.parts.shared import cached
from tests.pages.conftest import open_page, unescaped

_MOST_IMAGES = 400  # in one run of a page: 197 to find the pixels that mattered, 101 to find similar images, a few pictures


@pytest.fixture
def small_data_in_use(small_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(small_data))


@pytest.fixture
def network_inputs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many images a network is shown, each time; whatever computes with a network passes through `to_raw`."""
    shown: list[int] = []
    to_raw = inputs.to_raw

    def count(images: Any) -> Any:
        shown.append(len(images))
        return to_raw(images)

    monkeypatch.setattr(inputs, "to_raw", count)
    return shown


class Process:
    """A process that never ends."""

    returncode = None

    def poll(self) -> None:
        return None

    def communicate(self) -> tuple[bytes, bytes]:
        return b"", b""

    def kill(self) -> None:
        pass

    def wait(self) -> None:
        pass


@pytest.fixture
def no_process(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs for which a process would have been started."""
    started: list[str] = []

    def launch(run_id: str) -> Process:
        started.append(run_id)
        return Process()

    monkeypatch.setattr(completion, "_launch", launch)
    return started


def forget(run: RunRecord) -> None:
    """What is left is a run of an earlier version."""
    for file in (*run.folder.glob("answers/*"), run.folder / "likeness.safetensors"):
        file.unlink()


def progress_texts(at: AppTest) -> list[str]:
    return [unescaped(element.proto.text) for element in at.get("progress")]


@pytest.mark.usefixtures("small_data_in_use")
def test_no_page_shows_a_network_a_whole_data_set(
    trained_run: RunRecord, network_inputs: list[int], no_process: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached, "CACHE", ByteCache(cached.MAX_BYTES))  # as if nobody had looked at anything yet
    for page, query in (
        ("home", {}),
        ("evaluate", {}),
        ("evaluate", {"cell": "3-3"}),
        ("look_inside", {"part": "An item on its way through"}),
        ("predict", {}),
        ("predict", {"item": "7"}),
    ):
        network_inputs.clear()
        at = open_page(page, run=trained_run.id, **query)
        assert not at.exception
        assert sum(network_inputs) <= _MOST_IMAGES, page
    assert no_process == []


@pytest.mark.usefixtures("small_data_in_use")
def test_a_picture_is_explained_once(trained_run: RunRecord, network_inputs: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cached, "CACHE", ByteCache(cached.MAX_BYTES))
    at = open_page("predict", run=trained_run.id, projector="yes")  # nothing is folded there
    assert sum(network_inputs) > 30
    network_inputs.clear()
    at.run()
    assert network_inputs == [1], "only its answer, which takes a millisecond"


@pytest.mark.usefixtures("small_data_in_use")
def test_even_without_kept_results_the_server_computes_none(
    trained_run: RunRecord, network_inputs: list[int], no_process: list[str]
) -> None:
    forget(trained_run)
    for page in ("evaluate", "predict"):
        network_inputs.clear()
        assert not open_page(page, run=trained_run.id).exception
        assert sum(network_inputs) <= _MOST_IMAGES
    assert no_process == [trained_run.id]


@pytest.mark.usefixtures("small_data_in_use")
def test_evaluate_shows_progress_and_then_the_result(trained_run: RunRecord, no_process: list[str]) -> None:
    forget(trained_run)
    at = open_page("evaluate", run=trained_run.id)
    assert progress_texts(at) == ["Starting"]
    assert not at.metric
    assert no_process == [trained_run.id]
    complete_run(trained_run.id, lambda _completion: None)
    at.run()
    assert at.metric[0].value == f"{100 * (trained_run.test_accuracy or 0):.2f} %"
    assert not at.get("progress")


@pytest.mark.usefixtures("small_data_in_use", "no_process")
def test_predict_shows_its_answer_at_once_and_the_rest_later(trained_run: RunRecord) -> None:
    forget(trained_run)
    at = open_page("predict", run=trained_run.id, projector="yes")
    assert at.subheader[0].value.startswith("The network says: ")
    assert progress_texts(at) == ["Starting"]
    alts = [image.alt for element in at.get("image") for image in element.proto.imgs]
    assert any(alt.startswith("The picture; ") for alt in alts)
    assert not any(alt.startswith("Training image") for alt in alts)
    complete_run(trained_run.id, lambda _completion: None)
    at.run()
    assert sum(image.alt.startswith("Training image") for element in at.get("image") for image in element.proto.imgs) == 5


@pytest.mark.usefixtures("small_data_in_use")
def test_predict_has_the_thresholds_computed_though_the_reasons_are_folded(trained_run: RunRecord, no_process: list[str]) -> None:
    forget(trained_run)
    at = open_page("predict", run=trained_run.id)
    assert progress_texts(at) == ["Starting"]
    assert no_process == [trained_run.id]


@pytest.mark.usefixtures("small_data_in_use")
def test_what_cannot_be_computed_is_a_sentence_with_a_button(trained_run: RunRecord, no_process: list[str]) -> None:
    forget(trained_run)
    with pytest.raises(ValueError, match="stopped"):
        complete_run(trained_run.id, lambda _completion: stop_completion(trained_run.id))
    at = open_page("evaluate", run=trained_run.id)
    assert unescaped(at.warning[0].value) == "It was stopped."
    assert not at.get("progress")
    at.run()
    assert no_process == []
    at.button(key="complete_again").click().run()
    assert no_process == [trained_run.id]
    assert progress_texts(at) == ["Starting"]


@pytest.mark.usefixtures("small_data_in_use")
def test_a_process_at_work_can_be_stopped_by_a_button(trained_run: RunRecord, no_process: list[str]) -> None:
    forget(trained_run)

    def press_stop(_completion: object) -> None:
        open_page("evaluate", run=trained_run.id).button(key="stop_completion").click().run()

    with pytest.raises(ValueError, match="It was stopped"):
        complete_run(trained_run.id, press_stop)
    assert no_process == []
    assert unescaped(open_page("evaluate", run=trained_run.id).warning[0].value) == "It was stopped."


@pytest.mark.usefixtures("small_data_in_use")
def test_a_live_run_shows_the_answers_of_the_weights_in_use(trained_run: RunRecord, no_process: list[str]) -> None:
    (trained_run.folder / "likeness.safetensors").unlink()
    prepare_resume(trained_run.id, more_epochs=1)
    writer = RunWriter(trained_run.id)
    writer.change_state("training")
    at = open_page("evaluate", run=trained_run.id)
    assert at.metric[0].value == f"{100 * (trained_run.test_accuracy or 0):.2f} %"
    assert any(text.value == "This run is still training. These are its results after epoch 1." for text in at.caption)
    at = open_page("predict", run=trained_run.id)
    assert [text[:24] for text in progress_texts(at)] == ["This run has not ended. "]
    assert no_process == []
    writer.end("stopped")


@pytest.mark.usefixtures("no_process")
def test_answers_to_other_data_are_not_shown(trained_run: RunRecord) -> None:
    """It was trained and tested on the small data, and the packaged data is in use."""
    at = open_page("evaluate", run=trained_run.id)
    assert progress_texts(at) == ["Starting"]
    assert not at.metric


def test_thirty_people_with_thirty_runs_stay_small() -> None:
    starter = load_run(STARTER_ID)
    answers, likeness = cached.kept_answers(starter), cached.kept_likeness(starter)
    assert answers is not None
    assert likeness is not None
    of_one = answers.nbytes + likeness.neighbours.nbytes + cached._BYTES_PER_MODEL
    assert 30 * of_one < cached.MAX_BYTES < 100_000_000
    assert 0 < cached.CACHE.nbytes <= cached.MAX_BYTES
