"""A T-shirt for the pad, the uploader and the camera: as a stroke, and as a photograph."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

Points = Sequence[tuple[float, float]]  # from 0 to 1 across and down
SHIRT: Points = (
    *((0.3, 0.2), (0.5, 0.25), (0.7, 0.2), (0.9, 0.4), (0.8, 0.5), (0.7, 0.4)),
    *((0.7, 0.85), (0.3, 0.85), (0.3, 0.4), (0.1, 0.5), (0.3, 0.2)),
)


def photograph_shirt(file: Path) -> Path:
    """Writes a photograph of a T-shirt, more or less: blue on a bright floor, with some grain."""
    pixels = np.full((600, 520, 3), (205, 190, 160), np.int16)
    pixels[120:500, 170:350] = pixels[120:220, 100:420] = (40, 50, 110)
    pixels += np.random.default_rng(0).integers(-6, 7, pixels.shape)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(file, quality=95)
    return file
