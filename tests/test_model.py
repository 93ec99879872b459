import pytest
import torch

from fmnist_core.data import normalise
from fmnist_core.model import FashionCNN, device_name, pick_device


def test_it_is_the_articles_network() -> None:
    model = FashionCNN()
    assert sum(parameter.numel() for parameter in model.parameters()) == 29_034
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    assert shapes["layer1.0.weight"] == (16, 1, 5, 5)
    assert shapes["layer2.0.weight"] == (32, 16, 5, 5)
    assert shapes["fc.weight"] == (10, 7 * 7 * 32)
    kinds = [type(layer).__name__ for block in (model.layer1, model.layer2) for layer in block.children()]
    assert kinds == ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"] * 2


def test_ten_logits_an_image() -> None:
    images = torch.zeros(3, 28, 28, dtype=torch.uint8)
    assert FashionCNN()(normalise(images)).shape == (3, 10)


def test_the_generator_alone_decides_the_weights() -> None:
    torch.manual_seed(1)
    one = FashionCNN(torch.Generator().manual_seed(5))
    torch.manual_seed(2)
    two = FashionCNN(torch.Generator().manual_seed(5))
    other = FashionCNN(torch.Generator().manual_seed(6))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.fc.weight, other.fc.weight)


def test_initial_weights_are_drawn_as_pytorch_draws_them() -> None:
    weights = FashionCNN(torch.Generator().manual_seed(0)).get_parameter("layer2.0.weight")
    bound = (16 * 25) ** -0.5
    assert weights.abs().max().item() == pytest.approx(bound, rel=0.01)
    assert weights.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)  # of a uniform distribution


def test_the_device_has_a_name() -> None:
    assert device_name(pick_device())
    assert device_name(torch.device("cpu")).startswith("CPU, ")
