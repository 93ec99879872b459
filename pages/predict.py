"""Predict: a test image, pictures, the camera or a drawing; how it is prepared, what the network predicts, and why."""

import secrets

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.insight.answer import answer_picture
from fmnist_core.pictures.opening import PictureError
from fmnist_core.pictures.painting import shrink_item
from fmnist_core.pictures.preparation import prepare_drawing
from pages.parts.predict.corrections import show_corrections
from pages.parts.predict.drawing_pad import show_drawing_pad
from pages.parts.predict.examples import show_examples
from pages.parts.predict.filmstrip import show_filmstrip
from pages.parts.predict.hand_tools import show_hand_tools, show_kind, switch
from pages.parts.predict.picture_list import PictureList, ask_for_photo, ask_for_uploads
from pages.parts.predict.picture_table import choose_picture
from pages.parts.predict.preparations import preparation_of
from pages.parts.predict.reasons import show_reasons
from pages.parts.shared.answer import show_answer
from pages.parts.shared.cached import kept_likeness, model_or_stop, split_or_stop
from pages.parts.shared.picture import show_picture
from pages.parts.shared.run_picker import pick_network
from pages.parts.shared.url_state import bind, one_of, set_choice, whole_number
from pages.parts.shared.wording import escape

TEST_ITEM, UPLOAD, CAMERA, DRAWING = SOURCES = ("Test item", "Upload", "Camera", "Drawing")
TRAINED_FOR_PHOTOS = "photos-and-drawings"
# What every source returns: what the network sees, (28, 28) uint8, and the class it predicts; None if there is no picture yet.
Shown = tuple[NDArray[np.uint8], int] | None


def predict_views(views: NDArray[np.uint8], true_name: str | None = None, seen: NDArray[np.uint8] | None = None) -> int:
    """Shows the network's answer to a picture in several views, and returns the predicted class."""
    answer = answer_picture(model, views)
    show_answer(answer, seen=seen, true_name=true_name, familiarity=familiarity)
    return answer.first


def show_test_item() -> Shown:
    """An image of the test set, with its label."""
    split = split_or_stop("test")
    bind("item", 0, whole_number(0, len(split) - 1))
    source, words = st.columns([2, 3], gap="large")
    with source:
        with st.container(horizontal=True, vertical_alignment="bottom"):
            index = st.number_input("Number of the test image", 0, len(split) - 1, key="item", persist_state="session", width=200)
            st.button("Random item", icon=":material/casino:", on_click=lambda: set_choice("item", secrets.randbelow(len(split))))
        name = split.class_names[split.labels[index]]
        show_picture(split.images[index], f"Test image {index}, label {name}, enlarged", width_px=280, caption=f"Label: {name}")
        st.caption("A test image already has 28×28 pixels: the network sees it exactly as it is.")
    with words:
        return split.images[index], predict_views(split.images[index][np.newaxis], name)


def show_uploads() -> Shown:
    """Pictures from the person's own device."""
    pictures = ask_for_uploads()
    if not pictures.pictures:
        st.info("Choose files, drop them here or paste them: a shirt, trousers, a shoe, a bag.", icon=":material/upload:")
        return None
    return show_picture_of(pictures)


def show_camera() -> Shown:
    """A photograph taken now."""
    pictures = ask_for_photo()
    return show_picture_of(pictures) if pictures.pictures else None


def show_picture_of(pictures: PictureList) -> Shown:
    """One picture of a list, the tools to correct its preparation, the network's answer, and every step."""
    picture = choose_picture(pictures, model, familiarity)
    source, words = st.columns([2, 3], gap="large")
    try:
        preparation = preparation_of(picture)
    except PictureError as error:
        words.error(escape(f"{picture.name}: {error}"), icon=":material/warning:")
        return None
    with source:
        width = min(280, 280 * picture.image.width // picture.image.height or 1)
        st.image(picture.image, width=width, alt=f"Your picture {picture.name}", caption="Your picture")
        show_kind(picture.id, preparation)
    with words:
        predicted = predict_views(preparation.views, seen=preparation.image)
        with st.expander("Correct it by hand: turn, crop, paint", icon=":material/brush:"):
            show_hand_tools(picture.id, preparation)
    show_filmstrip(model, preparation, picture.id, lambda step, is_on: switch(picture.id, step, is_on))
    return preparation.image, predicted


def show_drawing() -> Shown:
    """A drawing made on the page."""
    source, words = st.columns([2, 3], gap="large")
    with source:
        drawing = show_drawing_pad("pad")
    if drawing is None:
        words.info("Draw a T-shirt, a boot or a bag. Each time you lift the pointer, the answer appears here.", icon=":material/draw:")
        return None
    if drawing.edits_item:
        image = shrink_item(drawing.strokes)
        with words:
            return image, predict_views(image[np.newaxis], seen=image)
    try:
        preparation = prepare_drawing(drawing.strokes, fill=drawing.fill)
    except PictureError as error:
        words.info(escape(str(error)), icon=":material/draw:")
        return None
    with words:
        predicted = predict_views(preparation.views, seen=preparation.image)
    show_filmstrip(model, preparation, "drawing")
    return preparation.image, predicted


st.title("Predict")
run = pick_network()
model = model_or_stop(run)
likeness = kept_likeness(run)
familiarity = None if likeness is None else likeness.familiarity  # the answer does not wait for it
bind("source", TEST_ITEM, one_of(SOURCES))
source = st.radio("What to predict", SOURCES, key="source", horizontal=True, persist_state="session")
if source != TEST_ITEM:
    st.caption("Only you see your pictures and drawings.")
    if run.config.augmentation != TRAINED_FOR_PHOTOS:
        st.caption(
            "This network was trained on the original images only. The starter model was also trained on images that look like photographs "
            "and drawings."
        )
shown = {TEST_ITEM: show_test_item, UPLOAD: show_uploads, CAMERA: show_camera, DRAWING: show_drawing}[source]()
if shown is not None:
    show_reasons(run, model, likeness, *shown)
show_corrections(*(shown or (None, None)))
show_examples(split_or_stop("test"))
