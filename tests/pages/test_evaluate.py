import json
import re
from typing import Any

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from fmnist_core.classroom.permission import note_owner
from fmnist_core.dataset.idx import PACKAGED_FOLDER
from fmnist_core.dataset.split import load_split
from fmnist_core.evaluation.prediction import evaluate
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.weights import load_model
from pages.parts.components.component import read_picked
from pages.parts.components.confusion_table.confusion_table import read_cell
from tests.pages.conftest import open_page, person_of, query, unescaped


def explanation(at: AppTest) -> str:
    return next((element.proto.body for element in at.get("html") if "explanation" in element.proto.body), "")


def enlarged(at: AppTest) -> str:
    """The image that is explained: "Test image 0, Ankle boot"."""
    found = re.search('alt="(Test image .*?), enlarged"', explanation(at))
    assert found is not None
    return found[1]


def test_before_anyone_has_trained_the_starter_is_evaluated() -> None:
    at = open_page("evaluate")
    assert at.selectbox(key="run_picker").value == "starter"
    assert at.metric[0].value == f"{100 * (load_run('starter').test_accuracy or 0):.2f} %"
    assert any(re.search(r"classifies [\d,]+ of 10,000 unseen test images correctly, [\d,]+ wrongly\.", text.value) for text in at.markdown)
    assert list(at.dataframe[0].value.columns) == ["Class", "Precision", "Recall", "F1", "Images"]
    assert at.dataframe[0].value["Images"].sum() == 10_000
    assert any("**Shirt**: of its 1,000 images the network finds" in text.value for text in at.markdown)


def test_the_most_frequent_mistakes_are_listed_and_lead_to_their_images() -> None:
    at = open_page("evaluate", run="starter", test_image="3")
    confusion = np.array(json.loads((load_run("starter").folder / "evaluation.json").read_text())["confusion"])
    np.fill_diagonal(confusion, 0)
    worst = at.button(key="worst_6_0")
    words = re.fullmatch(r"Shirt was confused with T-shirt/top (\d+) times", worst.label)
    assert words is not None
    assert abs(int(words[1]) - confusion.max()) <= 2  # on another processor, rounding may change an image's class
    worst.click().run()
    assert query(at, "cell") == "6-0"
    assert query(at, "test_image") == ""
    assert any(heading.value.startswith("Shirt classified as T-shirt/top: ") for heading in at.subheader)


def test_a_link_to_one_image_of_a_cell_enlarges_it() -> None:
    at = open_page("evaluate", run="starter", cell="9-9", test_image="0")  # test image 0 is an ankle boot
    assert enlarged(at) == "Test image 0, Ankle boot"
    assert "<b>✓ Correct.</b> The network says <b>Ankle boot</b>" in explanation(at)
    other = open_page("evaluate", run="starter", cell="8-8", test_image="0")
    assert enlarged(other).endswith(", Bag")


def test_a_mistake_is_explained_with_both_classes_their_probabilities_and_the_pixels_that_mattered() -> None:
    at = open_page("evaluate", run="starter", cell="6-0")
    verdict = r"✗ Wrong\.</b> The network says <b>T-shirt/top</b>, ([\d.]+)\s%\. The label is <b>Shirt</b>, to which it gives ([\d.]+)\s%\."
    found = re.search(verdict, explanation(at))
    assert found is not None
    assert float(found[1]) > float(found[2])
    assert explanation(at).count("<tr") == 10
    assert "Shirt (label)" in explanation(at)
    assert "in orange, speak for T-shirt/top" in explanation(at)


@pytest.mark.parametrize("image", ["-1", "10000", "x", "1.5"])
def test_for_an_invalid_image_the_most_confident_one_is_shown(image: str) -> None:
    first = enlarged(open_page("evaluate", run="starter", cell="8-8"))
    at = open_page("evaluate", run="starter", cell="8-8", test_image=image)
    assert not at.exception
    assert enlarged(at) == first


def test_an_image_far_down_a_cell_opens_the_right_page() -> None:
    evaluation = evaluate(load_model(load_run("starter")), load_split("test", PACKAGED_FOLDER))
    last = evaluation.images_in_cell(8, 8)[-1]
    at = open_page("evaluate", run="starter", cell="8-8", test_image=str(last))
    pages = -(-len(evaluation.images_in_cell(8, 8)) // 60)
    assert at.session_state[f"cell_page_8_8_{pages}"] == pages


def test_a_cell_in_the_link_shows_its_images() -> None:
    at = open_page("evaluate", run="starter", cell="6-0")
    evaluation = json.loads((load_run("starter").folder / "evaluation.json").read_text())
    count = evaluation["confusion"][6][0]
    headings = [heading.value for heading in at.subheader]
    assert any(heading.startswith("Shirt classified as T-shirt/top: ") for heading in headings)
    shown = next(int(heading.rsplit(" ", 1)[1]) for heading in headings if "classified as" in heading)
    assert abs(shown - count) <= 2  # on another processor, rounding may change an image's class


@pytest.mark.parametrize("cell", ["9-99", "x", "1", "-1-0", "../.."])
def test_an_invalid_cell_is_ignored(cell: str) -> None:
    at = open_page("evaluate", run="starter", cell=cell)
    assert not at.exception
    assert at.info[0].value.startswith("Click or tap a cell, or one of the three mistakes above, to see its images.")


def test_an_empty_cell_is_reported() -> None:
    at = open_page("evaluate", run="starter", cell="1-9")
    assert at.info[0].value == "No test image is in this cell. Choose another."


def test_my_newest_run_is_the_first_choice_and_lives_in_the_url(trained_run: RunRecord) -> None:
    note_owner(trained_run.id, person_of("Anna's").id)
    at = open_page("evaluate", by="Anna's")
    assert at.selectbox(key="run_picker").value == trained_run.id
    assert query(at, "run") == trained_run.id
    at.selectbox(key="run_picker").select("starter").run()
    assert query(at, "run") == "starter"
    at.switch_page("pages/predict.py").run()
    assert at.selectbox(key="run_picker").value == "starter"


@pytest.mark.parametrize("asked", ["nobody", "../../etc/passwd", "20200101-000000-abcd"])
def test_a_link_to_an_unknown_run_shows_a_warning(asked: str) -> None:
    at = open_page("evaluate", run=asked)
    assert at.warning[0].value.startswith("The run in this link does not exist")
    assert at.selectbox(key="run_picker").value == "starter"


def test_a_damaged_weights_file_is_reported(trained_run: RunRecord) -> None:
    (trained_run.folder / "checkpoints" / "epoch-001.safetensors").write_bytes(b"\x80\x04pickle")
    at = open_page("evaluate", run=trained_run.id)
    assert not at.exception
    assert "does not hold this network's weights" in unescaped(at.error[0].value)


@pytest.mark.parametrize(
    "sent", [None, {}, {"cell": None}, {"cell": [1]}, {"cell": [1, 10]}, {"cell": [-1, 0]}, {"cell": [True, 0]}, {"cell": "1-2"}]
)
def test_an_invalid_cell_from_the_browser_is_ignored(sent: Any) -> None:
    assert read_cell(sent, 10) is None


def test_a_cell_is_read() -> None:
    assert read_cell({"cell": [6, 0]}, 10) == (6, 0)


@pytest.mark.parametrize("picked", [None, 3, ["other", 1], ["sheet", 20], ["sheet", -1], ["sheet", "1"], ["sheet", True], ["sheet"]])
def test_an_invalid_pick_or_one_of_other_pictures_is_ignored(picked: Any) -> None:
    assert read_picked({"picked": picked}, "sheet", range(20)) is None


def test_a_pick_is_read() -> None:
    assert read_picked({"picked": ["sheet", 19]}, "sheet", range(20)) == 19
