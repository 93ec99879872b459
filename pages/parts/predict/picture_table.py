"""Several pictures with the network's answers as a table, and the choice of the one to look at."""

import pandas as pd
import streamlit as st

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.figures.images import thumbnail_url
from fmnist_core.insight.answer import answer_picture
from fmnist_core.insight.familiarity import Familiarity
from fmnist_core.network.model import FashionCNN
from fmnist_core.pictures.opening import PictureError
from pages.parts.predict.picture_list import Picture, PictureList
from pages.parts.predict.preparations import views_of

_CHOSEN = "picture_on_show"  # outlives the page, unlike the widget's own key
_WIDGET = "look_at"


def choose_picture(pictures: PictureList, model: FashionCNN, familiarity: Familiarity | None) -> Picture:
    """The only picture, or the one chosen from a table of all of them.

    Args:
        familiarity: None if it is not known yet; then the table does not say which pictures are unlike the training images.
    """
    shown = list(pictures.pictures.values())
    if len(shown) == 1:
        return shown[0]
    st.subheader(f"{len(shown)} pictures", anchor=False)
    progress = st.empty()
    rows = []
    for number, picture in enumerate(shown, start=1):
        progress.progress(number / len(shown), text=f"Classifying picture {number} of {len(shown)}")
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


def _answer(picture: Picture, model: FashionCNN, familiarity: Familiarity | None) -> dict[str, object]:
    """A row of the table."""
    row: dict[str, object] = {"Picture": thumbnail_url(picture.image), "Name": picture.name}
    try:
        answer = answer_picture(model, views_of(picture))
    except PictureError as error:
        return row | {"The network says": str(error), "Sure": "", "Second guess": "", "Unlike the training images": ""}
    first, second = answer.first, answer.second
    return row | {
        "The network says": CLASS_NAMES[first],
        "Sure": f"{100 * answer.probabilities[first]:.0f} %",
        "Second guess": f"{CLASS_NAMES[second]}, {100 * answer.probabilities[second]:.0f} %",
        "Unlike the training images": "…" if familiarity is None else "yes" if answer.is_unfamiliar(familiarity) else "no",
    }
