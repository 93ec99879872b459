"""The board itself: a dark screen of panels that fills the window, and a list on a phone."""

import html

import streamlit as st

from fmnist_core.store.database import DatabaseError
from pages.parts.board.shared_board import SHARED_BOARDS, Period


def show_screen(period: Period, join: str) -> None:
    """The board as it is now, always of the same elements, so that a refresh changes their content only."""
    with st.container(key="board"):
        try:
            drawn = SHARED_BOARDS.current(period)
        except DatabaseError as error:
            st.html(f"<h1>Class</h1><p>{html.escape(str(error))}</p>")
            return
        st.html(f'<header><h1>Class</h1><p>{drawn.figures}</p><div class="join">{join}</div></header>')
        st.html(drawn.people)
        st.html(drawn.live)
        st.html(drawn.results)
        with st.container(key="board_chart", height="stretch"):
            st.html("<h2>What was tried</h2>")
            st.echarts_chart(drawn.chart, height="stretch", key="tried", alt=drawn.chart_words)
