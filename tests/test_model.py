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
    """Logits in training and, after it, in evaluation; what BatchNorm keeps; the gradients of what has one."""
    logits = forward.train()(inputs)
    functional.cross_entropy(logits, LABELS).backward()
    found = {f"gradient of {name}": p.grad for name, p in model.named_parameters() if p.grad is not None}
    kept = {name: tensor for name, tensor in model.named_buffers() if "running" in name}
    with torch.no_grad():
        return {"trained": logits, "tested": forward.eval()(inputs)} | kept | found


def plain_network() -> tuple[FashionCNN, nn.Sequential]:
    """The article's modules with biases that are not 0, and in their plain order; they share their weights."""
    model = FashionCNN(torch.Generator().manual_seed(3))
    for block in (model.layer1, model.layer2):
        nn.init.uniform_(block[0].get_parameter("bias"), -1, 1, generator=torch.Generator().manual_seed(4))
    return model, nn.Sequential(*model.layer1, *model.layer2, nn.Flatten(), model.fc)


@pytest.mark.parametrize("layout", ["dense", "laid out"])
def test_it_computes_what_pytorchs_modules_compute(layout: str) -> None:
    """But for the convolutions' biases, which alone get no gradient: what they were is counted off the mean that BatchNorm keeps."""
    theirs, plain = plain_network()
    ours = FashionCNN()
    ours.load_state_dict(theirs.state_dict())
    inputs = ours.as_inputs(IMAGES)
    with torch.no_grad():
        torch.testing.assert_close(ours.eval()(inputs), plain.eval()(inputs), rtol=1e-4, atol=1e-5)
    got = learn_once(ours, ours, lay_out(inputs, "float32") if layout == "laid out" else inputs)
    wanted = learn_once(theirs, plain, inputs)
    for block in ("layer1", "layer2"):
        assert wanted.pop(f"gradient of {block}.0.bias").abs().max() < 1e-6
        wanted[f"{block}.1.running_mean"] -= theirs.get_parameter(f"{block}.0.bias").detach()
        assert not ours.get_parameter(f"{block}.0.bias").any()
    assert set(got) == set(wanted)
    for name, value in got.items():
        torch.testing.assert_close(value, wanted[name], rtol=1e-4, atol=1e-5, msg=name)


def test_to_train_changes_nothing_in_what_it_computes() -> None:
    model, _ = plain_network()
    inputs = model.as_inputs(IMAGES)
    with torch.no_grad():
        before = model.eval()(inputs)
        assert model.get_parameter("layer1.0.bias").any()
        torch.testing.assert_close(model.train().eval()(inputs), before, rtol=1e-4, atol=1e-5)
    assert not model.get_parameter("layer1.0.bias").any()


def test_what_the_linear_layer_decides_by() -> None:
    model, plain = plain_network()
    inputs = model.as_inputs(IMAGES)
    with torch.no_grad():
        wanted = plain.eval()[:-1](inputs)
        for given in (inputs, lay_out(inputs, "float32")):
            torch.testing.assert_close(model.features(given), wanted, rtol=1e-4, atol=1e-5)


def test_in_bfloat16_it_is_nearly_the_same() -> None:
    model = FashionCNN(torch.Generator().manual_seed(3)).eval()
    inputs = model.as_inputs(IMAGES)
    with torch.no_grad(), computing_in("bfloat16", inputs.device):
        quick = model(lay_out(inputs, "bfloat16")).float()
        assert not torch.equal(quick, model(lay_out(inputs, "float32")))
    torch.testing.assert_close(quick, model(inputs), rtol=0.0, atol=0.02)


def test_only_processors_with_the_layout_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = torch.zeros(2, 1, 28, 28)
    monkeypatch.setattr("fmnist_core.model._ONEDNN_LAYS_OUT", True)
    assert lay_out(inputs, "float32").is_mkldnn
    assert FashionCNN().get_parameter("layer2.0.weight").is_contiguous()
    monkeypatch.setattr("fmnist_core.model._ONEDNN_LAYS_OUT", False)
    assert lay_out(inputs, "bfloat16") is inputs
    network = FashionCNN()
    assert network.get_parameter("layer2.0.weight").is_contiguous(memory_format=torch.channels_last)
    with computing_in("bfloat16", inputs.device):
        assert network(inputs).dtype == torch.bfloat16


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
