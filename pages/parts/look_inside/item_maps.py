"""A test image on its way through the network: the feature maps of both blocks, and the prediction."""

import secrets
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.dataset.split import Split
from fmnist_core.figures.sheets import SheetColours, colour_limits
from fmnist_core.insight.answer import answer_picture
from fmnist_core.insight.maps import FeatureMaps, feature_maps
from fmnist_core.network.model import FashionCNN
from pages.parts.look_inside.sheets import show_sheet
from pages.parts.shared.cached import split_or_stop
from pages.parts.shared.picture import show_picture
from pages.parts.shared.url_state import bind, one_of, set_choice, whole_number

ANY = "Any class"
STAGES = {
    "after pooling": "pooled",
    "after ReLU": "activated",
    "after the convolution": "convolved",
}
STAGE_HELP = {
    "after pooling": "**Pooling** keeps the highest of each 2×2 numbers, so the map is half as wide and half as high. "
    "This is the block's output.",
    "after ReLU": "The numbers are first brought to a common scale, then **ReLU** turns every negative one into 0.",
    "after the convolution": "The **convolution** slides a kernel over its input: orange where it fits, blue where its opposite fits.",
}
# For normalised pixels only: among raw ones 0 is black, so there is no frame.
BORDER_HELP = (
    "Why are there bars at the borders? Beyond the edge of the picture, the network sees zeros. This network uses normalised pixels, "
    "among which zero is a dark grey, not black, so it sees a frame."
)


def show_item(model: FashionCNN) -> None:
    """Shows a chosen test image, its maps after each block, and the network's prediction."""
    split = split_or_stop("test")
    index, stage = choose_item(split)
    image, name = split.images[index], split.class_names[split.labels[index]]
    first, second = feature_maps(model, image)
    picture, words = st.columns([1, 4], vertical_alignment="center")
    with picture:
        show_picture(image, f"Test image {index}, {name}, enlarged", width_px=168)
    words.markdown(
        f"Test image {index}: **{name}**, 28×28 pixels. Each block slides its kernels over its input, and every kernel makes one "
        f"**feature map**, which shows how well the kernel fits at each position. {STAGE_HELP[stage]}"
    )
    edges = "Some follow edges in one direction, others the dark background."
    show_block(first, stage, "First block", f"One map for each of the 16 kernels. {edges}")
    if model.pixels == "normalised":
        st.caption(BORDER_HELP)
    show_block(second, stage, "Second block", "One map for each of the 32 kernels. They are coarse, and few have a meaning we can name.")
    show_prediction(model, image, split.class_names, int(split.labels[index]))


def choose_item(split: Split) -> tuple[int, str]:
    """The choice of a test image, by number, by class or at random, and of the maps: its index and a key of `STAGES`."""
    bind("item", 0, whole_number(0, len(split) - 1))
    classes = (ANY, *(split.class_names[label] for label in np.unique(split.labels)))
    bind("item_class", ANY, one_of(classes))
    bind("stage", next(iter(STAGES)), one_of(STAGES))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        options: dict[str, Any] = {"persist_state": "session", "width": 200, "args": (split,)}
        st.number_input("Number of the test image", 0, len(split) - 1, key="item", on_change=_take_number, **options)
        st.selectbox("Class", classes, key="item_class", on_change=_take_class, **options)
        st.button("Random item", icon=":material/casino:", on_click=_take_random, args=(split,))
        st.selectbox("Show the maps", list(STAGES), key="stage", persist_state="session", width=230)
    return int(st.session_state["item"]), str(st.session_state["stage"])


def show_block(maps: FeatureMaps, stage: str, title: str, explanation: str) -> None:
    """The maps of one block at one stage."""
    shown: NDArray[np.float32] = getattr(maps, STAGES[stage])
    count, height, width = shown.shape
    colours: SheetColours = "signed" if stage == "after the convolution" else "strength"
    st.subheader(f"{title}: {count} maps of {height}×{width}", anchor=False)
    st.write(f"{explanation} {'' if colours == 'signed' else 'The darker the blue, the stronger the response.'}")
    show_sheet(
        shown,
        f"maps_{title.split()[0].lower()}",
        f"{count} feature maps of the {title.lower()} {stage}, {height}×{width} each, from {shown.min():.1f} to {shown.max():.1f}.",
        columns=8,
        limits=colour_limits(shown, colours),
        colours=colours,
        labels={"map": np.arange(count)},
        names=[str(i) for i in range(count)],
        legend="response",
        tile_px=120,
    )


def show_prediction(model: FashionCNN, image: NDArray[np.uint8], class_names: tuple[str, ...], label: int) -> None:
    """The network's prediction, and whether it is correct."""
    answer = answer_picture(model, image[np.newaxis])
    st.subheader(f"Prediction: {class_names[answer.first]}, {100 * answer.probabilities[answer.first]:.1f} %", anchor=False)
    verdict = "That is correct." if answer.first == label else f"That is wrong: it is labelled {class_names[label]}."
    st.write(
        "The last layer computes ten scores, one for each class, as weighted sums of all 32·7·7 = 1,568 numbers from the second block, "
        f"and the highest score wins. {verdict}"
    )


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
