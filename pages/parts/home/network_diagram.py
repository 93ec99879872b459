"""The network as a row of stages, with the first test image of a class on its way through it."""

from collections.abc import Sequence

import numpy as np
import streamlit as st
from torch import nn

from fmnist_core.dataset.split import Split
from fmnist_core.figures.images import draw_tiles, png_url
from fmnist_core.insight.answer import answer_picture
from fmnist_core.insight.maps import feature_maps
from fmnist_core.network.model import FashionCNN
from fmnist_core.runs.kept import kept_stamp
from fmnist_core.runs.record import RunRecord
from pages.parts.components.network_flow.network_flow import Journey, show_network_flow
from pages.parts.shared.cached import CACHE
from pages.parts.shared.url_state import bind, set_choice

_CHOICE = "sent"


def show_network_diagram(run: RunRecord, model: FashionCNN, split: Split) -> None:
    """Shows one picture per class to choose, and the chosen one, whose class is in the URL, with its maps and the prediction."""
    key = ("journeys", kept_stamp(run), split.digest)
    journeys = CACHE.get(key, lambda: _travel(model, split), _size)
    available = [i for i, journey in enumerate(journeys) if journey is not None]
    if not available:
        st.info("There are no test images to send through the network.", icon=":material/info:")
        return

    def parse(text: str) -> int:
        if int(text) not in available:
            raise ValueError(text)
        return int(text)

    stages = [
        ("Picture", "28×28 pixels", "one item, grey"),
        ("First block", "16 maps of 14×14", f"{_count(model.layer1):,} weights"),
        ("Second block", "32 maps of 7×7", f"{_count(model.layer2):,} weights"),
        ("Prediction", "10 probabilities", f"{_count(model.fc):,} weights"),
    ]
    picked = bind(_CHOICE, available[-1], parse)
    show_network_flow(journeys, split.class_names, stages, picked=picked, on_pick=lambda index: set_choice(_CHOICE, index))


def _travel(model: FashionCNN, split: Split) -> Sequence[Journey | None]:
    """The first image of each class and what the network computes for it; 60 ms for all ten."""
    journeys: list[Journey | None] = []
    for label, name in enumerate(split.class_names):
        found = np.flatnonzero(split.labels == label)
        if not len(found):
            journeys.append(None)
            continue
        image = split.images[found[0]]
        first, second = (
            png_url(draw_tiles(maps.pooled, columns)) for maps, columns in zip(feature_maps(model, image), (4, 8), strict=True)
        )
        percent = tuple(round(100 * float(share), 2) for share in answer_picture(model, image[np.newaxis]).probabilities)
        journeys.append(Journey(name, f"{name}, {split.name} image {found[0]}", png_url(image), first, second, percent))
    return journeys


def _size(journeys: Sequence[Journey | None]) -> int:
    return sum(len(journey.image) + len(journey.first) + len(journey.second) for journey in journeys if journey is not None)


def _count(layer: nn.Module) -> int:
    return sum(parameter.numel() for parameter in layer.parameters())
