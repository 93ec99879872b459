import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.dataset.idx import PACKAGED_FOLDER
from fmnist_core.dataset.sampling import sample_indices
from fmnist_core.dataset.split import load_split
from tests.pages.conftest import open_page, query, unescaped


def test_twenty_samples_are_shown_and_the_first_is_enlarged() -> None:
    at = open_page("browse")
    assert at.title[0].value == "Browse"
    assert at.number_input(key="count").value == 20
    assert at.number_input(key="seed").value == 0
    assert at.get("image")[0].proto.imgs[0].alt == f"{at.subheader[0].value}, enlarged"
    assert any("20 training images · All classes · seed 0" in text.value for text in at.markdown)
    assert any(text.value.startswith("Each class has 6,000 images.") for text in at.markdown)
    assert not at.get("plotly_chart")


def test_in_projector_mode_the_filters_are_not_folded() -> None:
    at = open_page("browse")
    assert [popover.proto.popover.label for popover in at.get("popover")][-1] == "Filters"
    projected = open_page("browse", projector="yes")
    assert "Filters" not in [popover.proto.popover.label for popover in projected.get("popover")]
    assert projected.number_input(key="seed").value == 0


def test_classes_of_different_sizes_are_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import numpy as np

    from tests.conftest import write_idx

    for stem in ("train", "t10k"):
        write_idx(tmp_path / f"{stem}-images-idx3-ubyte", np.zeros((3, 28, 28)))
        write_idx(tmp_path / f"{stem}-labels-idx1-ubyte", np.array([0, 0, 9]))
    monkeypatch.setenv("FMNIST_DATA", str(tmp_path))
    at = open_page("browse")
    (means,) = [json.loads(wall.proto.json) for wall in at.get("bidi_component") if "Mean image of each class" in wall.proto.json]
    assert means["captions"] == ["T-shirt: 2", *(f"{name}: 0" for name in CLASS_NAMES[1:9]), "Boot: 1"]
    assert any(text.value.startswith("The 3 images are spread unevenly") for text in at.markdown)


def test_a_link_opens_the_same_choice() -> None:
    at = open_page("browse", split="Test images", **{"class": "Bag"}, seed="42", count="7")
    assert at.selectbox(key="split").value == "Test images"
    assert at.selectbox(key="class").value == "Bag"
    assert (at.number_input(key="seed").value, at.number_input(key="count").value) == (42, 7)
    assert at.subheader[0].value.startswith("Bag, test image ")


@pytest.mark.parametrize("query", [{"seed": "-1"}, {"seed": "x"}, {"count": "5000"}, {"split": "../etc"}, {"class": "Hat"}])
def test_invalid_choices_in_a_link_become_the_defaults(query: dict[str, str]) -> None:
    at = open_page("browse", **query)
    assert not at.exception
    assert at.number_input(key="seed").value == 0
    assert at.number_input(key="count").value == 20


def test_a_link_to_one_image_shows_it_if_it_is_among_the_samples() -> None:
    indices = sample_indices(load_split("train", PACKAGED_FOLDER), 20, seed=3)
    at = open_page("browse", seed="3", image=str(indices[11]))
    assert at.subheader[0].value.endswith(f", training image {indices[11]}")
    other = open_page("browse", seed="3", image=str(indices[0] + 1))
    assert other.subheader[0].value.endswith(f", training image {indices[0]}")


def test_new_samples_change_the_seed() -> None:
    at = open_page("browse")
    before = at.subheader[0].value
    at.button(key="new_samples").click().run()
    assert query(at, "seed") not in ("", "0")
    assert at.subheader[0].value != before


def test_choices_survive_a_change_of_page() -> None:
    at = open_page("browse")
    at.selectbox(key="class").select("Sandal").run()
    at.switch_page("pages/home.py").run()
    for name in list(at.query_params):
        del at.query_params[name]  # as the navigation does
    at.switch_page("pages/browse.py").run()
    assert at.selectbox(key="class").value == "Sandal"
    assert query(at, "class") == "Sandal"


def test_a_class_without_images_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import numpy as np

    from tests.conftest import write_idx

    for stem in ("train", "t10k"):
        write_idx(tmp_path / f"{stem}-images-idx3-ubyte", np.zeros((2, 28, 28)))
        write_idx(tmp_path / f"{stem}-labels-idx1-ubyte", np.zeros(2))
    monkeypatch.setenv("FMNIST_DATA", str(tmp_path))
    at = open_page("browse", **{"class": "Bag"})
    assert at.info[0].value == "There are no images of this class in the data."


@pytest.mark.parametrize("page", ["browse", "evaluate", "predict"])
def test_bad_data_are_reported(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(tmp_path / "nowhere"))
    at: AppTest = open_page(page)
    assert not at.exception
    assert unescaped(at.error[0].value).startswith(f"The data cannot be used. The data folder {tmp_path / 'nowhere'} does not exist")
