"""Several runs on one chart."""

import numpy as np

from fmnist_core.figures.comparisons import MOST_COMPARED, compare_accuracies, compare_losses, compare_test_losses
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.shared_histories import SharedHistories
from tests.written_runs import epoch_done, started, step_done, write_run


def history(losses: list[float], accuracy: float = 0.8) -> RunHistory:
    steps = len(losses)
    run = write_run([started(steps), step_done(steps, losses, 3.0), epoch_done(1, steps, 3.0, accuracy)], "finished")
    return SharedHistories().read(run)


def test_each_run_is_a_line_of_its_own_kind_whose_name_is_text() -> None:
    runs = [(f"<b>{number}</b>", history([2.0, 1.0])) for number in range(MOST_COMPARED)]
    for figure in (compare_losses(runs), compare_test_losses(runs), compare_accuracies(runs)):
        assert [line.name for line in figure.data] == [f"&lt;b&gt;{number}&lt;/b&gt;" for number in range(MOST_COMPARED)]
        assert len({(line.line.color, line.line.dash) for line in figure.data}) == MOST_COMPARED


def test_losses_are_drawn_along_the_chosen_axis() -> None:
    runs = [("a", history([2.0, 1.0]))]
    for axis, positions in (("step", [1, 2]), ("epoch", [0.5, 1.0]), ("seconds", [1.5, 3.0])):
        (line,) = compare_losses(runs, axis=axis).data  # type: ignore[arg-type]
        np.testing.assert_allclose(line.x, positions)
        assert line.y[0] == 2.0
    assert compare_losses(runs).layout.yaxis.type is None
    assert compare_losses(runs, log=True).layout.yaxis.type == "log"


def test_accuracies_are_percentages_after_each_epoch() -> None:
    figure = compare_accuracies([("a", history([2.0, 1.0], 0.5)), ("b", history([2.0, 1.0], 0.75))])
    assert [(list(line.x), list(line.y)) for line in figure.data] == [([1], [50.0]), ([1], [75.0])]


def test_test_losses_are_points_after_each_epoch() -> None:
    runs = [("a", history([2.0, 1.0]))]
    for axis, position in (("step", 2), ("epoch", 1), ("seconds", 3)):
        (line,) = compare_test_losses(runs, axis=axis).data  # type: ignore[arg-type]
        assert (list(line.x), list(line.y)) == ([position], [0.6])
    assert compare_test_losses(runs, log=True).layout.yaxis.type == "log"


def test_one_huge_loss_does_not_flatten_the_other_runs() -> None:
    steep = history([1e14, *[0.5] * 199])
    assert compare_losses([("a", steep), ("b", history([0.5] * 200))]).layout.yaxis.range[1] < 10


def test_a_run_without_events_has_an_empty_line() -> None:
    none = [("none", RunHistory())]
    for figure in (
        compare_losses(none, log=True),
        compare_test_losses(none, log=True),
        compare_test_losses(none),
        compare_accuracies(none),
    ):
        assert [len(line.x) for line in figure.data] == [0]
