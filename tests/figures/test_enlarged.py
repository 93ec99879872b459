"""Charts for a projector: everything measured in pixels is larger, and no word is below the least size that can be read from afar."""

import copy
from typing import Any

import pytest

from fmnist_core.figures.comparisons import compare_accuracies, compare_losses
from fmnist_core.figures.enlarged import enlarge_figure, enlarge_options
from fmnist_core.runs.history import RunHistory
from tests.figures.test_live_charts import CHARTS, history, sizes_in

__all__ = ["history"]  # a fixture
SCALE = 1.5


def all_sizes(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [size for name, each in value.items() for size in ([each] if name == "fontSize" else all_sizes(each))]
    return [size for each in value for size in all_sizes(each)] if isinstance(value, list) else []


@pytest.mark.parametrize("name", CHARTS)
def test_words_of_a_runs_charts_can_be_read_from_afar(history: RunHistory, name: str) -> None:
    options = CHARTS[name](history, zoom=True)
    before = copy.deepcopy(options)
    larger = enlarge_options(options, SCALE)
    assert options == before
    assert larger["dataset"] is options["dataset"], "the figures stay"
    assert larger["tooltip"] == {"show": False}
    layouts = [layout["option"] for layout in larger["media"]]
    assert min(all_sizes(layouts)) >= 18
    assert min(size for layout in layouts for part in ("nameTextStyle", "textStyle", "label") for size in sizes_in(layout, part)) >= 20


@pytest.mark.parametrize("name", CHARTS)
def test_margins_rows_and_conditions_of_a_runs_charts_grow_as_much_as_the_words(history: RunHistory, name: str) -> None:
    options = CHARTS[name](history, zoom=True)
    larger = enlarge_options(options, SCALE)
    for before, after in zip(options["media"], larger["media"], strict=True):
        assert after["query"] == {side: SCALE * pixels for side, pixels in before["query"].items()}
        for side, pixels in before["option"].get("grid", {}).items():
            assert after["option"]["grid"][side] == SCALE * pixels
        for part in ("legend", "title"):
            if "top" in before["option"].get(part, {}):
                assert after["option"][part]["top"] == SCALE * before["option"][part]["top"]
    assert larger["toolbox"]["itemSize"] == SCALE * options["toolbox"]["itemSize"]
    assert larger["series"][0]["lineStyle"]["width"] == SCALE * options["series"][0]["lineStyle"]["width"]
    assert larger["xAxis"]["max"] == options["xAxis"]["max"]


def test_lengths_in_percent_and_in_words_stay() -> None:
    legend = {"width": "60%", "left": "auto", "padding": [2, 0], "top": 4}
    larger = enlarge_options({"legend": legend, "series": [{"symbolSize": 10, "symbolOffset": [0, "50%"], "label": {"offset": [0, 8]}}]}, 2)
    assert larger["legend"] == legend | {"padding": [4, 0], "top": 8, "textStyle": {"fontSize": 24}}
    assert larger["series"] == [{"symbolSize": 20, "symbolOffset": [0, "50%"], "label": {"offset": [0, 16]}}]


def test_words_without_a_size_get_one() -> None:
    larger = enlarge_options({"xAxis": {"name": "step"}, "yAxis": [{}, {}], "series": []}, 2)
    assert larger["xAxis"]["axisLabel"] == larger["xAxis"]["nameTextStyle"] == {"fontSize": 24}
    assert [axis["axisLabel"] for axis in larger["yAxis"]] == [{"fontSize": 24}] * 2


def figures() -> dict[str, Any]:
    nothing = [("none", RunHistory())]
    return {"losses": compare_losses(nothing), "accuracies": compare_accuracies(nothing)}


@pytest.mark.parametrize("name", figures())
def test_words_of_plotlys_figures_can_be_read_from_afar(name: str) -> None:
    figure = figures()[name]
    before = figure.to_json()
    larger = enlarge_figure(figure, SCALE)
    assert figure.to_json() == before
    assert larger.layout.font.size >= 20
    assert larger.layout.height == SCALE * figure.layout.height
    assert larger.layout.margin.l == SCALE * figure.layout.margin.l
    assert larger.layout.legend.font.size >= 20
    for axis in (larger.layout.xaxis, larger.layout.yaxis):
        assert axis.tickfont.size >= 18, "Streamlit's theme would make it 12"
        assert axis.title.font.size >= 20
    assert all(note.font.size >= 20 for note in larger.layout.annotations)
    assert larger.layout.hovermode is False
    assert all(trace.hoverinfo == "skip" for trace in larger.data)
