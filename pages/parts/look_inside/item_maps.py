"""A test image on its way through the network: the feature maps of both blocks, and the prediction."""

import streamlit as st

from fmnist_core.dataset.split import Split
from fmnist_core.figures.sheets import Sheet
from fmnist_core.insight.answer import answer_picture
from fmnist_core.network.model import FashionCNN
from pages.parts.components.tile_wall.tile_wall import show_tile_wall
from pages.parts.look_inside.item import CONVOLVED, Item
from pages.parts.shared.picture import show_picture

STAGE_HELP = {
    "after pooling": "**Pooling** keeps the highest of each 2×2 numbers, so the map is half as wide and half as high. "
    "This is the block's output.",
    "after ReLU": "The numbers are first brought to a common scale, then **ReLU** turns every negative one into 0.",
    CONVOLVED: "The **convolution** slides a kernel over its input: orange where it fits, blue where its opposite fits.",
}
# For normalised pixels only: among raw ones 0 is black, so there is no frame.
BORDER_HELP = (
    "Why are there bars at the borders? Beyond the edge of the picture, the network sees zeros. This network uses normalised pixels, "
    "among which zero is a dark grey, not black, so it sees a frame."
)


def show_item(model: FashionCNN, item: Item, split: Split) -> None:
    """Shows the image, its maps after each block, and the network's prediction; then explains them."""
    answer = answer_picture(model, item.image[None])
    says = split.class_names[answer.first]
    with st.container(key="item_head", horizontal=True, vertical_alignment="center"):
        with st.container(key="item_picture", width="content"):
            show_picture(item.image, f"Test image {item.index}, {item.class_name}, enlarged", width_px=84)
        with st.container():
            st.subheader(f"Prediction: {says}, {100 * answer.probabilities[answer.first]:.1f} %", anchor=False)
            verdict = "That is correct." if says == item.class_name else f"That is wrong: it is labelled {item.class_name}."
            st.write(f"Test image {item.index}: **{item.class_name}**, 28×28 pixels. {verdict}")
    show_block(item.first, item.stage, "First block")
    show_block(item.second, item.stage, "Second block")
    st.markdown(
        "Each block slides its kernels over its input, and every kernel makes one **feature map**, which shows how well the kernel fits at "
        f"each position. {STAGE_HELP[item.stage]} In the first block some maps follow edges in one direction, others the dark background. "
        "Those of the second are coarse, and few have a meaning we can name. The last layer computes ten scores, one for each class, as "
        "weighted sums of all 32·7·7 = 1,568 numbers from the second block, and the highest score wins."
    )
    if model.pixels == "normalised":
        st.caption(BORDER_HELP)


def show_block(maps: Sheet, stage: str, title: str) -> None:
    """The maps of one block at one stage."""
    count, height, width = maps.values.shape
    st.subheader(f"{title}: {count} maps of {height}×{width}", anchor=False)
    lowest, highest = float(maps.values.min()), float(maps.values.max())
    show_tile_wall(
        [maps],
        [f"Map {i}: from {one.min():.1f} to {one.max():.1f}" for i, one in enumerate(maps.values)],
        key=f"maps_{title.split()[0].lower()}",
        title=f"{count} feature maps of the {title.lower()} {stage}, {height}×{width} each, from {lowest:.1f} to {highest:.1f}.",
        columns=(16, 8),
        names=[str(i) for i in range(count)],
    )
