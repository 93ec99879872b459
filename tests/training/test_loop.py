import itertools
import math
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from fmnist_core.dataset.split import Split
from fmnist_core.evaluation.prediction import evaluate
from fmnist_core.network.model import FashionCNN
from fmnist_core.settings.config import SETTINGS, TrainConfig
from fmnist_core.training.checkpoint import Checkpoint
from fmnist_core.training.events import Diverged, EpochDone, Event, Finished, RateChanged, Request, Resumed, Started, StepDone
from fmnist_core.training.loop import train
from fmnist_core.training.schedule import scheduled_rate
from fmnist_core.training.state import _average

Splits = tuple[Split, Split]
CONFIG = TrainConfig(epochs=2, batch_size=64, seed=3, precision="float32")


def losses_of(events: list[Event]) -> list[float]:
    return [loss for event in events if isinstance(event, StepDone) for loss in event.losses]


def last_weights(events: list[Event]) -> dict[str, np.ndarray]:
    return dict(next(event.weights for event in reversed(events) if isinstance(event, EpochDone)))


def checkpoint_of(event: StepDone | EpochDone) -> Checkpoint:
    assert event.checkpoint is not None
    return event.checkpoint


def test_events_come_in_order_and_count_every_step(small_splits: Splits) -> None:
    events = list(train(CONFIG, *small_splits))
    steps_per_epoch = 8  # 500 images in batches of 64: seven full ones and one of 52
    assert isinstance(events[0], Started)
    assert (events[0].steps_per_epoch, events[0].train_images, events[0].validation_images, events[0].test_images) == (8, 500, 0, 200)
    assert len(events[0].probes) == 20
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


def test_a_single_batch_can_be_memorised(small_splits: Splits) -> None:
    few = Split("train", small_splits[0].images[:20], small_splits[0].labels[:20])
    events = list(train(TrainConfig(epochs=40, batch_size=20, learning_rate=0.003), few, few))
    assert losses_of(events)[0] > 1.5
    assert losses_of(events)[-1] < 0.05
    assert isinstance(events[-1], Finished)
    assert events[-1].test_accuracy == 1.0


def test_the_weights_in_an_event_are_those_that_were_tested(small_splits: Splits) -> None:
    last = [event for event in train(CONFIG, *small_splits) if isinstance(event, EpochDone)][-1]
    model = FashionCNN()
    model.load_state_dict({name: torch.as_tensor(array) for name, array in last.weights.items()})
    evaluation = evaluate(model, small_splits[1])
    assert evaluation.accuracy == last.test_accuracy
    assert evaluation.loss == pytest.approx(last.test_loss, rel=1e-5)


def test_later_steps_do_not_change_earlier_events(small_splits: Splits) -> None:
    first, second = itertools.islice((e for e in train(CONFIG, *small_splits) if isinstance(e, StepDone)), 2)
    assert all(isinstance(array, np.ndarray) for array in first.weights.values())
    assert not np.array_equal(first.weights["fc.weight"], second.weights["fc.weight"])  # a later step did not change the earlier event


def test_closing_the_generator_stops_training(small_splits: Splits) -> None:
    events = train(TrainConfig(epochs=200), *small_splits)
    next(events)
    events.close()
    assert list(events) == []


def test_gradients_stay_enabled_for_the_consumer(small_splits: Splits) -> None:
    for _event in train(replace(CONFIG, epochs=1), *small_splits):
        assert torch.is_grad_enabled()


def test_a_loss_that_overflows_ends_the_run_with_a_hint(small_splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SETTINGS, "learning_rate", replace(SETTINGS["learning_rate"], highest=1e38))
    events = list(train(TrainConfig(epochs=3, learning_rate=1e37), *small_splits))
    last = events[-1]
    assert isinstance(last, Diverged)
    assert not any(isinstance(event, EpochDone) for event in events)
    assert "The learning rate 1e+37 is too high; try 0.01." in last.message
    assert f"At step {last.step} the loss became" in last.message
    assert all(np.isfinite(losses_of(events)))


PHOTOS = replace(CONFIG, augmentation="photos-and-drawings", schedule="one-cycle", weight_averaging=True, learning_rate=0.0035)


def test_the_photo_preset_learns_and_is_reproducible(small_splits: Splits) -> None:
    events = list(train(replace(PHOTOS, epochs=6), *small_splits))
    assert isinstance(events[-1], Finished)
    assert events[-1].test_accuracy > 0.5
    assert np.mean(losses_of(events)[-8:]) < np.mean(losses_of(events)[:8])
    first, second = (last_weights(list(train(PHOTOS, *small_splits))) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_averaged_weights_are_the_mean_over_the_steps_so_far(small_splits: Splits) -> None:
    config = replace(CONFIG, epochs=1, learning_rate=0.01, weight_averaging=True)
    reports = [event for event in step_by_step(config, small_splits) if isinstance(event, StepDone)]
    for name in ("fc.weight", "layer1.0.weight", "layer1.1.running_var"):
        trained = np.array([checkpoint_of(event).tensors[f"trained.{name}"] for event in reports])
        assert np.abs(trained[-1] - trained[0]).max() > 1e-3, "the weights must have changed"
        for steps, event in enumerate(reports, start=1):
            np.testing.assert_allclose(event.weights[name], trained[:steps].mean(axis=0), rtol=1e-4, atol=1e-6)


def test_after_a_thousand_steps_the_average_decays_by_a_thousandth_per_step() -> None:
    for steps, share in ((0, 1.0), (1, 1 / 2), (999, 1 / 1000), (5_000, 1 / 1000)):
        averaged, trained = [torch.zeros(3)], [torch.ones(3)]
        _average(averaged, trained, torch.tensor(steps))
        torch.testing.assert_close(averaged[0], torch.full((3,), share))
    counts = [torch.tensor(7)], [torch.tensor(8)]
    _average(*counts, torch.tensor(3))  # BatchNorm's step counter is copied, not averaged
    assert counts[0][0] == 8


def test_one_cycle_ends_with_small_updates(small_splits: Splits) -> None:
    config = replace(CONFIG, epochs=3, schedule="one-cycle", learning_rate=0.01)
    weights = [np.asarray(event.weights["fc.weight"], np.float32) for event in train(config, *small_splits) if isinstance(event, EpochDone)]
    assert np.abs(weights[2] - weights[1]).mean() < 0.5 * np.abs(weights[1] - weights[0]).mean()


# Uses every feature, so that anything missing from a checkpoint is noticed.
FULL = TrainConfig(
    epochs=3,
    batch_size=32,
    learning_rate=0.004,
    seed=5,
    schedule="one-cycle",
    augmentation="photos-and-drawings",
    label_smoothing=0.1,
    weight_decay=0.05,
    weight_averaging=True,
    validation_images=40,
    precision="float32",
)
MOMENTUM = TrainConfig(epochs=2, batch_size=32, learning_rate=0.02, seed=5, optimizer="sgd", pixels="raw", precision="float32")


def step_by_step(config: TrainConfig, splits: Splits, **options: object) -> list[Event]:
    """All events of a run that reports every step."""
    events = train(config, *splits, **options)  # type: ignore[arg-type]
    found = [next(events)]
    while True:
        try:
            found.append(events.send(Request(report_every_step=True)))
        except StopIteration:
            return found


@pytest.mark.parametrize("config", [FULL, replace(FULL, augmentation="flips-and-shifts"), MOMENTUM], ids=["photos", "flips", "sgd"])
def test_resuming_from_any_checkpoint_gives_the_same_bits(config: TrainConfig, small_splits: Splits) -> None:
    whole = step_by_step(config, small_splits)
    marks = [event for event in whole if isinstance(event, StepDone | EpochDone)]
    for mark in (marks[0], marks[8], marks[len(marks) // 2], marks[-3], marks[-2]):
        rest = list(train(config, *small_splits, checkpoint=mark.checkpoint))
        assert isinstance(rest[0], Resumed)
        assert (rest[0].step, rest[0].steps_per_epoch) == (mark.step, whole[0].steps_per_epoch)  # type: ignore[union-attr]
        assert losses_of(rest) == losses_of(whole)[mark.step :]
        ends = [next(event for event in reversed(events) if isinstance(event, EpochDone)) for events in (whole, rest)]
        for name, array in checkpoint_of(ends[0]).tensors.items():
            np.testing.assert_array_equal(array, checkpoint_of(ends[1]).tensors[name], err_msg=name)
        fields = [
            {key: value for key, value in vars(end).items() if key not in ("elapsed_s", "checkpoint", "evaluation")} for end in ends
        ]  # the epoch's loss and accuracy include the steps before the checkpoint
        assert fields[0] == fields[1]


def test_epochs_can_be_added(small_splits: Splits) -> None:
    first = [event for event in train(CONFIG, *small_splits) if isinstance(event, EpochDone)]
    more = list(train(CONFIG, *small_splits, epochs=4, checkpoint=first[-1].checkpoint))
    whole = list(train(replace(CONFIG, epochs=4), *small_splits))
    assert [event.epoch for event in more if isinstance(event, EpochDone)] == [3, 4]
    np.testing.assert_array_equal(last_weights(more)["fc.weight"], last_weights(whole)["fc.weight"])


def test_another_networks_checkpoint_is_refused(small_splits: Splits) -> None:
    mark = checkpoint_of(next(event for event in train(MOMENTUM, *small_splits) if isinstance(event, StepDone)))
    broken = replace(mark, tensors={name: array.ravel()[:1] for name, array in mark.tensors.items()})
    with pytest.raises(ValueError, match="belongs to another network or optimizer"):
        list(train(MOMENTUM, *small_splits, checkpoint=broken))
    with pytest.raises(ValueError, match="belongs to another network or optimizer"):
        list(train(FULL, *small_splits, checkpoint=mark))


def test_a_changed_learning_rate_is_recorded_and_kept(small_splits: Splits) -> None:
    events = train(CONFIG, *small_splits)
    next(events)
    assert isinstance(next(events), StepDone)
    change = events.send(Request(learning_rate=0.02))
    assert isinstance(change, RateChanged)
    assert (change.step, change.learning_rate) == (1, 0.02)
    rest = list(events)
    assert next(event for event in rest if isinstance(event, StepDone)).learning_rate == pytest.approx(0.02)
    again = list(train(CONFIG, *small_splits, checkpoint=change.checkpoint))
    assert losses_of(again) == losses_of(rest)


def test_a_changed_rate_rescales_the_rest_of_the_schedule(small_splits: Splits) -> None:
    config = replace(CONFIG, schedule="one-cycle", learning_rate=0.01)
    events = train(config, *small_splits)
    next(events)
    next(events)
    events.send(Request(learning_rate=0.05, report_every_step=True))
    rates = np.array([event.learning_rate for event in events if isinstance(event, StepDone)], float)
    plain = [scheduled_rate(config, step, 16) for step in range(1, 16)]
    np.testing.assert_allclose(rates, np.array(plain) * 0.05 / plain[0])


def test_every_step_is_reported_on_request(small_splits: Splits) -> None:
    steps = [event.step for event in step_by_step(CONFIG, small_splits) if isinstance(event, StepDone)]
    assert steps == list(range(1, 17))


def test_a_waiting_consumer_costs_no_time(small_splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = itertools.count()
    events = train(replace(CONFIG, epochs=1), *small_splits)
    next(events)
    monkeypatch.setattr(time, "perf_counter", lambda: float(next(clock)))  # a second passes between any two readings
    first = next(events)
    assert isinstance(first, StepDone)
    for _ in range(1_000):
        next(clock)
    last = list(events)[-1]
    assert isinstance(last, Finished)
    assert first.elapsed_s < last.elapsed_s < 500


def test_schedules_by_hand() -> None:
    one_cycle = TrainConfig(learning_rate=0.1, schedule="one-cycle")
    rates = [scheduled_rate(one_cycle, step, 100) for step in range(100)]
    assert rates[0] == pytest.approx(0.01)
    assert rates[7] == pytest.approx(0.055)  # halfway up
    assert rates[14] == max(rates) == pytest.approx(0.1)
    assert rates[56] == pytest.approx(0.05, rel=0.02)  # about halfway down
    assert rates[99] == pytest.approx(0.0001)
    assert scheduled_rate(one_cycle, 100, 100) == pytest.approx(0.01)  # in an epoch added later
    assert rates[:15] == sorted(rates[:15])
    assert rates[14:] == sorted(rates[14:], reverse=True)
    assert {scheduled_rate(TrainConfig(), step, 10) for step in range(20)} == {0.001}
    assert all(math.isfinite(scheduled_rate(one_cycle, step, steps)) for steps in range(1, 6) for step in range(steps + 2))


def test_the_validation_images_choose_the_best_epoch(small_splits: Splits) -> None:
    events = list(train(replace(CONFIG, epochs=8, learning_rate=0.01, validation_images=40), *small_splits))
    epochs = [event for event in events if isinstance(event, EpochDone)]
    accuracies = [event.validation_accuracy or 0.0 for event in epochs]
    best = accuracies.index(max(accuracies))
    assert isinstance(events[-1], Finished)
    assert events[-1].best_epoch == best + 1
    assert events[-1].test_accuracy == epochs[best].test_accuracy
    assert [event.is_best for event in epochs] == [accuracy > max([-1.0, *accuracies[:i]]) for i, accuracy in enumerate(accuracies)]


def test_without_validation_images_the_last_epoch_counts(small_splits: Splits) -> None:
    events = list(train(CONFIG, *small_splits))
    assert isinstance(events[-1], Finished)
    assert events[-1].best_epoch is None
    assert not any(event.is_best for event in events if isinstance(event, EpochDone))


def test_training_accuracy_is_measured_with_the_shuffled_labels(small_splits: Splits) -> None:
    config = TrainConfig(epochs=60, batch_size=20, training_images=60, shuffled_labels=True, learning_rate=0.003)
    events = list(train(config, *small_splits))
    assert isinstance(events[-1], Finished)
    assert (events[-1].train_accuracy or 0) > 0.95  # memorised
    assert events[-1].test_accuracy < 0.3
    last = [event for event in events if isinstance(event, EpochDone)][-1]
    assert (last.train_accuracy or 0) > 0.9


def test_probes_are_classified_in_every_report(small_splits: Splits) -> None:
    events = list(train(CONFIG, *small_splits))
    assert isinstance(events[0], Started)
    labels = small_splits[1].labels[list(events[0].probes)]
    assert labels.tolist() == [label for label in range(10) for _ in range(2)]
    for event in events:
        if isinstance(event, StepDone):
            assert event.probes is not None
            assert event.probes.shape == (20, 10)
            np.testing.assert_allclose(event.probes.sum(axis=1), 1, rtol=1e-4)


def test_raw_pixels_can_be_trained_on(small_splits: Splits) -> None:
    events = list(train(replace(CONFIG, pixels="raw", epochs=4), *small_splits))
    assert losses_of(events)[-1] < losses_of(events)[0]
    assert losses_of(events) != losses_of(list(train(replace(CONFIG, epochs=4), *small_splits)))


class PlainAdam(torch.optim.AdamW):
    """Updates one parameter after another, as in the paper."""

    made = 0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options | {"fused": False, "foreach": False})
        PlainAdam.made += 1


def test_fused_and_plain_adam_take_the_same_steps(small_splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even after a checkpoint, when the optimizer's state could have a different memory layout from the weights."""
    config = replace(CONFIG, weight_decay=0.05, beta2=0.95, learning_rate=0.003)
    mark = next(event for event in train(config, *small_splits) if isinstance(event, EpochDone))
    fused = list(train(config, *small_splits, checkpoint=mark.checkpoint))
    monkeypatch.setattr(torch.optim, "AdamW", PlainAdam)
    plain = list(train(config, *small_splits, checkpoint=mark.checkpoint))
    assert PlainAdam.made == 1
    np.testing.assert_allclose(losses_of(fused), losses_of(plain), rtol=1e-3)
    for name, array in last_weights(plain).items():
        np.testing.assert_allclose(last_weights(fused)[name], array, rtol=1e-3, atol=1e-4, err_msg=name)


def test_float32_can_be_forced_and_the_precision_is_reported(small_splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)
    first_events = [next(train(replace(CONFIG, precision=precision), *small_splits)) for precision in ("auto", "float32")]
    assert [event.precision for event in first_events if isinstance(event, Started)] == ["bfloat16", "float32"]
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    plain = next(train(replace(CONFIG, precision="auto"), *small_splits))
    assert isinstance(plain, Started)
    assert plain.precision == ("bfloat16" if torch.cuda.is_available() else "float32")


def test_bfloat16_learns_as_well(small_splits: Splits, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: True)  # without these instructions it is merely slower
    config = replace(CONFIG, epochs=6, precision="auto")
    events = list(train(config, *small_splits))
    exact = list(train(replace(config, precision="float32"), *small_splits))
    assert losses_of(events) != losses_of(exact)
    np.testing.assert_allclose(losses_of(events)[:4], losses_of(exact)[:4], rtol=0.05)
    assert losses_of(events)[-1] < 0.5 * losses_of(events)[0]
