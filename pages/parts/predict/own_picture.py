"""Pictures that a person brings: the list, the tools to correct the preparation of one, and the network's answer to it."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fmnist_core.pictures.opening import PictureError
from fmnist_core.pictures.preparation import Preparation
from pages.parts.predict.camera import show_camera_and_answer, show_new_photo_button, takes_another
from pages.parts.predict.explanation import show_explanation
from pages.parts.predict.frame import Network, answer_side, classify, input_side, show_no_answer
from pages.parts.predict.hand_tools import show_hand_tools, show_kind, switch
from pages.parts.predict.picture_list import Picture, PictureList, ask_for_uploads, photos
from pages.parts.predict.picture_table import choose_picture
from pages.parts.predict.preparations import preparation_of
from pages.parts.shared.projector import enlarged_px, is_projecting
from pages.parts.shared.wording import escape


def show_uploads(network: Network) -> None:
    """Pictures from the person's own device."""
    asked, answered = input_side(), answer_side()
    with asked:
        pictures = ask_for_uploads()
    show_pictures(network, pictures, asked, answered, "Choose files, drop them here or paste them: a shirt, trousers, a shoe, a bag.")


def show_camera(network: Network) -> None:
    """What the camera sees, answered while it is on, or the photo that was taken with it."""
    asked, answered = input_side(), answer_side()
    if photos().pictures:
        with asked:
            show_new_photo_button()
        show_pictures(network, photos(), asked, answered, "")
        return
    with asked, st.container(key="camera_side"):
        show_camera_and_answer(network, answered, starts=takes_another())
        st.caption("Nothing is recorded: of the video only the latest frame is held, and a photo stays in this browser session.")
    show_explanation(network, None)


def show_pictures(network: Network, pictures: PictureList, asked: DeltaGenerator, answered: DeltaGenerator, request: str) -> None:
    """One picture of a list with the tools to correct its preparation, the answer to it, and every step.

    Args:
        asked, answered: `input_side` and `answer_side` of this source.
        request: what to do while the list is empty.
    """
    with asked:
        picture = choose_picture(pictures, network.model, network.familiarity)
    if picture is None:
        with answered:
            show_no_answer(request, "upload")
        show_explanation(network, None)
        return
    try:
        preparation = preparation_of(picture)
    except PictureError as error:
        with answered:
            show_no_answer(escape(f"{picture.name}: {error}"), "warning", is_error=True)
        show_explanation(network, None)
        return
    with asked:
        _show_tools(picture, preparation)
    with answered:
        classified = classify(network, preparation.views, kind=preparation.kind, seen=preparation.image)
    show_explanation(network, classified, preparation, picture.id, lambda step, is_on: switch(picture.id, step, is_on))


def _show_tools(picture: Picture, preparation: Preparation) -> None:
    with st.container(key="own_picture", horizontal=True):
        width = min(104, 104 * picture.image.width // picture.image.height or 1)
        st.image(picture.image, width=enlarged_px(width), alt=f"Your picture {picture.name}")
        with st.container(width="stretch"):
            show_kind(picture.id, preparation)
    with st.expander("Correct it by hand: turn, crop, paint", icon=":material/brush:", expanded=is_projecting()):
        show_hand_tools(picture.id, preparation)
