"""Home: five links, my network and the class's best, the data and device in use; and what it shows if something is missing."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fmnist_core.classroom.lesson import change_lesson
from fmnist_core.classroom.people import LOCAL, rename_person
from fmnist_core.classroom.permission import note_owner
from fmnist_core.classroom.teacher import sign_in
from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.dataset.idx import PACKAGED_FOLDER
from fmnist_core.dataset.split import Split, load_split
from fmnist_core.figures.images import png_url
from fmnist_core.insight.answer import answer_picture
from fmnist_core.network.model import FashionCNN
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.weights import load_model
from fmnist_core.settings.config import TrainConfig
from fmnist_core.settings.presets import find_preset
from fmnist_core.training.events import Event
from pages.parts.components.component import read_picked
from tests.conftest import ROOT, write_idx
from tests.pages.conftest import open_page, person_of, unescaped
from tests.written_runs import epoch_done, started, step_done, write_run

STEPS = ["samples", "training", "evaluation", "kernels", "prediction"]


def open_home(by: str = "") -> AppTest:
    at = open_page("home", by)
    assert not at.exception
    return at


def links(at: AppTest) -> list[Any]:
    return [element.proto for element in at.get("page_link")]


def words(at: AppTest) -> str:
    return "\n".join(element.value for element in (*at.markdown, *at.caption, *at.subheader))


def flow(at: AppTest) -> dict[str, Any]:
    """What the diagram of the network is sent."""
    (sent,) = [json.loads(each.proto.json) for each in at.get("bidi_component") if each.proto.component_name == "network_flow"]
    return dict(sent)


def test_with_nothing_trained_it_shows_five_steps_and_the_starter() -> None:
    at = open_home()
    assert [link.page for link in links(at)][:5] == STEPS
    assert "91.50 %" in words(at)
    assert "You have not trained a network yet. The starter model" in words(at)
    assert links(at)[5].page == "evaluation"
    assert links(at)[5].query_string == "run=starter"


def test_it_says_which_data_and_device_are_in_use() -> None:
    at = open_home()
    assert "60,000 images to learn from and 10,000 to test with" in words(at)
    assert "packaged Fashion" in words(at)
    assert "CPU" in words(at) or "GPU" in words(at) or "NVIDIA" in words(at)
    assert flow(at)["names"] == list(CLASS_NAMES)


def test_the_network_is_drawn_with_shapes_and_numbers_of_weights() -> None:
    at = open_home()
    stages = flow(at)["stages"]
    assert [shape for _title, shape, _note in stages] == ["28×28 pixels", "16 maps of 14×14", "32 maps of 7×7", "10 probabilities"]
    total = sum(parameter.numel() for parameter in FashionCNN().parameters())
    assert total == 448 + 12_896 + 15_690
    assert [note for _title, _shape, note in stages][1:] == ["448 weights", "12,896 weights", "15,690 weights"]
    assert f"{total:,} numbers" in words(at)


def test_the_first_test_image_of_each_class_can_be_sent_through_the_network() -> None:
    sent = flow(open_home())
    test = load_split("test", PACKAGED_FOLDER)
    model = load_model(load_run(STARTER_ID))
    assert sent["picked"] == 9  # an ankle boot, test image 0
    for label, (name, picture) in enumerate(zip(CLASS_NAMES, sent["pictures"], strict=True)):
        index = int(np.argmax(test.labels == label))
        assert (picture["name"], picture["alt"]) == (name, f"{name}, test image {index}")
        assert picture["image"] == png_url(test.images[index])
        expected = 100 * answer_picture(model, test.images[index][None]).probabilities
        np.testing.assert_allclose(picture["percent"], expected, atol=0.05)
    assert len({picture["first"] for picture in sent["pictures"]}) == len({picture["second"] for picture in sent["pictures"]}) == 10


@pytest.mark.parametrize(("asked", "picked"), [("2", 2), ("10", 9), ("-1", 9), ("x", 9)])
def test_the_picture_in_the_link_is_sent_first(asked: str, picked: int) -> None:
    at = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=60)
    at.query_params["sent"] = asked
    at.run()
    assert not at.exception
    assert flow(at)["picked"] == picked


@pytest.mark.parametrize("sent", [None, 3, ["other", 1], ["flow", 8], ["flow", -1], ["flow", "1"], ["flow", True], ["flow"]])
def test_an_invalid_picture_from_the_browser_is_ignored(sent: Any) -> None:
    assert read_picked({"picked": sent}, "flow", [0, 1, 9]) is None
    assert read_picked({"picked": ["flow", 9]}, "flow", [0, 1, 9]) == 9


def cards(at: AppTest) -> list[str]:
    """The texts about networks, each with what its link opens."""
    texts = [unescaped(text.value) for text in at.markdown if "of the test images correctly" in text.value]
    opened = [f"{link.page}?{link.query_string}" for link in links(at) if link.label == "See its mistakes"]
    return [f"{text} -> {target}" for text, target in zip(texts, opened, strict=True)]


def write_learned(name: str, owner: str, test_accuracy: float, **about: Any) -> RunRecord:
    events: list[Event] = [started(), step_done(4, [2.0, 1.5, 1.0, 0.5], 1.0), epoch_done(1, 4, 1.0)]
    about |= {"name": name, "owner": person_of(owner), "epoch": 1, "test_accuracy": test_accuracy, "has_weights": True}
    return write_run(events, about.pop("state", "finished"), **about)


def test_my_network_and_the_best_of_the_class_beside_it() -> None:
    rename_person(person_of("Ben's"), "Team *blue*")
    mine = write_learned("First", "Anna's", 0.85)
    best = write_learned("Second", "Ben's", 0.9)
    write_learned("Third", "Ben's", 0.8)
    settings = "2 epochs, batch 100, rate 0.001, seed 0"
    of_mine = f"Your newest network, **First**, classifies **85.00 %** of the test images correctly: {settings}."
    of_best = f"The best one here, **Second**, {{}}, classifies **90.00 %** of the test images correctly: {settings}."
    at = open_home("Anna's")
    assert cards(at) == [f"{of_mine} -> evaluation?run={mine.id}", f"{of_best.format('by Team *blue*')} -> evaluation?run={best.id}"]
    assert "through First:" in words(at)
    assert cards(open_home("Ben's"))[1] == f"{of_best.format('which is yours too')} -> evaluation?run={best.id}"
    newcomers = cards(open_home())
    assert newcomers[0].endswith(" -> evaluation?run=starter")
    assert "by Team *blue*" in newcomers[1]
    champion = write_learned("Fourth", "Anna's", 0.95)
    (card,) = cards(open_home("Anna's"))
    assert card.endswith(f"{settings}. It is the best one here. -> evaluation?run={champion.id}")


def test_what_others_train_is_one_line() -> None:
    mine = write_run([], "training", name="*Team* [blue]", owner=person_of("Anna's"))
    write_run([], "paused", name="Not mine", owner=person_of("Ben's"))
    at = open_home("Anna's")
    (watch,) = [link for link in links(at) if link.label == "Watch it"]
    assert (watch.page, watch.query_string) == ("training", f"run={mine.id}")
    assert r"Your run **\*Team\* \[blue\]** is training now" in words(at)  # a name is shown exactly as typed
    assert "Not mine" not in words(at)
    assert "1 other run is training or waiting: see the Train page." in words(at)
    create_run(TrainConfig(), "Nobody's")
    assert "3 other runs are training or waiting" in words(open_home())


def test_a_run_that_failed_on_purpose_is_shown_to_nobody() -> None:
    write_learned("Untaught", "Anna's", 0.1)
    write_learned("Diverged", "Anna's", 0.9, state="diverged")
    write_learned("No bags", "Anna's", 0.8, config=find_preset("class-left-out").config)
    for by in ("Anna's", ""):
        (card,) = cards(open_home(by))
        assert card.endswith("-> evaluation?run=starter")
    assert "None of your networks has learned anything yet." in words(open_home("Anna's"))


def test_bad_data_are_reported_and_the_rest_of_the_page_still_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(tmp_path / "nowhere"))
    at = open_home()
    assert "nowhere does not exist" in at.error[0].value
    assert [link.page for link in links(at)][:5] == STEPS
    assert "91.50 %" in words(at)


def test_custom_data_may_lack_a_class(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, small_splits: tuple[Split, Split]) -> None:
    for split, stem in zip(small_splits, ("train", "t10k"), strict=True):
        kept = split.labels != 8
        write_idx(tmp_path / f"{stem}-images-idx3-ubyte", split.images[kept])
        write_idx(tmp_path / f"{stem}-labels-idx1-ubyte", split.labels[kept])
    monkeypatch.setenv("FMNIST_DATA", str(tmp_path))
    at = open_home()
    assert f"{np.sum(small_splits[0].labels != 8)} images to learn from" in words(at)
    assert [name for name, picture in zip(CLASS_NAMES, flow(at)["pictures"], strict=True) if picture is None] == ["Bag"]


def test_a_damaged_newest_network_leaves_steps_and_data_usable(trained_run: RunRecord) -> None:
    next((trained_run.folder / "checkpoints").glob("*.safetensors")).write_bytes(b"not weights")
    note_owner(trained_run.id, person_of("Anna's").id)
    at = open_home("Anna's")
    assert not at.error
    assert "**Small run**" in words(at)
    assert "on its way through the starter model" in words(at)
    assert [link.page for link in links(at)][:5] == STEPS
    assert flow(at)["pictures"][8]["name"] == "Bag"


@pytest.mark.parametrize("is_teacher", [False, True])
def test_what_the_teacher_has_closed_is_no_link(is_teacher: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = write_learned("Mine", "Anna's", 0.85)
    write_run([], "training", name="Training", owner=person_of("Anna's"))
    write_run([], "training", name="Of Ben", owner=person_of("Ben's"))
    monkeypatch.setenv("FMNIST_TEACHER_PIN", "4711-4712")
    change_lesson(LOCAL, hidden_pages=("training", "evaluation"))
    if is_teacher:
        sign_in(person_of("Anna's").id, "4711-4712")
    at = open_home("Anna's")
    opened = [f"{link.page}?{link.query_string}" for link in links(at)]
    closed = [text.value for text in at.markdown if ":material/lock:" in text.value]
    if is_teacher:
        assert [page.split("?")[0] for page in opened][:5] == STEPS
        assert closed == []
        assert f"evaluation?run={mine.id}" in opened
        assert "see the Train page" in words(at)
    else:
        assert {page.split("?")[0] for page in opened} == set(STEPS) - {"training", "evaluation"}
        assert closed == [
            ":material/lock: **2. Train**",
            ":material/lock: **3. Evaluate**",
            ":material/lock: Watch it (closed in this lesson)",
            ":material/lock: See its mistakes (closed in this lesson)",
        ]
        assert words(at).count("Your teacher has closed this page for the lesson.") == 2
        assert "1 other run is training or waiting." in words(at)
