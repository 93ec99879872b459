"""The preparation of a person's pictures, repeated only when a choice has changed, because a page runs many times per picture."""

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
    """The picture prepared with the person's choices; the latest preparation is cached. Raises PictureError as `prepare` does."""
    choices = read_choices(picture.id)
    key = (picture.id, choices.key)
    last: tuple[Any, Preparation] | None = st.session_state.get(_LAST)
    if last is None or last[0] != key:
        last = st.session_state[_LAST] = (key, prepare(picture.image, choices))
    return last[1]


def views_of(picture: Picture) -> NDArray[np.uint8]:
    """The views (V, 28, 28) of the prepared picture; those of all pictures are cached."""
    cache: dict[str, tuple[Any, NDArray[np.uint8]]] = st.session_state.setdefault(_VIEWS, {})
    key = read_choices(picture.id).key
    if picture.id not in cache or cache[picture.id][0] != key:
        cache[picture.id] = key, preparation_of(picture).views
    return cache[picture.id][1]
