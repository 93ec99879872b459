import copy
import platform

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from fmnist_core.data import normalise
from fmnist_core.model import FashionCNN, computing_in, device_name, lay_out, pick_device

IMAGES = torch.randint(0, 256, (30, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
LABELS = torch.arange(30) % 10


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


def learn_once(model: nn.Module, forward: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """Logits in training and, after it, in evaluation; BatchNorm's statistics; the gradients of what has one."""
    logits = forward.train()(inputs)
    functional.cross_entropy(logits, LABELS).backward()
    found = {f"gradient of {name}": p.grad for name, p in model.named_parameters() if p.grad is not None}
    with torch.no_grad():
        return {"trained": logits, "tested": forward.eval()(inputs)} | dict(model.named_buffers()) | found


@pytest.mark.parametrize("layout", ["dense", "laid out"])
def test_it_computes_what_pytorchs_modules_compute(layout: str) -> None:
    """In their plain order, with the convolutions' biases. These alone get no gradient: BatchNorm takes them away again."""
    ours = FashionCNN(torch.Generator().manual_seed(3))
    theirs = copy.deepcopy(ours)
    plain = nn.Sequential(*theirs.layer1, *theirs.layer2, nn.Flatten(), theirs.fc)
    inputs = ours.as_inputs(IMAGES)
    got = learn_once(ours, ours, lay_out(inputs, "float32") if layout == "laid out" else inputs)
    wanted = learn_once(theirs, plain, inputs)
    without = {f"gradient of {block}.0.bias" for block in ("layer1", "layer2")}
    assert set(got) == set(wanted) - without
    assert all(wanted[name].abs().max() < 1e-6 for name in without)
    for name, value in got.items():
        torch.testing.assert_close(value, wanted[name], rtol=1e-4, atol=1e-5, msg=name)


def test_in_bfloat16_it_is_nearly_the_same() -> None:
    model = FashionCNN(torch.Generator().manual_seed(3)).eval()
    inputs = model.as_inputs(IMAGES)
    with torch.no_grad(), computing_in("bfloat16", inputs.device):
        quick = model(lay_out(inputs, "bfloat16")).float()
        assert not torch.equal(quick, model(lay_out(inputs, "float32")))
    torch.testing.assert_close(quick, model(inputs), rtol=0.0, atol=0.02)


def test_only_processors_with_the_layout_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = torch.zeros(2, 1, 28, 28)
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert lay_out(inputs, "float32").is_mkldnn
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert lay_out(inputs, "bfloat16") is inputs
    with computing_in("bfloat16", inputs.device):
        assert FashionCNN()(inputs).dtype == torch.bfloat16


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
