"""Look inside: every view of the kernels, an item's feature maps, and invalid links."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from streamlit.testing.v1 import AppTest

from fmnist_core.dataset.split import load_split
from fmnist_core.insight.maps import feature_maps, first_kernels, second_kernels
from fmnist_core.network.model import FashionCNN
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.weights import load_model
from fmnist_core.settings.config import Pixels, TrainConfig
from pages.parts.components.component import read_picked
from tests.conftest import ROOT
from tests.pages.conftest import unescaped
from tests.written_runs import write_run


def open_page(**query: str) -> AppTest:
    at = AppTest.from_file(str(ROOT / "dashboard.py"), default_timeout=30)
    at.switch_page("pages/look_inside.py")
    for name, value in query.items():
        at.query_params[name] = value
    at.run()
    assert not at.exception
    return at


def walls(at: AppTest) -> list[dict[str, Any]]:
    """What the walls of tiles on the page are sent."""
    return [json.loads(element.proto.json) for element in at.get("bidi_component") if element.proto.component_name == "tile_wall"]


def assert_drawn(sheet: dict[str, Any], values: NDArray[np.float32]) -> None:
    """That a sheet's colours are those of these maps (N, H, W), to 1 in 255."""
    assert (sheet["height"], sheet["width"]) == values.shape[1:]
    levels = np.frombuffer(base64.b64decode(sheet["levels"]), np.uint8).reshape(values.shape)
    low, high = (float(sheet[end].replace("−", "-")) for end in ("low", "high"))
    np.testing.assert_allclose(low + levels / 255 * (high - low), values, atol=0.011 * max(1.0, high) + (0.5 if high >= 10 else 0))


def assert_numbers(wall: dict[str, Any], values: NDArray[np.float32]) -> None:
    """That the numbers of each tile are these weights, (N, 5, 5), row by row."""
    shown = [[float(number.replace("−", "-")) for number in tile] for tile in wall["numbers"]]
    np.testing.assert_allclose(shown, values.reshape(len(values), -1), atol=0.00051)


@pytest.fixture(scope="module")
def starter() -> FashionCNN:
    return load_model(load_run(STARTER_ID))


def test_with_nothing_trained_it_shows_the_first_layer_of_the_starter_each_kernel_with_its_map(starter: FashionCNN) -> None:
    at = open_page()
    assert at.query_params["run"] == "starter"
    (wall,) = walls(at)
    assert "16 kernels of the first layer" in wall["title"]
    assert "each with the map that it makes of test image 0, Ankle boot" in wall["title"]
    kernels, maps = wall["sheets"]
    assert_drawn(kernels, first_kernels(starter))
    assert_drawn(maps, feature_maps(starter, load_split("test").images[0])[0].pooled)
    assert kernels["high"] == kernels["low"].replace("−", "") == f"{np.abs(first_kernels(starter)).max():.2f}"
    assert_numbers(wall, first_kernels(starter))


def test_the_first_layer_as_in_the_article_is_grey_from_its_lowest_to_its_highest_weight(starter: FashionCNN) -> None:
    at = open_page()
    at.radio(key="look").set_value("As in the article").run()
    (wall,) = walls(at)
    (sheet,) = wall["sheets"]
    weights = first_kernels(starter)
    assert (sheet["low"], sheet["high"]) == (f"{weights.min():.2f}".replace("-", "−"), f"{weights.max():.2f}")
    assert sheet["stops"] == [[0.0, "#000000"], [1.0, "#ffffff"]]
    assert at.query_params["look"] == "As in the article"


@pytest.mark.parametrize("kernel", ["0", "7", "31"])
def test_one_kernel_of_the_second_layer_shows_its_16_slices_their_inputs_and_the_map_it_makes(starter: FashionCNN, kernel: str) -> None:
    (wall,) = walls(open_page(part="Second layer", kernel=kernel, item="3"))
    assert f"kernel {kernel} of the second layer" in wall["title"]
    slices, inputs = wall["sheets"]
    first, second = feature_maps(starter, load_split("test").images[3])
    assert_drawn(slices, second_kernels(starter)[int(kernel)])
    assert_drawn(inputs, first.pooled)
    url, alt, _caption = wall["pictures"][0]
    assert alt == f"The map that kernel {kernel} makes of all 16, after pooling"
    painted = np.asarray(Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))))
    assert painted.shape == (7, 7, 3)
    made = second.pooled[int(kernel)]
    assert np.argmin(painted.sum(axis=2)) == np.argmax(made), "the strongest response is the darkest"


def test_choosing_another_kernel_and_another_channel_is_written_to_the_url(starter: FashionCNN) -> None:
    at = open_page(part="Second layer")
    at.number_input(key="kernel").set_value(5).run()
    assert at.query_params["kernel"] == "5"
    at.radio(key="way").set_value("One input channel").run()
    at.number_input(key="channel").set_value(3).run()
    assert at.query_params["channel"] == "3"
    (wall,) = walls(at)
    assert "input channel 3" in wall["title"]
    assert_drawn(wall["sheets"][0], second_kernels(starter)[:, 3])


def test_all_views_of_the_second_layer_share_one_scale_and_the_overview_holds_every_weight(starter: FashionCNN) -> None:
    scales = set()
    for way in ("One kernel", "One input channel", "All 512 at once"):
        (wall,) = walls(open_page(part="Second layer", way=way))
        scales.add((wall["sheets"][0]["low"], wall["sheets"][0]["high"]))
    assert len(scales) == 1
    assert "512" in wall["title"]
    assert_numbers(wall, second_kernels(starter).reshape(-1, 5, 5))
    assert wall["headings"][3 * 16 + 5] == "Kernel 3, input channel 5"
    assert len(json.dumps(wall)) < 280_000  # a class of thirty opens it at once


def test_the_articles_view_shows_channel_0_of_the_second_layer_eight_per_row(starter: FashionCNN) -> None:
    (wall,) = walls(open_page(part="Second layer", way="As in the article"))
    assert_drawn(wall["sheets"][0], second_kernels(starter)[:, 0])
    assert wall["columns"] == wall["narrow"] == 8


def test_a_chosen_kernel_is_in_the_link_and_its_25_numbers_are_sent() -> None:
    (wall,) = walls(open_page(chosen="13"))
    assert wall["picked"] == 13
    assert len(wall["numbers"][13]) == 25
    assert wall["headings"][13] == "Kernel 13"
    (other,) = walls(open_page(chosen="16"))  # there is none
    assert other["picked"] == 0


@pytest.mark.parametrize("sent", [None, 3, ["other", 1], ["wall", 16], ["wall", -1], ["wall", "1"], ["wall", True], ["wall"]])
def test_an_invalid_tile_from_the_browser_is_ignored(sent: Any) -> None:
    assert read_picked({"picked": sent}, "wall", range(16)) is None
    assert read_picked({"picked": ["wall", 15]}, "wall", range(16)) == 15


@pytest.mark.parametrize(
    ("stage", "attribute", "sizes"),
    [("after pooling", "pooled", (14, 7)), ("after ReLU", "activated", (28, 14)), ("after the convolution", "convolved", (28, 14))],
)
def test_an_item_shows_its_maps_after_each_block(starter: FashionCNN, stage: str, attribute: str, sizes: tuple[int, int]) -> None:
    at = open_page(part="An item on its way through", item="42", stage=stage)
    drawn = walls(at)
    blocks = feature_maps(starter, load_split("test").images[42])
    assert len(drawn) == 2
    for wall, maps, size in zip(drawn, blocks, sizes, strict=True):
        assert f"{size}×{size} each" in wall["title"]
        assert_drawn(wall["sheets"][0], getattr(maps, attribute))
        assert wall["sheets"][0]["low"].startswith("−") is (attribute == "convolved")
        assert wall["numbers"] == []


def test_an_item_is_chosen_by_class_by_number_and_at_random() -> None:
    labels = load_split("test").labels
    at = open_page(part="An item on its way through")
    at.selectbox(key="item_class").set_value("Bag").run()
    first_bag = int(np.argmax(labels == 8))
    assert at.query_params["item"] == str(first_bag)
    at.button(key="random_item").click().run()
    assert labels[int(at.query_params["item"])] == 8
    assert at.selectbox(key="item_class").value == "Bag"
    at.number_input(key="item").set_value(0).run()  # an ankle boot
    assert at.selectbox(key="item_class").value == "Any class"
    assert "item" not in at.query_params  # defaults are not in the URL
    assert "Ankle boot" in at.get("image")[0].proto.imgs[0].alt


@pytest.mark.parametrize(
    "query",
    [
        {"part": "nowhere"},
        {"part": "Second layer", "kernel": "32"},
        {"part": "Second layer", "way": "One input channel", "channel": "-1"},
        {"part": "Second layer", "way": "<script>"},
        {"part": "An item on its way through", "item": "10000", "item_class": "Hat", "stage": "before"},
    ],
)
def test_a_link_with_an_invalid_choice_opens_the_default(query: dict[str, str]) -> None:
    at = open_page(**query)
    assert walls(at)
    valid = {"Second layer", "An item on its way through", "One input channel"}
    kept = {name for name, value in query.items() if at.query_params.get(name) == value}
    assert kept == {name for name, value in query.items() if value in valid}


def test_it_opens_the_run_of_the_url(trained_run: RunRecord) -> None:
    at = open_page(run=trained_run.id)
    (wall,) = walls(at)
    assert_numbers(wall, first_kernels(load_model(trained_run)))


@pytest.mark.parametrize("pixels", ["raw", "normalised"])
def test_the_frame_is_only_explained_for_normalised_pixels(pixels: Pixels) -> None:
    """With raw pixels, as in the article, the zeros beyond the edge are black like the background."""
    run = write_run([], "finished", config=TrainConfig(pixels=pixels), epoch=1, has_weights=True)
    at = open_page(part="An item on its way through", run=run.id)
    assert any("zero is a dark grey, not black" in caption.value for caption in at.caption) is (pixels == "normalised")


def test_weights_that_cannot_be_read_are_reported(trained_run: RunRecord) -> None:
    next((trained_run.folder / "checkpoints").glob("*.safetensors")).write_bytes(b"not weights")
    at = open_page(run=trained_run.id)
    assert "does not hold this network's weights" in unescaped(at.error[0].value)
    assert not walls(at)


def test_without_data_the_kernels_still_show_and_the_item_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(tmp_path / "nowhere"))
    (wall,) = walls(open_page())
    assert len(wall["sheets"]) == 1
    at = open_page(part="An item on its way through")
    assert "nowhere" in at.error[0].value
    assert not walls(at)
