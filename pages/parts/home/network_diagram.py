"""The network as a row of stages, each with its output for a real picture."""

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from torch import nn

from fmnist_core.figures.images import draw_tiles, png_url
from fmnist_core.insight.answer import answer_picture
from fmnist_core.insight.maps import feature_maps
from fmnist_core.network.model import FashionCNN


def show_network_diagram(model: FashionCNN, image: NDArray[np.uint8], name: str, class_names: Sequence[str]) -> None:
    """Shows the picture, its maps after both blocks, and the prediction, with all pixels in the same size.

    Args:
        image: (28, 28) uint8.
        name: the name of its true class.
    """
    first, second = feature_maps(model, image)
    answer = answer_picture(model, image[np.newaxis])
    prediction = f"Prediction: {html.escape(class_names[answer.first])}"
    stages = [
        _stage(_picture(image, f"The picture: {name}, 28×28 pixels"), "Picture", "28×28 pixels", "one item, grey"),
        _stage(
            _picture(draw_tiles(first.pooled, columns=4), "Its 16 maps after the first block, 14×14 each"),
            "First block",
            "16 maps of 14×14",
            f"{_count(model.layer1):,} weights",
        ),
        _stage(
            _picture(draw_tiles(second.pooled, columns=4), "Its 32 maps after the second block, 7×7 each"),
            "Second block",
            "32 maps of 7×7",
            f"{_count(model.layer2):,} weights",
        ),
        _stage(
            _bars(answer.probabilities, class_names),
            prediction,
            "10 probabilities",
            f"{_count(model.fc):,} weights",
        ),
    ]
    arrow = '<div class="arrow" aria-hidden="true">→</div>'
    st.html(f'<div class="network">{arrow.join(stages)}</div>')


def _stage(shown: str, title: str, shape: str, note: str) -> str:
    return f'<div class="stage">{shown}<div class="words"><strong>{title}</strong><br>{shape}<br>{note}</div></div>'


def _picture(pixels: NDArray[np.uint8], alt: str) -> str:
    height, width = pixels.shape
    return f'<img src="{png_url(pixels)}" alt="{html.escape(alt)}" style="aspect-ratio: {width} / {height}">'


def _bars(probabilities: NDArray[np.float32], class_names: Sequence[str]) -> str:
    """Ten bars as a table, so that a screen reader reads names and numbers."""
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td><span class="bar" style="width: {100 * share:.0f}%"></span></td>'
        f"<td>{100 * share:.1f} %</td></tr>"
        for name, share in zip(class_names, probabilities, strict=True)
    )
    return f"<table>{rows}</table>"


def _count(layer: nn.Module) -> int:
    return sum(parameter.numel() for parameter in layer.parameters())
