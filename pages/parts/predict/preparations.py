"""The preparation of a person's pictures, done again only after another choice, since a page runs many times for one picture."""

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fmnist_core.pictures.preparation import Preparation, prepare
from pages.parts.predict.hand_tools import read_choices
from pages.parts.predict.picture_list import Picture

_LAST = "last_preparation"  # its steps hold a megabyte
_VIEWS = "views_of_pictures"  # by picture, 3 KB each


def preparation_of(picture: Picture) -> Preparation:
    """The picture prepared as the person has chosen for it; the last one is kept. Raises PictureError as `prepare` does."""
    choices = read_choices(picture.id)
    asked = (picture.id, choices.key)
    last: tuple[Any, Preparation] | None = st.session_state.get(_LAST)
    if last is None or last[0] != asked:
        last = st.session_state[_LAST] = (asked, prepare(picture.image, choices))
    return last[1]


def views_of(picture: Picture) -> NDArray[np.uint8]:
    """The views (V, 28, 28) of the picture, prepared likewise; those of all pictures are kept."""
    kept: dict[str, tuple[Any, NDArray[np.uint8]]] = st.session_state.setdefault(_VIEWS, {})
    asked = read_choices(picture.id).key
    if picture.id not in kept or kept[picture.id][0] != asked:
        kept[picture.id] = asked, preparation_of(picture).views
    return kept[picture.id][1]
