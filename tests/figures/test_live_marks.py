from typing import Any

import pytest

from fmnist_core.figures.live_axes import log_axis, loss_axis
from fmnist_core.figures.live_marks import mark_guessing, mark_peak, mark_rates
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.series import LossSeries
from fmnist_core.training.events import RateChanged


def test_guessing_is_marked_where_the_axis_reaches_it() -> None:
    (mark,) = mark_guessing(loss_axis("loss", 2.4))
    assert mark["yAxis"] == pytest.approx(2.3026)
    assert mark["label"]["formatter"] == "guessing, 2.30"
    assert mark_guessing(loss_axis("loss", 0.9)) == []
    assert len(mark_guessing(log_axis("loss", 0.2, 50.0))) == 1
    assert mark_guessing(log_axis("loss", 0.02, 0.5)) == []
    assert mark_guessing(loss_axis("loss", 2.4), classes=2)[0]["label"]["formatter"] == "guessing, 0.69"


def rates(*steps: int) -> list[dict[str, Any]]:
    changes = [RateChanged(1, step, 0.001 * (number + 1)) for number, step in enumerate(steps)]
    lines: list[dict[str, Any]] = mark_rates(RunHistory(rate_changes=changes), "step", 1_000)["data"]
    return lines


def test_of_changes_close_together_the_last_is_named() -> None:
    lines = rates(100, 500, 560, 640, 900)
    assert [line["xAxis"] for line in lines] == [100, 500, 560, 640, 900], "all are drawn"
    assert [line["label"].get("formatter") for line in lines if line["label"]["show"]] == ["→ 0.001", "→ 0.004", "→ 0.005"]


def test_words_at_the_right_edge_stay_inside() -> None:
    inside, edge = rates(500, 990)
    assert "align" not in inside["label"]
    assert edge["label"]["align"] == "right"


@pytest.mark.parametrize(
    ("peak", "step", "words", "side"),
    [
        (48.37, 300, "peak 48 at step 300", "right"),
        (48.37, 900, "peak 48 at step 900", "left"),
        (3.14, 1, "peak 3.14 at step 1", "right"),
        (1.59e14, 900, "peak 1.6 × 10¹⁴ at step 900", "left"),
    ],
)
def test_a_peak_that_is_cut_off_is_named(peak: float, step: int, words: str, side: str) -> None:
    losses = [0.5] * 1_000
    losses[step - 1] = peak
    mark = mark_peak(RunHistory(losses=LossSeries(losses)), "step", 1_000, 1.0)["markPoint"]
    assert mark["data"][0]["coord"] == [step, 1.0]
    assert (mark["label"]["formatter"], mark["label"]["position"]) == (words, side)


def test_a_peak_that_is_seen_is_not_named() -> None:
    history = RunHistory(losses=LossSeries([0.5, 1.05]))
    assert mark_peak(history, "step", 10, 1.0) == {}
    assert mark_peak(RunHistory(), "step", 10, 1.0) == {}
