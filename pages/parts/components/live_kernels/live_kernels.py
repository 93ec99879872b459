"""The kernels of the first layer while a run trains, as one small picture that is updated in place."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fmnist_core.figures.images import paint_kernels, png_url
from fmnist_core.figures.sheets import colour_limits
from fmnist_core.settings.number_words import power_of_ten
from pages.parts.components.component import load_component

_COLUMNS = 4
_LARGE = 1000  # a run that diverges has weights of ten digits


def show_live_kernels(kernels: NDArray[np.float32], step: int) -> None:
    """Shows kernels (16, 5, 5) with one colour scale; white is 0."""
    reach = colour_limits(kernels, "signed")[1]
    limit = f"{reach:.2g}" if reach < _LARGE else power_of_ten(reach, 2)
    picture = load_component(Path(__file__).parent)
    picture(
        key="live_kernels",
        data={
            "source": png_url(paint_kernels(kernels, _COLUMNS, reach)),
            "alt": f"The {len(kernels)} kernels of the first layer, 5×5 weights each, from {kernels.min():.2g} to {kernels.max():.2g}, "
            f"after step {step:,}.",
            "caption": f"Kernels: orange +{limit}, white 0, blue −{limit}",
        },
    )
