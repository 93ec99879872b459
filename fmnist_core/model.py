"""FashionCNN: the article's network, two convolution blocks and one linear layer; and what it is computed on."""

import contextlib
import platform
from collections.abc import Iterator
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fmnist_core.config import Pixels, Precision
from fmnist_core.data import CLASS_NAMES, normalise, to_raw

_ONEDNN_LAYS_OUT = torch.backends.mkldnn.is_available() and platform.machine() in ("x86_64", "AMD64")


class FashionCNN(nn.Module):
    """Two blocks of Conv 5×5 → BatchNorm → ReLU → MaxPool 2 with 16 and 32 kernels, then Linear 7·7·32 → 10; 29,034 parameters.

    Args:
        generator: where the initial weights are drawn from; None takes PyTorch's global state.
        pixels: what the network is shown: "normalised" pixels, or "raw" ones from 0 to 255.
    """

    def __init__(self, generator: torch.Generator | None = None, pixels: Pixels = "normalised") -> None:
        super().__init__()
        self.pixels = pixels
        self.layer1 = nn.Sequential(nn.Conv2d(1, 16, kernel_size=5, padding=2), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2))
        self.layer2 = nn.Sequential(nn.Conv2d(16, 32, kernel_size=5, padding=2), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2))
        self.fc = nn.Linear(7 * 7 * 32, len(CLASS_NAMES))
        if generator is not None:
            self._draw_weights(generator)
        for block in (self.layer1, self.layer2):
            _bias(block[0]).zero_()  # see `train`; drawn before all the same, so that a seed gives the weights it always gave
        self.place_on(torch.device("cpu"))

    def train(self, mode: bool = True) -> Self:
        """To train, or to be tested. To train, the convolutions' biases are made 0, which changes nothing in what the network computes.

        BatchNorm takes away any constant, a bias as well. What one was is counted off the mean that BatchNorm keeps; from then on it
        need not be added in every step, and its gradient, 0 but for the rounding, not be computed.
        """
        for block in (self.layer1, self.layer2):
            bias, norm = _bias(block[0]), block[1]
            if mode and bool(bias.any()):
                assert isinstance(norm, nn.BatchNorm2d)
                assert norm.running_mean is not None
                norm.running_mean.sub_(bias)
                bias.zero_()
        return super().train(mode)

    def count_batches(self, batches: int) -> None:
        """Notes how many batches BatchNorm has seen, which its modules count and nothing reads; two counts a step took 0.3 % of it."""
        for name, buffer in self.named_buffers():
            if name.endswith("num_batches_tracked"):
                buffer.fill_(batches)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (N, 10) of inputs (N, 1, 28, 28) as `as_inputs` makes them, or as `lay_out` lays those out."""
        return _as_dense(self.fc(self._features(inputs)))

    def features(self, inputs: Tensor) -> Tensor:
        """What the linear layer decides by, (N, 1568): the pooled maps of the second block, one after the other."""
        return _as_dense(self._features(inputs))

    def _features(self, inputs: Tensor) -> Tensor:
        maps = _pass(self.layer1, inputs)  # (N, 16, 14, 14)
        maps = _pass(self.layer2, maps)  # (N, 32, 7, 7)
        return maps.flatten(start_dim=1)

    def place_on(self, device: torch.device) -> Self:
        """Moves the network to a device, its weights lying as that computes fastest with them.

        Without oneDNN's layout that is the channels of a pixel side by side: 10,000 images took 0.35 s against 0.78.
        """
        memory_format = torch.contiguous_format if _has_onednn_layout(device) else torch.channels_last
        return self.to(device, memory_format=memory_format)  # type: ignore[call-overload]  # documented, but missing from the stubs

    def as_inputs(self, images: NDArray[np.uint8] | Tensor) -> Tensor:
        """Pictures as this network was trained to see them.

        Args:
            images: (N, 28, 28) uint8, array or tensor on any device.
        Returns:
            (N, 1, 28, 28) float32 on the network's device.
        Raises:
            ValueError: if images have any other shape or type.
        """
        return (normalise if self.pixels == "normalised" else to_raw)(images).to(self.fc.weight.device)

    def _draw_weights(self, generator: torch.Generator) -> None:
        """PyTorch's own default, U(-1/√fan_in, 1/√fan_in) for weights and biases, from a generator that PyTorch's does not take."""
        for layer in self.modules():
            if not isinstance(layer, nn.Conv2d | nn.Linear):
                continue
            assert layer.bias is not None
            bound = layer.weight[0].numel() ** -0.5
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)


def _pass(block: nn.Sequential, maps: Tensor) -> Tensor:
    """The block's output, as its modules compute it but for the rounding; the functions that they call in the end take less time.

    The highest of four is taken before what is below 0 is cut off: the same, and ReLU has a quarter to do.
    """
    convolution, norm, _, pool = block
    assert isinstance(convolution, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    assert isinstance(pool, nn.MaxPool2d)
    assert norm.running_mean is not None
    assert norm.momentum is not None
    mean = norm.running_mean if norm.training else norm.running_mean - _bias(convolution)
    maps = torch.conv2d(maps, convolution.weight, None, convolution.stride, convolution.padding)
    maps = torch.batch_norm(maps, norm.weight, norm.bias, mean, norm.running_var, norm.training, norm.momentum, norm.eps, True)
    return torch.relu(torch.max_pool2d(maps, pool.kernel_size, pool.stride))


def _bias(convolution: nn.Module) -> Tensor:
    """Its values, which change with it."""
    assert isinstance(convolution, nn.Conv2d)
    assert convolution.bias is not None
    return convolution.bias.detach()


def _as_dense(tensor: Tensor) -> Tensor:
    return tensor.to_dense(torch.float32) if tensor.is_mkldnn else tensor


def lay_out(inputs: Tensor, precision: str) -> Tensor:
    """Inputs (N, 1, 28, 28) as their device computes fastest with them.

    On Intel's and AMD's processors that is the layout of oneDNN, the library that PyTorch convolves with: 16 channels of a pixel side
    by side and in any precision. All that the network makes of them stays in it.
    """
    if not _has_onednn_layout(inputs.device):
        return inputs
    return inputs.to(number_type(precision)).to_mkldnn()


@contextlib.contextmanager
def testing(model: FashionCNN) -> Iterator[None]:
    """The network as it is tested, without gradients; afterwards its mode is what it was."""
    was_training = model.training
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.train(was_training)


def number_type(precision: str) -> torch.dtype:
    """The type of inputs in a precision, "bfloat16" or "float32"."""
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def computing_in(precision: str, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """In which a network computes in a precision. What `lay_out` has laid out carries its own."""
    if precision == "float32" or _has_onednn_layout(device):
        return contextlib.nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def _has_onednn_layout(device: torch.device) -> bool:
    return device.type == "cpu" and _ONEDNN_LAYS_OUT


def pick_device() -> torch.device:
    """The fastest device here: CUDA, then Apple's MPS, then the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def device_name(device: torch.device) -> str:
    """The device in words, such as "CPU, 2 threads"."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "mps":
        return "Apple GPU (MPS)"
    return f"CPU, {torch.get_num_threads()} threads" if torch.get_num_threads() > 1 else "CPU, 1 thread"


def pick_precision(wanted: Precision, device: torch.device) -> str:
    """What a network is trained in: "bfloat16" where it is not refused and the processor multiplies it in hardware, else "float32".

    A step in bfloat16 took 8.0 ms against 11.4 (batch 100, two cores with AVX512-BF16); without such instructions it is slower.
    """
    if wanted == "float32":
        return "float32"
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported(including_emulation=False) else "float32"
    if device.type == "cpu":
        supported = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        return "bfloat16" if supported else "float32"
    return "float32"
