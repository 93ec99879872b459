"""Class: the board for the projector, which shows who is here, what trains, and what was tried."""

from pathlib import Path

import streamlit as st

from pages.parts.board.join import draw_join
from pages.parts.board.screen import show_screen
from pages.parts.board.shared_board import REFRESH_S, TODAY_H, Period
from pages.parts.shared.url_state import bind, one_of

PERIODS: dict[str, str] = {"today": "Today", "all": "All"}

st.html(Path(__file__).parent / "parts" / "board" / "board.css")
bind("runs", "today", one_of(PERIODS))
period: Period = "all" if st.session_state["runs"] == "all" else "today"
st.fragment(show_screen, run_every=REFRESH_S)(period, draw_join(st.context.url or ""))
st.segmented_control(
    "Runs on the board",
    list(PERIODS),
    format_func=PERIODS.__getitem__,
    key="runs",
    persist_state="session",
    required=True,
    help=f"Today are the last {TODAY_H} hours, and what still trains.",
)
st.caption("Everyone who can open this dashboard can see this page: names, which page is open, runs and results.")
