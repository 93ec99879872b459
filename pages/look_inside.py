"""Look inside: the kernels of both layers, and the feature maps of a test image."""

from pathlib import Path
from typing import Any

import streamlit as st

from fmnist_core.dataset.classes import DataError
from fmnist_core.dataset.split import Split
from fmnist_core.figures.sheets import make_sheet
from fmnist_core.insight.maps import feature_maps, first_kernels, second_kernels
from fmnist_core.network.model import FashionCNN
from pages.parts.look_inside.item import choose_item
from pages.parts.look_inside.item_maps import show_item
from pages.parts.look_inside.kernels import show_first_layer, show_second_layer
from pages.parts.shared.cached import model_or_stop, split_or_stop
from pages.parts.shared.run_picker import pick_network
from pages.parts.shared.source_code import show_source
from pages.parts.shared.splits import read_split
from pages.parts.shared.url_state import bind, one_of
from pages.parts.shared.wording import ARTICLE

FIRST, SECOND, ITEM = PARTS = ("First layer", "Second layer", "An item on its way through")


def read_images(part: str) -> Split | None:
    """The test images; without them kernels are shown alone, and the item says why there is none."""
    if part == ITEM:
        return split_or_stop("test")
    try:
        return read_split("test")
    except DataError:
        return None


def show_part(model: FashionCNN) -> None:
    """The choice of what to look at and of a test image in one row, and below it what was chosen."""
    shown = {ITEM: "One item"}
    with st.container(key="inside_choices", horizontal=True, vertical_alignment="bottom"):
        bind("part", FIRST, one_of(PARTS))
        options: dict[str, Any] = {"format_func": lambda part: shown.get(part, part), "persist_state": "session", "required": True}
        part = st.segmented_control("What to look at", PARTS, key="part", **options)
        split = read_images(part)
        item = None if split is None else choose_item(model, split)
    with st.container(key="kernels"):
        if part == FIRST:
            show_first_layer(first_kernels(model), item)
        elif part == SECOND:
            inputs = None if item is None else make_sheet(feature_maps(model, item.image)[0].pooled, "strength", "input")
            show_second_layer(second_kernels(model), item, inputs)
        elif item is not None and split is not None:
            show_item(model, item, split)


st.html(Path(__file__).parent / "parts" / "look_inside" / "look_inside.css")
with st.container(key="inside_head", horizontal=True, vertical_alignment="center"):
    st.title("Look inside", anchor=False, width="content")
    run = pick_network()
show_part(model_or_stop(run))
explanation = f"This is the whole network, as in the article {ARTICLE}: its layers, and how a picture goes through them."
show_source("Show the code", explanation, FashionCNN)
