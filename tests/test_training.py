import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from fmnist_core import config as config_module
from fmnist_core.config import TrainConfig
from fmnist_core.data import Split
from fmnist_core.evaluation import evaluate
from fmnist_core.model import FashionCNN
from fmnist_core.training import Diverged, EpochDone, Event, Finished, Started, StepDone, suggest_learning_rate, train

Splits = tuple[Split, Split]
CONFIG = TrainConfig(epochs=2, batch_size=64, seed=3)


def losses_of(events: list[Event]) -> list[float]:
    return [loss for event in events if isinstance(event, StepDone) for loss in event.losses]


def last_weights(events: list[Event]) -> dict[str, np.ndarray]:
    return dict(next(event.weights for event in reversed(events) if isinstance(event, EpochDone)))


def test_events_come_in_order_and_count_every_step(small_splits: Splits) -> None:
    events = list(train(CONFIG, *small_splits))
    steps_per_epoch = 8  # 500 images in batches of 64: seven whole ones and one of 52
    assert events[0] == Started(steps_per_epoch, 500, 200, events[0].device)  # type: ignore[union-attr]
    assert isinstance(events[1], StepDone)
    assert events[1].step == 1
    assert len(losses_of(events)) == 2 * steps_per_epoch
    epochs = [event for event in events if isinstance(event, EpochDone)]
    assert [(event.epoch, event.step) for event in epochs] == [(1, 8), (2, 16)]
    assert isinstance(events[-1], Finished)
    assert events[-1].test_accuracy == epochs[-1].test_accuracy


def test_epoch_loss_is_the_mean_over_images(small_splits: Splits) -> None:
    events = list(train(replace(CONFIG, epochs=1), *small_splits))
    losses, sizes = losses_of(events), [64] * 7 + [52]
    expected = sum(loss * size for loss, size in zip(losses, sizes, strict=True)) / 500
    assert next(e.train_loss for e in events if isinstance(e, EpochDone)) == pytest.approx(expected)


def test_the_same_config_gives_the_same_bits(small_splits: Splits) -> None:
    torch.manual_seed(1)
    one = list(train(CONFIG, *small_splits))
    torch.manual_seed(2)
    two = list(train(CONFIG, *small_splits))
    other = list(train(replace(CONFIG, seed=4), *small_splits))
    assert losses_of(one) == losses_of(two) != losses_of(other)
    for name, weights in last_weights(one).items():
        np.testing.assert_array_equal(weights, last_weights(two)[name])


def test_global_random_state_is_left_alone(small_splits: Splits) -> None:
    torch.manual_seed(9)
    before = torch.get_rng_state()
    model_weights = last_weights(list(train(replace(CONFIG, epochs=1), *small_splits)))
    assert model_weights
    assert torch.equal(before, torch.get_rng_state())


def test_one_batch_is_learned_by_heart(small_splits: Splits) -> None:
    few = Split("train", small_splits[0].images[:20], small_splits[0].labels[:20])
    events = list(train(TrainConfig(epochs=40, batch_size=20, learning_rate=0.003), few, few))
    assert losses_of(events)[0] > 1.5
    assert losses_of(events)[-1] < 0.05
    assert isinstance(events[-1], Finished)
    assert events[-1].test_accuracy == 1.0


def test_weights_of_an_event_are_those_that_were_tested(small_splits: Splits) -> None:
    last = [event for event in train(CONFIG, *small_splits) if isinstance(event, EpochDone)][-1]
    model = FashionCNN()
    model.load_state_dict({name: torch.as_tensor(array) for name, array in last.weights.items()})
    evaluation = evaluate(model, small_splits[1])
    assert evaluation.accuracy == last.test_accuracy
    assert evaluation.loss == pytest.approx(last.test_loss, rel=1e-5)


def test_events_are_dead_data(small_splits: Splits) -> None:
    first, second = itertools.islice((e for e in train(CONFIG, *small_splits) if isinstance(e, StepDone)), 2)
    assert all(isinstance(array, np.ndarray) for array in first.weights.values())
    assert not np.array_equal(first.weights["fc.weight"], second.weights["fc.weight"])  # a later step did not change the earlier event


def test_closing_stops_it(small_splits: Splits) -> None:
    events = train(TrainConfig(epochs=200), *small_splits)
    next(events)
    events.close()
    assert list(events) == []


def test_gradients_are_on_for_whoever_consumes(small_splits: Splits) -> None:
    for _event in train(replace(CONFIG, epochs=1), *small_splits):
        assert torch.is_grad_enabled()


def test_a_loss_that_overflows_ends_the_run_with_a_hint(small_splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_module, "MAX_LEARNING_RATE", 1e38)
    events = list(train(TrainConfig(epochs=3, learning_rate=1e30), *small_splits))
    last = events[-1]
    assert isinstance(last, Diverged)
    assert not any(isinstance(event, EpochDone) for event in events)
    assert "The learning rate 1e+30 is too high; try 0.01." in last.message
    assert f"At step {last.step} the loss became" in last.message
    assert all(np.isfinite(losses_of(events)))


def test_suggested_learning_rates() -> None:
    assert suggest_learning_rate(10) == 0.01
    assert suggest_learning_rate(0.03) == pytest.approx(0.003)


PHOTOS = replace(CONFIG, augmentation="photos-and-drawings", schedule="one-cycle", weight_averaging=True, learning_rate=0.0035)


def test_the_photo_preset_learns_and_repeats_itself(small_splits: Splits) -> None:
    events = list(train(replace(PHOTOS, epochs=6), *small_splits))
    assert isinstance(events[-1], Finished)
    assert events[-1].test_accuracy > 0.5
    assert np.mean(losses_of(events)[-8:]) < np.mean(losses_of(events)[:8])
    first, second = (last_weights(list(train(PHOTOS, *small_splits))) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_averaged_weights_are_the_mean_of_the_first_steps(small_splits: Splits) -> None:
    """Two steps with a learning rate of nearly nothing: the mean of three nearly equal networks is none other."""
    config = TrainConfig(epochs=1, batch_size=250, learning_rate=1e-8, seed=3, weight_averaging=True)
    averaged, plain = (last_weights(list(train(c, *small_splits))) for c in (config, replace(config, weight_averaging=False)))
    for name in ("fc.weight", "layer1.0.weight"):
        np.testing.assert_allclose(averaged[name], plain[name], atol=1e-6)
    fast = replace(config, learning_rate=0.01)
    averaged, plain = (last_weights(list(train(c, *small_splits))) for c in (fast, replace(fast, weight_averaging=False)))
    assert np.abs(averaged["fc.weight"] - plain["fc.weight"]).max() > 1e-3


def test_one_cycle_ends_with_small_steps(small_splits: Splits) -> None:
    config = replace(CONFIG, epochs=3, schedule="one-cycle", learning_rate=0.01)
    weights = [np.asarray(event.weights["fc.weight"], np.float32) for event in train(config, *small_splits) if isinstance(event, EpochDone)]
    assert np.abs(weights[2] - weights[1]).mean() < 0.5 * np.abs(weights[1] - weights[0]).mean()
