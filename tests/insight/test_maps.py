"""Kernels and feature maps of a network whose weights are chosen by hand."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from fmnist_core.dataset.classes import PIXEL_MEAN, PIXEL_STD
from fmnist_core.dataset.split import load_split
from fmnist_core.insight.attribution import occlude
from fmnist_core.insight.maps import feature_maps, first_kernels, second_kernels
from fmnist_core.network.inputs import normalise
from fmnist_core.network.model import FashionCNN
from fmnist_core.runs.folders import STARTER_ID
from fmnist_core.runs.record import load_run
from fmnist_core.runs.weights import load_model
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.state import draw_network

BRIGHT = (255 - 255 * PIXEL_MEAN) / (255 * PIXEL_STD)  # the normalised value of 255
DARK = -PIXEL_MEAN / PIXEL_STD  # and that of 0
BATCH_NORM = 1 / np.sqrt(1 + 1e-5)  # a new BatchNorm divides by the square root of its variance, 1, plus epsilon


def convolution(block: nn.Sequential) -> nn.Conv2d:
    layer = block[0]
    assert isinstance(layer, nn.Conv2d)
    return layer


@pytest.fixture
def known_model() -> FashionCNN:
    """All weights are 0 except: in the first layer kernel 0 copies its pixel, and kernel 1 subtracts the left neighbour from the right
    one; in the second layer kernel 0 copies channel 0, kernel 1 doubles channel 1, and kernel 2 adds both channels."""
    model = draw_network(TrainConfig()).eval()
    for block in (model.layer1, model.layer2):
        nn.init.zeros_(convolution(block).weight)
        bias = convolution(block).bias
        assert bias is not None
        nn.init.zeros_(bias)
    with torch.no_grad():
        first, second = convolution(model.layer1).weight, convolution(model.layer2).weight
        first[0, 0, 2, 2] = 1
        first[1, 0, 2, 1], first[1, 0, 2, 3] = -1, 1
        second[0, 0, 2, 2] = 1
        second[1, 1, 2, 2] = 2
        second[2, 0, 2, 2] = second[2, 1, 2, 2] = 1
    return model


@pytest.fixture
def half_bright() -> NDArray[np.uint8]:
    """A picture whose left half is black and whose right half, from column 14 on, is white."""
    image = np.zeros((28, 28), np.uint8)
    image[:, 14:] = 255
    return image


def test_kernels_are_the_weights_in_their_order(known_model: FashionCNN) -> None:
    first, second = first_kernels(known_model), second_kernels(known_model)
    assert first.shape == (16, 5, 5)
    assert second.shape == (32, 16, 5, 5)
    assert first[1, 2].tolist() == [0, -1, 0, 1, 0]
    assert np.count_nonzero(first) == 3
    assert second[:3, :2, 2, 2].tolist() == [[1, 0], [0, 2], [1, 1]]
    assert np.count_nonzero(second) == 4


def test_kernels_are_copies(known_model: FashionCNN) -> None:
    first_kernels(known_model)[:] = 7
    second_kernels(known_model)[:] = 7
    assert convolution(known_model.layer1).weight.max() == 1
    assert convolution(known_model.layer2).weight.max() == 2


def test_the_kernel_that_copies_its_pixel_gives_the_normalised_picture(known_model: FashionCNN, half_bright: NDArray[np.uint8]) -> None:
    first, _ = feature_maps(known_model, half_bright)
    expected = np.where(half_bright == 255, BRIGHT, DARK)
    np.testing.assert_allclose(first.convolved[0], expected, rtol=1e-5)
    # ReLU: the dark half becomes 0, the bright one stays.
    np.testing.assert_allclose(first.activated[0], np.where(half_bright == 255, BRIGHT * BATCH_NORM, 0), rtol=1e-5)
    assert first.pooled.shape == (16, 14, 14)
    np.testing.assert_allclose(first.pooled[0], np.broadcast_to([0] * 7 + [BRIGHT * BATCH_NORM] * 7, (14, 14)), rtol=1e-5)


def test_the_edge_kernel_responds_at_the_edge_and_at_the_padded_border(known_model: FashionCNN, half_bright: NDArray[np.uint8]) -> None:
    first, _ = feature_maps(known_model, half_bright)
    row = np.zeros(28)
    row[13] = row[14] = BRIGHT - DARK  # the right neighbour is bright, the left one dark
    row[0] = DARK - 0  # beyond the border there are zeros
    row[27] = 0 - BRIGHT
    np.testing.assert_allclose(first.convolved[1], np.broadcast_to(row, (28, 28)), rtol=1e-5, atol=1e-6)
    pooled = np.zeros(14)
    pooled[6] = pooled[7] = (BRIGHT - DARK) * BATCH_NORM  # columns 12, 13 and columns 14, 15; ReLU removes the negative border
    np.testing.assert_allclose(first.pooled[1], np.broadcast_to(pooled, (14, 14)), rtol=1e-5, atol=1e-6)


def test_the_second_block_works_on_the_maps_of_the_first(known_model: FashionCNN, half_bright: NDArray[np.uint8]) -> None:
    first, second = feature_maps(known_model, half_bright)
    assert second.convolved.shape == (32, 14, 14)
    assert second.pooled.shape == (32, 7, 7)
    np.testing.assert_allclose(second.convolved[0], first.pooled[0], rtol=1e-5)
    np.testing.assert_allclose(second.convolved[1], 2 * first.pooled[1], rtol=1e-5)
    np.testing.assert_allclose(second.convolved[2], first.pooled[0] + first.pooled[1], rtol=1e-5)
    assert not second.pooled[3:].any()
    bright, edge = BRIGHT * BATCH_NORM**2, 2 * (BRIGHT - DARK) * BATCH_NORM**2
    np.testing.assert_allclose(second.pooled[0, 0], [0, 0, 0, bright, bright, bright, bright], rtol=1e-5)
    np.testing.assert_allclose(second.pooled[1, 0], [0, 0, 0, edge, 0, 0, 0], rtol=1e-5)  # pooling merges both columns into one


def test_the_last_layer_on_the_last_maps_gives_the_networks_own_logits() -> None:
    model = load_model(load_run(STARTER_ID))
    image = load_split("test").images[0]
    _, second = feature_maps(model, image)
    with torch.no_grad():
        by_hand = model.fc(torch.from_numpy(second.pooled.reshape(1, -1)))
        whole = model(normalise(image[np.newaxis]))
    torch.testing.assert_close(by_hand, whole)


@pytest.mark.parametrize("training", [True, False])
def test_mode_statistics_and_gradients_are_left_as_they_were(training: bool, half_bright: NDArray[np.uint8]) -> None:
    model = draw_network(TrainConfig()).train(training)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    random_state = torch.get_rng_state()
    feature_maps(model, half_bright)
    assert all(module.training is training for module in model.modules())
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), random_state)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("bad", [np.zeros((27, 28), np.uint8), np.zeros((28, 28), np.float32), np.zeros((1, 28, 28), np.uint8)])
def test_other_shapes_are_refused_and_the_mode_is_restored(bad: NDArray[np.uint8]) -> None:
    model = draw_network(TrainConfig()).train()
    with pytest.raises(ValueError, match="uint8 images"):
        feature_maps(model, bad)
    assert model.training


def test_the_maps_of_one_picture_do_not_affect_those_of_the_next(known_model: FashionCNN, half_bright: NDArray[np.uint8]) -> None:
    before = [maps.pooled.copy() for maps in feature_maps(known_model, half_bright)]
    other = [maps.pooled for maps in feature_maps(known_model, 255 - half_bright)]
    after = [maps.pooled for maps in feature_maps(known_model, half_bright)]
    assert not any(np.array_equal(one, two) for one, two in zip(before, other, strict=True))
    for one, two in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, two)


def test_occlusion_by_hand(known_model: FashionCNN) -> None:
    """The class is the sum of the pooled maps of kernel 0, which copies its pixel, so black only matters where the picture is bright."""
    nn.init.zeros_(known_model.fc.weight)
    nn.init.zeros_(known_model.fc.bias)
    with torch.no_grad():
        known_model.fc.weight[4, :49] = 1.0
    image = np.zeros((28, 28), np.uint8)
    image[8:12, 8:12] = 255
    speaks = occlude(known_model, image, 4)
    assert speaks.shape == (28, 28)
    assert (speaks[8:12, 8:12] > 0).all()
    assert (speaks[image == 0] == 0).all()
    against = occlude(known_model, image, 5)
    assert (against[8:12, 8:12] < 0).all(), "a pixel that speaks for one class speaks against the others"


def test_occlusion_does_not_change_the_mode() -> None:
    model = draw_network(TrainConfig()).train()
    occlude(model, np.full((28, 28), 9, np.uint8), 0)
    assert model.training
