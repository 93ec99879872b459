"""Look inside: the kernels of both layers, and what they make of an item of your choice."""

import secrets

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.explanation import FeatureMaps, feature_maps, first_kernels, second_kernels
from fmnist_core.model import FashionCNN
from pages.parts.cached import model_or_stop, probabilities, split_or_stop
from pages.parts.picture import show_picture
from pages.parts.run_picker import pick_run
from pages.parts.sheets import limit_of, numbered, show_sheet
from pages.parts.url_state import keep, one_of, restore, whole_number, write

BY_KERNEL, BY_CHANNEL, OVERVIEW, ARTICLE = WAYS = ("One kernel", "One input channel", "All 512 at once", "As in the article")
FIRST, SECOND, ITEM = PARTS = ("First layer", "Second layer", "An item on its way through")
STAGES = {"after pooling": "pooled", "after ReLU": "activated", "after convolution": "convolved"}


def show_first_layer(kernels: NDArray[np.float32]) -> None:
    """All 16 kernels of the first layer, (16, 5, 5)."""
    st.write(
        "A **kernel** is a small stamp of 5×5 weights that slides over the picture: where the picture looks like the stamp, the result is "
        "high. Orange weights want bright pixels, blue ones dark pixels, white ones do not care. Orange beside blue finds an edge."
    )
    grey = st.toggle("Grey, as in the article", key="first_grey")
    limit = limit_of(kernels)
    alt = f"The 16 kernels of the first layer, 5×5 weights each, from {kernels.min():.2f} to {kernels.max():.2f}."
    show_sheet(kernels, "first", alt, columns=8, limit=limit, names=numbered("", 16), legend="weight", grey=grey, tile_px=100)


def show_second_layer(kernels: NDArray[np.float32]) -> None:
    """The 32 × 16 kernels of the second layer, (32, 16, 5, 5), in the way that is chosen."""
    st.write(
        "Each of the 32 kernels of the second layer has 16 slices, one for each map that the first layer makes. They combine edges into "
        "corners, stripes and curves. Nobody can read them like a picture: what they do shows better in the maps of an item."
    )
    restore("way", BY_KERNEL, one_of(WAYS))
    way = st.radio("Show", WAYS, key="way", horizontal=True, on_change=keep, args=("way",))
    limit = limit_of(kernels)
    if way == BY_KERNEL:
        restore("kernel", 0, whole_number(0, 31))
        chosen = st.number_input("Kernel", 0, 31, key="kernel", on_change=keep, args=("kernel",), width=160)
        alt = f"The 16 slices of kernel {chosen} of the second layer, one for each input channel."
        show_sheet(kernels[chosen], "second", alt, columns=8, limit=limit, names=numbered("channel", 16), legend="weight", tile_px=100)
    elif way == BY_CHANNEL:
        restore("channel", 0, whole_number(0, 15))
        chosen = st.number_input("Input channel", 0, 15, key="channel", on_change=keep, args=("channel",), width=160)
        alt = f"What the 32 kernels of the second layer look for in channel {chosen}."
        show_sheet(kernels[:, chosen], "second", alt, columns=8, limit=limit, names=numbered("kernel", 32), legend="weight", tile_px=100)
    elif way == OVERVIEW:
        st.caption("A row a kernel, a column an input channel.")
        names = [f"kernel {i // 16}, channel {i % 16}" for i in range(512)]
        alt = "All 512 slices of the second layer: 32 rows of kernels, 16 columns of input channels."
        show_sheet(kernels.reshape(512, 5, 5), "second", alt, columns=16, limit=limit, hover_names=names, legend="weight", tile_px=44)
    else:
        st.caption("The article shows channel 0 of every kernel in grey, eight a row: white is the highest weight, black the lowest.")
        alt = "Channel 0 of the 32 kernels of the second layer in grey, eight a row."
        show_sheet(kernels[:, 0], "second", alt, columns=8, limit=limit, hover_names=numbered("kernel", 32), grey=True, legend="weight")


def choose_item() -> tuple[int, NDArray[np.uint8], str]:
    """A test image by its number or at random: its index, picture and name."""
    split = split_or_stop("test")
    restore("item", 0, whole_number(0, len(split) - 1))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        index = st.number_input("Number of the test image", 0, len(split) - 1, key="item", on_change=keep, args=("item",), width=200)
        st.button("Random item", icon=":material/casino:", on_click=lambda: write("item", secrets.randbelow(len(split))))
        restore("stage", next(iter(STAGES)), one_of(STAGES))
        st.selectbox("Show the maps", list(STAGES), key="stage", on_change=keep, args=("stage",), width=200)
    return index, split.images[index], split.class_names[split.labels[index]]


def show_item(model: FashionCNN) -> None:
    """An item, its maps after each block, and the answer."""
    st.write("A test image on its way through the network, from top to bottom. The darker the blue, the stronger the response.")
    index, image, name = choose_item()
    first, second = feature_maps(model, image)
    show_picture(image, f"Test image {index}, a {name}, enlarged", width_px=168, caption=f"In: {name}, 28×28 pixels")
    show_maps(first, "first", 16, "The first block makes **16 maps**, one a kernel: edges of one direction each, bright or dark areas.")
    show_maps(second, "second", 32, "The second block makes **32 smaller maps** from those: parts such as a collar, a sleeve, a heel.")
    answer = probabilities(model, image)
    best = split_or_stop("test").class_names[int(answer.argmax())]
    st.write(
        "Last, the 7·7·32 = 1,568 numbers that the second block hands on are weighed into ten scores. "
        f"The answer: **{best}**, {100 * answer.max():.1f} %."
    )


def show_maps(maps: FeatureMaps, layer: str, count: int, said: str) -> None:
    """The maps of one block at the chosen stage."""
    stage = st.session_state["stage"]
    shown: NDArray[np.float32] = getattr(maps, STAGES[stage])
    st.write(f"{said} Shown {stage}: {count} × {shown.shape[1]}×{shown.shape[2]}.")
    signed = stage == "after convolution"
    alt = f"{count} feature maps of the {layer} block {stage}, {shown.shape[1]}×{shown.shape[2]} each, the highest value {shown.max():.1f}."
    names = numbered("", count)
    show_sheet(
        shown, f"{layer}_maps", alt, columns=8, limit=limit_of(shown), names=names, around_zero=signed, legend="response", tile_px=100
    )


st.title("Look inside")
chosen_model = model_or_stop(pick_run())
restore("part", FIRST, one_of(PARTS))
part = st.segmented_control("What to look at", PARTS, key="part", on_change=keep, args=("part",), required=True)
if part == FIRST:
    show_first_layer(first_kernels(chosen_model))
elif part == SECOND:
    show_second_layer(second_kernels(chosen_model))
else:
    show_item(chosen_model)
