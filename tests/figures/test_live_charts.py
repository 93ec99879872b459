"""The charts of a run: what is drawn, and that live, paused and ended runs have the same chart."""

from collections.abc import Callable
from typing import Any

import pytest

from fmnist_core.figures.live_charts import draw_live_accuracy, draw_live_answers, draw_live_loss, draw_live_rate
from fmnist_core.figures.style import OTHER_LINES
from fmnist_core.runs.history import Axis, RunHistory
from fmnist_core.runs.record import RunRecord
from fmnist_core.training.events import Finished, RateChanged
from tests.written_runs import epoch_done, started, step_done, write_run

CHANGE = RateChanged(epoch=1, step=2, learning_rate=0.1)
NAMES = [str(i) for i in range(10)]


@pytest.fixture
def history() -> RunHistory:
    """Six of eight steps, one finished epoch, and a changed learning rate."""
    return read(
        write_run(
            [
                started(),
                step_done(2, [2.3, 2.0], 1.0),
                CHANGE,
                step_done(4, [0.05, 1.5], 2.0),
                epoch_done(1, 4, 3.0),
                step_done(6, [1, 0.9], 4.0),
            ]
        )
    )


def read(run: RunRecord) -> RunHistory:
    history = RunHistory()
    history.read_new(run)
    return history


def read_losses(losses: list[float], *, steps_per_epoch: int = 1000) -> RunHistory:
    return read(write_run([started(steps_per_epoch), step_done(len(losses), losses, 10.0)]))


def draw_answers(history: RunHistory, **more: Any) -> dict[str, Any]:
    steps, probabilities = history.probabilities_over_time(4)
    return draw_live_answers(history, steps.astype(float), probabilities, NAMES, 2, 8, **more)


CHARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "loss": lambda history, **more: draw_live_loss(history, 8, 0.9, **more),
    "test loss": lambda history, **more: draw_live_loss(history, 8, 0.9, quantity="test_loss", **more),
    "accuracy": lambda history, **more: draw_live_accuracy(history, 2, **more),
    "rate": lambda history, **more: draw_live_rate(history, 8, 0.001, **more),
    "answers": draw_answers,
}


@pytest.mark.parametrize("draw", CHARTS.values(), ids=CHARTS)
def test_zooming_changes_nothing_but_that_it_can_be_zoomed(history: RunHistory, draw: Callable[..., dict[str, Any]]) -> None:
    live, still = draw(history), draw(history, zoom=True)
    assert still.keys() - live.keys() == {"dataZoom", "toolbox"}
    assert {name: still[name] for name in live} == live
    (inside,) = still["dataZoom"]
    assert (inside["type"], inside["xAxisIndex"], inside["zoomOnMouseWheel"]) == ("inside", 0, "ctrl"), "the wheel alone scrolls the page"
    assert "top" not in still["toolbox"], "there are legend and heading"


@pytest.mark.parametrize("draw", CHARTS.values(), ids=CHARTS)
@pytest.mark.parametrize("has_begun", [True, False])
def test_every_layout_has_large_enough_words(history: RunHistory, draw: Callable[..., dict[str, Any]], has_begun: bool) -> None:
    options = draw(history if has_begun else RunHistory())
    assert options["media"][0]["query"].keys() == {"minWidth"}
    for layout in (layout["option"] for layout in options["media"] if "grid" in layout["option"]):
        assert len(sizes_in(layout, "axisLabel")) == 2
        assert min(sizes_in(layout, "axisLabel")) >= 12
        words = [part for part in ("legend", "title") if part in options]
        assert all(part in layout for part in words)
        assert min(size for part in ("nameTextStyle", "textStyle") for size in sizes_in(layout, part)) >= 14
        assert [series["id"] for series in layout["series"]] == [series["id"] for series in options["series"]]
    narrow = next(layout["option"] for layout in options["media"] if "maxWidth" in layout["query"])
    if "title" in narrow:
        assert narrow["legend"]["top"] >= narrow["title"]["top"] + 14, "a row each"


def sizes_in(value: Any, part: str) -> list[int]:
    """Sizes of type in all dictionaries with this name."""
    if isinstance(value, list):
        return [size for each in value for size in sizes_in(each, part)]
    if not isinstance(value, dict):
        return []
    own = [value[part]["fontSize"]] if isinstance(value.get(part), dict) and "fontSize" in value[part] else []
    return own + [size for each in value.values() for size in sizes_in(each, part)]


def test_a_chart_without_a_step_has_axes() -> None:
    assert draw_live_loss(RunHistory(), 0, 0.9)["xAxis"]["max"] == 1
    assert draw_live_loss(RunHistory(), 0, 0.9)["yAxis"]["max"] == 2.5, "guessing, 2.30, is in it"
    assert draw_live_loss(RunHistory(), 0, 0.9)["title"]["text"] == "", (
        "its place is kept, so that the plot does not move at the first step"
    )
    assert draw_live_loss(RunHistory(), 0, 0.9, log=True)["yAxis"]["type"] == "log"
    assert draw_live_loss(RunHistory(), 0, 0.9, quantity="test_loss")["dataset"][0]["source"] == {"step": [], "test_loss": []}
    assert draw_live_accuracy(RunHistory(), 5)["xAxis"]["max"] == 5


def test_the_heading_tells_step_and_accuracy(history: RunHistory) -> None:
    assert draw_live_loss(history, 8, 0.9)["title"]["text"] == "step 6 of 8 · test 80.0 %"
    begun = read(write_run([started(600), step_done(1, [2.3], 1.0)]))
    assert draw_live_loss(begun, 3_000, 0.9)["title"]["text"] == "step 1 of 3,000"


@pytest.mark.parametrize(("axis", "mark"), [("step", 2), ("epoch", 0.5), ("seconds", 1)])
def test_a_changed_rate_is_marked_on_every_axis(history: RunHistory, axis: Axis, mark: float) -> None:
    series = draw_live_loss(history, 8, 0.9, axis)["series"][1]
    line = next(line for line in series["markLine"]["data"] if "xAxis" in line)
    assert line["xAxis"] == pytest.approx(mark, abs=0.01)
    assert line["label"]["formatter"] == "→ 0.1"


@pytest.mark.parametrize(("axis", "x"), [("step", 4), ("epoch", 1), ("seconds", 3)])
def test_the_test_loss_is_a_point_after_each_epoch(history: RunHistory, axis: Axis, x: float) -> None:
    options = draw_live_loss(history, 8, 0.9, axis)
    points = options["series"][2]
    assert (points["name"], points["lineStyle"]["width"]) == ("test", 0)
    assert options["dataset"][points["datasetIndex"]]["source"] == {axis: [x], "test_loss": [0.6]}


def test_test_and_training_points_at_the_same_place_are_both_seen() -> None:
    held_out = {"validation_loss": 0.6, "validation_accuracy": 0.8, "train_accuracy": 0.8}
    history = read(write_run([started(), step_done(4, [2.3] * 4, 2.0), epoch_done(1, 4, 3.0, 0.8, **held_out)]))
    for series in (draw_live_accuracy(history, 2)["series"], draw_live_loss(history, 8, 0.9)["series"][2:]):
        drawn = sorted(series, key=lambda line: line["z"])
        assert drawn[-1]["name"] == "test", "in front of the others"
        assert len({line["symbol"] for line in series}) == len(series)
        for behind in drawn[:-1]:
            assert behind["itemStyle"]["color"] == "transparent"
            assert behind["symbolSize"] > drawn[-1]["symbolSize"], "it is around the test images' point"


def test_the_latest_accuracy_is_written_beside_its_point(history: RunHistory) -> None:
    mark = draw_live_accuracy(history, 2)["series"][0]["markPoint"]
    assert (mark["data"][0]["coord"], mark["label"]["formatter"], mark["label"]["position"]) == ([1, 80.0], "80.0", "right")
    assert "label" not in draw_live_accuracy(history, 2)["series"][0]


def test_the_accuracy_axis_reaches_the_runs_that_are_compared(history: RunHistory) -> None:
    poor = read(write_run([started(), epoch_done(1, 4, 3.0, 0.3)]))
    assert draw_live_accuracy(history, 2)["yAxis"]["min"] == 80
    assert draw_live_accuracy(history, 2, [("Poor", poor)])["yAxis"]["min"] == 0


def test_a_logarithmic_axis_ends_at_powers_of_ten(history: RunHistory) -> None:
    axis = draw_live_loss(history, 8, 0.9, log=True)["yAxis"]
    assert (axis["type"], axis["min"], axis["max"]) == ("log", 0.1, 10)


def test_a_huge_loss_has_powers_of_ten_beside_the_axis() -> None:
    axes = draw_live_loss(read_losses([2.3, 1e14, 35.0]), 8, 0.9, log=True)["yAxis"]
    assert (axes[0]["type"], axes[0]["axisLabel"]["show"], axes[0]["max"]) == ("log", False, 1e14)
    assert axes[1]["type"] == "category"
    assert draw_live_loss(read_losses([2.3, 1e14, 35.0]), 8, 0.9)["tooltip"]["valueFormatter"] == "scientific"
    assert draw_live_loss(read_losses([2.3, 1.0]), 8, 0.9)["tooltip"]["valueFormatter"] == "%.4f"
    assert [word for word in axes[1]["data"] if word] == ["10²", "10⁵", "10⁸", "10¹¹", "10¹⁴"]
    assert len(axes[1]["data"]) == 15, "one per power of ten, so that they are where their numbers are"


def test_on_a_logarithmic_scale_the_logarithms_are_smoothed() -> None:
    source = draw_live_loss(read_losses([1.0, 100.0, 1.0]), 8, 0.5, log=True)["dataset"][0]["source"]
    # Weights 1/4, 1/2 and 1 of the powers 0, 2 and 0.
    assert source["smoothed"] == pytest.approx([1, 10 ** (2 / 1.5), 10 ** (1 / 1.75)], rel=1e-5)


def test_a_huge_loss_does_not_lift_the_smoothed_curve_for_long() -> None:
    options = draw_live_loss(read_losses([2.3] * 10 + [1e14] + [35.0] * 80), 200, 0.9)
    smoothed = options["dataset"][0]["source"]["smoothed"]
    assert options["yAxis"]["max"] == 40
    assert smoothed[10] > options["yAxis"]["max"] / 10
    assert smoothed[-1] == pytest.approx(35, rel=0.01), "a mean of what came before would still be above 10⁹"


def test_other_runs_differ_in_colour_and_dashes(history: RunHistory) -> None:
    others = [("smoothed", history)] * len(OTHER_LINES)
    loss = draw_live_loss(history, 8, 0.9, others=others)
    lines = loss["series"][3:]
    assert [line["name"] for line in lines] == [name for name, _ in others]
    assert len({(line["lineStyle"]["color"], str(line["lineStyle"]["type"])) for line in lines}) == len(others)
    assert [line["datasetIndex"] for line in lines] == [2, 3, 4, 5, 6]
    assert len({line["id"] for line in loss["series"]}) == len(loss["series"]), "also of runs with the same name"
    assert len(draw_live_accuracy(history, 2, others)["dataset"]) == 6


def test_test_losses_are_compared_on_one_axis(history: RunHistory) -> None:
    worse = read(write_run([started(), epoch_done(1, 4, 3.0, test_loss=1.9), epoch_done(2, 8, 6.0, test_loss=1.8)]))
    options = draw_live_loss(history, 8, 0.9, "epoch", others=[("Worse", worse)], quantity="test_loss")
    assert [source["source"] for source in options["dataset"]] == [
        {"epoch": [1], "test_loss": [0.6]},
        {"epoch": [1, 2], "test_loss": [1.9, 1.8]},
    ]
    assert options["yAxis"]["name"] == "test loss"
    assert options["yAxis"]["max"] > 1.9
    assert [line["name"] for line in options["series"]] == ["test", "Worse"]


def test_an_ended_run_has_room_for_longer_runs_it_is_compared_with() -> None:
    short: list[Any] = [started(100), step_done(100, [1.0] * 100, 2.0), epoch_done(1, 100, 2.0), Finished(1, 100, 0.8, 2.0)]
    longer = read_losses([1.0] * 300, steps_per_epoch=100)
    assert draw_live_loss(read(write_run(short)), 100, 0.9, others=[("Longer", longer)])["xAxis"]["max"] == 300
    assert draw_live_loss(read(write_run(short[:-1])), 100, 0.9, others=[("Longer", longer)])["xAxis"]["max"] == 100


def test_the_rate_axis_covers_the_planned_rate(history: RunHistory) -> None:
    assert draw_live_rate(history, 8, 0.5)["yAxis"]["max"] == pytest.approx(0.6)
    assert draw_live_rate(RunHistory(), 0, 0.001)["yAxis"]["max"] == pytest.approx(0.002)


def test_the_true_class_is_the_thick_line(history: RunHistory) -> None:
    options = draw_answers(history)
    assert options["series"][0]["name"] == "2"
    assert options["series"][0]["lineStyle"]["width"] > max(line["lineStyle"]["width"] for line in options["series"][1:])
    assert options["dataset"][0]["source"]["2"] == [90, 90, 90]


def test_numbers_are_rounded_and_nonfinite_ones_become_none() -> None:
    losses = [0.1234567, float("nan"), float("inf"), 1.5e30, 2e-6, 0.0]
    source = draw_live_loss(read_losses(losses), 8, 0.0)["dataset"][0]["source"]
    assert source["loss"] == [0.123457, None, None, 1.5e30, 2e-6, 0.0]
    assert source["step"] == [1, 2, 3, 4, 5, 6]


def test_a_run_whose_losses_are_all_lost_is_drawn() -> None:
    lost = read_losses([float("nan")] * 3)
    for log in (False, True):
        assert draw_live_loss(lost, 8, 0.9, log=log)["dataset"][0]["source"]["loss"] == [None] * 3
