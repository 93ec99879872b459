"""Several pictures with their answers as a table, and the choice of the one to look at."""

import base64
import io

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray
from PIL import Image

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.insight.answer import answer
from fmnist_core.insight.familiarity import Familiarity, score_unfamiliarity
from fmnist_core.network.model import FashionCNN
from fmnist_core.pictures.opening import PictureError
from fmnist_core.pictures.preparation import prepare
from pages.parts.predict.hand_tools import read_choices
from pages.parts.predict.picture_list import Picture, PictureList

_VIEWS = "views_of_pictures"  # (V, 28, 28) by picture: 3 kB each
_CHOSEN = "picture_on_show"  # outlives the page, unlike the widget's own key
_WIDGET = "look_at"


def choose_picture(pictures: PictureList, model: FashionCNN, familiarity: Familiarity) -> Picture:
    """The only picture, or the one chosen from a table of all of them."""
    shown = list(pictures.pictures.values())
    if len(shown) == 1:
        return shown[0]
    st.subheader(f"{len(shown)} pictures", anchor=False)
    progress = st.empty()
    rows = []
    for number, picture in enumerate(shown, start=1):
        progress.progress(number / len(shown), text=f"Looking at picture {number} of {len(shown)}")
        rows.append(_answer(picture, model, familiarity))
    progress.empty()
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        key="picture_table",
        row_height=60,
        column_config={"Picture": st.column_config.ImageColumn(width="small")},
    )
    names = {file_id: f"{number}. {picture.name}" for number, (file_id, picture) in enumerate(pictures.pictures.items(), start=1)}
    last = st.session_state.get(_CHOSEN)
    st.session_state[_WIDGET] = last if last in names else next(iter(names))
    chosen = st.selectbox("Look at", list(names), format_func=names.__getitem__, key=_WIDGET, on_change=_remember)
    return pictures.pictures[chosen]


def _remember() -> None:
    st.session_state[_CHOSEN] = st.session_state[_WIDGET]


def _answer(picture: Picture, model: FashionCNN, familiarity: Familiarity) -> dict[str, object]:
    """A row of the table."""
    row: dict[str, object] = {"Picture": _thumbnail(picture.image), "Name": picture.name}
    try:
        views = _views(picture)
    except PictureError as error:
        return row | {"The network says": str(error), "Sure": "", "Second guess": "", "Unlike the training images": ""}
    probabilities = answer(model, views)
    first, second = (int(i) for i in np.argsort(-probabilities, kind="stable")[:2])
    return row | {
        "The network says": CLASS_NAMES[first],
        "Sure": f"{100 * probabilities[first]:.0f} %",
        "Second guess": f"{CLASS_NAMES[second]}, {100 * probabilities[second]:.0f} %",
        "Unlike the training images": "yes" if score_unfamiliarity(model, views) > familiarity.threshold else "no",
    }


def _views(picture: Picture) -> NDArray[np.uint8]:
    """(V, 28, 28), prepared as the person has chosen for it, and again only after another choice."""
    choices = read_choices(picture.id)
    kept = st.session_state.setdefault(_VIEWS, {})
    if kept.get(picture.id, (None,))[0] != choices.key:
        kept[picture.id] = choices.key, prepare(picture.image, choices).views
    views: NDArray[np.uint8] = kept[picture.id][1]
    return views


def _thumbnail(image: Image.Image) -> str:
    small = image.convert("RGB")
    small.thumbnail((96, 96))
    file = io.BytesIO()
    small.save(file, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()
