from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch
from torch import Tensor

from fmnist_core.dataset.split import Split
from fmnist_core.network.inputs import to_inputs
from fmnist_core.network.model import FashionCNN
from fmnist_core.settings.config import Augmentation, TrainConfig
from fmnist_core.training import augmentation
from fmnist_core.training.batches import Batches

CONFIG = TrainConfig(batch_size=30, seed=5)

Batch = tuple[Tensor, Tensor]


def make(split: Split, config: TrainConfig = CONFIG, precision: str = "float32") -> Batches:
    return Batches(split, config, FashionCNN(config.pixels), precision)


def epoch_of(batches: Batches, epoch: int = 1, first: int = 0) -> list[Batch]:
    return list(batches.of_epoch(epoch, first))


def are_equal(one: list[Batch], other: list[Batch]) -> bool:
    return len(one) == len(other) and all(
        torch.equal(*inputs) and torch.equal(*labels)
        for inputs, labels in (zip(batch, same, strict=True) for batch, same in zip(one, other, strict=True))
    )


def numbered(count: int) -> Split:
    """Images that can be told apart: two pixels of each encode its number. Their labels cycle through the ten classes."""
    images = np.zeros((count, 28, 28), np.uint8)
    images[:, 0, 0], images[:, 0, 1] = np.divmod(np.arange(count), 256)
    return Split("train", images, (np.arange(count) % 10).astype(np.uint8))


def numbers_in(batches: list[Batch]) -> list[int]:
    """The numbers of `numbered` images with raw pixels."""
    return [int(image[0, 0, 0] * 256 + image[0, 0, 1]) for inputs, _ in batches for image in inputs]


RAW = replace(CONFIG, pixels="raw")


def test_an_epoch_has_every_image_once_with_its_label() -> None:
    batches = make(numbered(500), RAW)
    epoch = epoch_of(batches)
    assert batches.steps_per_epoch == 17
    assert [len(labels) for _, labels in epoch] == [30] * 16 + [20]
    assert sorted(numbers_in(epoch)) == list(range(500))
    assert [number % 10 for number in numbers_in(epoch)] == torch.cat([labels for _, labels in epoch]).tolist()
    assert epoch[0][0].shape == (30, 1, 28, 28)
    assert epoch[0][1].dtype == torch.int64


@pytest.mark.parametrize(("images", "steps"), [(29, 1), (30, 1), (31, 2), (60, 2)])
def test_an_incomplete_last_batch_is_a_step_too(images: int, steps: int) -> None:
    batches = make(numbered(images), RAW)
    assert batches.steps_per_epoch == len(epoch_of(batches)) == steps


def test_every_epoch_has_its_own_order_which_depends_on_the_seed() -> None:
    split = numbered(300)
    one, again, other_seed = make(split, RAW), make(split, RAW), make(split, replace(RAW, seed=6))
    orders = [numbers_in(epoch_of(batches, epoch)) for batches, epoch in ((one, 1), (one, 2), (other_seed, 1))]
    assert len({tuple(order) for order in (*orders, range(300))}) == 4
    assert numbers_in(epoch_of(again, 1)) == orders[0]


def test_a_seed_gives_the_same_order_in_every_version() -> None:
    """Runs are compared and continued across versions of the project, so the order must not change unnoticed."""
    first = {seed: numbers_in(epoch_of(make(numbered(300), replace(RAW, seed=seed)), epoch=2))[:8] for seed in (0, 7)}
    assert first == {0: [83, 143, 201, 142, 243, 122, 131, 298], 7: [287, 167, 27, 206, 89, 88, 163, 148]}


@pytest.mark.parametrize("name", get_args(Augmentation))
def test_an_epoch_can_start_at_any_batch(name: Augmentation, small_splits: tuple[Split, Split]) -> None:
    """Even in the middle of the eight batches that are redrawn together."""
    batches = make(small_splits[0], replace(CONFIG, augmentation=name))
    whole = epoch_of(batches)
    assert len(whole) == 17
    for first in (1, 7, 8, 9, 15, 16):
        assert are_equal(epoch_of(batches, first=first), whole[first:]), first


def test_there_is_no_batch_after_the_last() -> None:
    assert epoch_of(make(numbered(300), RAW), first=10) == []


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("pixels", ["normalised", "raw"])
def test_inputs_have_the_networks_pixels_and_precision(pixels: str, precision: str) -> None:
    """Tested with more images than are converted at once."""
    random = np.random.default_rng(0)
    split = Split("train", random.integers(0, 256, (2_100, 28, 28), np.uint8), np.zeros(2_100, np.uint8))
    config = replace(CONFIG, pixels=pixels, batch_size=1_050)  # type: ignore[arg-type]
    epoch = epoch_of(make(split, config, precision))
    found = torch.cat([inputs for inputs, _ in epoch])
    expected = to_inputs(FashionCNN(config.pixels), split.images).to(torch.bfloat16 if precision == "bfloat16" else torch.float32)
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(in_order(found), in_order(expected))


def in_order(inputs: Tensor) -> np.ndarray:
    """Images sorted by their pixels, so that their order does not matter."""
    rows = inputs.float().flatten(1).numpy()
    return rows[np.lexsort(rows.T)]


def test_batches_are_mirrored_and_shifted_if_the_config_says_so(small_splits: tuple[Split, Split]) -> None:
    plain, shifted = (epoch_of(make(small_splits[0], replace(CONFIG, augmentation=name))) for name in ("none", "flips-and-shifts"))
    for (inputs, labels), (changed, same_labels) in zip(plain, shifted, strict=True):
        assert torch.equal(labels, same_labels)
        assert (inputs.shape, inputs.dtype) == (changed.shape, changed.dtype)
        assert not torch.equal(inputs, changed)


def test_batches_are_redrawn_if_the_config_says_so(small_splits: tuple[Split, Split]) -> None:
    config = replace(CONFIG, augmentation="photos-and-drawings")
    plain, redrawn, other = (epoch_of(make(small_splits[0], c)) for c in (CONFIG, config, replace(config, precision="float32")))
    labels = [torch.cat([labels for _, labels in epoch]) for epoch in (plain, redrawn)]
    assert 0.8 < (labels[0] == labels[1]).float().mean() < 1, "a tenth is replaced by doodles"
    assert are_equal(redrawn, other)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_redrawn_batches_have_the_dtype_of_the_precision(precision: str, small_splits: tuple[Split, Split]) -> None:
    inputs, _ = epoch_of(make(small_splits[0], replace(CONFIG, augmentation="flips-and-shifts"), precision))[0]
    assert inputs.dtype == getattr(torch, precision)


def test_eight_batches_are_redrawn_together_with_their_own_random_numbers(
    small_splits: tuple[Split, Split], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch's random numbers depend on how many batches are redrawn together, so changing that count would change every seeded run."""
    seen: list[tuple[int, bytes]] = []

    class Recorded(augmentation.FlipsAndShifts):
        def redraw(self, indices: Tensor, generator: torch.Generator) -> Batch:
            seen.append((len(indices), generator.get_state().numpy().tobytes()))
            return super().redraw(indices, generator)

    monkeypatch.setattr("fmnist_core.training.batches.FlipsAndShifts", Recorded)
    batches = make(small_splits[0], replace(CONFIG, augmentation="flips-and-shifts"))
    for epoch in (1, 2):
        epoch_of(batches, epoch)
    assert [count for count, _ in seen] == [240, 240, 20] * 2
    assert len({state for _, state in seen}) == 6
