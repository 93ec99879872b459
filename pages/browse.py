"""Browse: random labelled samples of the data set, one of them enlarged, and what each class looks like."""

import secrets

import streamlit as st

from fmnist_core.dataset.sampling import sample_indices
from fmnist_core.dataset.split import Split, SplitName
from pages.parts.browse.class_overview import show_class_overview
from pages.parts.components.image_wall.image_wall import show_image_wall
from pages.parts.components.pixel_table.pixel_table import show_pixel_table
from pages.parts.shared.cached import split_or_stop
from pages.parts.shared.picture import show_picture
from pages.parts.shared.url_state import bind, one_of, set_choice, whole_number

ALL = "All classes"
SPLITS: dict[str, SplitName] = {"Training images": "train", "Test images": "test"}
KINDS = {"train": "training image", "test": "test image"}
MAX_SEED = 999_999
FEW = 20  # up to this many are shown in rows of five; more get smaller tiles


def choose_sample() -> tuple[Split, int | None, int, int]:
    """The row of choices: the split, the class (None for all), how many images, and the seed."""
    split_column, class_column, count_column, seed_column, button_column = st.columns([3, 3, 2, 2, 2], vertical_alignment="bottom")
    bind("split", next(iter(SPLITS)), one_of(SPLITS))
    chosen = split_column.selectbox("Images", list(SPLITS), key="split", persist_state="session")
    split = split_or_stop(SPLITS[chosen])
    classes = (ALL, *split.class_names)
    bind("class", ALL, one_of(classes))
    class_name = class_column.selectbox("Class", classes, key="class", persist_state="session")
    bind("count", FEW, whole_number(1, 100))
    count = count_column.number_input("How many", 1, 100, step=5, key="count", persist_state="session")
    bind("seed", 0, whole_number(0, MAX_SEED))
    help = "The start of the random numbers: the same seed shows the same images on every screen."
    seed = seed_column.number_input("Seed", 0, MAX_SEED, key="seed", persist_state="session", help=help)
    new_seed = secrets.randbelow(MAX_SEED) + 1
    button_column.button("New samples", icon=":material/casino:", width="stretch", on_click=set_choice, args=("seed", new_seed))
    return split, None if class_name == ALL else split.class_names.index(class_name), count, seed


def describe(split: Split, index: int) -> str:
    """A picture in words: "Bag, test image 18"."""
    return f"{split.class_names[split.labels[index]]}, {KINDS[split.name]} {index}"


def show_item(split: Split, index: int) -> None:
    """One image, enlarged, with its index and label."""
    words, image = describe(split, index), split.images[index]
    with st.container(key="large_item"):
        st.subheader(words, anchor=False)
        show_picture(image, f"{words}, enlarged", width_px=364)
        st.write(f"Index **{index}** · label **{split.labels[index]}**, which stands for {split.class_names[split.labels[index]]}")
        st.write(
            f"Its 784 pixels range from {image.min()} to {image.max()}, where 0 is black and 255 white; {(image > 0).sum()} are not black."
        )


def show_samples(split: Split, class_index: int | None, count: int, seed: int) -> None:
    """The wall of samples, the chosen one enlarged beside it, and its pixel values below."""
    indices = sample_indices(split, count, seed, class_index)
    if len(indices) == 0:
        st.info("There are no images of this class in the data.", icon=":material/info:")
        return
    shown = bind("image", None, whole_number(0, len(split) - 1))
    picked = next((position for position, index in enumerate(indices) if index == shown), 0)
    wall, item = st.columns([3, 2], gap="large")
    with wall, st.container(key="samples"):
        show_image_wall(
            split.images[indices],
            [describe(split, index) for index in indices],
            key="wall",
            title="Random samples",
            captions=[split.class_names[label] for label in split.labels[indices]],
            columns=5 if count <= FEW else 8,
            picked=picked,
            on_pick=lambda position: set_choice("image", int(indices[position])),
            reveals="large_item",
        )
    with item:
        show_item(split, int(indices[picked]))
    words = describe(split, int(indices[picked]))
    st.subheader("What the computer sees: 784 numbers", anchor=False)
    show_pixel_table(split.images[indices[picked]], key="pixels", title=f"Pixel values of {words}")


st.title("Browse")
st.write("Random images of clothes, each 28×28 grey pixels, with the label people gave them. Click one to enlarge it.")
split, class_index, count, seed = choose_sample()
show_samples(split, class_index, count, seed)
show_class_overview(split, class_index, on_pick=lambda name: set_choice("class", name))
