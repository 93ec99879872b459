import math
import time
from collections.abc import Generator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.checkpoint import Checkpoint
from fmnist_core.training.events import Event, Finished, RateChanged, Request
from fmnist_core.training.schedule import scheduled_rate
from fmnist_core.training.state import TrainingState, draw_network, make_optimizer

CPU = torch.device("cpu")
CONFIG = TrainConfig(learning_rate=0.01, seed=3, epochs=2)
SGD = replace(CONFIG, optimizer="sgd")
EVENT = Finished(1, 1, 0.5, 1.0)  # any event will do


def planned(config: TrainConfig = CONFIG) -> TrainingState:
    state = TrainingState(config, CPU)
    state.plan(steps_per_epoch=7, epochs=config.epochs)
    return state


def take_step(state: TrainingState, seed: int = 0) -> None:
    """Takes a step on four random pictures."""
    random = torch.Generator().manual_seed(seed)
    labels = torch.randint(10, (4,), generator=random)
    state.set_learning_rate()
    state.optimizer.zero_grad()
    logits = state.model(torch.randn(4, 1, 28, 28, generator=random))
    loss = torch.nn.functional.cross_entropy(logits, labels)
    loss.backward()
    state.optimizer.step()
    state.after_step(loss.detach(), logits.detach(), labels)


def rates_in(state: TrainingState) -> list[float]:
    return [group["lr"] for group in state.optimizer.param_groups]


def kernels_of(network: torch.nn.Module) -> torch.Tensor:
    return network.state_dict()["layer1.0.weight"]


def test_the_seed_determines_the_weights_of_a_new_network() -> None:
    torch.manual_seed(1)
    one = draw_network(CONFIG)
    torch.manual_seed(2)
    before = torch.get_rng_state()
    again, other = draw_network(CONFIG), draw_network(replace(CONFIG, seed=4, pixels="raw"))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(kernels_of(one), kernels_of(again))
    assert not torch.equal(kernels_of(one), kernels_of(other))
    assert (one.pixels, other.pixels) == ("normalised", "raw")


@pytest.mark.parametrize(
    ("config", "kind", "expected"),
    [
        (CONFIG, torch.optim.AdamW, {"betas": (0.9, 0.999), "weight_decay": 0.0}),
        (replace(CONFIG, beta2=0.95, weight_decay=0.05), torch.optim.AdamW, {"betas": (0.9, 0.95), "weight_decay": 0.05}),
        (SGD, torch.optim.SGD, {"momentum": 0.9, "weight_decay": 0.0}),
        (replace(SGD, weight_decay=0.05), torch.optim.SGD, {"momentum": 0.9, "weight_decay": 0.05}),
    ],
)
def test_the_optimizer_is_made_as_the_config_says(config: TrainConfig, kind: type, expected: dict[str, Any]) -> None:
    optimizer = make_optimizer(config, draw_network(config))
    assert type(optimizer) is kind
    assert len(optimizer.param_groups[0]["params"]) == 10  # weight and bias of four layers, and of the linear one
    for name, value in (expected | {"lr": 0.01, "fused": True}).items():
        assert optimizer.param_groups[0][name] == value, name


def test_each_step_uses_the_rate_of_the_schedule() -> None:
    config = replace(CONFIG, schedule="one-cycle")
    state = planned(config)
    assert state.last_rate == 0.01
    for step in range(14):
        take_step(state)
        assert rates_in(state) == [state.last_rate] == [scheduled_rate(config, step, 14)]


def test_a_schedule_keeps_its_length_when_epochs_are_added() -> None:
    """Otherwise, an added epoch would stretch the schedule of steps that have already been taken."""
    state = TrainingState(replace(CONFIG, schedule="one-cycle"), CPU)
    state.plan(steps_per_epoch=7, epochs=9)
    state.progress.step = 13
    state.set_learning_rate()
    assert state.last_rate == pytest.approx(0.01 / 1000)
    state.progress.step = 14
    state.set_learning_rate()
    assert state.last_rate == pytest.approx(0.01 / 10)


def test_without_averaging_the_trained_network_is_evaluated() -> None:
    state = planned()
    take_step(state)
    assert state.evaluated_model is state.model
    checkpoint = state.capture()
    assert not [name for name in checkpoint.tensors if name.startswith("kept.")]
    assert checkpoint.counters.averaged_steps == 0


def test_the_average_of_two_steps_by_hand() -> None:
    state = planned(replace(CONFIG, weight_averaging=True))
    kernels = []
    for seed in (1, 2):
        take_step(state, seed)
        kernels.append(kernels_of(state.model).clone())
    assert not torch.equal(*kernels)
    torch.testing.assert_close(kernels_of(state.evaluated_model), (kernels[0] + kernels[1]) / 2)
    checkpoint = state.capture()
    assert checkpoint.counters.averaged_steps == 2
    np.testing.assert_array_equal(checkpoint.weights["layer1.0.weight"], kernels_of(state.evaluated_model).numpy())
    np.testing.assert_array_equal(checkpoint.tensors["trained.layer1.0.weight"], kernels[1].numpy())


@pytest.mark.parametrize(("config", "kept"), [(CONFIG, {"step", "exp_avg", "exp_avg_sq"}), (SGD, {"momentum_buffer"})])
def test_a_checkpoint_holds_the_network_and_the_optimizers_state(config: TrainConfig, kept: set[str]) -> None:
    state = planned(config)
    take_step(state)
    tensors = state.capture().tensors
    of_network = {f"trained.{name}" for name in state.model.state_dict()}
    assert set(tensors) == of_network | {f"optimizer.{number}.{name}" for number in range(10) for name in kept}
    assert tensors["trained.fc.weight"].dtype == np.float32
    np.testing.assert_array_equal(tensors["trained.fc.weight"], state.model.fc.weight.detach().numpy())


def test_a_checkpoint_does_not_change_when_training_continues() -> None:
    state = planned(replace(CONFIG, weight_averaging=True))
    take_step(state)
    checkpoint = state.capture()
    before = {name: array.copy() for name, array in checkpoint.tensors.items()}
    take_step(state, seed=1)
    for name, array in before.items():
        np.testing.assert_array_equal(checkpoint.tensors[name], array, err_msg=name)


@pytest.mark.parametrize("config", [replace(CONFIG, weight_averaging=True, schedule="one-cycle"), SGD], ids=["averaged", "sgd"])
def test_a_restored_run_takes_the_same_next_step(config: TrainConfig) -> None:
    first = planned(config)
    take_step(first, seed=1)
    second = planned(replace(config, seed=9))
    second.restore(first.capture())
    assert second.last_rate == first.last_rate
    for state in (first, second):
        take_step(state, seed=2)
    expected, found = first.capture(), second.capture()
    assert found.counters == expected.counters
    for name, array in expected.tensors.items():
        np.testing.assert_array_equal(found.tensors[name], array, err_msg=name)


def damaged(checkpoint: Checkpoint, **changes: Any) -> Checkpoint:
    return replace(checkpoint, tensors={**checkpoint.tensors, **changes})


def test_a_checkpoint_that_does_not_fit_is_refused() -> None:
    """Weights are missing or have a different shape, or the optimizer's state is of another kind or for more parameters."""
    adam, sgd, averaged = planned(), planned(SGD), planned(replace(CONFIG, weight_averaging=True))
    for state in (adam, sgd, averaged):
        take_step(state)
    whole = adam.capture()
    without_a_layer = Checkpoint({name: a for name, a in whole.tensors.items() if "layer2.0" not in name}, whole.counters)
    for state, checkpoint in (
        (averaged, whole),
        (adam, without_a_layer),
        (adam, damaged(whole, **{"trained.fc.weight": np.zeros((10, 3), np.float32)})),
        (adam, damaged(whole, **{"trained.fc.weight": np.array("not a number")})),
        (adam, damaged(whole, **{"optimizer.10.exp_avg": np.zeros(3, np.float32)})),
        (adam, sgd.capture()),
    ):
        with pytest.raises(ValueError, match="another network or optimizer"):
            state.restore(checkpoint)


@pytest.mark.parametrize("config", [CONFIG, SGD], ids=["adam", "sgd"])
def test_an_optimizers_state_is_refused_unless_it_is_whole_and_of_its_parameters_shape(config: TrainConfig) -> None:
    """A fused optimizer trusts it: with other shapes it wrote beyond its memory, and without it the result would silently differ."""
    state = planned(config)
    take_step(state)
    whole = state.capture()
    names = [name for name in whole.tensors if name.startswith("optimizer.")]
    assert len(names) == (30 if config is CONFIG else 10)
    for name in names:
        missing = Checkpoint({other: array for other, array in whole.tensors.items() if other != name}, whole.counters)
        longer = damaged(whole, **{name: np.zeros(1_000_000, np.float32)})
        whole_numbers = damaged(whole, **{name: np.zeros(whole.tensors[name].shape, np.int64)})
        for checkpoint in (missing, longer, whole_numbers):
            if checkpoint is missing and config is SGD and name in ("optimizer.1.momentum_buffer", "optimizer.5.momentum_buffer"):
                continue  # a bias whose gradient BatchNorm cancels may have none
            with pytest.raises(ValueError, match=name):
                planned(config).restore(checkpoint)
    planned(config).restore(whole)


def test_before_the_first_step_an_optimizer_has_no_state_and_biases_that_batchnorm_cancels_never_need_one() -> None:
    planned().restore(planned().capture())
    state = planned()
    take_step(state)
    whole = state.capture()
    kept = {name: array for name, array in whole.tensors.items() if not name.startswith(("optimizer.1.", "optimizer.5."))}
    planned().restore(Checkpoint(kept, whole.counters))


@pytest.mark.parametrize(
    "changes",
    [
        {"step": -1},
        {"step": 8},
        {"step": 10**12},
        {"tested_epochs": 1},
        {"step": 7, "epoch_images": 0, "epoch_right": 0},
        {"epoch_right": 5},
        {"best_epoch": -1},
        {"epoch_loss": math.nan},
        {"epoch_loss": -1.0},
        {"elapsed_s": math.inf},
        {"best_validation_accuracy": 1.5},
        {"best_validation_accuracy": -2.0},
        {"rate_scale": 0.0},
        {"rate_scale": math.nan},
        {"rate_scale": math.inf},
        {"averaged_steps": -1},
    ],
    ids=str,
)
def test_counters_that_cannot_be_those_of_the_run_are_refused(changes: dict[str, Any]) -> None:
    state = planned()
    take_step(state)
    state.progress.take_losses()
    whole = state.capture()
    assert (whole.counters.step, whole.counters.epoch_images) == (1, 4)
    with pytest.raises(ValueError, match=r"not the counters of a run|after \d epochs"):
        planned().restore(Checkpoint(whole.tensors, replace(whole.counters, **changes)))


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time on the clock, which a test can change."""
    seconds = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: seconds[0])
    return seconds


def send(reported: Generator[Event, Request | None, None], request: Request) -> Event | None:
    """The event that answers the request; None if training continues."""
    try:
        return reported.send(request)
    except StopIteration:
        return None


def test_the_clock_stops_while_a_consumer_handles_an_event(seconds: list[float]) -> None:
    state = planned()
    state.progress.start_clock()
    seconds[0] = 2.0
    reported = state.report(EVENT)
    assert next(reported) is EVENT
    seconds[0] = 50.0
    assert state.progress.elapsed_s == 2
    assert next(reported, None) is None
    seconds[0] = 53.0
    assert state.progress.elapsed_s == 2 + 3


def test_a_consumer_can_switch_reports_after_every_step_on_and_off() -> None:
    state = planned()
    for request, expected in ((Request(report_every_step=True), True), (Request(), True), (Request(report_every_step=False), False)):
        reported = state.report(EVENT)
        next(reported)
        assert send(reported, request) is None
        assert state.progress.report_every_step is expected


def test_every_change_of_the_rate_is_answered_before_training_continues(seconds: list[float]) -> None:
    state = planned(replace(CONFIG, schedule="one-cycle"))
    for _ in range(4):
        take_step(state)
    state.progress.start_clock()
    coming = scheduled_rate(replace(CONFIG, schedule="one-cycle"), 4, 14)
    reported, checkpoint = state.report(EVENT), None
    next(reported)
    for rate in (0.08, 0.02):
        seconds[0] += 10.0
        answer = send(reported, Request(learning_rate=rate, report_every_step=True))
        assert isinstance(answer, RateChanged)
        assert (answer.epoch, answer.step, answer.learning_rate) == (1, 4, rate)
        checkpoint = answer.checkpoint
        assert checkpoint is not None
        assert checkpoint.counters.rate_scale == pytest.approx(rate / coming)
    assert state.progress.report_every_step
    assert next(reported, None) is None
    assert state.progress.elapsed_s == 0, "the clock must not run while the rate is changed"
    state.set_learning_rate()
    assert state.last_rate == pytest.approx(0.02)
    assert checkpoint is not None
    restored = planned(replace(CONFIG, schedule="one-cycle"))
    assert checkpoint is not None
    restored.restore(checkpoint)
    restored.set_learning_rate()
    assert restored.last_rate == pytest.approx(0.02)
