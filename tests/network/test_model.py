import subprocess
import sys

import pytest
import torch
from torch import nn

from fmnist_core.network.inputs import normalise
from fmnist_core.network.model import FashionCNN
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.state import draw_network
from tests.conftest import ROOT


def test_it_is_the_articles_network() -> None:
    model = FashionCNN()
    assert sum(parameter.numel() for parameter in model.parameters()) == 29_034
    shapes = {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
    assert shapes == {
        "layer1.0.weight": (16, 1, 5, 5),
        "layer1.0.bias": (16,),
        "layer1.1.weight": (16,),
        "layer1.1.bias": (16,),
        "layer2.0.weight": (32, 16, 5, 5),
        "layer2.0.bias": (32,),
        "layer2.1.weight": (32,),
        "layer2.1.bias": (32,),
        "fc.weight": (10, 7 * 7 * 32),
        "fc.bias": (10,),
    }
    kinds = [type(layer).__name__ for block in (model.layer1, model.layer2) for layer in block.children()]
    assert kinds == ["Conv2d", "BatchNorm2d", "ReLU", "MaxPool2d"] * 2


def test_it_applies_its_layers_in_order() -> None:
    torch.manual_seed(0)
    model = FashionCNN()
    inputs = torch.rand(3, 1, 28, 28)
    by_hand = nn.Sequential(*model.layer1, *model.layer2, nn.Flatten(), model.fc)
    for mode in (True, False):
        model.train(mode)
        assert torch.equal(model(inputs), by_hand(inputs))


def test_ten_logits_per_image() -> None:
    assert FashionCNN()(normalise(torch.zeros(3, 28, 28, dtype=torch.uint8))).shape == (3, 10)


def test_switching_the_mode_changes_no_weights() -> None:
    model = draw_network(TrainConfig(seed=3))
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    assert before["layer1.0.bias"].any()
    for mode in (False, True, False):
        model.train(mode)
        assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_the_seed_alone_decides_the_weights() -> None:
    torch.manual_seed(1)
    one = draw_network(TrainConfig(seed=5))
    torch.manual_seed(2)
    state = torch.get_rng_state()
    two = draw_network(TrainConfig(seed=5))
    assert torch.equal(torch.get_rng_state(), state)
    other = draw_network(TrainConfig(seed=6))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))
    assert not torch.equal(one.fc.weight, other.fc.weight)


def test_initial_weights_are_uniform_within_one_over_the_root_of_the_inputs() -> None:
    weights = draw_network(TrainConfig()).get_parameter("layer2.0.weight")
    bound = (16 * 25) ** -0.5
    assert weights.abs().max().item() == pytest.approx(bound, rel=0.01)
    assert weights.std().item() == pytest.approx(bound / 3**0.5, rel=0.02)


def test_the_module_is_short_and_runs_in_any_pytorch_program() -> None:
    """It imports only a type from the project, so a student can copy it."""
    source = (ROOT / "fmnist_core" / "network" / "model.py").read_text(encoding="utf-8")
    assert len(source.splitlines()) < 60
    alone = source.replace("from fmnist_core.settings.config import Pixels", "Pixels = str")
    assert "fmnist_core" not in alone
    program = f"{alone}\nimport torch\nprint(tuple(FashionCNN()(torch.zeros(2, 1, 28, 28)).shape))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd="/")
    assert printed.stdout == "(2, 10)\n"
