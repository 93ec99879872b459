"""Browse: random labelled samples of the data set, one of them large, and what each class looks like."""

import secrets

import pandas as pd
import streamlit as st

from fmnist_core.data import Split, SplitName
from fmnist_core.figures import draw_class_counts, draw_pixels
from fmnist_core.sampling import count_classes, mean_images, sample_indices
from pages.parts.cached import split_or_stop
from pages.parts.image_wall import show_image_wall
from pages.parts.picture import show_picture
from pages.parts.url_state import keep, one_of, restore, whole_number, write

ALL = "All classes"
SPLITS: dict[str, SplitName] = {"Training images": "train", "Test images": "test"}
MAX_SEED = 999_999


def choose_sample() -> tuple[Split, int | None, int, int]:
    """The row of choices: which split, which class (None for all), how many, which seed."""
    which, class_place, count_place, seed_place, button = st.columns([3, 3, 2, 2, 2], vertical_alignment="bottom")
    restore("split", next(iter(SPLITS)), one_of(SPLITS))
    chosen = which.selectbox("Images", list(SPLITS), key="split", on_change=keep, args=("split",))
    split = split_or_stop(SPLITS[chosen])
    classes = (ALL, *split.class_names)
    restore("class", ALL, one_of(classes))
    class_name = class_place.selectbox("Class", classes, key="class", on_change=keep, args=("class",))
    restore("count", 20, whole_number(1, 100))
    count = count_place.number_input("How many", 1, 100, step=5, key="count", on_change=keep, args=("count",))
    restore("seed", 0, whole_number(0, MAX_SEED))
    said = "The same number shows the same images on every screen."
    seed = seed_place.number_input("Seed", 0, MAX_SEED, key="seed", on_change=keep, args=("seed",), help=said)
    button.button("New samples", icon=":material/casino:", width="stretch", on_click=lambda: write("seed", secrets.randbelow(MAX_SEED)))
    return split, None if class_name == ALL else split.class_names.index(class_name), count, seed


def show_item(split: Split, index: int) -> None:
    """One image large, with its index, label and pixel values."""
    name, image = split.class_names[split.labels[index]], split.images[index]
    words = f"{name}, {split.name} image {index}"
    st.subheader(words, anchor=False)
    picture, numbers = st.columns([1, 2])
    with picture:
        show_picture(image, f"{words}, enlarged", width_px=280)
        st.write(f"Index **{index}** · label **{split.labels[index]}**, {name}")
        st.write(f"784 pixels from {image.min()} (black) to {image.max()}; {(image > 0).sum()} are not black.")
    alt = f"Pixel values of {words}: 28 rows and 28 columns of numbers from 0, black, to 255, white."
    numbers.plotly_chart(draw_pixels(image), key="pixels", alt=alt)
    with st.expander("Pixel values as a table"):
        st.dataframe(pd.DataFrame(image), height=400)


def show_classes(split: Split) -> None:
    """How many images each class has, and what they look like on average."""
    st.subheader("The ten classes", anchor=False)
    counts = count_classes(split)
    means, bars = st.columns(2)
    with means:
        st.write("The mean of all images of each class:")
        labels = [f"Mean image of {name}, {count:,} images" for name, count in zip(split.class_names, counts, strict=True)]
        show_image_wall(mean_images(split), labels, key="means", title="Mean image of each class", captions=split.class_names, tile_px=110)
    spoken = ", ".join(f"{name} {count:,}" for name, count in zip(split.class_names, counts, strict=True))
    bars.plotly_chart(draw_class_counts(counts, split.class_names), key="counts", alt=f"Number of images of each class: {spoken}.")


st.title("Browse")
st.write("Random images of clothes, each 28×28 pixels in grey, with the label people gave them. Click one to see it large.")
split, class_index, count, seed = choose_sample()
indices = sample_indices(split, count, seed, class_index)
if len(indices) == 0:
    st.info("There are no images of this class in the data.", icon=":material/info:")
else:
    names = [split.class_names[label] for label in split.labels[indices]]
    labels = [f"{name}, {split.name} image {index}" for name, index in zip(names, indices, strict=True)]
    wall, item = st.columns([1, 1], gap="large") if count <= 20 else (st.container(), st.container())
    with wall:
        picked = show_image_wall(
            split.images[indices], labels, key="wall", title="Random samples", captions=names, columns=5 if count <= 20 else 10, picked=0
        )
    with item:
        show_item(split, int(indices[picked or 0]))
show_classes(split)
