import pytest

from fmnist_core.figures.live_charts import draw_live_accuracy, draw_live_answers, draw_live_loss, draw_live_rate
from fmnist_core.figures.style import OTHER_LINES
from fmnist_core.runs.history import Axis, RunHistory
from fmnist_core.runs.record import RunRecord
from fmnist_core.training.events import RateChanged
from tests.written_runs import epoch_done, started, step_done, write_run

CHANGE = RateChanged(epoch=1, step=2, learning_rate=0.1)


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


def test_axes_span_the_whole_run_from_the_start(trained_run: RunRecord) -> None:
    assert draw_live_loss(RunHistory(), 0, 0.9)["xAxis"]["max"] == 1
    history = read(trained_run)
    loss = draw_live_loss(history, 50, 0.9)
    assert (loss["xAxis"]["max"], loss["yAxis"]["max"]) == (50, 5 if history.losses.peak[0] > 2.5 else 2.5)
    assert list(loss["dataset"][0]["source"]) == ["step", "loss", "smoothed"]
    accuracy = draw_live_accuracy(history, 5)
    assert accuracy["xAxis"]["max"] == 5
    assert {len(column) for column in accuracy["dataset"][0]["source"].values()} == {1}


@pytest.mark.parametrize(("axis", "highest", "mark"), [("step", 8, 2), ("epoch", 2, 0.5), ("seconds", 90, 1)])
def test_a_changed_rate_is_marked_on_every_axis(history: RunHistory, axis: Axis, highest: float, mark: float) -> None:
    loss = draw_live_loss(history, 8, 0.9, axis)
    assert loss["xAxis"]["max"] == highest
    (line,) = loss["series"][1]["markLine"]["data"]
    assert line["xAxis"] == pytest.approx(mark, abs=0.01)
    assert line["label"]["formatter"] == "rate 0.1"


def test_a_logarithmic_axis_ends_at_powers_of_ten(history: RunHistory) -> None:
    axis = draw_live_loss(history, 8, 0.9, log=True)["yAxis"]
    assert (axis["type"], axis["min"], axis["max"]) == ("log", 0.01, 10)
    empty = draw_live_loss(RunHistory(), 0, 0.9, log=True)["yAxis"]
    assert 0 < empty["min"] < empty["max"]


def test_other_runs_differ_in_colour_and_dashes(history: RunHistory) -> None:
    others = [(f"Other {i}", history) for i in range(len(OTHER_LINES))]
    loss = draw_live_loss(history, 8, 0.9, others=others)
    lines = loss["series"][2:]
    assert [line["name"] for line in lines] == [name for name, _ in others]
    assert len({(line["lineStyle"]["color"], str(line["lineStyle"]["type"])) for line in lines}) == len(others)
    assert [line["datasetIndex"] for line in lines] == [1, 2, 3, 4, 5]
    assert len(draw_live_accuracy(history, 2, others)["dataset"]) == 6


def test_the_rate_axis_covers_the_planned_rate(history: RunHistory) -> None:
    assert draw_live_rate(history, 8, 0.5)["yAxis"]["max"] == pytest.approx(0.6)
    assert draw_live_rate(RunHistory(), 0, 0.001)["yAxis"]["max"] == pytest.approx(0.002)


def test_the_true_class_is_the_thick_line(history: RunHistory) -> None:
    steps, probabilities = history.probabilities_over_time(4)
    names = [str(i) for i in range(10)]
    options = draw_live_answers(history, steps.astype(float), probabilities, names, 2, 8)
    assert options["series"][0]["name"] == "2"
    assert options["series"][0]["lineStyle"]["width"] > max(line["lineStyle"]["width"] for line in options["series"][1:])
    assert options["dataset"]["source"]["2"] == [90, 90, 90]


def test_numbers_are_rounded_and_nonfinite_ones_become_none() -> None:
    losses = [0.1234567, float("nan"), float("inf"), 1.5e30, 2e-6, 0.0]
    source = draw_live_loss(read(write_run([started(), step_done(6, losses, 1.0)])), 8, 0.0)["dataset"][0]["source"]
    assert source["loss"] == [0.123457, None, None, 1.5e30, 2e-6, 0.0]
    assert source["step"] == [1, 2, 3, 4, 5, 6]
