"""The fast network computes the same as the plain one, in every way that it is used."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from fmnist_core.network import fast
from fmnist_core.network.fast import fast_features, fast_forward, to_device
from fmnist_core.network.inputs import to_inputs
from fmnist_core.network.model import FashionCNN
from fmnist_core.settings.config import TrainConfig
from fmnist_core.training.state import draw_network, make_optimizer

IMAGES = torch.randint(0, 256, (30, 28, 28), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
LABELS = torch.arange(30) % 10
BIASES = ("layer1.0.bias", "layer2.0.bias")
HAS_BFLOAT16 = bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


@dataclass(frozen=True)
class Tolerance:
    """The largest differences allowed, as vector norms relative to those of the tensors."""

    logits: float
    gradients: float
    statistics: float


# In float32, summing in another order gave differences of 2e-6, 3e-6 and 1e-7. In bfloat16, with its 8 significant bits, they were 0.01,
# 0.16 and 1e-4: where rounding makes two of the four numbers in a pooling window equal, the gradient goes to a different one.
TOLERANCES = {"float32": Tolerance(1e-5, 2e-5, 1e-6), "bfloat16": Tolerance(0.04, 0.3, 0.02)}


@pytest.fixture(params=["dense", "onednn"])
def layout(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both memory layouts, whichever is faster on this processor."""
    monkeypatch.setattr(fast, "_ONEDNN_IS_FAST", request.param == "onednn")
    return str(request.param)


@pytest.fixture(params=["float32", "bfloat16"])
def precision(request: pytest.FixtureRequest, layout: str) -> str:
    if request.param == "bfloat16" and layout == "onednn" and not HAS_BFLOAT16:
        pytest.skip("oneDNN has no bfloat16 on this processor, so the network never uses it")
    return str(request.param)


def two_networks(seed: int) -> tuple[FashionCNN, FashionCNN]:
    """Two equal networks whose biases and running statistics differ from those of a new network."""
    plain = draw_network(TrainConfig(seed=seed))
    generator = torch.Generator().manual_seed(seed)
    for block in (plain.layer1, plain.layer2):
        torch.nn.init.uniform_(block[0].get_parameter("bias"), -1, 1, generator=generator)
        torch.nn.init.uniform_(block[1].get_buffer("running_mean"), -1, 1, generator=generator)
        torch.nn.init.uniform_(block[1].get_buffer("running_var"), 0.5, 2, generator=generator)
    copy = FashionCNN()
    copy.load_state_dict(plain.state_dict())
    return plain, copy


def assert_near(got: Tensor, wanted: Tensor, tolerance: float, name: str = "") -> None:
    got, wanted = got.detach(), wanted.detach()
    share = float(torch.linalg.vector_norm(got - wanted) / torch.linalg.vector_norm(wanted))
    assert share <= tolerance, f"{name}: {share:.3g} relative difference"


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("training", [True, False], ids=["training mode", "evaluation mode"])
def test_logits_gradients_and_running_statistics_are_the_plain_networks(seed: int, training: bool, precision: str) -> None:
    tolerance = TOLERANCES[precision]
    plain, quick = (model.train(training) for model in two_networks(seed))
    inputs = to_inputs(plain, IMAGES)
    forward = fast_forward(to_device(quick, inputs.device), precision)
    if not training:
        with torch.no_grad():
            assert_near(forward(inputs), plain(inputs), tolerance.logits, "logits without gradients")
    wanted, got = plain(inputs), forward(inputs)
    assert got.dtype == torch.float32
    assert_near(got, wanted, tolerance.logits, "logits")
    for logits in (wanted, got):
        functional.cross_entropy(logits, LABELS).backward()
    for (name, theirs), ours in zip(plain.named_parameters(), quick.parameters(), strict=True):
        assert theirs.grad is not None
        if training and name in BIASES:
            assert ours.grad is None
            weight = plain.get_parameter(name.replace("bias", "weight")).grad
            assert weight is not None
            assert theirs.grad.abs().max() < 1e-4 * weight.abs().max(), "BatchNorm cancels a bias, so its gradient is 0"
        else:
            assert ours.grad is not None, name
            assert_near(ours.grad, theirs.grad, tolerance.gradients, f"gradient of {name}")
    for (name, kept), ours_kept in zip(plain.named_buffers(), quick.buffers(), strict=True):
        if name.endswith("num_batches_tracked"):
            assert ours_kept == kept == int(training)
        else:
            assert_near(ours_kept, kept, tolerance.statistics, name)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_twenty_training_steps_give_the_same_network(seed: int, precision: str) -> None:
    plain, quick = two_networks(seed)
    config = TrainConfig(learning_rate=0.002)
    losses: list[list[float]] = []
    for model, forward in ((plain, plain), (quick, fast_forward(quick, precision))):
        optimizer = make_optimizer(config, model.train())
        losses.append([])
        for step in range(20):
            inputs, labels = to_inputs(model, IMAGES.roll(step, 0)[:20]), LABELS.roll(step, 0)[:20]
            optimizer.zero_grad()
            loss = functional.cross_entropy(forward(inputs), labels)
            loss.backward()
            optimizer.step()
            losses[-1].append(float(loss.detach()))
    assert losses[0][-1] < 0.6 * losses[0][0], "nothing was learned"
    torch.testing.assert_close(
        torch.tensor(losses[1]), torch.tensor(losses[0]), rtol={"float32": 0.01, "bfloat16": 0.15}[precision], atol=0.01
    )
    with torch.no_grad():
        wanted, got = plain.eval()(to_inputs(plain, IMAGES)), fast_forward(quick.eval(), precision)(to_inputs(quick, IMAGES))
    assert_near(got, wanted, {"float32": 0.02, "bfloat16": 0.2}[precision], "logits after twenty steps")


@pytest.mark.usefixtures("layout")
def test_the_linear_layers_input() -> None:
    plain, quick = (model.eval() for model in two_networks(3))
    with torch.no_grad():
        inputs = to_inputs(plain, IMAGES)
        wanted = plain.layer2(plain.layer1(inputs)).flatten(start_dim=1)
        assert_near(fast_features(quick, inputs), wanted, 1e-5)


def test_bfloat16_rounds(layout: str) -> None:
    """Otherwise the bfloat16 tests would compare float32 with itself."""
    precision = "bfloat16" if layout == "dense" or HAS_BFLOAT16 else pytest.skip("oneDNN has no bfloat16 on this processor")
    _, model = two_networks(0)
    with torch.no_grad():
        inputs = to_inputs(model.eval(), IMAGES)
        assert not torch.equal(fast_forward(model, precision)(inputs), fast_forward(model)(inputs))


def test_only_processors_that_benefit_use_onednns_layout(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, model = torch.zeros(2, 1, 28, 28), FashionCNN()
    given: list[Tensor] = []

    def forward_block(_block: nn.Sequential, maps: Tensor) -> Tensor:
        given.append(maps)
        return torch.zeros(2, 1568)

    monkeypatch.setattr(fast, "_forward_block", forward_block)
    cases = ((True, True, "bfloat16"), (True, False, "bfloat16"), (True, False, "float32"), (False, True, "float32"))
    for is_fast, has_bfloat16, precision in cases:
        monkeypatch.setattr(fast, "_ONEDNN_IS_FAST", is_fast)
        monkeypatch.setattr(fast, "_ONEDNN_HAS_BFLOAT16", has_bfloat16)
        fast_forward(model, precision)(inputs)
    assert [maps.is_mkldnn for maps in given[::2]] == [True, False, True, False]


def test_weights_are_stored_in_the_layout(layout: str) -> None:
    weight = to_device(FashionCNN(), torch.device("cpu")).get_parameter("layer2.0.weight")
    assert weight.is_contiguous(memory_format=torch.contiguous_format if layout == "onednn" else torch.channels_last)
