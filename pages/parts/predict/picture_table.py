"""Several pictures with the network's answers as a table, and the choice of the one to look at."""

from contextlib import nullcontext

import pandas as pd
import streamlit as st

from fmnist_core.dataset.classes import CLASS_NAMES
from fmnist_core.figures.images import thumbnail_url
from fmnist_core.insight.answer import answer_picture
from fmnist_core.insight.familiarity import Familiarity, Level
from fmnist_core.network.model import FashionCNN
from fmnist_core.pictures.opening import PictureError
from pages.parts.predict.picture_list import Picture, PictureList
from pages.parts.predict.preparations import views_of
from pages.parts.shared.wording import count, escape

_FEW = 3  # reasons that are shown unfolded
_HEADER_PX, _ROW_PX = 38, 38
_LARGEST_PX = 172  # one scrolls to further rows, so that the rest of the page stays near
_CHOSEN = "picture_on_show"  # outlives the page, unlike the widget's own key
_WIDGET = "look_at"
_WORDS: dict[Level, str] = {"familiar": "no", "unusual": "somewhat", "unlike": "yes"}


def choose_picture(pictures: PictureList, model: FashionCNN, familiarity: Familiarity | None) -> Picture | None:
    """The only picture, or the one chosen from a table of all files, which says of each why it could not be used; None if none could.

    Args:
        familiarity: None if it is not known yet; then the table does not say which pictures are unlike the training images.
    """
    shown = list(pictures.pictures.values())
    if len(shown) + len(pictures.problems) <= 1:
        return shown[0] if shown else None
    with st.container(key="picture_choice", horizontal=True, vertical_alignment="center"):
        st.subheader(count(len(shown), "picture"), anchor=False, width="content")
        chosen = _choose(pictures) if len(shown) > 1 else shown[0] if shown else None
    progress = st.empty()
    rows = []
    for number, picture in enumerate(shown, start=1):
        progress.progress(number / len(shown), text=f"Classifying picture {number} of {len(shown)}")
        rows.append(_answer(picture, model, familiarity))
    progress.empty()
    if rows:
        st.dataframe(
            pd.DataFrame(rows),
            hide_index=True,
            key="picture_table",
            height=min(_LARGEST_PX, _HEADER_PX + _ROW_PX * len(rows)),
            row_height=_ROW_PX,
            column_config={"Picture": st.column_config.ImageColumn(width="small")},
        )
    if pictures.problems:
        sentences = [escape(sentence) for sentence in pictures.problems.values()]
        label = f"{count(len(sentences), 'file')} not taken"
        with st.container(key="refused_files"), st.expander(label) if len(sentences) > _FEW else nullcontext():
            st.table(pd.DataFrame({label: sentences}), hide_index=True)
    return chosen


def _choose(pictures: PictureList) -> Picture:
    names = {file_id: f"{number}. {picture.name}" for number, (file_id, picture) in enumerate(pictures.pictures.items(), start=1)}
    last = st.session_state.get(_CHOSEN)
    st.session_state[_WIDGET] = last if last in names else next(iter(names))
    chosen = st.selectbox(
        "Look at", list(names), format_func=names.__getitem__, key=_WIDGET, on_change=_remember, label_visibility="collapsed"
    )
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
        "Unlike the training images": "…" if familiarity is None else _WORDS[answer.level(familiarity)],
    }
