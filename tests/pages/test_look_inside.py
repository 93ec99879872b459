"""Look inside: every view of the kernels, an item's feature maps, and invalid links."""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from streamlit.testing.v1 import AppTest

from fmnist_core.dataset.split import load_split
from fmnist_core.insight.maps import feature_maps, first_kernels, second_kernels
from fmnist_core.network.model import FashionCNN
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import RunRecord, load_run
from fmnist_core.runs.weights import load_model
from fmnist_core.settings.config import Pixels, TrainConfig
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


def charts(at: AppTest) -> list[Any]:
    return [element.proto for element in at.get("plotly_chart")]


def heatmap(chart: Any) -> dict[str, Any]:
    (trace,) = json.loads(chart.spec)["data"]
    assert trace["type"] == "heatmap"
    return trace


def tiles(chart: Any, side: int) -> NDArray[np.float32]:
    """(N, side, side), the maps of a sheet, row by row; between them the sheet is empty."""
    packed = heatmap(chart)["z"]
    sheet = np.frombuffer(base64.b64decode(packed["bdata"]), packed["dtype"])
    sheet = sheet.reshape([int(size) for size in packed["shape"].split(",")])
    rows, columns = (np.flatnonzero(np.isfinite(sheet).any(axis=axis)).reshape(-1, side) for axis in (1, 0))
    found = sheet[rows[:, np.newaxis, :, np.newaxis], columns[np.newaxis, :, np.newaxis, :]].reshape(-1, side, side)
    return found[np.isfinite(found).all(axis=(1, 2))]


@pytest.fixture(scope="module")
def starter() -> FashionCNN:
    return load_model(load_run(STARTER_ID))


def test_with_nothing_trained_it_shows_the_first_layer_of_the_starter(starter: FashionCNN) -> None:
    at = open_page()
    assert at.query_params["run"] == "starter"
    (chart,) = charts(at)
    assert "16 kernels of the first layer" in chart.alt
    np.testing.assert_array_equal(tiles(chart, 5), first_kernels(starter))
    trace = heatmap(chart)
    assert trace["zmax"] == -trace["zmin"] == pytest.approx(np.abs(first_kernels(starter)).max())


def test_the_first_layer_as_in_the_article_is_grey_from_its_lowest_to_its_highest_weight(starter: FashionCNN) -> None:
    at = open_page()
    at.radio(key="look").set_value("As in the article").run()
    (chart,) = charts(at)
    trace = heatmap(chart)
    weights = first_kernels(starter)
    assert (trace["zmin"], trace["zmax"]) == pytest.approx((weights.min(), weights.max()))
    assert trace["colorscale"][0][1] == "rgb(0, 0, 0)"
    assert at.query_params["look"] == "As in the article"


@pytest.mark.parametrize("kernel", ["0", "7", "31"])
def test_one_kernel_of_the_second_layer_shows_its_16_slices(starter: FashionCNN, kernel: str) -> None:
    at = open_page(part="Second layer", kernel=kernel)
    (chart,) = charts(at)
    assert f"kernel {kernel} of the second layer" in chart.alt
    np.testing.assert_array_equal(tiles(chart, 5), second_kernels(starter)[int(kernel)])


def test_choosing_another_kernel_and_another_channel_is_written_to_the_url(starter: FashionCNN) -> None:
    at = open_page(part="Second layer")
    at.number_input(key="kernel").set_value(5).run()
    assert at.query_params["kernel"] == "5"
    at.radio(key="way").set_value("One input channel").run()
    at.number_input(key="channel").set_value(3).run()
    assert at.query_params["channel"] == "3"
    (chart,) = charts(at)
    assert "input channel 3" in chart.alt
    np.testing.assert_array_equal(tiles(chart, 5), second_kernels(starter)[:, 3])


def test_all_views_of_the_second_layer_share_one_scale_and_the_overview_holds_every_weight(starter: FashionCNN) -> None:
    scales = set()
    for way in ("One kernel", "One input channel", "All 512 at once"):
        (chart,) = charts(open_page(part="Second layer", way=way))
        trace = heatmap(chart)
        scales.add((trace["zmin"], trace["zmax"]))
    assert len(scales) == 1
    assert "512" in chart.alt
    np.testing.assert_array_equal(tiles(chart, 5), second_kernels(starter).reshape(-1, 5, 5))
    assert len(chart.spec) < 250_000  # a class of thirty opens it at once


def test_the_articles_view_shows_channel_0_of_the_second_layer_eight_per_row(starter: FashionCNN) -> None:
    (chart,) = charts(open_page(part="Second layer", way="As in the article"))
    np.testing.assert_array_equal(tiles(chart, 5), second_kernels(starter)[:, 0])
    shape = [int(size) for size in heatmap(chart)["z"]["shape"].split(",")]
    assert shape[1] == 8 * (5 + 1)


def test_the_weights_can_be_read_as_numbers(starter: FashionCNN) -> None:
    at = open_page(part="Second layer", kernel="2")
    assert not at.dataframe
    at.toggle(key="numbers").set_value(True).run()
    table = at.dataframe[0].value
    assert table.shape == (16, 1 + 25)
    np.testing.assert_array_equal(table.iloc[:, 1:].to_numpy(), second_kernels(starter)[2].reshape(16, 25))
    assert at.query_params["numbers"] == "yes"


@pytest.mark.parametrize(
    ("stage", "attribute", "sizes"),
    [("after pooling", "pooled", (14, 7)), ("after ReLU", "activated", (28, 14)), ("after the convolution", "convolved", (28, 14))],
)
def test_an_item_shows_its_maps_after_each_block(starter: FashionCNN, stage: str, attribute: str, sizes: tuple[int, int]) -> None:
    at = open_page(part="An item on its way through", item="42", stage=stage)
    drawn = charts(at)
    blocks = feature_maps(starter, load_split("test").images[42])
    assert len(drawn) == 2
    for chart, maps, size in zip(drawn, blocks, sizes, strict=True):
        assert f"{size}×{size} each" in chart.alt
        np.testing.assert_allclose(tiles(chart, size), getattr(maps, attribute), atol=1e-5)
        assert (heatmap(chart)["zmin"] < 0) is (attribute == "convolved")


def test_an_item_is_chosen_by_class_by_number_and_at_random() -> None:
    labels = load_split("test").labels
    at = open_page(part="An item on its way through")
    at.selectbox(key="item_class").set_value("Bag").run()
    first_bag = int(np.argmax(labels == 8))
    assert at.query_params["item"] == str(first_bag)
    at.button[0].click().run()
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
    assert charts(at)
    valid = {"Second layer", "An item on its way through", "One input channel"}
    kept = {name for name, value in query.items() if at.query_params.get(name) == value}
    assert kept == {name for name, value in query.items() if value in valid}


def test_it_opens_the_run_of_the_url(trained_run: RunRecord) -> None:
    at = open_page(run=trained_run.id)
    (chart,) = charts(at)
    np.testing.assert_array_equal(tiles(chart, 5), first_kernels(load_model(trained_run)))


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
    assert not charts(at)


def test_without_data_the_kernels_still_show_and_the_item_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(tmp_path / "nowhere"))
    assert charts(open_page())
    at = open_page(part="An item on its way through")
    assert "nowhere" in at.error[0].value
    assert not charts(at)
