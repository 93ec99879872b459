"""Predict: a test item, an uploaded picture or a drawing, what is done to it, and what the network answers."""

import secrets

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.imaging import PictureError, Preparation, open_picture, prepare, prepare_drawing
from fmnist_core.model import FashionCNN
from pages.parts.answer import show_answer
from pages.parts.cached import model_or_stop, probabilities, split_or_stop
from pages.parts.drawing_pad import show_drawing_pad
from pages.parts.picture import show_picture
from pages.parts.run_picker import pick_run
from pages.parts.url_state import keep, one_of, restore, whole_number, write

TEST_ITEM, UPLOAD, DRAWING = SOURCES = ("Test item", "Upload", "Drawing")
_SEEN_PX = 168
TYPES = ("png", "jpg", "jpeg", "webp", "gif", "bmp")


def show_test_item(model: FashionCNN) -> None:
    """An image of the test set, with its label."""
    split = split_or_stop("test")
    restore("item", 0, whole_number(0, len(split) - 1))
    source, answer = st.columns([2, 3], gap="large")
    with source:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            index = st.number_input("Number of the test image", 0, len(split) - 1, key="item", on_change=keep, args=("item",), width=200)
            st.button("Random item", icon=":material/casino:", on_click=lambda: write("item", secrets.randbelow(len(split))))
        name = split.class_names[split.labels[index]]
        show_picture(
            split.images[index], f"Test image {index}, a {name}, enlarged", width_px=280, caption="The 28×28 pixels the network sees"
        )
    with answer:
        show_answer(probabilities(model, split.images[index]), name)


def show_upload(model: FashionCNN) -> None:
    """A picture from the person's own device."""
    source, answer = st.columns([2, 3], gap="large")
    with source:
        file = st.file_uploader(
            "A picture of one item of clothing", type=TYPES, key="upload", help="It works best on a plain, bright background."
        )
        st.caption("The picture stays in this browser session only; nothing of it is saved.")
        if file is None:
            st.info("Choose a file, drop it here or paste it.", icon=":material/upload:")
            return
        try:
            picture = open_picture(file.getvalue(), file.name)
            preparation = prepare(picture)
        except PictureError as error:
            st.error(str(error), icon=":material/warning:")
            return
        with st.container(horizontal=True):
            st.image(picture, width=_SEEN_PX, alt=f"Your picture {file.name}", caption="Your picture")
            show_what_it_sees(preparation.image)
    with answer:
        show_answer(probabilities(model, preparation.image))
    show_steps(preparation, "These are the steps by which the makers of Fashion-MNIST turned product photographs into the training images.")


def show_drawing(model: FashionCNN) -> None:
    """A drawing made on the page."""
    source, answer = st.columns([2, 3], gap="large")
    with source:
        drawn = show_drawing_pad("pad", label="Drawing area: draw one item of clothing, as large as the area")
        if drawn is None:
            st.info(
                "Draw a T-shirt, a boot or a bag. The network knows filled shapes, so fill yours with a thick brush.",
                icon=":material/draw:",
            )
            return
        try:
            preparation = prepare_drawing(drawn)
        except PictureError as error:
            st.info(str(error), icon=":material/draw:")
            return
        show_what_it_sees(preparation.image)
    with answer:
        show_answer(probabilities(model, preparation.image))
    show_steps(preparation, "A drawing is cut out, made small and centred as the training images were.")


def show_what_it_sees(image: NDArray[np.uint8]) -> None:
    """The 28×28 result, next to what was given."""
    show_picture(
        image,
        "The 28×28 pixels that the network sees, enlarged",
        width_px=_SEEN_PX,
        caption="What the network sees",
    )


def show_steps(preparation: Preparation, said: str) -> None:
    """Every step from the picture to the 28×28, each with its sentence."""
    st.subheader("From your picture to 28×28, step by step", anchor=False)
    st.caption(said)
    with st.container(horizontal=True):
        for number, step in enumerate(preparation.steps, start=1):
            with st.container(width=170):
                show_picture(step.image, f"After step {number}, {step.name}: {step.sentence}", width_px=140)
                st.markdown(f"**{number}. {step.name}**  \n{step.sentence}")


st.title("Predict")
model = model_or_stop(pick_run())
restore("source", TEST_ITEM, one_of(SOURCES))
source = st.radio("What to predict", SOURCES, key="source", horizontal=True, on_change=keep, args=("source",))
{TEST_ITEM: show_test_item, UPLOAD: show_upload, DRAWING: show_drawing}[source](model)
