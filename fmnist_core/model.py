"""FashionCNN: the article's network, two convolution blocks and one linear layer."""

import torch
from torch import Tensor, nn

from fmnist_core.data import CLASS_NAMES


class FashionCNN(nn.Module):
    """Two blocks of Conv 5×5 → BatchNorm → ReLU → MaxPool 2 with 16 and 32 kernels, then Linear 7·7·32 → 10; 29,034 parameters.

    Args:
        generator: where the initial weights are drawn from; None takes PyTorch's global state.
    """

    def __init__(self, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.layer1 = nn.Sequential(nn.Conv2d(1, 16, kernel_size=5, padding=2), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2))
        self.layer2 = nn.Sequential(nn.Conv2d(16, 32, kernel_size=5, padding=2), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2))
        self.fc = nn.Linear(7 * 7 * 32, len(CLASS_NAMES))
        if generator is not None:
            self._draw_weights(generator)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, 10) of images (N, 1, 28, 28) normalised by `data.normalise`."""
        features = self.layer1(images)  # (N, 16, 14, 14)
        features = self.layer2(features)  # (N, 32, 7, 7)
        return self.fc(features.flatten(start_dim=1))

    def _draw_weights(self, generator: torch.Generator) -> None:
        """PyTorch's own default, U(-1/√fan_in, 1/√fan_in) for weights and biases, from a generator that PyTorch's does not take."""
        for layer in self.modules():
            if not isinstance(layer, nn.Conv2d | nn.Linear):
                continue
            assert layer.bias is not None
            bound = layer.weight[0].numel() ** -0.5
            nn.init.uniform_(layer.weight, -bound, bound, generator=generator)
            nn.init.uniform_(layer.bias, -bound, bound, generator=generator)


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
