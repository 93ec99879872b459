"""FashionCNN: the article's network, two convolutional blocks and one linear layer. `fast` computes the same in less time."""

from torch import Tensor, nn

from fmnist_core.settings.config import Pixels


class FashionCNN(nn.Module):
    """Two blocks of Conv 5×5 → BatchNorm → ReLU → MaxPool 2 with 16 and 32 kernels, then a linear layer; 29,034 parameters.

    Its state dict is the file format of weights.

    Args:
        pixels: the kind of pixels it is trained on and expects, "normalised" or "raw"; see `inputs.to_inputs`.
    """

    def __init__(self, pixels: Pixels = "normalised") -> None:
        super().__init__()
        self.pixels = pixels
        self.layer1 = nn.Sequential(
            nn.Conv2d(1, 16, kernel_size=5, padding=2),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.layer2 = nn.Sequential(
            nn.Conv2d(16, 32, kernel_size=5, padding=2),
            nn.BatchNorm2d(32),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.fc = nn.Linear(7 * 7 * 32, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (N, 10) for inputs (N, 1, 28, 28)."""
        maps = self.layer1(inputs)  # (N, 16, 14, 14)
        maps = self.layer2(maps)  # (N, 32, 7, 7)
        logits: Tensor = self.fc(maps.flatten(start_dim=1))
        return logits
