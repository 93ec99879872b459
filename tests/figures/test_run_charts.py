import re

import numpy as np
import pytest

from fmnist_core.exports.report import export_html
from fmnist_core.figures.run_charts import draw_accuracy, draw_loss, draw_rate
from fmnist_core.figures.style import OTHER_LINES
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.history import Axis, RunHistory
from fmnist_core.runs.record import load_run
from fmnist_core.training.events import Event
from tests.figures.test_live_charts import CHANGE, read
from tests.written_runs import epoch_done, started, step_done, write_run


@pytest.fixture
def history() -> RunHistory:
    """Two epochs of four steps, with validation images and a changed learning rate."""
    held_out = {"validation_loss": 0.55, "validation_accuracy": 0.75}
    first: list[Event] = [started(validation_images=100), step_done(2, [2.3, 2.0], 1.0), CHANGE, step_done(4, [1.5, 1.4], 2.0)]
    second: list[Event] = [
        step_done(8, [1.2, 1.1, 1.0, 0.9], 7.0, learning_rate=0.1),
        epoch_done(2, 8, 8.0, 0.891, is_best=False, **held_out),
    ]
    return read(write_run([*first, epoch_done(1, 4, 3.0, 0.86, is_best=True, **held_out), *second]))


def test_batches_smoothed_line_and_test_losses_are_separate_series(history: RunHistory) -> None:
    raw, smoothed, held_out, tests = draw_loss(history, smoothing=0).data
    assert list(raw.y) == list(smoothed.y) == [2.3, 2.0, 1.5, 1.4, 1.2, 1.1, 1.0, 0.9]
    assert (list(tests.x), list(tests.y)) == ([4, 8], [0.6, 0.6])
    assert list(held_out.y) == [0.55, 0.55]
    assert raw.opacity < 1
    assert raw.line.width < smoothed.line.width
    assert tests.mode == "markers"


@pytest.mark.parametrize(("axis", "tests", "mark"), [("step", [4, 8], 2), ("epoch", [1, 2], 0.5), ("seconds", [3, 8], 1)])
def test_the_axis_decides_where_points_and_marks_are(history: RunHistory, axis: Axis, tests: list[float], mark: float) -> None:
    figure = draw_loss(history, axis=axis)
    assert figure.layout.xaxis.title.text == axis
    assert list(figure.data[-1].x) == tests
    (line,) = figure.layout.shapes
    assert line.x0 == pytest.approx(mark, abs=0.01)
    assert figure.layout.annotations[0].text == "rate 0.1"


def test_the_loss_can_be_logarithmic(history: RunHistory) -> None:
    assert draw_loss(history, log=True).layout.yaxis.type == "log"


def test_other_runs_have_names_colours_and_dashes(history: RunHistory) -> None:
    others = [("Blue", history), ("Red", history)]
    lines = draw_loss(history, others=others).data[2:4]
    assert [line.name for line in lines] == ["Blue", "Red"]
    assert [(line.line.color, line.line.dash) for line in lines] == [(look.colour, look.dash) for look in OTHER_LINES[:2]]
    assert [line.name for line in draw_accuracy(history, others).data[3:5]] == [
        "Blue, test accuracy",
        "Red, test accuracy",
    ]


def test_names_of_other_runs_are_shown_as_typed(history: RunHistory) -> None:
    others = [('<a href="http://evil">x</a> &lt;\u202e\n', history)]
    escaped = '&lt;a href="http://evil"&gt;x&lt;/a&gt; &amp;lt;'
    assert draw_loss(history, others=others).data[2].name == escaped
    assert draw_accuracy(history, others).data[3].name == f"{escaped}, test accuracy"
    assert draw_loss(history).layout.hoverlabel.namelength == -1, "plotly would cut an entity in two"


def test_accuracy_is_in_percent_and_the_best_epoch_has_a_ring(history: RunHistory) -> None:
    test, held_out, training, ring = draw_accuracy(history).data
    np.testing.assert_allclose(test.y, [86.0, 89.1])
    np.testing.assert_allclose(held_out.y, [75, 75])
    assert training.name == "training accuracy (running)"
    assert (list(ring.x), list(ring.y)) == ([1], [75])
    assert len({(line.line.dash, line.marker.symbol) for line in (test, held_out, training)}) == 3


@pytest.mark.parametrize("epochs", [0, 1, 25])
def test_accuracy_is_drawn_for_any_number_of_epochs(epochs: int) -> None:
    history = read(write_run([started(), *(epoch_done(i + 1, 4 * i + 4, i + 1.0) for i in range(epochs))]))
    figure = draw_accuracy(history)
    assert len(figure.data[0].x) == epochs
    assert figure.layout.xaxis.dtick >= 1


def test_runs_of_older_versions_are_drawn() -> None:
    history = read(load_run(STARTER_ID))
    assert [line.name for line in draw_loss(history).data] == ["each batch", "smoothed", "test images, after each epoch"]
    assert [line.name for line in draw_accuracy(history).data] == ["test accuracy"]


def test_the_rate_is_drawn_with_its_jump(history: RunHistory) -> None:
    (line,) = draw_rate(history).data
    np.testing.assert_allclose(line.y, [0.001, 0.001, 0.1, 0.001, 0.1])


def test_an_exported_page_works_offline(history: RunHistory) -> None:
    page = export_html("<i>Blue</i>", "Loss & more", [draw_loss(history), draw_accuracy(history)])
    assert "<h1>&lt;i&gt;Blue&lt;/i&gt;</h1><p>Loss &amp; more</p>" in page
    assert not re.search(r"<(script|link)[^>]+(src|href)=", page)
    assert page.count('class="plotly-graph-div"') == 2
    assert 3e6 < len(page) < 9e6
