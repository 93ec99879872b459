"""The network as a row of its stages, each with what it makes of one real picture."""

import html
from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray
from torch import nn

from fmnist_core.insight.maps import feature_maps
from fmnist_core.network.model import FashionCNN
from pages.parts.shared.cached import probabilities
from pages.parts.home.class_strip import as_data_url


def show_network_diagram(model: FashionCNN, image: NDArray[np.uint8], name: str, class_names: Sequence[str]) -> None:
    """Shows the picture, its maps after both blocks, and the answer, all pixels to one scale.

    Args:
        image: (28, 28) uint8.
        name: the class it is labelled with.
    """
    first, second = feature_maps(model, image)
    answer = probabilities(model, image)
    best = class_names[int(answer.argmax())]
    stages = [
        _stage(_picture(image, f"The picture: {name}, 28×28 pixels"), "Picture", "28×28 pixels", "one item, grey"),
        _stage(
            _picture(_tile(first.pooled, columns=4), "Its 16 maps after the first block, 14×14 each"),
            "First block",
            "16 maps of 14×14",
            f"{_count(model.layer1):,} weights",
        ),
        _stage(
            _picture(_tile(second.pooled, columns=4), "Its 32 maps after the second block, 7×7 each"),
            "Second block",
            "32 maps of 7×7",
            f"{_count(model.layer2):,} weights",
        ),
        _stage(_bars(answer, class_names), f"Answer: {html.escape(best)}", "10 probabilities", f"{_count(model.fc):,} weights"),
    ]
    arrow = '<div class="arrow" aria-hidden="true">→</div>'
    st.html(f'<div class="network">{arrow.join(stages)}</div>')


def _stage(shown: str, title: str, shape: str, said: str) -> str:
    return f'<div class="stage">{shown}<div class="words"><strong>{title}</strong><br>{shape}<br>{said}</div></div>'


def _picture(pixels: NDArray[np.uint8], alt: str) -> str:
    height, width = pixels.shape
    return f'<img src="{as_data_url(pixels)}" alt="{html.escape(alt)}" style="aspect-ratio: {width} / {height}">'


def _tile(maps: NDArray[np.float32], columns: int) -> NDArray[np.uint8]:
    """(N, H, W) maps side by side as one grey picture: black for no response, white for the strongest."""
    count, height, width = maps.shape
    scaled = (255 * maps / (maps.max() or 1)).astype(np.uint8)
    sheet = np.pad(scaled, ((0, 0), (0, 1), (0, 1)), constant_values=90)  # a grey line between the maps
    sheet = sheet.reshape(count // columns, columns, height + 1, width + 1).swapaxes(1, 2)
    return sheet.reshape(count // columns * (height + 1), columns * (width + 1))[:-1, :-1]


def _bars(answer: NDArray[np.float32], class_names: Sequence[str]) -> str:
    """Ten bars as a table, so that a screen reader reads names and numbers."""
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th><td><span class="bar" style="width: {100 * share:.0f}%"></span></td>'
        f"<td>{100 * share:.1f} %</td></tr>"
        for name, share in zip(class_names, answer, strict=True)
    )
    return f"<table>{rows}</table>"


def _count(layer: nn.Module) -> int:
    return sum(parameter.numel() for parameter in layer.parameters())
