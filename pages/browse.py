"""Browse: random labelled samples of the data set, one of them enlarged, and what each class looks like."""

from pathlib import Path

import streamlit as st

from fmnist_core.dataset.classes import SHORT_NAMES
from fmnist_core.dataset.sampling import sample_indices
from fmnist_core.dataset.split import Split
from pages.parts.browse.class_overview import show_class_overview
from pages.parts.browse.filters import Sample, choose_sample
from pages.parts.components.image_wall.image_wall import show_image_wall
from pages.parts.components.pixel_table.pixel_table import show_pixel_table
from pages.parts.shared.picture import show_picture
from pages.parts.shared.url_state import bind, set_choice, whole_number

KINDS = {"train": "training image", "test": "test image"}
FEW = 20  # up to this many get larger tiles


def describe(split: Split, index: int) -> str:
    """A picture in words: "Bag, test image 18"."""
    return f"{split.class_names[split.labels[index]]}, {KINDS[split.name]} {index}"


def show_item(split: Split, index: int) -> None:
    """One image, enlarged, with its index and label."""
    words, image = describe(split, index), split.images[index]
    st.subheader(words, anchor=False)
    show_picture(image, f"{words}, enlarged", width_px=364)
    st.write(f"Index **{index}** · label **{split.labels[index]}**, which stands for {split.class_names[split.labels[index]]}")
    st.write(
        f"Its 784 pixels range from {image.min()} to {image.max()}, where 0 is black and 255 white; {(image > 0).sum()} are not black."
    )


def show_samples(sample: Sample) -> None:
    """The wall of samples, the chosen one enlarged beside it, and its pixel values below."""
    split = sample.split
    indices = sample_indices(split, sample.count, sample.seed, sample.class_index)
    if len(indices) == 0:
        st.info("There are no images of this class in the data.", icon=":material/info:")
        return
    shown = bind("image", None, whole_number(0, len(split) - 1))
    picked = next((position for position, index in enumerate(indices) if index == shown), 0)
    with st.container(key="browse_frame"), st.container(key="browse_board"):
        with st.container(key="samples"):
            show_image_wall(
                split.images[indices],
                [describe(split, index) for index in indices],
                key="wall",
                title="Random samples",
                captions=[SHORT_NAMES.get(name, name) for name in (split.class_names[label] for label in split.labels[indices])],
                columns=7 if sample.count <= FEW else 9,
                narrow_columns=5,
                picked=picked,
                on_pick=lambda position: set_choice("image", int(indices[position])),
                reveals="large_item",
                in_box=True,
            )
        with st.container(key="large_item"):
            show_item(split, int(indices[picked]))
    words = describe(split, int(indices[picked]))
    st.subheader("What the computer sees: 784 numbers", anchor=False)
    show_pixel_table(split.images[indices[picked]], key="pixels", title=f"Pixel values of {words}")


st.html(Path(__file__).parent / "parts" / "browse" / "browse.css")
with st.container(key="browse_head", horizontal=True, vertical_alignment="center"):
    st.title("Browse", anchor=False, width="content")
    st.write("Random clothes in 28×28 grey pixels, with the label people gave them. Click or tap one to enlarge it.")
sample = choose_sample()
show_samples(sample)
show_class_overview(sample.split, sample.class_index, on_pick=lambda name: set_choice("class", name))
