from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from fmnist_core.jobs.worker import _load_splits, train_run
from fmnist_core.runs.creation import create_run
from fmnist_core.runs.diagnosis import diagnose
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.record import load_run
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.events import Finished, RateChanged
from tests.runs.diagnosed import even_confusion, falling, kinds, make_history, make_run, only

BAG, SHIRT = 8, 6


# Diverged


def test_a_loss_that_ends_far_above_guessing_has_diverged(tmp_path: Path) -> None:
    run = make_run(tmp_path, TrainConfig(learning_rate=30, optimizer="sgd"), even_confusion(10), test_accuracy=0.1)
    found = only(diagnose(run, make_history([2.3, 1124.9, 3.5e16] + [40.0] * 97, (0.1, 0.1, 34.0))))
    assert found.kind == "diverged"
    assert "rose from 2.30 to 3.5 × 10¹⁶ at step 3" in found.sentence
    assert "40.00" in found.sentence
    assert "30 is too high: try 0.01" in found.sentence


def test_a_loss_that_shot_up_and_lies_dead_at_guessing_has_diverged(tmp_path: Path) -> None:
    run = make_run(tmp_path, TrainConfig(learning_rate=1))
    found = only(diagnose(run, make_history([2.31, 1030, 400, 43, 9.6, 31] + [2.32] * 94, (0.1, 0.1, 2.3))))
    assert found.kind == "diverged"
    assert "1,030" in found.sentence
    assert "no better than guessing" in found.sentence


def test_a_loss_that_shot_up_and_came_down_has_learned(tmp_path: Path) -> None:
    losses = [2.3, 77, 51, 62, 31, *falling(8, 0.7)]
    assert kinds(diagnose(make_run(tmp_path), make_history(losses, (0.7, 0.72, 0.7)))) == ["learned"]


def test_the_rate_that_was_set_by_hand_is_the_one_to_blame(tmp_path: Path) -> None:
    history = make_history([*falling(2.3, 0.5), *[400.0] * 200], (0.8, 0.1, 300.0))
    history.rate_changes.append(RateChanged(epoch=1, step=200, learning_rate=50.0))
    assert "50 is too high" in only(diagnose(make_run(tmp_path), history)).sentence


def test_a_loss_that_is_no_longer_finite_is_described_by_the_runs_own_message(tmp_path: Path) -> None:
    run = make_run(tmp_path, state="diverged", message="At step 4 the loss became infinite.", has_weights=False)
    found = only(diagnose(run, make_history([2.3, 90.0, 4e20])))
    assert found.kind == "diverged"
    assert found.sentence.startswith("At step 4 the loss became infinite. The loss rose from 2.30 to 4 × 10²⁰ at step 3.")
    assert kinds(diagnose(run, make_history([]))) == ["diverged"]


def test_three_steps_may_be_enough_to_see_it(tmp_path: Path) -> None:
    paused = make_run(tmp_path, TrainConfig(learning_rate=30), state="paused")
    assert kinds(diagnose(paused, make_history([2.3, 1124.9, 737_000.0]))) == ["diverged"]
    assert diagnose(paused, make_history([2.3, 6.6, 5.1])) == ()


def test_steps_lost_with_a_killed_process_are_no_divergence(tmp_path: Path) -> None:
    losses = falling(2.3, 0.3)
    losses[50:60] = np.nan
    assert kinds(diagnose(make_run(tmp_path), make_history(losses, (0.9, 0.89, 0.3)))) == ["learned"]


# Not moving


def test_a_steady_but_tiny_fall_is_a_rate_too_low(tmp_path: Path) -> None:
    losses = np.linspace(2.3, 2.18, 200) + np.random.default_rng(0).normal(0, 0.04, 200)
    found = only(diagnose(make_run(tmp_path, TrainConfig(learning_rate=1e-6)), make_history(losses, (0.19, 0.2, 2.18))))
    assert found.kind == "not-moving"
    assert "does fall, but by only 0.1" in found.sentence
    assert "0.000001 is too low: try 0.001." in found.sentence


def test_weights_that_stay_as_they_were_drawn(tmp_path: Path) -> None:
    losses = 2.305 + np.random.default_rng(0).normal(0, 0.04, 200)
    found = only(diagnose(make_run(tmp_path, TrainConfig(learning_rate=1e-8, optimizer="sgd")), make_history(losses, (0.14, 0.146, 2.3))))
    assert found.kind == "not-moving"
    assert "hardly moved" in found.sentence
    assert "0.00000001 is too low: try 0.01." in found.sentence


@pytest.mark.parametrize(("shuffled", "reason"), [(True, "the labels were shuffled"), (False, "Check that the labels match the images")])
def test_labels_that_cannot_be_learned_are_told_from_short_steps(tmp_path: Path, shuffled: bool, reason: str) -> None:
    losses = falling(2.6, 2.32, noise=0.03)
    found = only(diagnose(make_run(tmp_path, TrainConfig(shuffled_labels=shuffled)), make_history(losses, (0.106, 0.1, 2.4))))
    assert found.kind == "not-moving"
    assert reason in found.sentence
    assert "too low" not in found.sentence


def test_strong_label_smoothing_is_not_mistaken_for_a_standstill(tmp_path: Path) -> None:
    run = make_run(tmp_path, TrainConfig(label_smoothing=0.9))
    assert kinds(diagnose(run, make_history(falling(2.31, 2.27, noise=0.01), (0.88, 0.87, 2.2)))) == ["learned"]


def test_a_handful_of_steps_is_not_judged(tmp_path: Path) -> None:
    assert diagnose(make_run(tmp_path), make_history([])) == ()
    assert diagnose(make_run(tmp_path), make_history([2.3] * 19)) == ()


# Memorising


def test_memorised_images(tmp_path: Path) -> None:
    history = make_history(falling(2.3, 0.02, noise=0.01), (0.6, 0.6, 0.9), (1.0, 0.74, 0.78), (1.0, 0.73, 0.95), train_images=100)
    found = only(diagnose(make_run(tmp_path, confusion=even_confusion(73)), history))
    assert found.kind == "memorising"
    assert "100.0 % of its 100 training images" in found.sentence
    assert "73.0 %" in found.sentence
    assert "27 points" in found.sentence
    assert "lowest after epoch 2, at 0.78, and is now 0.95" in found.sentence


def test_the_accuracy_measured_at_the_end_counts(tmp_path: Path) -> None:
    history = make_history(falling(2.3, 0.3), (0.75, 0.7, 0.9))
    history.finished = Finished(epoch=1, step=200, test_accuracy=0.7, elapsed_s=2.0, train_accuracy=0.99)
    assert "99.0 %" in only(diagnose(make_run(tmp_path), history)).sentence


def test_memorised_shuffled_labels(tmp_path: Path) -> None:
    history = make_history(falling(2.6, 0.1), (0.1, 0.1, 2.5), (0.99, 0.09, 3.8))
    found = only(diagnose(make_run(tmp_path, TrainConfig(shuffled_labels=True), even_confusion(9)), history))
    assert found.kind == "memorising"
    assert "understood nothing" in found.sentence
    assert "they were shuffled" in found.sentence


def test_half_memorised_shuffled_labels(tmp_path: Path) -> None:
    history = make_history(falling(2.6, 2.1), (0.1, 0.1, 2.5), (0.25, 0.1, 2.6))
    assert kinds(diagnose(make_run(tmp_path), history)) == ["memorising"]


@pytest.mark.parametrize(("train", "test"), [(0.93, 0.90), (0.99, 0.907), (0.85, 0.88)])
def test_a_healthy_gap_is_not_called_memorising(tmp_path: Path, train: float, test: float) -> None:
    history = make_history(falling(2.3, 0.2), (0.85, 0.87, 0.35), (train, test, 0.3))
    assert kinds(diagnose(make_run(tmp_path), history)) == ["learned"]


def test_a_slight_gap_is_mentioned(tmp_path: Path) -> None:
    history = make_history(falling(2.3, 0.05, noise=0.02), (0.93, 0.906, 0.25), (0.99, 0.907, 0.45))
    sentence = only(diagnose(make_run(tmp_path), history)).sentence
    assert "starting to memorise its images; its test loss was lowest after epoch 1, at 0.25, and is now 0.45" in sentence


def test_the_lag_of_the_first_steps_is_not_called_memorising(tmp_path: Path) -> None:
    assert kinds(diagnose(make_run(tmp_path), make_history(falling(2.3, 0.9, steps=40), (0.6, 0.2, 2.0)))) == ["learned"]


def test_a_run_of_an_earlier_version_is_judged_by_what_it_has(tmp_path: Path) -> None:
    history = make_history(falling(2.3, 0.3), (0.9, 0.88, 0.35), (0.93, 0.9, 0.3))
    history.epochs = [replace(epoch, train_accuracy=None) for epoch in history.epochs]
    found = only(diagnose(make_run(tmp_path, test_accuracy=0.9), history))
    assert found.kind == "learned"
    assert found.sentence.startswith("The network classifies 90.0 % of the test images correctly. ")


def test_the_starter_has_learned() -> None:
    run = load_run(STARTER_ID)
    history = RunHistory()
    history.read_new(run)
    assert kinds(diagnose(run, history)) == ["learned"]


# Blind to a class


def without_bags() -> NDArray[np.int64]:
    confusion = even_confusion(90)
    confusion[BAG] = 0
    confusion[BAG, [0, 6, 9]] = [25, 60, 15]
    return confusion


def test_a_class_never_recognised(tmp_path: Path) -> None:
    run = make_run(tmp_path, TrainConfig(left_out_class=BAG), without_bags())
    found = only(diagnose(run, make_history(falling(2.3, 0.3), (0.93, 0.81, 1.5))))  # a gap of 12 points, or 3 without the bags
    assert found.kind == "blind-to-class"
    assert "Of 100 test images of the class Bag, the network recognised none" in found.sentence
    assert "Shirt (60), T-shirt/top (25) and Ankle boot (15)" in found.sentence
    assert "never saw one" in found.sentence
    assert "On the other classes it is 90.0 % accurate." in found.sentence


def test_another_reason_is_not_made_up(tmp_path: Path) -> None:
    sentence = only(diagnose(make_run(tmp_path, confusion=without_bags()), make_history(falling(2.3, 0.3), (0.84, 0.81, 1.5)))).sentence
    assert "never saw" not in sentence
    assert "that there are enough such images" in sentence


def test_a_class_that_is_only_hard_is_not_called_blindness(tmp_path: Path) -> None:
    confusion = even_confusion(85)
    confusion[SHIRT] = 0
    confusion[SHIRT, [SHIRT, 0]] = [19, 81]
    assert kinds(diagnose(make_run(tmp_path, confusion=confusion), make_history(falling(2.3, 0.5), (0.8, 0.79, 0.6)))) == ["learned"]


def test_several_findings_come_together(tmp_path: Path) -> None:
    run = make_run(tmp_path, TrainConfig(left_out_class=BAG), without_bags())
    findings = diagnose(run, make_history(falling(2.3, 0.02, noise=0.01), (1.0, 0.6, 2.5)))
    assert kinds(findings) == ["blind-to-class"]  # 81 % of all and 90 % of the others: nothing but the bags is amiss
    few = without_bags()
    few[np.arange(8), np.arange(8)] -= 30
    few[np.arange(8), np.arange(1, 9)] += 30
    findings = diagnose(replace(run, folder=make_run(tmp_path, confusion=few).folder), make_history(falling(2.3, 0.02), (1.0, 0.57, 2.5)))
    assert kinds(findings) == ["memorising", "blind-to-class"]


# Noisy


def skewed(mean: float, steps: int) -> NDArray[np.float64]:
    """Losses of single images: most small, a few large, with a scatter of 1.8 times their mean."""
    return np.random.default_rng(0).gamma(1 / 1.8**2, mean * 1.8**2, steps)


def test_a_loss_that_jumps(tmp_path: Path) -> None:
    found = only(
        diagnose(make_run(tmp_path, TrainConfig(batch_size=1), test_accuracy=0.75), make_history(skewed(0.6, 2_000), (0.72, 0.75, 0.7)))
    )
    assert found.kind == "noisy"
    assert "only one image" in found.sentence
    assert "75.0 % of the test images" in found.sentence


def test_jumps_of_a_large_batch_are_the_rates(tmp_path: Path) -> None:
    found = only(diagnose(make_run(tmp_path, TrainConfig(learning_rate=0.05)), make_history(skewed(0.6, 2_000), (0.72, 0.75, 0.7))))
    assert "learning rate lower than 0.05" in found.sentence


def test_a_loss_near_nothing_may_jump(tmp_path: Path) -> None:
    losses = np.concatenate([falling(2.3, 0.05, noise=0.01), skewed(0.02, 300)])
    assert kinds(diagnose(make_run(tmp_path), make_history(losses, (0.95, 0.9, 0.3)))) == ["learned"]


# Learned


def test_whether_more_epochs_would_help(tmp_path: Path) -> None:
    losses, run = falling(2.3, 0.3), make_run(tmp_path)

    def tell(*epochs: tuple[float, float, float]) -> str:
        return only(diagnose(run, make_history(losses, *epochs))).sentence

    assert "only once" in tell((0.85, 0.87, 0.35))
    assert "still gained 2.0 points: more epochs will help" in tell((0.85, 0.86, 0.4), (0.89, 0.88, 0.35))
    assert "gained only 0.1 points" in tell((0.9, 0.9, 0.3), (0.92, 0.901, 0.3))
    assert "at its best after epoch 1, 90.5 %" in tell((0.9, 0.905, 0.3), (0.92, 0.901, 0.3))


def test_a_schedule_that_ran_out_is_done(tmp_path: Path) -> None:
    history = make_history(falling(2.3, 0.3), (0.85, 0.86, 0.4), (0.92, 0.907, 0.27))
    history.epochs = [replace(epoch, learning_rate=rate) for epoch, rate in zip(history.epochs, (0.003, 0.000005), strict=True)]
    run = make_run(tmp_path, TrainConfig(learning_rate=0.005, schedule="one-cycle"), even_confusion(), best_epoch=2)
    sentence = only(diagnose(run, history)).sentence
    assert "weights of epoch 2" in sentence
    assert "plan a new run with more epochs" in sentence


# Real runs on 500 images


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (TrainConfig(epochs=3, batch_size=50, learning_rate=30, optimizer="sgd"), "diverged"),
        (TrainConfig(epochs=3, batch_size=50, learning_rate=1e-6), "not-moving"),
        (TrainConfig(epochs=15, batch_size=10, training_images=100), "memorising"),
        (TrainConfig(epochs=20, batch_size=10, training_images=60, shuffled_labels=True), "memorising"),
        (TrainConfig(epochs=1, batch_size=1), "noisy"),
        (TrainConfig(epochs=3, batch_size=20, left_out_class=BAG), "blind-to-class"),
        (TrainConfig(epochs=2, batch_size=20), "learned"),
    ],
    ids=["diverging", "stuck", "few images", "shuffled labels", "batch of one", "class left out", "healthy"],
)
def test_real_runs_are_diagnosed(config: TrainConfig, expected: str, small_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FMNIST_DATA", str(small_data))
    _load_splits.cache_clear()
    run_id = create_run(config)
    assert train_run(run_id, lambda _event: None) in ("finished", "diverged")
    run, history = load_run(run_id), RunHistory()
    history.read_new(run)
    findings = diagnose(run, history)
    assert findings[0].kind == expected, findings
    if expected == "blind-to-class":
        assert "class Bag" in findings[0].sentence
