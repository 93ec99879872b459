import dataclasses

import numpy as np
import pytest

from fmnist_core.training.checkpoint import Checkpoint, Counters

COUNTERS = Counters(7, 1, 2.5, 3, 4, None, -1.0, 0.5, 12.5, 1.0, 0.125, 9)


def of_networks(*starts: str) -> Checkpoint:
    """A checkpoint of networks with two 5×5 kernels each: those of the first network are all 0, those of the next all 1, and so on."""
    tensors = {f"{start}layer1.0.weight": np.full((2, 1, 5, 5), number, np.float32) for number, start in enumerate(starts)}
    return Checkpoint({"optimizer.0.step": np.array(7.0), **tensors}, COUNTERS)


def test_the_weights_are_the_averaged_ones_if_there_are_any() -> None:
    averaged, plain = of_networks("trained.", "kept."), of_networks("trained.")
    for checkpoint, number in ((averaged, 1), (plain, 0)):
        assert set(checkpoint.weights) == {"layer1.0.weight"}
        assert (checkpoint.weights["layer1.0.weight"] == number).all()
        assert checkpoint.first_kernels.shape == (2, 5, 5)
        assert (checkpoint.first_kernels == number).all()


def test_a_checkpoint_knows_its_step() -> None:
    assert of_networks("trained.").step == 7


def test_a_checkpoint_is_immutable_and_not_compared() -> None:
    checkpoint = of_networks("trained.")
    with pytest.raises(dataclasses.FrozenInstanceError):
        checkpoint.counters = COUNTERS  # type: ignore[misc]
    with pytest.raises(dataclasses.FrozenInstanceError):
        checkpoint.counters.step = 8  # type: ignore[misc]
    assert checkpoint != of_networks("trained."), "arrays are not compared"
    assert dataclasses.replace(COUNTERS) == COUNTERS
