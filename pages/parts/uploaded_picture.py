"""The picture that a person has uploaded; it lives in the session, and nowhere else."""

import streamlit as st
from PIL import Image

from fmnist_core.pictures import open_picture

_TYPES = ("png", "jpg", "jpeg", "webp", "gif", "bmp")
_CHOSEN = "uploaded_picture"  # outlives the page, unlike the widget's own key
_WIDGET = "upload"


def ask_for_picture() -> tuple[str, Image.Image] | None:
    """Shows the uploader and returns the chosen picture with its name, also after the page was left and shown again.

    Raises:
        PictureError: if the file is no picture that can be used.
    """
    file = st.file_uploader(
        "A picture of one item of clothing",
        type=_TYPES,
        key=_WIDGET,
        on_change=_forget_picture,
        help="It works best when one item fills the picture and the background is plain and bright.",
    )
    st.caption("The picture stays in this browser session only; nothing of it is saved.")
    if file is not None and _CHOSEN not in st.session_state:
        st.session_state[_CHOSEN] = file.name, open_picture(file.getvalue(), file.name)
    elif file is None and _CHOSEN in st.session_state:
        st.button("Remove the picture", icon=":material/delete:", on_click=_forget_picture)
    chosen: tuple[str, Image.Image] | None = st.session_state.get(_CHOSEN)
    return chosen


def _forget_picture() -> None:
    st.session_state.pop(_CHOSEN, None)
