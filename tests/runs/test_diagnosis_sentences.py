"""The diagnosis word for word and number for number, on losses and accuracies just below and just above each threshold."""

import math
from dataclasses import FrozenInstanceError, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_core.runs.diagnosis import Finding, diagnose
from fmnist_core.runs.history import RunHistory
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.events import Finished, RateChanged
from tests.runs.diagnosed import even_confusion, kinds, make_history, make_run, only

GUESSING = math.log(10)
BAG = 8
LEARNED = [1.0] * 20  # neither high nor jumping
ONLY_ONCE = "It has seen each image only once: more epochs will help."


def tell(
    folder: Path, history: RunHistory, config: TrainConfig | None = None, confusion: "NDArray[np.int64] | None" = None, **about: Any
) -> str:
    """The one finding, as its name and its sentence."""
    found = only(diagnose(make_run(folder, config, confusion, **about), history))
    return f"{found.kind}: {found.sentence}"


def with_rates(history: RunHistory, *rates: float) -> RunHistory:
    history.rate_changes = [RateChanged(epoch=1, step=step, learning_rate=rate) for step, rate in enumerate(rates, start=1)]
    return history


def jumping(mean: float, by: float, count: int) -> list[float]:
    """Losses that lie above and below their mean in turn. Their scatter is √2 times the distance."""
    return [mean + by * (-1) ** i for i in range(count)]


def test_a_finding_stays_as_it_is() -> None:
    finding = Finding("learned", "It learned.")
    with pytest.raises(FrozenInstanceError):
        finding.sentence = ""  # type: ignore[misc]


# Diverged

OVERSHOT = "Every step was so long that it overshot and landed further away, until the weights were too large to recover."


@pytest.mark.parametrize(
    ("losses", "rise"),
    [
        ([], ""),
        ([5.0], ""),
        ([2.0, 2.3], ""),
        ([2.0, GUESSING], ""),
        ([2.0, 2.31], " The loss rose from 2.00 to 2.31 at step 2."),
        ([2.5, 4.0, 3.0], " The loss rose from 2.50 to 4.00 at step 2."),
        ([2.3] * 1_233 + [7.0], " The loss rose from 2.30 to 7.00 at step 1,234."),
        ([2.3, 99.994], " The loss rose from 2.30 to 99.99 at step 2."),
        ([2.3, 100.0], " The loss rose from 2.30 to 100 at step 2."),
        ([2.3, 999_999.0], " The loss rose from 2.30 to 999,999 at step 2."),
        ([2.3, 1e9], " The loss rose from 2.30 to 10⁹ at step 2."),
        ([2.3, 123_456_789_012.0], " The loss rose from 2.30 to 1.2 × 10¹¹ at step 2."),
    ],
)
def test_an_infinite_loss_is_reported_with_its_rise_if_it_rose_above_guessing(tmp_path: Path, losses: list[float], rise: str) -> None:
    told = tell(tmp_path, make_history(losses), state="diverged", message="The loss became infinite.")
    assert told == f"diverged: The loss became infinite.{rise}"


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ([50.0], None),
        ([2.3, 23.02], None),
        ([2.3, 10 * GUESSING], None),
        ([2.3, 23.03], "The loss rose from 2.30 to 23.03 at step 2, and ended at 23.03, far worse than guessing at random"),
        ([2.3] * 8 + [50.0], "The loss rose from 2.30 to 50.00 at step 9, and ended at 50.00, far worse than guessing at random"),
        ([2.3] * 9 + [50.0], "The loss rose from 2.30 to 50.00 at step 10, and then stayed at 2.30, no better than guessing at random"),
        ([60.0] * 8 + [2.3], None),
        ([60.0] * 9 + [2.3], "The loss rose from 60.00 to 60.00 at step 1, and ended at 60.00, far worse than guessing at random"),
    ],
)
def test_below_ten_steps_the_last_loss_counts_and_then_the_median_of_ten(tmp_path: Path, losses: list[float], said: str | None) -> None:
    if said is None:
        assert diagnose(make_run(tmp_path), make_history(losses)) == ()
        return
    told = tell(tmp_path, make_history(losses), TrainConfig(learning_rate=0.05))
    assert told == f"diverged: {said}, which gives 2.30. {OVERSHOT} The learning rate of 0.05 is too high: try 0.005."


@pytest.mark.parametrize(
    ("losses", "kind"),
    [
        ([6.90] * 20, "not-moving"),
        ([3 * GUESSING] * 20, "not-moving"),
        ([6.91] * 20, "diverged"),
        ([2.3, 23.02] + [2.3] * 18, "not-moving"),
        ([2.3, 10 * GUESSING] + [2.3] * 18, "not-moving"),
        ([2.3, 23.03] + [2.3] * 18, "diverged"),
        ([2.3, 50.0] + [1.95] * 18, "learned"),
        ([2.3, 50.0] + [1.96] * 18, "diverged"),
    ],
)
def test_it_diverged_if_it_ends_above_3_guesses_or_after_10_stays_near_one(tmp_path: Path, losses: list[float], kind: str) -> None:
    assert kinds(diagnose(make_run(tmp_path), make_history(losses, (0.1, 0.1, 2.3)))) == [kind]


def test_a_loss_that_stays_at_a_threshold_itself_is_not_above_it(tmp_path: Path) -> None:
    far = tell(tmp_path, make_history([2.3, 50.0] + [3 * GUESSING] * 18))
    assert "at step 2, and then stayed at 6.91, no better than guessing at random" in far
    near = make_history([2.3, 50.0] + [0.85 * GUESSING] * 18, (0.1, 0.1, 2.3))
    assert "diverged" not in kinds(diagnose(make_run(tmp_path), near))


@pytest.mark.parametrize(("of_epoch", "reported", "kind"), [(0.34, 0.34, "diverged"), (0.35, 0.1, "learned"), (0.1, 0.35, "learned")])
def test_a_network_that_classifies_35_percent_has_not_diverged(tmp_path: Path, of_epoch: float, reported: float, kind: str) -> None:
    history = make_history([2.3, 50.0] + [2.3] * 18, (0.1, of_epoch, 2.3))
    assert kinds(diagnose(make_run(tmp_path, test_accuracy=reported), history)) == [kind]


@pytest.mark.parametrize(("high", "kind"), [(11, "diverged"), (9, "learned")])
def test_the_median_of_the_last_tenth_counts_in_a_longer_run(tmp_path: Path, high: int, kind: str) -> None:
    """Of the last 20 of 200 losses, 11 are high and the last 9 are not, or the other way round."""
    losses = [1.0] * 180 + [8.0] * high + [1.0] * (20 - high)
    assert kinds(diagnose(make_run(tmp_path, TrainConfig(batch_size=100)), make_history(losses, (0.5, 0.5, 1.0)))) == [kind]


def test_the_last_tenth_is_twenty_of_two_hundred_losses_and_not_one_more(tmp_path: Path) -> None:
    """Half of the last 20 are 14 and the others 1, so that their median is 7.5; that of 21 would be 1."""
    assert kinds(diagnose(make_run(tmp_path), make_history([1.0] * 180 + [14.0] * 10 + [1.0] * 10, (0.5, 0.5, 1.0)))) == ["diverged"]


def test_the_highest_rate_of_all_is_the_one_that_was_too_high(tmp_path: Path) -> None:
    history = with_rates(make_history([2.3, 2.3, 40.0]), 0.01, 0.02)
    assert tell(tmp_path, history, TrainConfig(learning_rate=0.3)).endswith("The learning rate of 0.3 is too high: try 0.01.")
    assert tell(tmp_path, history, TrainConfig(learning_rate=0.001)).endswith("The learning rate of 0.02 is too high: try 0.002.")


def test_losses_that_were_lost_count_only_as_steps(tmp_path: Path) -> None:
    history = make_history([2.3, math.nan, 30.0])
    assert tell(tmp_path, history).startswith("diverged: The loss rose from 2.30 to 30.00 at step 3, and ended at 30.00,")
    assert tell(tmp_path, make_history([2.25] * 20 + [math.nan])).startswith("not-moving: After 21 steps the loss is 2.25;")


# Not moving

LONGER = "Give it more epochs, or try a learning rate ten times as high."
SHORT = "the steps are so short that the weights have barely changed."


def test_nothing_is_reported_before_twenty_steps(tmp_path: Path) -> None:
    assert diagnose(make_run(tmp_path), make_history([2.25] * 19)) == ()
    told = "After 20 steps the loss is 2.25; it started at 2.25, and guessing gives 2.30."
    assert tell(tmp_path, make_history([2.25] * 20)) == f"not-moving: {told} The loss has hardly moved, by 0.00: {SHORT} {LONGER}"


@pytest.mark.parametrize(("level", "kind"), [(1.957, "learned"), (0.85 * GUESSING, "not-moving"), (1.958, "not-moving")])
def test_a_loss_below_85_percent_of_guessing_has_moved(tmp_path: Path, level: float, kind: str) -> None:
    assert kinds(diagnose(make_run(tmp_path), make_history([level] * 20, (0.3, 0.3, 2.0)))) == [kind]


@pytest.mark.parametrize(
    ("of_epoch", "reported", "kind"),
    [(0.349, None, "not-moving"), (0.35, None, "learned"), (0.1, 0.349, "not-moving"), (0.1, 0.35, "learned")],
)
def test_a_network_that_classifies_35_percent_has_moved(tmp_path: Path, of_epoch: float, reported: float | None, kind: str) -> None:
    history = make_history([2.2] * 20, (0.1, of_epoch, 2.0))
    assert kinds(diagnose(make_run(tmp_path, test_accuracy=reported), history)) == [kind]


@pytest.mark.parametrize(
    ("steps", "train", "kind"), [(50, 0.25, "memorising"), (50, 0.2, "memorising"), (50, 0.199, "not-moving"), (49, 0.2, "not-moving")]
)
def test_a_network_that_memorises_has_moved_once_it_has_settled(tmp_path: Path, steps: int, train: float, kind: str) -> None:
    assert kinds(diagnose(make_run(tmp_path), make_history([2.2] * steps, (train, 0.1, 2.3)))) == [kind]


def test_a_loss_that_rises_a_little_has_hardly_moved_either(tmp_path: Path) -> None:
    told = (
        "After 1,000 steps the loss is 2.33; it started at 2.30, and guessing gives 2.30. "
        "The network classifies 12.3 % of the test images correctly; guessing gives 10 %."
    )
    history = make_history([2.30] * 500 + [2.33] * 500, (0.1, 0.1234, 2.3))
    assert tell(tmp_path, history) == f"not-moving: {told} The loss has hardly moved, by 0.03: {SHORT} {LONGER}"


FELL = "The loss does fall, but by only 0.06 in 1,000 steps: the steps are too short."
DID_NOT_FALL = f"The loss has hardly moved, by 0.06: {SHORT}"


@pytest.mark.parametrize(("fall", "said"), [(0.059, DID_NOT_FALL), (0.061, FELL)])
def test_a_fall_counts_from_three_standard_errors(tmp_path: Path, fall: float, said: str) -> None:
    """The losses scatter by 0.1·√2, so that the difference of two means of 100 has a standard error of 0.02."""
    history = make_history(jumping(2.1 + fall, 0.1, 500) + jumping(2.1, 0.1, 500))
    level = f"After 1,000 steps the loss is 2.10; it started at {2.1 + fall:.2f}, and guessing gives 2.30."
    assert tell(tmp_path, history) == f"not-moving: {level} {said} {LONGER}"


@pytest.mark.parametrize(("below", "said"), [(0.059, "The weights did change, since the loss rose to 2.76"), (0.061, "The loss does fall")])
def test_so_does_a_mean_below_guessing(tmp_path: Path, below: float, said: str) -> None:
    history = make_history(jumping(2.76, 0.1, 500) + jumping(GUESSING - below, 0.1, 500))
    assert said in tell(tmp_path, history)


def test_a_fall_that_ends_above_guessing_is_no_sign_of_short_steps(tmp_path: Path) -> None:
    told = tell(tmp_path, make_history([2.6] * 20 + [2.32] * 20))
    assert "it started at 2.60, and guessing gives 2.30. The weights did change, since the loss rose to 2.60 on the way," in told


@pytest.mark.parametrize(
    ("shuffled", "advice"),
    [
        (True, "There is nothing to find: the labels were shuffled. More epochs would only let it memorise the images."),
        (False, "Check that the labels match the images; if they do, try a learning rate a tenth as high."),
    ],
)
def test_a_loss_that_rose_on_the_way_says_that_the_weights_changed(tmp_path: Path, shuffled: bool, advice: str) -> None:
    """The highest mean of ten losses in a row is 2.372, more than 3 % above guessing."""
    history = make_history([2.31] * 40 + [2.372] * 10 + [2.31] * 50)
    assert tell(tmp_path, history, TrainConfig(shuffled_labels=shuffled)) == (
        "not-moving: After 100 steps the loss is 2.31; it started at 2.31, and guessing gives 2.30. The weights did change, since the loss "
        f"rose to 2.37 on the way, but the network found nothing in the images that predicts their labels. {advice}"
    )


@pytest.mark.parametrize("losses", [[2.31] * 40 + [2.371] * 10 + [2.31] * 50, [2.31] * 40 + [2.372] * 9 + [2.31] * 51])
def test_a_rise_of_less_than_3_percent_or_nine_steps_may_be_chance(tmp_path: Path, losses: list[float]) -> None:
    assert "The loss has hardly moved, by 0.00" in tell(tmp_path, make_history(losses))


@pytest.mark.parametrize(
    ("optimizer", "rate", "advice"),
    [
        ("sgd", 0.0033, "The learning rate of 0.0033 is too low: try 0.01."),
        ("sgd", 0.01 / 3, LONGER),
        ("sgd", 0.0034, LONGER),
        ("adam", 0.00033, "The learning rate of 0.00033 is too low: try 0.001."),
        ("adam", 0.001 / 3, LONGER),
        ("adam", 0.00034, LONGER),
    ],
)
def test_a_rate_below_a_third_of_the_usual_one_is_too_low(tmp_path: Path, optimizer: str, rate: float, advice: str) -> None:
    config = TrainConfig(optimizer=optimizer, learning_rate=rate)  # type: ignore[arg-type]
    assert tell(tmp_path, make_history([2.25] * 20), config).endswith(f"{SHORT} {advice}")
    changed = with_rates(make_history([2.25] * 20), 1.0, 0.5, rate)
    assert tell(tmp_path, changed, TrainConfig(optimizer=optimizer)).endswith(f"{SHORT} {advice}")  # type: ignore[arg-type]


# Memorising

MORE_IMAGES = "Try more training images, images changed at random (augmentation), or fewer epochs."
IN_COMMON = "It memorised its images rather than what such items have in common"
NO_TURN = [2.0] * 5 + [0.5] * 45


@pytest.mark.parametrize(
    ("train_images", "images"), [(0, "its training images"), (1, "its 1 training image"), (60_000, "its 60,000 training images")]
)
def test_a_gap_is_reported_with_both_accuracies(tmp_path: Path, train_images: int, images: str) -> None:
    history = make_history(NO_TURN, (0.987, 0.72, 1.0), train_images=train_images)
    assert tell(tmp_path, history) == (
        f"memorising: The network classifies 98.7 % of {images} correctly, but only 72.0 % of the test images, which it never saw: "
        f"a gap of 27 points. {IN_COMMON}. {MORE_IMAGES}"
    )


@pytest.mark.parametrize(("train", "test", "kind"), [(0.1, 0.0, "memorising"), (0.9, 0.801, "learned"), (0.9, 0.799, "memorising")])
def test_a_gap_counts_from_ten_points(tmp_path: Path, train: float, test: float, kind: str) -> None:
    assert kinds(diagnose(make_run(tmp_path), make_history([1.0] * 50, (train, test, 1.0)))) == [kind]


@pytest.mark.parametrize(("steps", "kind"), [(49, "learned"), (50, "memorising")])
def test_a_gap_counts_from_fifty_steps(tmp_path: Path, steps: int, kind: str) -> None:
    assert kinds(diagnose(make_run(tmp_path), make_history([1.0] * steps, (0.9, 0.5, 1.0)))) == [kind]


@pytest.mark.parametrize("shuffled", [True, False])
@pytest.mark.parametrize("test", [0.199, 0.2])
def test_below_twice_guessing_it_understood_nothing(tmp_path: Path, test: float, shuffled: bool) -> None:
    told = tell(tmp_path, make_history([1.0] * 50, (0.9, test, 3.0)), TrainConfig(shuffled_labels=shuffled))
    if test == 0.2:
        assert told.endswith(f"but only 20.0 % of the test images, which it never saw: a gap of 70 points. {IN_COMMON}. {MORE_IMAGES}")
    else:
        assert told.endswith(
            "but only 19.9 % of the test images, which it never saw: a gap of 70 points. Guessing gives 10 %: it memorised its images "
            "one by one and understood nothing. The labels say nothing about what the images show: "
            + ("they were shuffled." if shuffled else "check that they match the images.")
        )


@pytest.mark.parametrize(
    ("test_losses", "turn"),
    [
        ([1.0], ""),
        ([1.0, 1.04], ""),
        ([1.0, 1.05], "; its test loss was lowest after epoch 1, at 1.00, and is now 1.05"),
        ([3.0, 2.0, 2.5, 2.09], ""),
        ([3.0, 2.0, 2.5, 2.11], "; its test loss was lowest after epoch 2, at 2.00, and is now 2.11"),
        ([3.0, 2.5, 2.0], ""),
        ([0.5, 0.4, 0.45], "; its test loss was lowest after epoch 2, at 0.40, and is now 0.45"),
    ],
)
def test_the_turn_is_reported_once_the_test_loss_rose_by_a_twentieth(tmp_path: Path, test_losses: list[float], turn: str) -> None:
    epochs = [(0.9, 0.6, loss) for loss in test_losses]
    assert tell(tmp_path, make_history([1.0] * 60, *epochs)).endswith(f"a gap of 30 points. {IN_COMMON}{turn}. {MORE_IMAGES}")
    slight = [(0.96, 0.9, loss) for loss in test_losses]
    assert tell(tmp_path, make_history([1.0] * 60, *slight)).endswith(
        f"and 96.0 % of its training images. It is starting to memorise its images{turn}: "
        "more epochs will hardly help, but images changed at random (augmentation) may."
    )


def test_the_accuracy_checked_at_the_end_comes_before_that_of_the_epoch(tmp_path: Path) -> None:
    history = make_history([1.0] * 50, (0.7, 0.65, 1.0))
    history.finished = Finished(epoch=1, step=50, test_accuracy=0.65, elapsed_s=1.0, train_accuracy=0.9)
    assert "classifies 90.0 % of its training images correctly, but only 65.0 % of the test images" in tell(tmp_path, history)
    history.finished = replace(history.finished, train_accuracy=None)
    assert tell(tmp_path, history, test_accuracy=0.65).startswith(
        "learned: The network classifies 65.0 % of the test images correctly, and 70.0 % of its training images. "
    )


def test_a_gap_needs_both_accuracies(tmp_path: Path) -> None:
    history = make_history([1.0] * 50, (0.9, 0.5, 1.0))
    history.epochs = [replace(history.epochs[0], train_accuracy=None)]
    assert tell(tmp_path, history) == f"learned: The network classifies 50.0 % of the test images correctly. {ONLY_ONCE}"
    history.finished, history.epochs = Finished(epoch=1, step=50, test_accuracy=0.5, elapsed_s=1.0, train_accuracy=0.9), []
    assert tell(tmp_path, history, test_accuracy=0.5) == (
        f"learned: The network classifies 50.0 % of the test images correctly, and 90.0 % of its training images. {ONLY_ONCE}"
    )


# Blind to a class

ENOUGH = "Check that there are enough such images among the training images, and that their labels are correct."
NEVER_SAW = "It never saw one during training, and a network can only give answers it has learned. Train it with all classes."


def bags_predicted_as(right: int = 90, **counts: int) -> NDArray[np.int64]:
    """A confusion matrix: `right` of 100 images of each other class are classified correctly, and `c3=20` bags are classified as 3."""
    confusion = even_confusion(right)
    confusion[BAG] = 0
    for name, count in counts.items():
        confusion[BAG, int(name.removeprefix("c"))] = count
    return confusion


@pytest.mark.parametrize(
    ("confusion", "recognised", "called"),
    [
        (bags_predicted_as(c6=100), "none", "Shirt (100)"),
        (bags_predicted_as(c6=60, c0=40), "none", "Shirt (60) and T-shirt/top (40)"),
        (bags_predicted_as(c9=40, c0=40, c1=15, c2=3, c3=2), "none", "T-shirt/top (40), Ankle boot (40) and Trouser (15)"),
        (bags_predicted_as(c0=60, c9=37, c8=2, c2=1), "only 2", "T-shirt/top (60), Ankle boot (37) and Pullover (1)"),
        (bags_predicted_as(c0=20, c8=1, c6=79), "only 1", "Shirt (79) and T-shirt/top (20)"),
    ],
)
def test_a_class_not_recognised_is_reported_with_the_three_most_frequent_answers(
    tmp_path: Path, confusion: NDArray[np.int64], recognised: str, called: str
) -> None:
    told = tell(tmp_path, make_history(LEARNED, (0.8, 0.8, 0.8)), confusion=confusion)
    said = f"Of 100 test images of the class Bag, the network recognised {recognised}: it called them {called}."
    assert told == f"blind-to-class: {said} {ENOUGH} On the other classes it is 90.0 % accurate."


def test_thousands_of_images_have_commas(tmp_path: Path) -> None:
    confusion = bags_predicted_as(c0=1_999, c8=1_001, c6=60_000)
    assert tell(tmp_path, make_history(LEARNED), confusion=confusion).startswith(
        "blind-to-class: Of 63,000 test images of the class Bag, the network recognised only 1,001: "
        "it called them Shirt (60,000) and T-shirt/top (1,999)."
    )


@pytest.mark.parametrize(("right", "expected"), [(2, "blind-to-class"), (3, "learned")])
def test_two_percent_of_a_class_are_not_enough(tmp_path: Path, right: int, expected: str) -> None:
    confusion = bags_predicted_as(c8=right, c0=100 - right)
    assert kinds(diagnose(make_run(tmp_path, confusion=confusion), make_history(LEARNED))) == [expected]


@pytest.mark.parametrize(("right", "expected"), [(50, "blind-to-class"), (49, "learned")])
def test_it_is_no_blindness_if_half_of_the_others_are_not_recognised(tmp_path: Path, right: int, expected: str) -> None:
    confusion = bags_predicted_as(right, c0=100)
    assert kinds(diagnose(make_run(tmp_path, confusion=confusion), make_history(LEARNED))) == [expected]


def test_it_is_the_mean_of_all_other_classes_that_counts(tmp_path: Path) -> None:
    confusion = bags_predicted_as(c0=100)
    for i in (0, 1):
        confusion[i, [i, i + 1]] = 10, 90
    told = tell(tmp_path, make_history(LEARNED), confusion=confusion)
    assert told.endswith("On the other classes it is 72.2 % accurate.")


def test_each_class_counts_alike_however_few_images_it_has(tmp_path: Path) -> None:
    """The recall of the others is 1 and 0.4, 0.7 on average; classes without images are neither blind nor others."""
    confusion = np.zeros((10, 10), np.int64)
    confusion[0, 0] = 1
    confusion[1, [1, 2]] = 2, 3
    confusion[BAG, 5] = 1
    told = tell(tmp_path, make_history(LEARNED), confusion=confusion)
    assert told == (
        "blind-to-class: Of 1 test image of the class Bag, the network recognised none: it called them Sandal (1). "
        f"{ENOUGH} On the other classes it is 50.0 % accurate."
    )
    confusion[1] = 0
    assert tell(tmp_path, make_history(LEARNED), confusion=confusion).endswith("On the other classes it is 100.0 % accurate.")


def test_a_network_that_recognises_no_class_is_blind_to_none(tmp_path: Path) -> None:
    confusion = np.roll(100 * np.eye(10, dtype=np.int64), 1, axis=1)
    assert tell(tmp_path, make_history(LEARNED), confusion=confusion) == (
        f"learned: The network classifies 0.0 % of the test images correctly. {ONLY_ONCE}"
    )


def test_a_class_that_was_left_out_was_never_seen(tmp_path: Path) -> None:
    one, two = bags_predicted_as(c0=100), bags_predicted_as(c0=100)
    two[7], two[7, 9] = 0, 100
    of_bags = "Of 100 test images of the class Bag, the network recognised none: it called them T-shirt/top (100)."
    of_sneakers = "Of 100 test images of the class Sneaker, the network recognised none: it called them Ankle boot (100)."
    history, config = make_history(LEARNED), TrainConfig(left_out_class=BAG)
    others = "On the other classes it is 90.0 % accurate."
    assert tell(tmp_path, history, config, one) == f"blind-to-class: {of_bags} {NEVER_SAW} {others}"
    assert tell(tmp_path, history, config, two) == f"blind-to-class: {of_sneakers} {of_bags} {ENOUGH} {others}"
    assert tell(tmp_path, history, TrainConfig(left_out_class=7), one) == f"blind-to-class: {of_bags} {ENOUGH} {others}"


def test_the_gap_of_a_blind_network_is_that_on_the_classes_it_recognises(tmp_path: Path) -> None:
    run = make_run(tmp_path, confusion=bags_predicted_as(88, c0=100))  # 79.2 % of all
    memorising, blind = diagnose(run, make_history([1.0] * 50, (0.99, 0.792, 1.0)))
    assert (memorising.kind, blind.kind) == ("memorising", "blind-to-class")
    assert "but only 88.0 % of the test images, which it never saw: a gap of 11 points." in memorising.sentence
    assert kinds(diagnose(run, make_history([1.0] * 50, (0.97, 0.792, 1.0)))) == ["blind-to-class"]
    assert kinds(diagnose(run, make_history([1.0] * 50, (0.99, 0.9, 1.0)))) == ["blind-to-class"], "the last epoch's is higher"


def test_an_evaluation_saved_before_a_pause_says_nothing_about_now(tmp_path: Path) -> None:
    confusion, history = bags_predicted_as(c0=100), make_history(LEARNED, (0.8, 0.8, 0.8))
    assert kinds(diagnose(make_run(tmp_path, confusion=confusion), history)) == ["blind-to-class"]
    assert tell(tmp_path, history, confusion=confusion, state="paused", test_accuracy=0.7).startswith(
        "learned: The network classifies 70.0 % of the test images correctly,"
    )


# Noisy


@pytest.mark.parametrize(
    ("mean", "by", "kind"),
    [
        (0.36, 0.2117, "learned"),  # a scatter of 0.2994
        (0.36, 0.2126, "noisy"),  # 0.3007
        (1.0, 0.565, "learned"),  # 0.799 of the mean
        (1.0, 0.567, "noisy"),  # 0.802
        (0.6, 0.33, "learned"),  # 0.778
        (0.6, 0.345, "noisy"),  # 0.813
    ],
)
def test_a_scatter_counts_from_0_3_and_from_80_percent_of_the_mean(tmp_path: Path, mean: float, by: float, kind: str) -> None:
    history = make_history(jumping(mean, by, 40), (0.8, 0.8, 0.8))
    assert kinds(diagnose(make_run(tmp_path, TrainConfig(batch_size=10)), history)) == [kind]


@pytest.mark.parametrize(("steps", "found"), [(18, False), (19, True)])
def test_the_later_half_must_have_ten_losses(tmp_path: Path, steps: int, found: bool) -> None:
    findings = diagnose(make_run(tmp_path), make_history(jumping(0.6, 0.5, steps)))
    assert kinds(findings) == (["noisy"] if found else [])


@pytest.mark.parametrize(
    ("batch_size", "advice"),
    [
        (1, "Each step sees only one image, and a hard one pulls all weights its way. Try a larger batch, such as 100."),
        (2, "Each step sees only 2 images, and a hard one pulls all weights its way. Try a larger batch, such as 100."),
        (16, "Each step sees only 16 images, and a hard one pulls all weights its way. Try a larger batch, such as 100."),
        (17, "Try a learning rate lower than 0.002."),
    ],
)
@pytest.mark.parametrize(
    ("accuracy", "learned"),
    [
        (None, ""),
        (0.499, " It classifies only 49.9 % of the test images correctly."),
        (0.5, " It still learned: it classifies 50.0 % of the test images correctly."),
        (0.75, " It still learned: it classifies 75.0 % of the test images correctly."),
    ],
)
def test_jumps_are_those_of_the_later_half(tmp_path: Path, batch_size: int, advice: str, accuracy: float | None, learned: str) -> None:
    history = make_history([0.5] * 20 + jumping(0.6, 0.35, 20))
    told = tell(tmp_path, history, TrainConfig(batch_size=batch_size, learning_rate=0.002), test_accuracy=accuracy)
    assert told == f"noisy: The loss jumps by 0.49 from step to step, while its mean is 0.60. {advice}{learned}"


def test_jumps_that_are_over_count_no_more(tmp_path: Path) -> None:
    assert diagnose(make_run(tmp_path), make_history(jumping(0.6, 0.5, 20) + [0.6] * 20)) == ()


# Learned


def test_what_it_learned_is_reported_with_the_epoch_in_use(tmp_path: Path) -> None:
    history = make_history(LEARNED, (0.91, 0.905, 0.3))
    told = "learned: The network classifies 90.5 % of the test images correctly"
    assert tell(tmp_path, history) == f"{told}, and 91.0 % of its training images. {ONLY_ONCE}"
    assert tell(tmp_path, history, best_epoch=3) == f"{told} with the weights of epoch 3, and 91.0 % of its training images. {ONLY_ONCE}"
    assert tell(tmp_path, history, test_accuracy=0.0).startswith("learned: The network classifies 0.0 % of the test images correctly, and ")


def test_the_accuracies_are_those_of_the_last_epoch(tmp_path: Path) -> None:
    history = make_history(LEARNED, (0.5, 0.6, 1.0), (0.7, 0.72, 0.9), (0.81, 0.8, 0.8))
    told = "learned: The network classifies 80.0 % of the test images correctly, and 81.0 % of its training images. "
    assert tell(tmp_path, history) == f"{told}The last epoch still gained 8.0 points: more epochs will help."


def test_the_saved_figure_comes_before_that_of_the_status(tmp_path: Path) -> None:
    make_run(tmp_path, confusion=even_confusion(80))
    assert tell(tmp_path, make_history(LEARNED), test_accuracy=0.7).startswith("learned: The network classifies 80.0 % of the test images")


def test_without_any_accuracy_nothing_is_reported(tmp_path: Path) -> None:
    assert diagnose(make_run(tmp_path), make_history(LEARNED)) == ()


@pytest.mark.parametrize(("train", "test", "slight"), [(0.05, 0.0, True), (0.949, 0.9, False), (0.951, 0.9, True)])
def test_a_slight_gap_counts_from_five_points(tmp_path: Path, train: float, test: float, slight: bool) -> None:
    told = tell(tmp_path, make_history([1.0] * 50, (train, test, 1.0)))
    assert ("It is starting to memorise its images: more epochs will hardly help" in told) is slight
    assert (ONLY_ONCE in told) is not slight


@pytest.mark.parametrize(
    ("augmentation", "advice"),
    [
        ("none", "more epochs will hardly help, but images changed at random (augmentation) may."),
        ("flips-and-shifts", "more epochs will hardly help."),
        ("photos-and-drawings", "more epochs will hardly help."),
    ],
)
def test_changed_images_are_advised_where_there_are_none(tmp_path: Path, augmentation: str, advice: str) -> None:
    config = TrainConfig(augmentation=augmentation)  # type: ignore[arg-type]
    told = tell(tmp_path, make_history([1.0] * 50, (0.96, 0.9, 1.0)), config)
    assert told.endswith(f"It is starting to memorise its images: {advice}")


def last_gained(points: str) -> str:
    return f"The last epoch gained only {points} points: more epochs like these add little."


@pytest.mark.parametrize(
    ("tested", "prospects"),
    [
        ([0.9], ONLY_ONCE),
        ([0.8, 0.82], "The last epoch still gained 2.0 points: more epochs will help."),
        ([0.9, 0.9031], "The last epoch still gained 0.3 points: more epochs will help."),
        ([0.9, 0.9029], last_gained("0.3")),
        ([0.0, 0.003], last_gained("0.3")),
        ([0.5, 0.9, 0.8, 0.905], "The last epoch still gained 0.5 points: more epochs will help."),
        ([0.5, 0.9, 0.8, 0.901], last_gained("0.1")),
        ([0.9, 0.9], "It was at its best after epoch 1, 90.0 %: more epochs like these add little."),
        ([0.8, 0.905, 0.9], "It was at its best after epoch 2, 90.5 %: more epochs like these add little."),
        ([0.8, 0.905, 0.9, 0.9], "It was at its best after epoch 2, 90.5 %: more epochs like these add little."),
    ],
)
def test_what_more_epochs_would_do(tmp_path: Path, tested: list[float], prospects: str) -> None:
    told = tell(tmp_path, make_history([1.0] * 40, *[(0.9, accuracy, 1.0) for accuracy in tested]))
    assert told.endswith(f"90.0 % of its training images. {prospects}")


@pytest.mark.parametrize(
    ("last_step", "reported", "prospects"),
    [
        (30, 0.906, "The last epoch still gained 0.6 points: more epochs will help."),
        (30, 0.902, last_gained("0.2")),
        (30, 0.895, "It was at its best after epoch 2, 90.0 %: more epochs like these add little."),
        (40, 0.906, "It was at its best after epoch 2, 90.0 %: more epochs like these add little."),
    ],
)
def test_weights_of_an_epoch_cut_short_count_if_they_are_the_best(tmp_path: Path, last_step: int, reported: float, prospects: str) -> None:
    history = make_history([1.0] * 40, *[(0.9, accuracy, 1.0) for accuracy in (0.8, 0.9, 0.89)])
    history.epochs[-1] = replace(history.epochs[-1], step=last_step)
    assert tell(tmp_path, history, state="stopped", test_accuracy=reported).endswith(f"90.0 % of its training images. {prospects}")


def test_an_accuracy_of_several_views_is_not_compared_with_those_of_one(tmp_path: Path) -> None:
    history = make_history([1.0] * 40, (0.9, 0.9, 1.0), (0.9, 0.89, 1.0))
    history.epochs[-1] = replace(history.epochs[-1], step=30)
    told = tell(tmp_path, history, TrainConfig(test_views="mirrored"), test_accuracy=0.91)
    assert told.startswith("learned: The network classifies 91.0 % of the test images correctly")
    assert told.endswith("It was at its best after epoch 1: more epochs like these add little.")


SETTLED = "Its steps became shorter and shorter, as planned, and it has settled: to improve further, plan a new run with more epochs."


@pytest.mark.parametrize(
    ("rates", "has_settled"),
    [
        ([None], False),
        ([0.0005], False),
        ([0.00049], True),
        ([0.004, 0.00049], True),
        ([0.004, 0.00051], False),
        ([0.01, 0.00099], True),
        ([0.01, 0.00101], False),
        ([0.00001, 0.004], False),
        ([0.00049, None], True),
    ],
)
def test_a_rate_below_a_tenth_of_the_highest_has_settled(tmp_path: Path, rates: list[float | None], has_settled: bool) -> None:
    history = make_history(LEARNED, *[(0.9, 0.9, 1.0) for _ in rates])
    history.epochs = [replace(epoch, learning_rate=rate) for epoch, rate in zip(history.epochs, rates, strict=True)]
    assert tell(tmp_path, history, TrainConfig(learning_rate=0.005)).endswith(SETTLED) is has_settled
