"""Predict: a test item, an uploaded picture or a drawing, what is done to it, and what the network answers."""

import secrets

import streamlit as st

from fmnist_core.imaging import Preparation, prepare, prepare_drawing
from fmnist_core.model import FashionCNN
from fmnist_core.pictures import PictureError
from pages.parts.answer import show_answer
from pages.parts.cached import model_or_stop, probabilities, split_or_stop
from pages.parts.drawing_pad import show_drawing_pad
from pages.parts.picture import show_picture
from pages.parts.run_picker import escape, pick_run
from pages.parts.uploaded_picture import ask_for_picture
from pages.parts.url_state import keep, one_of, restore, whole_number, write

TEST_ITEM, UPLOAD, DRAWING = SOURCES = ("Test item", "Upload", "Drawing")


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
        show_picture(split.images[index], f"Test image {index}, label {name}, enlarged", width_px=280, caption=f"Label: {name}")
        st.caption("A test image is 28×28 pixels already: the network sees it just as it is.")
    with answer:
        show_answer(probabilities(model, split.images[index]), true_name=name)


def show_upload(model: FashionCNN) -> None:
    """A picture from the person's own device."""
    source, answer = st.columns([2, 3], gap="large")
    with source:
        try:
            chosen = ask_for_picture()
        except PictureError as error:
            st.error(escape(str(error)), icon=":material/warning:")
            return
        if chosen is None:
            st.info("Choose a file, drop it here or paste it.", icon=":material/upload:")
            return
        name, picture = chosen
        preparation = prepare(picture)
        st.image(picture, width=min(280, 280 * picture.width // picture.height or 1), alt=f"Your picture {name}", caption="Your picture")
    with answer:
        show_answer(probabilities(model, preparation.image), seen=preparation.image)
    show_steps(preparation, "These are the steps by which the makers of Fashion-MNIST turned product photographs into the training images.")


def show_drawing(model: FashionCNN) -> None:
    """A drawing made on the page."""
    source, answer = st.columns([2, 3], gap="large")
    with source:
        strokes = show_drawing_pad("pad", label="Drawing area: draw one item of clothing, as large as the area")
    with answer:
        if strokes is None:
            st.info(
                "Draw a T-shirt, a boot or a bag. The network knows filled shapes, so fill yours with a thick brush. "
                "Each time you lift the pointer, the answer appears here.",
                icon=":material/draw:",
            )
            return
        try:
            preparation = prepare_drawing(strokes)
        except PictureError as error:
            st.info(str(error), icon=":material/draw:")
            return
        show_answer(probabilities(model, preparation.image), seen=preparation.image)
    show_steps(preparation, "A drawing is cut out, made small and centred as the training images were.")


def show_steps(preparation: Preparation, said: str) -> None:
    """Every step from the picture to the 28×28, each with its sentence."""
    st.subheader("From your picture to 28×28, step by step", anchor=False)
    st.caption(said)
    with st.container(horizontal=True):
        for number, step in enumerate(preparation.steps, start=1):
            with st.container(width=160):
                st.markdown(f"**{number}. {step.name}**")
                show_picture(step.image, f"After step {number}, {step.name}: {step.sentence}", width_px=140)
                st.markdown(step.sentence)


st.title("Predict")
model = model_or_stop(pick_run())
restore("source", TEST_ITEM, one_of(SOURCES))
source = st.radio("What to predict", SOURCES, key="source", horizontal=True, on_change=keep, args=("source",))
{TEST_ITEM: show_test_item, UPLOAD: show_upload, DRAWING: show_drawing}[source](model)
