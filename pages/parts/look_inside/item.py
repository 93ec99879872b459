"""The test image whose maps are shown: chosen by number, by class or at random, with its maps at a stage of each block."""

import secrets
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.dataset.split import Split
from fmnist_core.figures.images import png_url
from fmnist_core.figures.sheets import Sheet, SheetColours, make_sheet
from fmnist_core.insight.maps import FeatureMaps, feature_maps
from fmnist_core.network.model import FashionCNN
from pages.parts.components.tile_wall.tile_wall import Picture
from pages.parts.shared.url_state import bind, one_of, set_choice, whole_number

ANY = "Any class"
CONVOLVED = "after the convolution"
STAGES = {"after pooling": "pooled", "after ReLU": "activated", CONVOLVED: "convolved"}


@dataclass(frozen=True, eq=False)
class Item:
    """A test image on its way through a network.

    Attributes:
        index: its number.
        image: (28, 28) uint8.
        class_name: its class.
        stage: which maps are shown, a key of `STAGES`.
        first, second: the maps of both blocks at that stage.
    """

    index: int
    image: NDArray[np.uint8]
    class_name: str
    stage: str
    first: Sheet
    second: Sheet

    @property
    def picture(self) -> Picture:
        """The image itself, for a panel beside tiles."""
        words = f"Test image {self.index}: {self.class_name}"
        return Picture(png_url(self.image), f"{words}, enlarged", words)


def choose_item(model: FashionCNN, split: Split) -> Item:
    """The fields that choose a test image and a stage, and the maps of the chosen one."""
    bind("item", 0, whole_number(0, len(split) - 1))
    classes = (ANY, *(split.class_names[label] for label in np.unique(split.labels)))
    bind("item_class", ANY, one_of(classes))
    bind("stage", next(iter(STAGES)), one_of(STAGES))
    options: dict[str, Any] = {"persist_state": "session", "args": (split,)}
    st.number_input("Test image", 0, len(split) - 1, key="item", on_change=_take_number, **options)
    st.selectbox("Class", classes, key="item_class", on_change=_take_class, **options)
    st.selectbox("Maps after", list(STAGES), format_func=lambda stage: stage.split()[-1], key="stage", persist_state="session")
    st.button("Random item", key="random_item", icon=":material/casino:", on_click=_take_random, args=(split,))
    index, stage = int(st.session_state["item"]), str(st.session_state["stage"])
    image = split.images[index]
    first, second = (_sheet(maps, stage) for maps in feature_maps(model, image))
    return Item(index, image, split.class_names[split.labels[index]], stage, first, second)


def _sheet(maps: FeatureMaps, stage: str) -> Sheet:
    colours: SheetColours = "signed" if stage == CONVOLVED else "strength"
    return make_sheet(getattr(maps, STAGES[stage]), colours, "response")


def _take_number(split: Split) -> None:
    """After a number was typed: keeps the class only if the image belongs to it."""
    if split.class_names[split.labels[st.session_state["item"]]] != st.session_state["item_class"]:
        set_choice("item_class", ANY)


def _take_class(split: Split) -> None:
    """After a class was chosen: shows its first image."""
    if st.session_state["item_class"] != ANY:
        set_choice("item", int(_candidates(split)[0]))


def _take_random(split: Split) -> None:
    """Shows a random image of the chosen class."""
    set_choice("item", int(secrets.choice(_candidates(split))))


def _candidates(split: Split) -> NDArray[np.int64]:
    chosen = st.session_state["item_class"]
    return np.arange(len(split)) if chosen == ANY else np.flatnonzero(split.labels == split.class_names.index(chosen))
