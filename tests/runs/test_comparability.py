from dataclasses import replace

import pytest

from fmnist_core.runs.comparability import losses_differ, own_loss_differs
from fmnist_core.settings.config import TrainConfig

USUAL = TrainConfig()


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (replace(USUAL, label_smoothing=0.1), "smoothed labels"),
        (replace(USUAL, shuffled_labels=True), "shuffled labels"),
        (replace(USUAL, left_out_class=3), "fewer classes"),
        (replace(USUAL, augmentation="flips-and-shifts"), "images changed at random"),
        (replace(USUAL, label_smoothing=0.1, shuffled_labels=True), "smoothed labels and shuffled labels"),
    ],
)
def test_losses_that_are_computed_differently_are_not_comparable(other: TrainConfig, reason: str) -> None:
    told = losses_differ([USUAL, other])
    assert told.startswith("These training losses are not computed in the same way")
    assert f"not all of these runs have {reason}:" in told
    assert told.endswith("Compare the test losses instead.")


def test_losses_that_are_computed_alike_are_comparable() -> None:
    assert losses_differ([]) == losses_differ([USUAL]) == ""
    assert losses_differ([USUAL, TrainConfig(1, 10, 1.0, seed=4, optimizer="sgd", training_images=100, pixels="raw")]) == ""
    smoothed = replace(USUAL, label_smoothing=0.1)
    assert losses_differ([smoothed, replace(smoothed, epochs=9)]) == ""


def test_a_run_is_told_why_its_training_loss_is_above_its_test_loss() -> None:
    assert own_loss_differs(USUAL) == ""
    assert "smoothed labels (0.1)" in own_loss_differs(replace(USUAL, label_smoothing=0.1))
    assert "shuffled labels" in own_loss_differs(replace(USUAL, shuffled_labels=True))
